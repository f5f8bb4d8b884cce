"""What a Lavalink node says over its websocket and of its players: the JSON, typed. Pure.

https://lavalink.dev/api/websocket.html; an op or event that isn't here is passed by.
"""

import msgspec

from legato.audio import nodestate
from legato.audio.nodestate import NodeState


class _Camel(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Lavalink writes names in camel case."""


class Ready(_Camel, frozen=True, tag="ready", tag_field="op"):
    """The first message: our session here."""

    session_id: str
    resumed: bool = False


class State(_Camel, frozen=True):
    """Where a player is; `time` is the node's clock, so it is not used."""

    position: int = 0
    connected: bool = False
    ping: int = -1


class PlayerUpdate(_Camel, frozen=True, tag="playerUpdate", tag_field="op"):
    """A player's position, every few seconds."""

    guild_id: str
    state: State


class Cpu(_Camel, frozen=True):
    """The node's load, 0 to 1."""

    cores: int = 1
    system_load: float = 0.0


class FrameStats(_Camel, frozen=True):
    """Frames a minute and player."""

    sent: int = 0
    nulled: int = 0
    deficit: int = 0


class Stats(_Camel, frozen=True, tag="stats", tag_field="op"):
    """The node's own figures, every minute."""

    players: int = 0
    playing_players: int = 0
    cpu: Cpu = Cpu()
    frame_stats: FrameStats | None = None


class UserData(msgspec.Struct, frozen=True, kw_only=True):
    """What we hung on a track; empty on one that isn't ours."""

    play_id: str = ""


class Track(_Camel, frozen=True):
    """A track as events and players carry it."""

    encoded: str = ""
    user_data: UserData = UserData()


class Failure(_Camel, frozen=True):
    """Why a track can't be played."""

    message: str | None = None
    severity: str = ""
    cause: str | None = None


class Event(_Camel, frozen=True, tag="event", tag_field="op"):
    """What happened to a player; which fields are there depends on the type."""

    type: str
    guild_id: str
    track: Track | None = None
    reason: str | None = None
    exception: Failure | None = None
    code: int = 0
    by_remote: bool = True


Frame = Ready | PlayerUpdate | Stats | Event


class Voice(_Camel, frozen=True):
    """A player's voice as it was given."""

    token: str = ""
    endpoint: str = ""
    session_id: str = ""
    channel_id: str | None = None


class Player(_Camel, frozen=True):
    """A player as REST answers it."""

    guild_id: str
    track: Track | None = None
    volume: int = 100
    paused: bool = False
    state: State = State()
    voice: Voice = Voice()

    @property
    def play_id(self) -> str | None:
        """The play of ours that it plays."""
        return self.track.user_data.play_id or None if self.track else None

    def found(self, *, lead: int) -> NodeState:
        """Say it in the player core's words; `lead` is taken off the position."""
        return NodeState(
            play_id=self.play_id,
            encoded=self.track.encoded if self.track else "",
            position=max(0, self.state.position - lead),
            paused=self.paused,
            volume=self.volume,
            voice=self._voice(),
            connected=self.state.connected,
        )

    def _voice(self) -> nodestate.Voice | None:
        voice = self.voice
        if not (voice.token and voice.channel_id):
            return None
        return nodestate.Voice(
            token=voice.token,
            endpoint=voice.endpoint,
            session_id=voice.session_id,
            channel_id=voice.channel_id,
        )


class Problem(_Camel, frozen=True):
    """The body of a refusal."""

    status: int = 0
    error: str = ""
    message: str | None = ""
    trace: str | None = None
