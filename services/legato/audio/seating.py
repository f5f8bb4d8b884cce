"""The node a player sits on: given, lost, found again by a new owner. Pure."""

from msgspec.structs import replace

from legato.audio import position, reports, turns
from legato.audio.effects import Resolve, SyncNode, SyncPanel, SyncVoice
from legato.audio.events import NodeAssigned, NodeLost, NodeReleased, NodeSnapshot, Restored
from legato.audio.position import Clock
from legato.audio.rules import Rules
from legato.audio.state import Play, Player, Seat, Step


def assigned(player: Player, event: NodeAssigned, *, now: int) -> Step:
    """Sit on a node.

    Another session on the same node means that it forgot us; so does a new node right after a
    take-over. Else it is a move that ended well.
    """
    seat = Seat(node=event.node, session_id=event.session_id)
    old = player.seat
    if seat == old:
        return Step(player, (SyncNode(),), "node: as known")
    unseen = player.play is not None and player.play.clock.bound is not None
    forgotten = old is not None and (old.node == seat.node or unseen)
    player = _lose_sound(player, now=now) if forgotten else player
    return Step(replace(player, seat=seat), (SyncNode(),), f"node: sits on {seat.node}")


def lost(player: Player, event: NodeLost, *, now: int) -> Step:
    """Stand where listeners surely were, until there is another node."""
    if player.seat is None or player.seat.node != event.node:
        return Step(player, (), "node: not ours")
    same = player.play is not None and player.play.play_id == event.play_id
    told = event.position if event.is_silent and same else None
    player = replace(_lose_sound(player, now=now, told=told), seat=None)
    notice = (SyncPanel(notice="node_lost"),) if player.play else ()
    return Step(player, (*notice, SyncNode()), "node: lost")


def released(player: Player, event: NodeReleased) -> Step:
    """Forget a node that was told to forget us."""
    leaves = player.voice.wanted is None and player.seat and player.seat.node == event.node
    return Step(replace(player, seat=None) if leaves else player, (), "node: released")


def found(player: Player, event: NodeSnapshot, *, now: int, rules: Rules) -> Step:
    """Compare what a node plays with what we believe, once after a resume or a take-over."""
    if player.seat is not None and player.seat.node != event.node:
        return Step(player, (), "node: not ours")
    seat = Seat(node=event.node, session_id=event.session_id)
    if player.seat is not None and player.seat != seat:
        player = _lose_sound(player, now=now)
    player = replace(player, seat=seat)
    play = player.play
    if play is None or not play.sounding:
        same = play is not None and play.play_id == event.play_id
        player = _adopted(player, play, event, now=now) if play and same else player
        return Step(player, (SyncNode(),), "node: seen")
    if play.play_id == event.play_id:
        return Step(_adopted(player, play, event, now=now), (SyncNode(),), "node: plays on")
    if position.ended(play.clock, now=now, length=play.track.length):
        return turns.finish(player, now=now).also(SyncNode())
    return turns.restart(player, now=now, rules=rules).also(SyncNode())


def restored(player: Player, event: Restored, *, now: int, rules: Rules) -> Step:
    """Go on under a new owner; what only the old one knew is asked again."""
    player = _restored(player, event)
    asked = {ask.slot for ask in player.asks}
    again = tuple(
        Resolve(slot=item.id, query=item.query, deadline=now + rules.resolve_within)
        for item in player.queue
        if item.track is None and item.id not in asked
    )
    step = Step(player, (*again, SyncNode(), SyncPanel()), "restored")
    # Asked by the old owner already: the answer is on its way, and to leave once more would end it.
    asks = player.voice.asked_at is not None
    homeless = player.voice.wanted is not None and player.voice.actual is None and not asks
    return step.also(SyncVoice(rejoin=True)) if homeless else step


def _restored(player: Player, event: Restored) -> Player:
    play = player.play
    if event.node_survived:
        if play is None or not play.sounding:
            return player
        length = play.track.length
        clock = position.take_over(play.clock, alive_at=event.alive_at, length=length)
        return replace(player, play=replace(play, clock=clock))
    player = replace(player, seat=None)
    if play is None:
        return player
    length = play.track.length
    clock = position.resume_at(play.clock, alive_at=event.alive_at, length=length)
    return replace(player, play=_silent(play, clock))


def _adopted(player: Player, play: Play, event: NodeSnapshot, *, now: int) -> Player:
    heard = event.position - event.lead
    adopted = reports.set_clock(play, heard, at=event.at or now, now=now)
    if adopted is None:
        clock = replace(play.clock, bound=None)
        adopted = replace(play, clock=clock, sounding=True, begun=True)
    return replace(player, play=adopted)


def _lose_sound(player: Player, *, now: int, told: int | None = None) -> Player:
    play = player.play
    if play is None or not play.sounding:
        return player
    clock = position.lose(play.clock, now=now, length=play.track.length, told=told)
    return replace(player, play=_silent(play, clock))


def _silent(play: Play, clock: Clock) -> Play:
    """Know that no node has it; what was sent while one was out of touch is not counted."""
    clock = position.at_most(clock, play.surely)
    return replace(play, clock=clock, sounding=False, surely=None)
