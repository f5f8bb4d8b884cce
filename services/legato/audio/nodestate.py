"""What a node should play for a player, and what to send so that it does. Pure.

Lavalink v4's player, https://lavalink.dev/api/rest.html#update-player: UNSET fields are not sent.
"""

import msgspec
from msgspec import UNSET, UnsetType

from legato.audio.state import Player


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
    """Wanted only: a position more than 1 s off is to be mended."""
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
    paused: bool | UnsetType = UNSET
    volume: int | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET


def desired(player: Player, *, now: int) -> NodeState | None:
    """Say what the player's node should be doing; None: it should not know the guild."""
    raise AssertionError(player, now)


def difference(wanted: NodeState, actual: NodeState | None) -> Patch | None:
    """Say what to send; None: nothing. An equal track is never sent again."""
    raise AssertionError(wanted, actual)
