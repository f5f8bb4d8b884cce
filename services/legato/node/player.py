"""One player: requests and reports come in, the new player and what is to be done come out. Pure.

A play is one feed of a track from one position; a seek begins a new play of the same track.
"""

from dataclasses import dataclass, replace
from typing import Literal

from msgspec import UNSET, structs

from legato.node import protocol

EndReason = Literal["finished", "loadFailed", "stopped", "replaced", "cleanup"]


@dataclass(frozen=True, slots=True)
class Player:
    """What REST shows of a player, and its current play."""

    guild: int
    track: protocol.Track | None = None
    play: int = 0
    start_ms: int = 0
    """Where the current play began."""
    end_ms: int | None = None
    volume: int = 100
    paused: bool = False
    filters: protocol.Filters = protocol.Filters()  # noqa: RUF009 - frozen
    failure: protocol.ExceptionInfo | None = None
    """Why the play's source broke, while what it gave still plays."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A request; UNSET fields stay as they are, `track` None stops."""

    track: protocol.Track | Literal["same"] | None = "same"
    no_replace: bool = False
    position: int | None = None
    end_ms: int | Literal["same"] | None = "same"
    volume: int | None = None
    paused: bool | None = None
    filters: protocol.Filters | None = None
    user_data: protocol.Json | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """A play's last frames are settled and will go out by themselves."""

    play: int


@dataclass(frozen=True, slots=True)
class Drained:
    """A play's last frame went out."""

    play: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A play's source broke; `silent` when it never gave a frame."""

    play: int
    exception: protocol.ExceptionInfo
    silent: bool


@dataclass(frozen=True, slots=True)
class Stuck:
    """A play gave no frame for long."""

    play: int
    threshold_ms: int


@dataclass(frozen=True, slots=True)
class Destroy:
    """The player goes."""

    reason: EndReason = "stopped"


Input = Patch | Ending | Drained | Failed | Stuck | Destroy


@dataclass(frozen=True, slots=True)
class Start:
    """Begin the player's current play."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Play nothing, not even the tail of a track that was said to have ended."""


@dataclass(frozen=True, slots=True)
class Drop:
    """End this play; the tail of the track before it is played out."""

    play: int


@dataclass(frozen=True, slots=True)
class Release:
    """Let go of the current play's source; its last frames go out by themselves."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Pause or go on."""

    paused: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """End the current play at the player's end."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Bring volume and filters to what the player says."""


@dataclass(frozen=True, slots=True)
class Update:
    """Tell the client the position now."""


@dataclass(frozen=True, slots=True)
class TrackStarted:
    """Event."""

    track: protocol.Track


@dataclass(frozen=True, slots=True)
class TrackEnded:
    """Event."""

    track: protocol.Track
    reason: EndReason


@dataclass(frozen=True, slots=True)
class TrackFailed:
    """Event."""

    track: protocol.Track
    exception: protocol.ExceptionInfo


@dataclass(frozen=True, slots=True)
class TrackStuck:
    """Event."""

    track: protocol.Track
    threshold_ms: int


Event = TrackStarted | TrackEnded | TrackFailed | TrackStuck
Effect = Start | Stop | Drop | Release | Hold | Limit | Shape | Update | Event
Step = tuple[Player, list[Effect]]


def step(player: Player, given: Input) -> Step:
    """Take one input."""
    match given:
        case Patch():
            return _patch(player, given)
        case Ending(play=play) if play == player.play:
            return _ended(player, "finished", Release())
        case Drained(play=play) if play == player.play:
            return _drained(player)
        case Failed(play=play, exception=exception, silent=silent) if play == player.play:
            failed = replace(player, failure=exception)
            return _drained(failed) if silent else (failed, [])
        case Stuck(play=play, threshold_ms=threshold) if play == player.play and player.track:
            return player, [TrackStuck(player.track, threshold)]
        case Destroy(reason=reason):
            return _ended(player, reason, Stop())
        case _:
            # An older play's report: a seek or another track came between.
            return player, []


def _patch(player: Player, patch: Patch) -> Step:
    player, effects = _shape(player, patch)
    if patch.track == "same":
        player, more = _same_track(player, patch)
    elif patch.no_replace and player.track is not None:
        more = []
    else:
        player, more = _other_track(player, patch, patch.track)
    return player, effects + more


def _shape(player: Player, patch: Patch) -> Step:
    """Take volume and filters; the order of Lavalink's handler does not matter here."""
    effects: list[Effect] = []
    if patch.volume is not None:
        player = replace(player, volume=min(1000, max(0, patch.volume)))
    if patch.filters is not None:
        player = replace(player, filters=patch.filters)
        effects.append(Update())
    if patch.volume is not None or patch.filters is not None:
        effects.insert(0, Shape())
    return player, effects


def _same_track(player: Player, patch: Patch) -> Step:
    effects: list[Effect] = []
    if patch.paused is not None:
        player = replace(player, paused=patch.paused)
        effects.append(Hold(patch.paused))
    if player.track is None:
        return player, effects
    if patch.user_data is not None:
        player = replace(player, track=structs.replace(player.track, user_data=patch.user_data))
    if patch.end_ms != "same":
        player = replace(player, end_ms=patch.end_ms)
        effects.append(Limit())
    if patch.position is not None:
        player = _begin(player, patch.position)
        effects += [Start(), Update()]
    return player, effects


def _other_track(player: Player, patch: Patch, track: protocol.Track | None) -> Step:
    paused = bool(patch.paused)
    player = replace(player, paused=paused)
    if track is None:
        player, effects = _ended(player, "stopped", Stop())
        return player, [Hold(paused), *effects]
    ended: list[Effect] = [] if player.track is None else [TrackEnded(player.track, "replaced")]
    if patch.user_data is not None:
        track = structs.replace(track, user_data=patch.user_data)
    end = None if patch.end_ms == "same" else patch.end_ms
    player = _begin(replace(player, track=track, end_ms=end), patch.position or 0)
    return player, [Hold(paused), *ended, Start(), TrackStarted(track)]


def _begin(player: Player, position: int) -> Player:
    """Begin a new play, within the track."""
    position = max(0, position)
    if player.track is not None and not player.track.info.is_stream:
        position = min(position, player.track.info.length)
    return replace(player, play=player.play + 1, start_ms=position, failure=None)


def _drained(player: Player) -> Step:
    """End the track: well, or with the failure that came before."""
    if player.track is None or player.failure is None:
        return _ended(player, "finished", Drop(player.play))
    failed = TrackFailed(player.track, player.failure)
    player, effects = _ended(player, "loadFailed", Drop(player.play))
    return player, [failed, *effects]


def _ended(player: Player, reason: EndReason, effect: Stop | Drop | Release) -> Step:
    """End the track if there is one; what is asked for happens in any case."""
    if player.track is None:
        return player, [effect]
    ended = TrackEnded(player.track, reason)
    idle = replace(player, track=None, play=player.play + 1, end_ms=None, start_ms=0, failure=None)
    return idle, [effect, ended]


def patch_of(
    update: protocol.PlayerUpdate,
    track: protocol.Track | Literal["same"] | None,
    *,
    no_replace: bool,
) -> Patch:
    """Read the fields of a request; its track has been resolved."""
    given = update.track if update.track is not UNSET else protocol.TrackUpdate()
    return Patch(
        track=track,
        no_replace=no_replace,
        position=None if update.position is UNSET else update.position,
        end_ms="same" if update.end_time is UNSET else update.end_time,
        volume=None if update.volume is UNSET else update.volume,
        paused=None if update.paused is UNSET else update.paused,
        filters=None if update.filters is UNSET else update.filters,
        user_data=None if given.user_data is UNSET else given.user_data,
    )
