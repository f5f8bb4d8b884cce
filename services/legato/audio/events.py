"""What comes back to a player from nodes, resolving and time; stepped like commands. Pure values.

They reach the step from inside the audio service, never over a stream: what is lost with a process
is asked again by the outbox (resolving) or by a NodeSnapshot (node events).
"""

import msgspec

from legato.audio.state import Player
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import Track


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event carries."""

    guild_id: int


class Resolved(Event, frozen=True, kw_only=True, tag="resolved"):
    """A slot's query was found: one track, or the tracks of a playlist."""

    slot: str
    tracks: tuple[Track, ...]
    playlist: str = ""


class ResolveFailed(Event, frozen=True, kw_only=True, tag="resolve_failed"):
    """A slot's query led to nothing."""

    slot: str
    reason: str
    """One of text.REFUSALS' names: not_found, nothing_there, no_search, load_failed,
    load_timeout, no_node."""
    detail: str = ""


class TrackStarted(Event, frozen=True, kw_only=True, tag="track_started"):
    """The node says that the play began."""

    play_id: str


class TrackEnded(Event, frozen=True, kw_only=True, tag="track_ended"):
    """The node says that the play ended: finished, loadFailed, stopped, replaced or cleanup."""

    play_id: str
    reason: str


class TrackFailed(Event, frozen=True, kw_only=True, tag="track_failed"):
    """The node says that the play raised an exception or got stuck; an end follows, or not."""

    play_id: str
    message: str
    stuck: bool = False


class PositionReported(Event, frozen=True, kw_only=True, tag="position_reported"):
    """A playerUpdate; counts only if plausible for the current play."""

    play_id: str
    position: int
    connected: bool
    at: int
    """When `position` held, server ms."""
    lead: int = 0
    """How far the node's reports run ahead of the sound, in ms: its buffer."""


class VoiceClosed(Event, frozen=True, kw_only=True, tag="voice_closed"):
    """The node lost the voice connection with a code that it does not mend by itself."""

    node: str
    session_id: str
    """The node session that told it; one that isn't the player's current one is ignored."""
    code: int
    by_remote: bool = True
    at: int = 0
    """When we were told, server ms; 0: only now."""


class NodeAssigned(Event, frozen=True, kw_only=True, tag="node_assigned"):
    """The player has a node: placement chose it, or a move to it ended well."""

    node: str
    session_id: str


class NodeLost(Event, frozen=True, kw_only=True, tag="node_lost"):
    """The player's node does not answer, or its session is gone for good."""

    node: str
    is_silent: bool = False
    """It said nothing more, so that it may have stopped at any time since its last word..."""
    play_id: str | None = None
    position: int = 0
    """...which was that this play is here."""


class NodeSnapshot(Event, frozen=True, kw_only=True, tag="node_snapshot"):
    """What the node plays for this guild, after a resume or a take-over."""

    node: str
    session_id: str
    play_id: str | None = None
    """None: it plays nothing of ours."""
    position: int = 0
    paused: bool = False
    volume: int = 100
    connected: bool = False
    at: int = 0
    lead: int = 0
    """As in PositionReported."""


class NodeReleased(Event, frozen=True, kw_only=True, tag="node_released"):
    """The player was deleted from its node, because it should not be on one (`desired` is None)."""

    node: str


class Restored(Event, frozen=True, kw_only=True, tag="restored"):
    """A new owner read the player from Redis or PostgreSQL; `alive_at` bounds its position."""

    alive_at: int
    """Server ms: until then the old owner surely lived."""
    node_survived: bool = True
    """False: the node sessions are gone too (everything was stopped)."""


class Woken(Event, frozen=True, kw_only=True, tag="woken"):
    """A time the player asked for has come (`Player.wake_at`)."""


class Closing(Event, frozen=True, kw_only=True, tag="closing"):
    """The bot is deleted: it leaves every channel."""


class SettingsFound(Event, frozen=True, kw_only=True, tag="settings_found"):
    """The guild's settings, read only after the player had begun with the defaults."""

    settings: GuildSettings


class Recalled(Event, frozen=True, kw_only=True, tag="recalled"):
    """What PostgreSQL kept of the player, read only after its partition had begun without."""

    kept: Player
    alive_at: int
    """As in Restored."""


Internal = (
    Resolved
    | ResolveFailed
    | TrackStarted
    | TrackEnded
    | TrackFailed
    | PositionReported
    | VoiceClosed
    | NodeAssigned
    | NodeLost
    | NodeSnapshot
    | NodeReleased
    | Restored
    | Woken
    | Closing
    | SettingsFound
    | Recalled
)
