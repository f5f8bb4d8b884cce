"""Holds what was told and what is there against the model, guild by guild. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from legato_machine.oracle import model
from legato_machine.oracle.model import Deed, Plays, World

REFUSED, TOO_LATE = "refused", "too_late"
_LAST = str(1 << 63)
_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Truth:
    """One guild as the books have it."""

    guild_id: int
    world: World


def judge(deeds: Sequence[Deed], truth: Truth) -> list[str]:
    """Say in a sentence each what can't be; nothing: all is as it must be."""
    found = [*_contradictions(deeds)]
    truth = _without_refused(truth, deeds)
    plays, worlds = Plays.of(deeds, truth.world), {World()}
    is_late = any(deed.refused == TOO_LATE for deed in deeds)
    for number, deed in enumerate(deeds):
        before, worlds = worlds, _then(worlds, deed, plays, is_late=is_late)
        if not worlds:
            story = _story(deeds[: number + 1])
            return [*found, f"{truth.guild_id}: {_one(deed)} can't be, in {before}:\n{story}"]
    ends = _rest(worlds, plays, math.inf, _LAST)
    if truth.world not in ends:
        story, wanted = _story(deeds), "\n  or ".join(map(str, ends))
        found.append(f"{truth.guild_id}: is {truth.world}\n  not {wanted}:\n{story}")
    return found


def _without_refused(truth: Truth, deeds: Iterable[Deed]) -> Truth:
    """Leave out what began, and was refused all the same: the bot did not get into the channel."""
    kept = {deed.id for deed in deeds if deed.said is not None and not deed.refused}
    ended = frozenset(
        (item, reason) for item, reason in truth.world.ended if reason != REFUSED or item in kept
    )
    return replace(truth, world=replace(truth.world, ended=ended))


def _then(worlds: Iterable[World], deed: Deed, plays: Plays, *, is_late: bool) -> set[World]:
    """Take one deed; where some came too late, one that nobody was told of may have been too."""
    missing = plays.missing(deed.sent, deed.id)
    rested = _rest(worlds, plays, deed.sent, deed.id)
    then = {new for world in rested for new in model.after(world, deed, missing=missing)}
    return then | rested if is_late and deed.said is None else then


def _rest(worlds: Iterable[World], plays: Plays, moment: float, before: str) -> set[World]:
    return {
        new for world in worlds for new in model.rested(world, plays, moment=moment, before=before)
    }


def _contradictions(deeds: Iterable[Deed]) -> Iterable[str]:
    """Compare what people were told with whether it was done."""
    for deed in deeds:
        if deed.said is None:
            continue
        if deed.refused in {"rate_limited", "busy"} and deed.booked:
            yield f"{_one(deed)} was refused, and yet done"
        elif not deed.refused and not deed.booked:
            yield f"{_one(deed)} was told as done, and the books don't know it"


def _story(deeds: Sequence[Deed]) -> str:
    return "\n".join(f"    {_one(deed)}" for deed in deeds[-_SHOWN:])


def _one(deed: Deed) -> str:
    said = f"{deed.said.what} {deed.said.reason or deed.said.number}" if deed.said else "silence"
    took = "" if deed.told_at is None else f" after {deed.told_at - deed.sent:.2f} s"
    next_ = " next" if deed.first else ""
    return f"{deed.sent:.2f} {deed.id} {deed.kind}{next_} {deed.value or ''}: {said}{took}"
