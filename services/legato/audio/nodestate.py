"""What a node should play for a player, and what to send so that it does. Pure.

Lavalink v4's player, https://lavalink.dev/api/rest.html#update-player: UNSET fields are not sent.
"""

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from legato.audio import listening, position
from legato.audio.state import Player, VoiceState

SAME_MOMENT = 1_000
"""Positions within this are the same: reports and commands cross on the way."""


class Voice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a node needs to speak in a channel."""

    token: str
    endpoint: str
    session_id: str
    channel_id: str


class NodeState(msgspec.Struct, frozen=True, kw_only=True):
    """What a node plays for one guild: as it should be, or as it was found."""

    play_id: str | None = None
    encoded: str = ""
    position: int = 0
    """Milliseconds, the node's buffer already taken off."""
    sought: bool = False
    """Wanted only: a position more than 1 s off is to be mended; where nobody hears it, any."""
    paused: bool = False
    volume: int = 100
    voice: Voice | None = None
    connected: bool = False
    """Found only: the node's voice connection stands."""


class UserData(msgspec.Struct, frozen=True, kw_only=True):
    """What we hang on a track, to know our plays again."""

    play_id: str


class PatchTrack(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The track of a PATCH; encoded None stops."""

    encoded: str | None
    user_data: UserData | UnsetType = UNSET


class Patch(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a PATCH of a player, as Lavalink names its fields."""

    track: PatchTrack | UnsetType = UNSET
    position: int | UnsetType = UNSET
    end_time: int | UnsetType = UNSET
    """Where the track ends, in ms: only for one that goes on elsewhere."""
    paused: bool | UnsetType = UNSET
    volume: int | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET


def desired(player: Player, *, now: int) -> NodeState | None:
    """Say what the player's node should be doing; None: it should not know the guild.

    The track goes there before there is voice, paused, so that it is loaded when the voice comes.
    """
    if player.voice.wanted is None:
        return None
    bare = NodeState(
        paused=not listening.audible(player),
        volume=player.volume,
        voice=_voice(player.voice),
    )
    play = player.play
    if play is None:
        return bare
    return replace(
        bare,
        play_id=play.play_id,
        encoded=play.track.encoded,
        position=position.moment(play.clock, now=now, length=play.track.length),
        sought=play.clock.sought,
    )


def difference(wanted: NodeState, actual: NodeState | None) -> Patch | None:
    """Say what to send; None: nothing. An equal track is never sent again.

    Only a seek moves a track that plays: otherwise our clock follows the node, not the node our
    clock. Voice is sent again when the node lost its connection, since equal data reconnects then.
    """
    found = actual or NodeState()
    patch = Patch(
        track=_track(wanted, found),
        position=_position(wanted, found),
        paused=wanted.paused if wanted.paused != found.paused else UNSET,
        volume=wanted.volume if wanted.volume != found.volume else UNSET,
        voice=_changed_voice(wanted, found),
    )
    return None if patch == Patch() else patch


def _voice(voice: VoiceState) -> Voice | None:
    if not voice.ready:
        return None
    return Voice(
        token=voice.token,
        endpoint=voice.endpoint,
        session_id=voice.session_id,
        channel_id=str(voice.actual),
    )


def _changed_voice(wanted: NodeState, found: NodeState) -> Voice | UnsetType:
    if wanted.voice is None or (wanted.voice == found.voice and found.connected):
        return UNSET
    return wanted.voice


def _track(wanted: NodeState, found: NodeState) -> PatchTrack | UnsetType:
    if wanted.play_id == found.play_id:
        return UNSET
    if wanted.play_id is None:
        return PatchTrack(encoded=None)
    return PatchTrack(encoded=wanted.encoded, user_data=UserData(play_id=wanted.play_id))


def _position(wanted: NodeState, found: NodeState) -> int | UnsetType:
    if wanted.play_id is None:
        return UNSET
    if wanted.play_id != found.play_id:
        return wanted.position or UNSET
    far = abs(wanted.position - found.position) > SAME_MOMENT
    stops = wanted.paused and not found.paused
    unheard = stops or _changed_voice(wanted, found) is not UNSET
    return wanted.position if wanted.sought and (far or unheard) else UNSET
