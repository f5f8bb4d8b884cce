"""Every /play until it is answered: its slot, what was found for it, its one answer. Pure."""

from msgspec.structs import replace

from legato import queries
from legato.audio import joining, queue, turns, views
from legato.audio.effects import Note, Resolve, Tell
from legato.audio.events import Resolved, ResolveFailed
from legato.audio.rules import Rules
from legato.audio.state import Ask, Player, Step, with_panel_in
from legato.contracts.actions import Answer, Queued, Refused
from legato.contracts.playback import Command, Play
from legato.contracts.tracks import QueueItem, Track

GRACE = 2_000
"""How long after a deadline we wait for the resolver's own word."""


def tell(command: Command, answer: Answer) -> Tell:
    """Answer a command."""
    return Tell(key=str(command.id), origin=command.origin, answer=answer)


def play(player: Player, command: Play, *, now: int, rules: Rules) -> Step:
    """Take a place in the queue in the order of arrival, join the channel, look for the track."""
    refusal = _refusal(player, command, rules)
    if refusal is not None:
        return Step(player, (tell(command, refusal),), f"refused: {refusal.reason}")
    slot = str(command.id)
    deadline = min(command.expires_at, now + rules.resolve_within)
    ask = Ask(
        slot=slot,
        command_id=command.id,
        origin=command.origin,
        where=command.where,
        asked_at=now,
        deadline=deadline,
    )
    joined = joining.join(player, command.voice_channel_id, now=now)
    player = replace(
        joined.player,
        asks=(*player.asks, ask),
        queue=_inserted(player.queue, command, now=now),
        halted=False,
        keep_until=None,
    )
    if not (player.text_channel_id and player.play):
        player = with_panel_in(player, command.origin.channel_id)
    resolve = Resolve(slot=slot, query=queries.storable(command.query), deadline=deadline)
    note = Note(key=slot, user_id=command.origin.user_id, locale=command.origin.locale)
    return Step(player, (*joined.effects, resolve, note), "a place is taken")


def resolved(player: Player, event: Resolved, *, now: int, rules: Rules) -> Step:
    """Put the tracks into the slot's place, and answer as soon as the bot is in the channel."""
    place = queue.find(player.queue, event.slot)
    if place is None or player.queue[place].track is not None:
        return Step(player, (), "the slot is gone")
    if not event.tracks:
        return _give_up(player, event.slot, Refused(reason="not_found"))
    room = max(1, rules.max_queue - len(player.queue) + 1)
    items = _expanded(player.queue[place], event.tracks[:room])
    ask = _ask(player, event.slot)
    found = _placed(player, place, items, ask, now=now)
    player = turns.start_next(found.player, now=now, rules=rules)
    if ask is None:
        return Step(player, found.effects, "the slot is resolved")
    answer = _queued(player, items, event.playlist, now=now)
    asks = tuple(replace(a, answer=answer) if a is ask else a for a in player.asks)
    answered = answer_joined(replace(player, asks=asks))
    return Step(answered.player, found.effects + answered.effects, "the slot is resolved")


def resolve_failed(player: Player, event: ResolveFailed) -> Step:
    """Take the slot out again and say why."""
    return _give_up(player, event.slot, Refused(reason=event.reason, detail=event.detail))


def answer_joined(player: Player) -> Step:
    """Answer those whose tracks are found, once the bot is where they want it."""
    if not player.asks or player.voice.actual != player.voice.wanted:
        return Step(player)
    tells = tuple(_told(ask, ask.answer) for ask in player.asks if ask.answer is not None)
    if not tells:
        return Step(player)
    waiting = tuple(ask for ask in player.asks if ask.answer is None)
    return Step(replace(player, asks=waiting), tells, "answered")


def refuse_all(player: Player, reason: str, *, now: int) -> Step:
    """Refuse every /play not answered yet, and take out what it brought."""
    if not player.asks:
        return Step(player)
    refused = Refused(reason=reason)
    tells = tuple(_told(ask, refused) for ask in player.asks)
    slots = {ask.slot for ask in player.asks}
    left = tuple(item for item in player.queue if _slot(item) not in slots)
    player = replace(player, asks=(), queue=left)
    if player.play is None or _slot(player.play.item) not in slots:
        return Step(player, tells)
    ended = turns.end(player, "refused", now=now)
    return Step(ended.player, tells + ended.effects)


def expire(player: Player, *, now: int) -> Step:
    """Answer what waited too long: what was found is in the queue, what wasn't is taken out."""
    step = Step(player)
    for ask in player.asks:
        if now < ask.deadline + GRACE:
            continue
        answer = ask.answer or Refused(reason="load_timeout")
        gone = _give_up(step.player, ask.slot, answer)
        step = Step(gone.player, step.effects + gone.effects, "a query took too long")
    return step


def _refusal(player: Player, command: Play, rules: Rules) -> Refused | None:
    if len(player.queue) >= rules.max_queue:
        return Refused(reason="queue_full")
    if _busy(player) and player.voice.wanted not in {None, command.voice_channel_id}:
        return Refused(reason="other_channel")
    return None


def _busy(player: Player) -> bool:
    """Tell whether somebody may be waiting for music where the bot is or goes."""
    voice = player.voice
    deserted = voice.actual == voice.wanted and voice.listeners == 0
    return not deserted and bool(player.play or player.queue or player.asks)


def _inserted(waiting: queue.Queue, command: Play, *, now: int) -> queue.Queue:
    last = command.where == "last"
    item = QueueItem(
        id=str(command.id),
        rank=queue.last_rank(waiting) if last else queue.first_rank(waiting),
        query=queries.storable(command.query),
        requester_id=command.origin.user_id,
        added_at=now,
    )
    return (*waiting, item) if last else (item, *waiting)


def _expanded(slot: QueueItem, tracks: tuple[Track, ...]) -> queue.Queue:
    first = replace(slot, track=tracks[0])
    rest = (
        replace(slot, id=f"{slot.id}.{n}", query="", track=track)
        for n, track in enumerate(tracks[1:], start=1)
    )
    return (first, *rest)


def _slot(item: QueueItem) -> str:
    return item.id.partition(".")[0]


def _placed(player: Player, place: int, items: queue.Queue, ask: Ask | None, *, now: int) -> Step:
    if ask is None or ask.where != "now":
        return Step(replace(player, queue=queue.replaced(player.queue, place, items)))
    left = queue.without(player.queue, place)
    ended = turns.end(player, "replaced", now=now)
    front = queue.in_front(left, items)
    return Step(replace(ended.player, queue=front, paused=False), ended.effects)


def _queued(player: Player, items: queue.Queue, playlist: str, *, now: int) -> Queued:
    first = items[0]
    track = first.track
    assert track is not None
    found = queue.find(player.queue, first.id)
    place = 0 if found is None else found + 1
    return Queued(
        track=track,
        place=place,
        count=len(items),
        playlist=playlist,
        wait=0 if found is None else views.wait(player, found, now=now),
    )


def _ask(player: Player, slot: str) -> Ask | None:
    return next((ask for ask in player.asks if ask.slot == slot), None)


def _told(ask: Ask, answer: Answer) -> Tell:
    return Tell(key=str(ask.command_id), origin=ask.origin, answer=answer)


def _give_up(player: Player, slot: str, answer: Answer) -> Step:
    """Answer a slot's asker; an unresolved slot leaves the queue."""
    ask = _ask(player, slot)
    place = queue.find(player.queue, slot)
    if place is not None and player.queue[place].track is None:
        player = replace(player, queue=queue.without(player.queue, place))
    elif ask is None:
        return Step(player, (), "the slot is gone")
    if ask is None:
        return Step(player, (), "a slot led to nothing")
    asks = tuple(other for other in player.asks if other is not ask)
    return Step(replace(player, asks=asks), (_told(ask, answer),), "answered")
