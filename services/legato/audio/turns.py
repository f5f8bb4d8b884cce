"""Whose turn it is: a track starts, ends, fails, and the next one follows. Pure."""

from msgspec.structs import replace

from legato.audio import position, queue
from legato.audio.effects import Record, SyncNode, SyncPanel
from legato.audio.position import Clock
from legato.audio.rules import Rules
from legato.audio.state import Play, Player, Step

ENTERED = 1_000
"""A play that breaks within this of where it was begun, in ms, was never heard from there."""


def start_next(player: Player, *, now: int, rules: Rules) -> Player:
    """Start what is next, if nothing plays, something waits and the bot is wanted somewhere."""
    if player.play or player.halted or player.voice.wanted is None or not player.queue:
        return player
    place = queue.next_place(player.queue, now=now, patience=rules.patience)
    if place is None:
        return player
    return _start(player, place, now=now)


def end(player: Player, reason: str, *, now: int) -> Step:
    """End the current play, if there is one, and keep it in the history."""
    play = player.play
    if play is None:
        return Step(player)
    record = Record(
        play_id=play.play_id,
        track=play.track,
        requester_id=play.item.requester_id,
        started_at=play.started_at,
        ended_at=now,
        reason=reason,
        heard=position.moment(play.clock, now=now, length=play.track.length),
    )
    return Step(replace(player, play=None), (record,))


def finish(player: Player, *, now: int) -> Step:
    """End a play that ran to its end."""
    ended = end(player, "finished", now=now)
    return Step(replace(ended.player, failures=0), ended.effects, "the track ended")


def fail(player: Player, notice: str, detail: str, *, now: int, rules: Rules) -> Step:
    """End a play that failed; after too many in a row, stop trying."""
    ended = end(player, "failed", now=now)
    failures = player.failures + 1
    if failures < rules.max_failures:
        told = SyncPanel(notice=notice, notice_detail=detail)
        failed = replace(ended.player, failures=failures)
        return Step(failed, (*ended.effects, told), "the track failed")
    told = SyncPanel(notice="too_many_failures", notice_detail=detail)
    halted = replace(ended.player, failures=0, halted=True)
    return Step(halted, (*ended.effects, told), "too many tracks failed one after another")


def broke(player: Player, detail: str, *, now: int, rules: Rules) -> Step:
    """End a play that its node could not go on with; one that did not even begin starts anew.

    The official server can't start an OGG in its middle (docs/node.md), only at its beginning.
    """
    play = player.play
    if play is None or play.restarts >= rules.max_restarts or not _barely_entered(play, now=now):
        return fail(player, "track_failed", detail, now=now, rules=rules)
    anew = replace(
        play,
        clock=Clock(),
        sounding=False,
        failed=None,
        surely=None,
        restarts=play.restarts + 1,
    )
    begun = replace(player, play=anew)
    told = SyncPanel(notice="begins_anew")
    return Step(begun, (SyncNode(), told), "its node can't begin it there: it starts anew")


def _barely_entered(play: Play, *, now: int) -> bool:
    """Tell whether a play broke where its node began it, in its middle."""
    broken = play.failed_at if play.failed is not None else now
    at = position.moment(play.clock, now=broken, length=play.track.length)
    return play.entered > 0 and abs(at - play.entered) < ENTERED


def restart(player: Player, *, now: int, rules: Rules) -> Step:
    """Let the current track begin again where it was last surely heard."""
    play = player.play
    if play is None:
        return Step(player)
    if play.restarts >= rules.max_restarts:
        return fail(player, "track_failed", "", now=now, rules=rules)
    clock = position.again(play.clock, now=now, length=play.track.length)
    clock = position.at_most(clock, play.surely)
    restarts = play.restarts + 1
    play = replace(play, clock=clock, sounding=False, surely=None, restarts=restarts)
    return Step(replace(player, play=play), (), "the node lost the track: it starts again")


def _start(player: Player, place: int, *, now: int) -> Player:
    item = player.queue[place]
    if item.track is None:
        return player
    number = player.plays + 1
    play = Play(play_id=f"{item.id}-{number}", item=item, track=item.track, started_at=now)
    return replace(player, play=play, plays=number, queue=queue.without(player.queue, place))
