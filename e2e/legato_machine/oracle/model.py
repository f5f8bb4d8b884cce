"""What one guild's commands may lead to: a player said again in a few lines. Pure.

Commands are taken in the order of their ids. What depends on time alone (a query is looked for, the
bot comes into the channel) may have happened or not when a command is taken, so there are several
worlds; what people were told leaves few of them, and silence none.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from legato_machine.oracle.sayings import Said

PATIENCE = 3.0
"""Seconds after which resolved tracks pass a slot that is still being looked for."""
FAILED = "failed"
UNTOUCHED = frozenset({"rate_limited", "busy", "too_late", "other_channel", "queue_full"})
"""Refusals that come before anything else."""
NEVER_FOUND = frozenset(
    {"not_found", "nothing_there", "no_search", "load_failed", "load_timeout", "no_node"}
)
"""Refusals of what was looked for in vain; all others may take out again what was found."""

TURNED_AWAY = frozenset({"no_voice_answer", "no_connect", "no_speak", "channel_full", "kicked"})
"""Refusals after which the bot is in no channel, whatever else plays or waits."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One command and what its asker was told."""

    id: str
    kind: str
    sent: float
    told_at: float | None
    said: Said | None
    """None: nobody was told."""
    booked: bool
    """The books say that it was done."""
    first: bool = False
    """Of a play: before all that waits."""
    value: int = 0
    """Of a volume."""
    late_at: float | None = None
    """When an answer came that Discord did not take any more."""

    @property
    def refused(self) -> str:
        """Say why not, if so."""
        return self.said.reason if self.said and self.said.what == "refused" else ""

    @property
    def settled(self) -> float:
        """Say when it was surely over."""
        return math.inf if self.told_at is None else self.told_at


@dataclass(frozen=True, slots=True)
class World:
    """One guild's player, as it may be."""

    there: bool = False
    """The bot is wanted in the channel."""
    current: str | None = None
    queue: tuple[str, ...] = ()
    paused: bool = False
    volume: int = 100
    ended: frozenset[tuple[str, str]] = frozenset()
    """The plays that are over, and why."""


def after(world: World, deed: Deed, *, missing: int = 0) -> Iterator[World]:
    """Yield the worlds in which a deed ends that begins here; none: it can't have been told that.

    `missing` places of the queue may be held by what will be refused.
    """
    if deed.refused in UNTOUCHED or (deed.said is None and not deed.booked):
        yield world
        return
    match deed.kind:
        case "play":
            yield from _played(world, deed)
        case "skip":
            yield from _skipped(world, deed)
        case "pause" | "resume":
            yield from _paused(world, deed, wanted=deed.kind == "pause")
        case "volume":
            yield replace(world, volume=deed.value)
        case "stop" | "leave":
            yield from _cleared(world, deed)
        case "seek":
            yield from _steered(world, deed, world, "sought")
        case "queue":
            yield from _shown(world, deed, missing)
        case _:
            yield world


def _played(world: World, deed: Deed) -> Iterator[World]:
    here = replace(world, there=True)
    if deed.said is None or deed.refused:
        yield world
        yield here
    if deed.refused not in NEVER_FOUND:
        queue = (deed.id, *here.queue) if deed.first else (*here.queue, deed.id)
        yield replace(here, queue=queue)


def _skipped(world: World, deed: Deed) -> Iterator[World]:
    yield from _steered(world, deed, replace(_over(world, "skipped"), paused=False), "skipped")


def _steered(world: World, deed: Deed, done: World, told: str) -> Iterator[World]:
    """Do what takes a track that plays; without one it is refused."""
    if world.current is None:
        if deed.said is None or deed.refused == "nothing_playing":
            yield world
    elif deed.said is None or deed.said.what == told:
        yield done


def _paused(world: World, deed: Deed, *, wanted: bool) -> Iterator[World]:
    what = "paused" if wanted else "resumed"
    told = f"already {what}" if world.paused == wanted else what
    yield from _steered(world, deed, replace(world, paused=wanted), told)


def _cleared(world: World, deed: Deed) -> Iterator[World]:
    reason = "stopped" if deed.kind == "stop" else "left"
    there = world.there and deed.kind == "stop"
    ended = replace(_over(world, reason), queue=(), paused=False, there=there)
    nothing = world.current is None and not world.queue
    already = nothing and deed.said is not None and deed.said.what == f"already {reason}"
    if deed.said is None or deed.said.what == reason or already:
        yield ended


def _shown(world: World, deed: Deed, missing: int) -> Iterator[World]:
    least = len(world.queue)
    if deed.said is None or (
        deed.said.what == "page" and least <= deed.said.number <= least + missing
    ):
        yield world


def _over(world: World, reason: str) -> World:
    if world.current is None:
        return world
    return replace(world, current=None, ended=world.ended | {(world.current, reason)})


@dataclass(frozen=True, slots=True)
class Plays:
    """Every /play of a guild, for what may still be looked for at a moment."""

    by_id: dict[str, Deed]
    failed: frozenset[str] = frozenset()
    """The tracks that no node could play: they ended by themselves, nobody was told when."""

    @classmethod
    def of(cls, deeds: Iterable[Deed], truth: World) -> "Plays":
        """Pick the plays."""
        failed = frozenset(item for item, reason in truth.ended if reason == FAILED)
        return cls({deed.id: deed for deed in deeds if deed.kind == "play"}, failed)

    def missing(self, moment: float, before: str) -> int:
        """Count the slots that may still stand in the queue and lead to nothing."""
        return sum(
            self._leads_nowhere(play) and play.settled > moment and int(play.id) < int(before)
            for play in self.by_id.values()
        )

    def _leads_nowhere(self, play: Deed) -> bool:
        return play.said is None or (bool(play.refused) and play.refused not in UNTOUCHED)

    def may_be_taken_out(self, item: str) -> bool:
        """Say whether its asker may have been refused it after it was found."""
        play = self.by_id[item]
        return play.said is None or bool(play.refused)

    def is_taken_out(self, item: str, moment: float) -> bool:
        """Say whether its asker surely was."""
        play = self.by_id[item]
        return bool(play.refused) and play.settled <= moment

    def may_be_turned_away(self, moment: float, before: str) -> bool:
        """Say whether Discord may have kept the bot out of the channel of one that was asked."""
        return any(
            play.refused in TURNED_AWAY and play.sent <= moment and int(play.id) < int(before)
            for play in self.by_id.values()
        )

    def pending(self, item: str, moment: float) -> bool:
        """Say whether a query may still be looked for."""
        return self.by_id[item].settled > moment

    def slow(self, item: str) -> bool:
        """Say whether it may have taken so long that others passed it."""
        play = self.by_id[item]
        return play.settled - play.sent > PATIENCE


def rested(world: World, plays: Plays, *, moment: float, before: str) -> Iterator[World]:
    """Yield what a world may have become by itself when the next command is taken."""
    for known in _tidied(world, plays, moment=moment, before=before):
        yield known
        if known.there and plays.may_be_turned_away(moment, before):
            yield replace(known, there=False)


def _tidied(world: World, plays: Plays, *, moment: float, before: str) -> Iterator[World]:
    for left in _taken_out(world, plays, moment):
        for known in _going_on(left, plays, moment=moment, before=before):
            item = known.current
            if item is None or not plays.is_taken_out(item, moment):
                yield known
            if item is not None and plays.may_be_taken_out(item):
                over = replace(known, current=None)
                yield from _tidied(over, plays, moment=moment, before=before)
            if item in plays.failed:
                yield from _tidied(_over(known, FAILED), plays, moment=moment, before=before)


def _taken_out(world: World, plays: Plays, moment: float) -> Iterator[World]:
    """Yield a world with, and without, each track that waits and that its asker was refused."""
    item = next((one for one in world.queue if plays.may_be_taken_out(one)), None)
    if item is None:
        yield world
        return
    place = world.queue.index(item)
    rest = replace(world, queue=world.queue[place + 1 :])
    for after in _taken_out(rest, plays, moment):
        yield replace(after, queue=world.queue[:place] + after.queue)
        if not plays.is_taken_out(item, moment):
            yield replace(after, queue=world.queue[: place + 1] + after.queue)


def _going_on(world: World, plays: Plays, *, moment: float, before: str) -> Iterator[World]:
    for known in _remembered(world):
        starts = known.there and known.current is None and known.queue
        if not starts:
            yield known
            continue
        blocked = plays.missing(moment, before) > 0
        if blocked or plays.pending(known.queue[0], moment):
            yield known
        for place, item in enumerate(known.queue):
            yield _started(known, place)
            if not plays.slow(item):
                break


def _remembered(world: World) -> Iterator[World]:
    """A player that is nowhere and has nothing is forgotten at some time, and its volume too."""
    yield world
    if not world.there and world.volume != World().volume:
        yield replace(world, volume=100)


def _started(world: World, place: int) -> World:
    rest = world.queue[:place] + world.queue[place + 1 :]
    return replace(world, current=world.queue[place], queue=rest)
