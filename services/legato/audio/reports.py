"""What a node says of a play; it counts only for the current one. Pure.

Lavalink's events: https://lavalink.dev/api/websocket.html#event-op
"""

from msgspec.structs import replace

from legato.audio import position, turns, voicing
from legato.audio.effects import SyncNode
from legato.audio.events import (
    PositionReported,
    TrackEnded,
    TrackFailed,
    TrackStarted,
    VoiceClosed,
)
from legato.audio.rules import Rules
from legato.audio.state import Play, Player, Step

OLD = "of an older play"
UNNOTICED = 15_000
"""So long a voice server may have been silent before its node notices; a report that is further
behind is wrong."""
HEARD = 5_000
"""A track heard for so long does not count among those that fail one after another."""


def started(player: Player, event: TrackStarted) -> Step:
    """Know that the node has the track."""
    play = _current(player, event.play_id)
    if play is None or play.sounding:
        return Step(player, (), OLD if play is None else "as known")
    sounding = replace(play, sounding=True, begun=True, entered=play.clock.at)
    return Step(replace(player, play=sounding), (), "the track started")


def ended(player: Player, event: TrackEnded, *, now: int, rules: Rules) -> Step:
    """Go on to the next track; a `finished` after an exception is a failure."""
    play = _current(player, event.play_id)
    if play is None:
        return Step(player, (), OLD)
    if event.reason == "loadFailed" or (event.reason == "finished" and play.failed is not None):
        return turns.broke(player, play.failed or "", now=now, rules=rules)
    if event.reason == "finished":
        return turns.finish(player, now=now)
    return Step(player, (SyncNode(),), "the node dropped the track, or it was moved")


def failed(player: Player, event: TrackFailed, *, now: int, rules: Rules) -> Step:
    """Remember an exception until the end that follows; a stuck track has no end."""
    play = _current(player, event.play_id)
    if play is None:
        return Step(player, (), OLD)
    if event.stuck:
        return turns.fail(player, "track_stuck", event.message, now=now, rules=rules)
    broken = replace(play, failed=event.message, failed_at=now)
    return Step(replace(player, play=broken), (), "the track broke")


def reported(player: Player, event: PositionReported, *, now: int) -> Step:
    """Correct the clock, if the report is plausible and the voice stands."""
    play = _current(player, event.play_id)
    if play is None:
        return Step(player, (), OLD)
    if not event.connected:
        return _out_of_touch(player, play, event)
    if play.surely is not None:
        play = replace(play, surely=None)
        player = replace(player, play=play)
    heard = event.position - event.lead
    corrected = set_clock(play, heard, at=event.at, now=now)
    if corrected is None:
        return Step(player, (), "an implausible position")
    # A node may be connected before there is sound: only what moves on is heard.
    losses = 0 if heard > play.clock.at + position.JITTER else player.voice.losses
    calm = not (play.restarts or player.voice.losses != losses or player.failures)
    if corrected is play and calm:
        return Step(player, (), "the position is as believed")
    player = replace(
        player,
        play=replace(corrected, restarts=0),
        voice=replace(player.voice, losses=losses),
        failures=0 if heard >= HEARD else player.failures,
    )
    return Step(player, (), "the position is corrected")


def _out_of_touch(player: Player, play: Play, event: PositionReported) -> Step:
    """Remember where it was: what is sent from now on may reach nobody."""
    clock = play.clock
    if play.surely is not None or clock.since is None:
        return Step(player, (), "no voice: not counted")
    believed = position.moment(clock, now=event.at, length=play.track.length)
    told = event.position - event.lead
    heard = min(believed, told) if believed - told <= UNNOTICED else believed
    unsure = replace(play, surely=max(0, heard - position.LOSS))
    return Step(replace(player, play=unsure), (), "no voice: what is sent may not be heard")


def set_clock(play: Play, heard: int, *, at: int, now: int) -> Play | None:
    """Set a play's clock by what the node told at `at`; None if that isn't plausible."""
    since = play.clock.since
    if play.clock.sought and (since is None or at < since):
        return None  # from before it was sought
    if since is not None:
        heard += max(0, now - at)
    length = play.track.length
    correct = position.corrected if play.sounding else position.found
    clock = correct(play.clock, heard, now=now, length=length)
    if clock is None or (clock is play.clock and play.sounding):
        return None if clock is None else play
    return replace(play, clock=clock, sounding=True, begun=True)


def voice_closed(player: Player, event: VoiceClosed, *, now: int, rules: Rules) -> Step:
    """Mend the voice, unless a session that isn't ours any more told it."""
    seat = player.seat
    if seat is None or seat.session_id != event.session_id:
        return Step(player, (), "voice: closed on an older node session")
    return voicing.lose(player, event, now=now, rules=rules)


def _current(player: Player, play_id: str) -> Play | None:
    play = player.play
    return play if play is not None and play.play_id == play_id else None
