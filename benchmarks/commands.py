"""From a person's command to the answer they see and the first packet they hear, under load.

The whole platform runs as processes; times are the simulator's own: when it sent the interaction,
when the answer could be read, when the first packet came. Load is open: what is slow is not waited
for.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import platform, processes
from benchmarks.measured import Benchmark, Measured, Row, median, percentile
from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_machine.oracle import sayings
from legato_simulator.actions.many import Typing
from legato_simulator.views import CrowdView, OutcomeView

RATES = (20, 100, 300)
AIM_RATE, AIM_ANSWER_MS, AIM_PACKET_MS = 100, 150.0, 400.0
PLAYING, LISTENERS, READERS = 50, 3, 2
MIX = ("play",) * 8 + ("stop",) * 2 + ("volume",) * 10 + ("queue",) * 60
"""10 % play, 2.5 % stop, 12.5 % volume in the guilds that play; 75 % queue in the others."""
TRACK = "tone-5-180s.ogg"
JOINS = 1.5
"""A second: Discord takes 120 messages a minute of a shard, joins of voice among them."""
SETTLED = 3.0
"""Seconds that a guild plays, or is silent, before it is stopped or started again."""
GRACE = 5.0
"""Seconds after the last command: Discord's three for an answer, and some for a packet."""
QUIET = 0.5
"""Seconds without a packet before a start, so that what came is surely the new track's."""
TICK = 0.01
"""Seconds between two looks at what is due: a few commands share one call at high rates."""


@dataclass(slots=True)
class Place:
    """A guild and its people, who take turns."""

    guild: CrowdView
    turn: int = 0
    since: float = 0.0
    """When it was last started or stopped, by the clock of this process."""
    plays: bool = False

    def person(self) -> str:
        """Say whose turn it is."""
        self.turn += 1
        return self.guild.people[self.turn % len(self.guild.people)]


@dataclass(slots=True)
class Sent:
    """What was sent in one stretch of load."""

    ids: set[str] = field(default_factory=set)
    starts: dict[str, Place] = field(default_factory=dict)
    """Interactions that start a silent guild, and the guild."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What came of one stretch of load."""

    rate: float
    answers: list[float]
    """ms."""
    packets: list[float]
    unanswered: int
    refused: int
    shares: str
    late: float
    """The worst lateness of our own sending, ms."""


class Crowd:
    """The guilds of a machine's Discord, and the people who type."""

    def __init__(self, machine: Machine, seed: int = 1) -> None:
        self.machine = machine
        self.stages: list[Place] = []
        self.others: list[Place] = []
        self.link = ""
        self.last = "0"
        self._chance = random.Random(seed)  # the same every time

    async def gather(self, guilds: int, playing: int) -> None:
        """Make the guilds and their people, who sit in voice."""
        discord = self.machine.discord
        self.link = await self.machine.make(TRACK)
        self.stages = [Place(one) for one in await discord.make_crowd(playing, LISTENERS)]
        self.others = [Place(one) for one in await discord.make_crowd(guilds - playing, READERS)]
        await until(lambda: self._known(guilds), what="the gateway knows all guilds", timeout=60)

    async def _known(self, guilds: int) -> bool:
        async with await self.machine.get("gateway", "/metrics") as answer:
            text = await answer.text()
        found = [line for line in text.splitlines() if line.startswith("legato_gateway_guilds ")]
        return bool(found) and float(found[0].split()[1]) >= guilds

    async def load(self, rate: float, seconds: float, kinds: Sequence[str]) -> Stretch:
        """Type at a steady rate, then wait for what came of it."""
        sent, late, done, total = Sent(), 0.0, 0, round(rate * seconds)
        since = await self._newest()
        before, began = platform.spent(self.machine), time.monotonic()
        while done < total:
            now = time.monotonic()
            due = min(total, 1 + int((now - began) * rate))
            late = max(late, now - began - done / rate)
            typed = [self._type(kinds[number % len(kinds)]) for number in range(done, due)]
            await self._send(typed, sent)
            done = due
            await asyncio.sleep(max(TICK, began + done / rate - time.monotonic()))
        took = time.monotonic() - began
        shares = processes.shares(before, platform.spent(self.machine), took)
        await asyncio.sleep(GRACE)
        return await self._found(sent, since, total / took, shares, late * 1000)

    async def _newest(self) -> str:
        found = await self.machine.discord.outcomes(self.last)
        self.last = found[-1].id if found else self.last
        return self.last

    def _type(self, kind: str) -> tuple[Typing, Place | None]:
        """Choose who types; a place where that is the start of the music comes along."""
        now = time.monotonic()
        ready = [one for one in self.stages if now - one.since > SETTLED]
        place = self._chance.choice(self.others if kind == "queue" else self.stages)
        starts = False
        if kind == "play":
            silent = [one for one in ready if not one.plays]
            starts = bool(silent)
            place = silent[0] if silent else place
        elif kind == "stop":
            loud = [one for one in ready if one.plays]
            kind, place = ("stop", loud[0]) if loud else ("volume", place)
        if starts or kind == "stop":
            place.plays, place.since = starts, now
        return self._typing(kind, place), place if starts else None

    def _typing(self, kind: str, place: Place) -> Typing:
        options: dict[str, str | int | float | bool] = {}
        if kind == "play":
            options = {"query": self.link}
        elif kind == "volume":
            options = {"percent": 100}
        person, text = place.person(), place.guild.text
        return Typing(user=person, channel=text, command=kind, options=options)

    async def _send(self, typed: Sequence[tuple[Typing, Place | None]], sent: Sent) -> None:
        ids = await self.machine.discord.run_commands([one for one, _ in typed])
        sent.ids.update(ids)
        for made, (_, place) in zip(ids, typed, strict=True):
            if place is not None:
                sent.starts[made] = place

    async def _found(
        self, sent: Sent, since: str, rate: float, shares: str, late: float
    ) -> Stretch:
        found = await self.machine.discord.outcomes(since)
        views = {one.id: one for one in found if one.id in sent.ids}
        answered = [one for one in views.values() if one.said and one.answered_at is not None]
        heard = [await self._first(views[one], place) for one, place in sent.starts.items()]
        return Stretch(
            rate=rate,
            answers=[((one.answered_at or 0.0) - one.created_at) * 1000 for one in answered],
            packets=[one for one in heard if one is not None],
            unanswered=len(views) - len(answered),
            refused=sum(sayings.read(one.said[-1]).what == "refused" for one in answered),
            shares=shares,
            late=late,
        )

    async def _first(self, view: OutcomeView, place: Place) -> float | None:
        """Say how long after a command the first packet came; None where it still played."""
        report = await self.machine.voice.voice_report(
            int(place.guild.guild_id), self.machine.bot_id, since=view.created_at - QUIET
        )
        firsts = [one.continuity.first_at for one in report.epochs] if report else []
        took = [(at - view.created_at) * 1000 for at in firsts if at is not None]
        return min(took) if took and min(took) > 0 else None


async def measure(quick: bool) -> Measured:
    """Measure each rate on one running platform."""
    guilds, playing, seconds = (100, 10, 3.0) if quick else (500, PLAYING, 15.0)
    chance = random.Random(2)  # the same every time
    kinds = chance.sample(MIX, len(MIX))
    async with platform.running() as machine:
        crowd = Crowd(machine)
        await crowd.gather(guilds, playing)
        joins = await crowd.load(JOINS, playing / JOINS, ("play",))
        await asyncio.sleep(SETTLED)
        found = [await crowd.load(rate, seconds, kinds) for rate in RATES]
        refusals = (await machine.discord.record()).refusals
    rows = [_packet("joining voice first", joins)]
    for rate, stretch in zip(RATES, found, strict=True):
        rows += _rows(rate, stretch, found[0])
    said = Counter(refusals)
    return Measured(
        rows=tuple(rows),
        profile=(
            f"{guilds} guilds, {playing} of them play; of a core, by process:",
            *(f"  {rate}/s: {one.shares}" for rate, one in zip(RATES, found, strict=True)),
            *(f"  refused by Discord: {count} x {what}" for what, count in said.items()),
        ),
    )


def _rows(rate: int, stretch: Stretch, calm: Stretch) -> list[Row]:
    aimed, measured = rate == AIM_RATE, bool(stretch.packets)
    return [
        Row(
            what=f"{rate} commands a second: answer, p50",
            figure=median(stretch.answers),
            unit="ms",
            base=median(calm.answers) if stretch is not calm else None,
            base_of=f"{RATES[0]}/s",
            note=f"{stretch.rate:.0f}/s sent, at worst {stretch.late:.0f} ms late",
        ),
        Row(
            what=f"{rate} commands a second: answer, p99",
            figure=percentile(stretch.answers, 0.99),
            unit="ms",
            most=AIM_ANSWER_MS if aimed else None,
            base=percentile(calm.answers, 0.99) if stretch is not calm else None,
            base_of=f"{RATES[0]}/s",
        ),
        Row(
            what=f"{rate} commands a second: answered",
            figure=len(stretch.answers) / max(1, len(stretch.answers) + stretch.unanswered) * 100,
            unit="%",
            least=100.0,
            note=f"{stretch.unanswered} not in Discord's 3 s; {stretch.refused} kindly refused",
        ),
        *([_packet(f"{rate} commands a second, bot there", stretch, aimed=aimed)] * measured),
    ]


def _packet(what: str, stretch: Stretch, *, aimed: bool = False) -> Row:
    return Row(
        what=f"{what}: first packet, p50",
        figure=median(stretch.packets),
        unit="ms",
        most=AIM_PACKET_MS if aimed else None,
        note=f"p99 {percentile(stretch.packets, 0.99):,.0f} ms of {len(stretch.packets)} starts",
    )


BENCHMARK = Benchmark(
    shows=(
        "Interaction in to answer out, and to the first RTP packet, of the whole platform: "
        "10 % play, 2.5 % stop, 12.5 % volume over the guilds that play, 75 % queue over the rest."
    ),
    measure=measure,
    limit=240,
    quick_limit=70,
)
