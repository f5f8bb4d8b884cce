"""How long people go without an answer when a process dies or goes, and what is heard.

People type /queue twice a second from the signal on, until one typed after all is done has its
answer; a refusal is none. One guild plays all the while, and the control stream of the same seconds
is the baseline of its gaps.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from benchmarks import platform
from benchmarks.measured import Benchmark, Measured, Row
from legato.contracts import keys
from legato.contracts.keys import Owned
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION, Shard, all_partitions
from legato.contracts.partitions import partition_of as partition
from legato_machine.conditions import NeverHappened, until
from legato_machine.machine import Machine
from legato_machine.room import Room
from legato_machine.service import Service
from legato_simulator.views import InteractionView

AGAIN = 0.5
"""Seconds between two commands: as many as the limit for one guild lets pass."""
PEOPLE = 8
PATIENCE = 40.0
MOST_BEYOND_CONTROL_MS = 200.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one cause."""

    cause: str
    without_ms: float
    """The longest stretch without an answer."""
    typed: int
    unanswered: int
    gap_ms: float
    control_ms: float
    breaks: int
    identifies: int


@dataclass(slots=True)
class Drill:
    """A machine with one guild that plays, and people who type there."""

    machine: Machine
    room: Room
    people: list[str]
    turn: int = 0

    @classmethod
    async def begin(cls, machine: Machine) -> "Drill":
        """Let it play."""
        room = await machine.room("hears everything")
        people = [
            (await machine.discord.make_user(f"person {n}", guild=room.guild.id)).id
            for n in range(PEOPLE)
        ]
        await machine.voice.voice_control_start()
        await room.play("tone-7-600s.ogg")
        await room.hears(7, after=1000)
        return cls(machine, room, people)

    async def see(self, cause: str, act: Callable[[], Awaitable[object]]) -> Seen:
        """Bring a cause about, and watch until the next command is answered."""
        before = (await self.machine.discord.record()).identifies
        began = time.monotonic()
        tries = await self._typed(asyncio.ensure_future(act()))
        answers = sorted(one.answered_at or 0.0 for one in tries if _is_answer(one))
        heard = await self.room.report(since=began)
        control = await self.machine.voice.voice_control(since=began)
        return Seen(
            cause=cause,
            without_ms=max(b - a for a, b in pairwise((began, *answers))) * 1000,
            typed=len(tries),
            unanswered=len(tries) - len(answers),
            gap_ms=heard.longest_silence_ms if heard else PATIENCE * 1000,
            control_ms=control.worst_gap_ms if control else 0.0,
            breaks=heard.breaks if heard else 1,
            identifies=(await self.machine.discord.record()).identifies - before,
        )

    async def _typed(self, acting: asyncio.Future[object]) -> list[InteractionView]:
        """Type until one command that was typed after the act is answered."""
        deadline = time.monotonic() + PATIENCE
        tries: list[asyncio.Task[InteractionView]] = []
        last: set[asyncio.Task[InteractionView]] = set()
        while not any(one.done() and _is_answer(one.result()) for one in last):
            if time.monotonic() > deadline:
                raise NeverHappened(f"no command was answered within {PATIENCE:.0f} s")
            tries.append(asyncio.create_task(self._type()))
            if acting.done():
                last.add(tries[-1])
            await asyncio.sleep(AGAIN)
        await acting
        return await asyncio.gather(*tries)

    async def _type(self) -> InteractionView:
        """Type one command, and wait for its answer or the end of Discord's time."""
        self.turn += 1
        person, text = self.people[self.turn % PEOPLE], self.room.text.id
        sent = await self.machine.discord.run_command(person, text, "queue", {})
        return await sent.response(PATIENCE)

    async def owner(self, component: str) -> tuple[Service, Service]:
        """Find which of two processes serves the guild, and the other."""
        pair = [self.machine.parts[component], self.machine.parts[f"{component}-2"]]
        thing: Owned = Shard(self.machine.bot_id, 0, 1)
        if component == "audio":
            thing = partition(
                self.room.guild_id,
                bot=self.machine.bot_id,
                region=DEFAULT_REGION,
                count=DEFAULT_COUNT,
            )
        async with self.machine.redis() as client:
            holder = str(await client.hget(keys.lease(thing), "owner") or "")
        mine = [one for one in pair if one.member and holder.startswith(f"{one.member}~")]
        if len(mine) != 1:
            raise NeverHappened(f"{component}: nobody known holds {thing}, but {holder!r}")
        return mine[0], next(one for one in pair if one is not mine[0])

    async def balanced(self) -> None:
        """Wait until two audio workers share the partitions."""
        members = [self.machine.parts[name].member for name in ("audio", "audio-2")]
        every = all_partitions(bot=self.machine.bot_id, region=DEFAULT_REGION, count=DEFAULT_COUNT)

        async def shared() -> bool:
            async with self.machine.redis() as client:
                held = [str(await client.hget(keys.lease(one), "owner") or "") for one in every]
            counts = [sum(one.startswith(f"{name}~") for one in held) for name in members]
            return sum(counts) == DEFAULT_COUNT and min(counts) >= DEFAULT_COUNT // 4

        await until(shared, what="two workers share the partitions", timeout=40)


def _is_answer(view: InteractionView) -> bool:
    """Tell an answer from a refusal and from silence."""
    return view.answered_at is not None and not view.ephemeral


async def _alone(drill: Drill, component: str) -> list[Seen]:
    """Watch a process that has no twin go and come again."""
    machine, part = drill.machine, drill.machine.parts[component]

    async def killed() -> None:
        await part.kill()
        await machine.restart_dead(component)

    async def restarted() -> None:
        await part.stop()
        await part.start()

    return [
        await drill.see(f"{component}: kill -9, the supervisor starts it again", killed),
        await drill.see(f"{component}: SIGTERM, then started again", restarted),
    ]


async def _with_twin(drill: Drill, component: str) -> list[Seen]:
    """Watch a twin take over."""
    machine = drill.machine
    await machine.add(component)
    found: list[Seen] = []
    for cause in (
        "kill -9, a twin takes over, leases freed",
        "SIGTERM, handed to a twin",
        "kill -9, a twin takes over, leases left to run out",
    ):
        for name in (component, f"{component}-2"):
            if not machine.parts[name].running:
                await machine.parts[name].start()
        if component == "audio":
            await drill.balanced()
        owner, _ = await drill.owner(component)

        async def act(owner: Service = owner, cause: str = cause) -> None:
            if cause.startswith("SIGTERM"):
                await owner.stop()
                return
            await owner.kill()
            if cause.endswith("freed"):
                await machine.bury(owner.name)

        found.append(await drill.see(f"{component}: {cause}", act))
        await machine.bury(owner.name)
    return found


async def measure(quick: bool) -> Measured:
    """Go through the causes on one running platform."""
    found: list[Seen] = []
    async with platform.running() as machine:
        drill = await Drill.begin(machine)
        for component in ("audio", "gateway"):
            found += await _alone(drill, component)
        for component in () if quick else ("audio", "gateway"):
            found += await _with_twin(drill, component)
            await _rest(machine, component)
    return Measured(rows=tuple(row for seen in found for row in _rows(seen)))


async def _rest(machine: Machine, component: str) -> None:
    """End what runs as a twin, and let the first one run alone again."""
    twin = machine.parts[f"{component}-2"]
    await twin.end()
    await machine.bury(twin.name)
    if not machine.parts[component].running:
        await machine.parts[component].start()


def _rows(seen: Seen) -> Iterator[Row]:
    gap = Row(
        what=f"{seen.cause}: longest gap heard",
        figure=seen.gap_ms,
        unit="ms",
        most=seen.control_ms + MOST_BEYOND_CONTROL_MS,
        base=seen.control_ms,
        base_of="control stream",
        note=f"{seen.breaks} breaks",
    )
    yield Row(
        what=f"{seen.cause}: longest stretch without an answer",
        figure=seen.without_ms,
        unit="ms",
        note=(
            f"{seen.unanswered} of {seen.typed} commands without an answer, "
            f"{seen.identifies} IDENTIFYs; heard: {seen.breaks} breaks, longest gap "
            f"{seen.gap_ms:.0f} ms, control stream's {seen.control_ms:.0f} ms"
        ),
    )
    if gap.missed:
        yield gap


BENCHMARK = Benchmark(
    shows=(
        "How long people go without an answer when an audio worker or a gateway is killed, "
        "restarted or replaced while music plays."
    ),
    measure=measure,
    limit=210,
    quick_limit=70,
)
