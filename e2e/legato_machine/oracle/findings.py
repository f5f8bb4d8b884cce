"""What came of a trial, and what of it nothing that was done to the machine explains. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from legato_machine.oracle import sayings
from legato_machine.oracle.crowd import Stall
from legato_machine.oracle.havoc import Blow
from legato_machine.oracle.judge import Truth, judge
from legato_machine.oracle.model import Deed, World
from legato_simulator.actions.many import Typing
from legato_simulator.views import OutcomeView

PATIENCE = 3.0
"""Seconds that Discord waits for a first answer."""
NOTED_WITHIN = 1.0
"""Seconds within which a gateway that lives notes what it has answered."""
PUT_OFF = frozenset({"busy", "rate_limited", "too_late"})
"""Refusals that say nothing of the player: the platform did not get round to it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A track that ended because no node could play it."""

    guild_id: int
    item: str
    began: float


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was seen; times are the machine's monotonic clock."""

    typed: Mapping[str, Typing]
    outcomes: Sequence[OutcomeView]
    done: frozenset[int]
    """The commands that the books have."""
    worlds: Mapping[int, World]
    shown: Mapping[int, int]
    """How many tracks wait, as dashboards are told."""
    failures: Sequence[Failure]
    blows: Sequence[Blow] = ()
    stalls: Sequence[Stall] = ()
    """When the machine let this very process wait too."""
    pace: str = ""
    """How it was typed."""

    def deeds(self) -> Mapping[int, list[Deed]]:
        """List what was done, by guild, in the order of asking."""
        found: dict[int, list[Deed]] = {}
        for one in self.outcomes:
            found.setdefault(int(one.guild_id), []).append(self._deed(one))
        return found

    def _deed(self, outcome: OutcomeView) -> Deed:
        """Join what was typed with what came of it."""
        typed = self.typed[outcome.id]
        return Deed(
            id=outcome.id,
            kind=typed.command,
            sent=outcome.created_at,
            told_at=outcome.answered_at if outcome.said else None,
            said=sayings.read(outcome.said[-1]) if outcome.said else None,
            booked=int(outcome.id) in self.done,
            first=typed.options.get("when") == "next",
            value=int(typed.options.get("percent", 0)),
            late_at=outcome.late_at,
        )


def wrong(found: Findings) -> list[str]:
    """Say in a sentence each what must never be, whoever was killed."""
    return [*_wrong(found)]


def _wrong(found: Findings) -> Iterator[str]:
    for guild, deeds in found.deeds().items():
        yield from judge(deeds, Truth(guild, found.worlds.get(guild, World())))
        for deed in deeds:
            if deed.said is None and not deed.booked:
                yield f"{deed.kind} {deed.id}: silence, and never done"
    for guild, shown in found.shown.items():
        waiting = len(found.worlds[guild].queue)
        if shown != waiting:
            yield f"{guild}: shown are {shown} that wait, and there are {waiting}"
    for one in found.outcomes:
        if one.told > 1 and not any(_may_repeat(blow, one) for blow in found.blows):
            yield f"{one.name} {one.id} was told {one.told} times"
        if one.deferred and not one.said:
            yield f"{one.name} {one.id} thinks for ever"


def unexplained(found: Findings) -> list[str]:
    """Say who was told nothing, and which track failed, though nothing was killed about then."""
    silent = (
        f"{one.kind} {one.id} of {one.sent:.2f}: nobody was told, {_lateness(one)}"
        for one in _all(found)
        if one.said is None
        and not any(_excuses(blow, one) for blow in found.blows)
        and not any(_coincides(stall, one) for stall in found.stalls)
    )
    failed = (
        f"{one.guild_id}: {one.item}, begun at {one.began:.2f}, failed"
        for one in found.failures
        if not any(_broke(blow, one) for blow in found.blows)
    )
    return [*silent, *failed]


def put_off(found: Findings) -> float:
    """Say which part of the commands was turned away for want of time."""
    return sum(one.refused in PUT_OFF for one in _all(found)) / max(1, len(found.outcomes))


def summary(found: Findings) -> str:
    """Sum up."""
    kinds = Counter(
        f"refused {one.refused}" if one.refused else one.said.what if one.said else "silence"
        for one in _all(found)
    )
    took = sorted(one.told_at - one.sent for one in _all(found) if one.told_at is not None)
    times = ", ".join(f"p{part} {_at(took, part):.2f} s" for part in (50, 90, 99))
    struck = "\n".join(
        f"  {one.at:.1f}: {one.how} {one.part}, back in {one.back - one.at:.1f} s"
        for one in found.blows
    )
    late = ", ".join(
        f"{one.late_at - one.sent:.1f}" for one in _all(found) if one.late_at is not None
    )
    return (
        f"{found.pace}\n{struck}\n{len(found.outcomes)} commands: {dict(kinds)}\nanswers: {times};"
        f" too late: {late or 'none'};"
        f" {len(found.failures)} tracks failed;"
        f" {len(found.stalls)} stalls of the machine, {_longest(found.stalls):.1f} s at most"
    )


def _all(found: Findings) -> Iterator[Deed]:
    return (one for deeds in found.deeds().values() for one in deeds)


def _lateness(silent: Deed) -> str:
    """Say whether there was an answer at all."""
    if silent.late_at is None:
        return "and nothing was answered"
    return f"the answer came after {silent.late_at - silent.sent:.1f} s"


def _excuses(blow: Blow, silent: Deed) -> bool:
    """Say whether a command was on its way through a gateway that was killed."""
    near = blow.at - PATIENCE <= silent.sent <= blow.back + PATIENCE
    return near and blow.how != "SIGTERM" and blow.part.startswith("gateway")


def _coincides(stall: Stall, silent: Deed) -> bool:
    """Say whether nothing at all ran on this machine while Discord waited."""
    return stall.began <= silent.sent + PATIENCE and silent.sent <= stall.ended


def _broke(blow: Blow, failure: Failure) -> bool:
    """Say whether a node was struck while the track lasted, or had not begun yet."""
    return blow.part.startswith("node") and failure.began <= blow.back + PATIENCE


def _may_repeat(blow: Blow, told: OutcomeView) -> bool:
    """Say whether a gateway was killed between an answer and its note: only Discord knew of it."""
    killed = blow.how != "SIGTERM" and blow.part.startswith("gateway")
    return killed and told.created_at <= blow.at <= (told.answered_at or 0.0) + NOTED_WITHIN


def _at(ordered: Sequence[float], part: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)] if ordered else 0.0


def _longest(stalls: Iterable[Stall]) -> float:
    return max((one.ended - one.began for one in stalls), default=0.0)
