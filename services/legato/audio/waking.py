"""What a player does because time has passed, and when it wants to be woken for it. Pure."""

from collections.abc import Iterator

from msgspec.structs import replace

from legato.audio import asks, ending, listening, turns, voicing
from legato.audio.effects import SyncNode, SyncPanel
from legato.audio.rules import Rules
from legato.audio.state import Play, Player, Step

FAILED_WITHIN = 2_000
"""An end follows an exception within this, or never."""
UNSEATED = 2_000
"""After this people are told that no node takes the track."""
OVERDUE = 10_000
"""A track so far past its end, by our clock, has lost its end event or its node."""


def woken(player: Player, *, now: int, rules: Rules) -> Step:
    """Do all that is due."""
    step = asks.expire(player, now=now)
    for due in (_mend_voice, _give_up_play, _tell_unseated, _look_after, _leave, _drop):
        done = due(step.player, now=now, rules=rules)
        step = Step(done.player, step.effects + done.effects, done.reason or step.reason)
    return step


def watch(player: Player, *, now: int) -> Player:
    """Note since when there is nobody, no music, or no voice."""
    voice = player.voice
    there = voice.wanted is not None
    empty = there and voice.actual is not None and voice.listeners == 0
    idle = there and player.play is None and not player.asks
    silent = there and not (voice.actual == voice.wanted and voice.ready)
    empty_since = _since(player.empty_since, now, holds=empty)
    idle_since = _since(player.idle_since, now, holds=idle)
    asked_at = _since(voice.asked_at, now, holds=silent)
    if asked_at != voice.asked_at:
        player = replace(player, voice=replace(voice, asked_at=asked_at))
    if empty_since != player.empty_since or idle_since != player.idle_since:
        player = replace(player, empty_since=empty_since, idle_since=idle_since)
    return _watch_start(player, now=now)


def next_time(player: Player, *, rules: Rules) -> int | None:
    """Say when something is due at the earliest."""
    return min(_times(player, rules), default=None)


def _times(player: Player, rules: Rules) -> Iterator[int]:
    voice = player.voice
    yield from (ask.deadline + asks.GRACE for ask in player.asks)
    if voice.retry_at is not None:
        yield voice.retry_at
    if voice.asked_at is not None:
        yield voice.asked_at + rules.voice_within
    if rules.leave_after:
        yield from (
            since + rules.leave_after
            for since in (player.empty_since, player.idle_since)
            if since is not None
        )
    if player.keep_until is not None:
        yield player.keep_until
    if player.play is not None:
        yield from _times_of(player.play, rules)
    else:
        yield from _patience_ends(player, rules)


def _times_of(play: Play, rules: Rules) -> Iterator[int]:
    if play.awaited_since is not None:
        yield play.awaited_since + rules.start_within
    if play.unseated_since is not None:
        yield play.unseated_since + UNSEATED
    if play.failed is not None:
        yield play.failed_at + FAILED_WITHIN
    overdue = _overdue_at(play)
    if overdue is not None:
        yield overdue


def _patience_ends(player: Player, rules: Rules) -> Iterator[int]:
    """Say when the first resolved track passes the slots before it."""
    if player.halted or player.voice.wanted is None:
        return
    latest = 0
    for item in player.queue:
        if item.track is not None:
            if latest:
                yield latest
            return
        latest = max(latest, item.added_at + rules.patience)


def _overdue_at(play: Play) -> int | None:
    clock = play.clock
    if clock.since is None or not play.track.length:
        return None
    ends = clock.since + max(0, play.track.length - clock.at)
    return max(ends, play.checked_at) + OVERDUE


def _watch_start(player: Player, *, now: int) -> Player:
    play = player.play
    if play is None:
        return player
    awaited = not play.sounding and listening.audible(player)
    unseated = not play.begun and player.seat is None and player.voice.ready
    since = _since(play.awaited_since, now, holds=awaited)
    unseated_since = _since(play.unseated_since, now, holds=unseated)
    if (since, unseated_since) == (play.awaited_since, play.unseated_since):
        return player
    play = replace(play, awaited_since=since, unseated_since=unseated_since)
    return replace(player, play=play)


def _since(since: int | None, now: int, *, holds: bool) -> int | None:
    if not holds:
        return None
    return now if since is None else since


def _mend_voice(player: Player, *, now: int, rules: Rules) -> Step:
    voice = player.voice
    retries = voice.retry_at is not None and now >= voice.retry_at
    waited = voice.asked_at is not None and now >= voice.asked_at + rules.voice_within
    if not (retries or waited):
        return Step(player)
    return voicing.rejoin(player, now=now, rules=rules)


def _give_up_play(player: Player, *, now: int, rules: Rules) -> Step:
    play = player.play
    if play is None:
        return Step(player)
    if play.failed is not None and now >= play.failed_at + FAILED_WITHIN:
        return turns.broke(player, play.failed, now=now, rules=rules)
    if play.awaited_since is not None and now >= play.awaited_since + rules.start_within:
        return turns.fail(player, "track_stuck", "", now=now, rules=rules)
    return Step(player)


def _tell_unseated(player: Player, *, now: int, rules: Rules) -> Step:
    """Say that no node takes the track; it begins as soon as one does."""
    del rules
    play = player.play
    if play is None or play.unseated_since is None or now < play.unseated_since + UNSEATED:
        return Step(player)
    player = replace(player, play=replace(play, begun=True))
    return Step(player, (SyncPanel(notice="node_lost"), SyncNode()), "no node takes the track")


def _look_after(player: Player, *, now: int, rules: Rules) -> Step:
    del rules
    play = player.play
    overdue = _overdue_at(play) if play else None
    if play is None or overdue is None or now < overdue:
        return Step(player)
    player = replace(player, play=replace(play, checked_at=now))
    return Step(player, (SyncNode(),), "the track is past its end")


def _leave(player: Player, *, now: int, rules: Rules) -> Step:
    if not rules.leave_after or player.voice.wanted is None:
        return Step(player)
    for since, notice in ((player.empty_since, "left_empty"), (player.idle_since, "left_idle")):
        if since is not None and now >= since + rules.leave_after:
            return voicing.depart(player, notice, now=now, rules=rules)
    return Step(player)


def _drop(player: Player, *, now: int, rules: Rules) -> Step:
    del rules
    if player.keep_until is None or now < player.keep_until:
        return Step(player)
    return ending.clear(player, "left", now=now)
