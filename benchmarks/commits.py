"""How many commands a second a partition's loop commits to a real Valkey, and where the time goes.

Commands come by the inbox, as from a gateway. Effects are settled as soon as they may run: what
they would do outside is not measured, what they cost in the books is.
"""

import asyncio
import cProfile
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import msgspec
import redis.asyncio
from prometheus_client import CollectorRegistry

from benchmarks import player as pure
from benchmarks import profiling
from benchmarks.measured import Benchmark, Measured, Row
from legato import redis as reach
from legato.audio import player
from legato.audio.changes import Position
from legato.audio.effects import Effect, outbox_key
from legato.audio.ledger import Books, Kept, Ledger
from legato.audio.means import Means
from legato.audio.metrics import Metrics
from legato.audio.outbox import Outbox
from legato.audio.partitions import PartitionLoop
from legato.audio.player import Player
from legato.audio.rules import Rules
from legato.bus import Bus
from legato.clock import EPOCH, ServerClock
from legato.contracts import inbox, keys, playback
from legato.contracts.partitions import Partition
from legato.contracts.settings import GuildSettings
from legato.embedded.valkey import Valkey
from legato.leases import Lease, Leases
from legato.settings import Common
from legato.telemetry import Tracing
from support_servers import running_valkey

BOT, GUILDS = 1, 20
AT_ONCE = 50
AIM = 2000
KINDS: tuple[type[playback.Command], ...] = (
    playback.Pause,
    playback.Resume,
    playback.SetVolume,
    playback.ShowQueue,
)
_ids = itertools.count(1)
_decoder: msgspec.json.Decoder[inbox.Message] = msgspec.json.Decoder(inbox.Message)


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many commands took."""

    commands: int
    wall: float
    core: float
    """Seconds of this process's core."""
    scripts: dict[str, tuple[int, float]]
    """Calls and seconds inside the server, by command."""

    @property
    def a_second(self) -> float:
        """Return the rate."""
        return self.commands / self.wall

    @property
    def a_core_second(self) -> float:
        """Return the rate by our core's own time: what a busy machine can't blur."""
        return self.commands / self.core


@dataclass(slots=True)
class Bench:
    """A Valkey and the way there."""

    redis: reach.Client
    means: Means
    leases: Leases

    async def loop(self, index: int, length: int, *, settles: bool) -> "Running":
        """Begin a partition whose players have a queue of some length."""
        lease = await self.leases.acquire(Partition(BOT, "default", index))
        if not isinstance(lease, Lease) or not isinstance(lease.what, Partition):
            raise TypeError("the partition is another's")
        found = PartitionLoop(lease.what, lambda: lease, self.means)
        found.take(_books(length))
        return Running(found, lease.what, settles, self.means.bus)


@dataclass(slots=True)
class Running:
    """One partition at work."""

    loop: PartitionLoop
    partition: Partition
    settles: bool
    bus: Bus
    last: str = ""
    """The inbox entry that comes last."""
    reading: asyncio.Task[None] | None = None

    async def fill(self, commands: int) -> None:
        """Put commands into the inbox."""
        key, now = keys.inbox(self.partition), self.loop.now()
        for start in range(0, commands, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, commands))
            made = [self.bus.append(key, _command(n, now)) for n in numbers]
            self.last = max(await asyncio.gather(*made), key=_order)

    async def begin(self) -> None:
        """Come past what an owner finds when it begins: those entries it counts one by one."""
        await self.fill(1)
        self.reading = asyncio.create_task(self.loop.read())
        working = asyncio.create_task(self.loop.work())
        await self._committed()
        await self.loop.reached()
        await _end(working)

    async def work(self) -> None:
        """Work the inbox off, effects too."""
        async with asyncio.TaskGroup() as tasks:
            if self.settles:
                self.loop.outbox = Outbox(tasks, _nothing, self.loop.settled, self.loop.now)
            working = tasks.create_task(self.loop.work())
            await self._committed()
            while self.loop.outbox is not None and len(self.loop.outbox):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await self.loop.reached()
            working.cancel()
        if self.reading is not None:
            await _end(self.reading)
        self.loop.rest()

    async def _committed(self) -> None:
        while self.loop.writer.position.entry != self.last:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _order(entry: str) -> tuple[int, ...]:
    """Compare ids of a stream as numbers."""
    return tuple(int(part) for part in entry.split("-"))


async def _nothing(_guild: int, _effect: Effect, _trace: str) -> None:
    """Do an effect whose doing is not measured."""


def _command(number: int, now: int) -> playback.Command:
    kind = KINDS[number % len(KINDS)]
    guild = (number // len(KINDS) % GUILDS + 1) << 22
    more = {"volume": number % 200} if kind is playback.SetVolume else {}
    return kind(
        id=((now - EPOCH) << 22) | next(_ids),
        guild_id=guild,
        origin=msgspec.structs.replace(pure.ORIGIN, received_at=now, token="t" * 180),
        expires_at=now + 600_000,
        **more,
    )


def _books(length: int) -> Books:
    state = pure.waiting(length)
    head = player.head(state)
    kept = tuple(
        Kept(guild, msgspec.structs.replace(head, guild_id=guild), state.queue, {})
        for guild in (number << 22 for number in range(1, GUILDS + 1))
    )
    return Books(position=Position(), alive_at=0, seen={}, node_sessions={}, guilds=kept)


@asynccontextmanager
async def bench() -> AsyncIterator[tuple[Bench, Valkey]]:
    """Run a Valkey of its own, with no lease held yet."""
    with running_valkey() as server:
        client = reach.connect(server.url)
        clock = ServerClock()
        await clock.read(client)
        means = Means(
            ledger=Ledger(client, clock),
            bus=Bus(client),
            clock=clock,
            metrics=Metrics(CollectorRegistry()),
            tracing=Tracing("audio", Common()),
            settings_of=_settings,
            rules=Rules(max_queue=10_000),
        )
        leases = Leases(client, owner="b", ttl=timedelta(minutes=9), renew=timedelta(minutes=1))
        yield Bench(client, means, leases), server
        await client.aclose()


async def _settings(_guild_id: int) -> GuildSettings:
    return GuildSettings()


async def _cost(bench: Bench, loops: Sequence[Running], each: int) -> Cost:
    """Let partitions work side by side, each on so many commands."""
    for loop in loops:
        await loop.begin()
        await loop.fill(each)
    await bench.redis.config_resetstat()
    wall, core = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for loop in loops:
            tasks.create_task(loop.work())
    wall, core = time.perf_counter() - wall, time.process_time() - core
    return Cost(each * len(loops), wall, core, await _scripts(bench.redis))


async def _scripts(client: redis.asyncio.Redis) -> dict[str, tuple[int, float]]:
    stats = await client.info("commandstats")
    return {
        name.removeprefix("cmdstat_"): (int(found["calls"]), float(found["usec"]) / 1e6)
        for name, found in stats.items()
    }


def _stages(length: int, alone: Cost, seconds: float) -> dict[str, float]:
    """Say where a command's time goes, one partition alone; all in seconds, each of one command."""
    found = _pure(length, seconds)
    whole, core = alone.wall / alone.commands, alone.core / alone.commands
    rest = max(core - sum(found.values()), 0.0)
    for name in ("evalsha", "xread"):
        found[f"{name} in the server"] = alone.scripts.get(name, (0, 0.0))[1] / alone.commands
    found["our loop, redis-py and asyncio, on our core"] = rest
    found["waiting for the network and the server's turn"] = max(whole - sum(found.values()), 0.0)
    return found


def _pure(length: int, seconds: float) -> dict[str, float]:
    """Measure the pure stages of a command, in seconds of a core; the mean of its kinds."""
    state = pure.waiting(length)
    found = {"decode": 0.0, "step": 0.0, "diff": 0.0, "encode": 0.0}
    for number in range(len(KINDS)):
        message = _command(number, pure.NOW)
        message = msgspec.structs.replace(message, guild_id=pure.GUILD)
        raw = msgspec.json.encode(message)
        step = partial(_step, state, message)
        taken = step()
        for name, work in (
            ("decode", partial(_decoder.decode, raw)),
            ("step", step),
            ("diff", partial(player.diff, state, taken.player)),
            ("encode", partial(_encode, taken)),
        ):
            found[name] += 1 / pure.rate(work, seconds) / len(KINDS)
    return found


def _effects(length: int) -> float:
    state = pure.waiting(length)
    messages = [_command(number, pure.NOW) for number in range(len(KINDS))]
    made = [_step(state, msgspec.structs.replace(one, guild_id=pure.GUILD)) for one in messages]
    return sum(len(taken.effects) for taken in made) / len(made)


def _step(state: Player, message: playback.Command) -> player.Step:
    return player.step(state, message, now=pure.NOW, rules=pure.RULES)  # type: ignore[arg-type]  # a member of the union


def _encode(taken: player.Step) -> None:
    msgspec.json.encode(player.head(taken.player))
    for effect in taken.effects:
        outbox_key(effect)
        msgspec.json.encode(effect)


async def measure(quick: bool) -> Measured:
    """Measure one partition alone, and many side by side, with short and long queues."""
    each = 300 if quick else 8000
    rows: list[Row] = []
    found: dict[int, tuple[Cost, dict[str, float]]] = {}
    async with bench() as (valkey, server):
        del server
        index = itertools.count()
        for length in pure.LENGTHS:
            alone = await _cost(
                valkey, [await valkey.loop(next(index), length, settles=False)], each
            )
            settled = await _cost(
                valkey, [await valkey.loop(next(index), length, settles=True)], each
            )
            many = await _cost(
                valkey,
                [await valkey.loop(next(index), length, settles=True) for _ in range(8)],
                each // 4,
            )
            rows += _rows(length, alone, settled, many)
            found[length] = alone, _stages(length, alone, 0.02 if quick else 0.1)
        profile = _profile(found)
        profile += await _functions(valkey, next(index), each)
    return Measured(rows=tuple(rows), profile=tuple(profile))


def _rows(length: int, alone: Cost, settled: Cost, many: Cost) -> list[Row]:
    name = f"queue of {length:,}"
    return [
        Row(
            what=f"{name}: one partition, effects left in the outbox",
            figure=alone.a_second,
            unit="/s",
            note=f"{alone.a_core_second:,.0f} a second of the process's own core time",
        ),
        Row(
            what=f"{name}: one partition, every effect settled too",
            figure=settled.a_second,
            unit="/s",
            base=alone.a_second,
            base_of="effects left",
            note=f"{settled.a_core_second:,.0f} a second of core time",
        ),
        Row(
            what=f"{name}: 8 partitions in one process, every effect settled",
            figure=many.a_second,
            unit="/s",
            least=AIM,
            base=settled.a_second,
            base_of="one partition",
            note=f"{many.a_core_second:,.0f} a second of core time",
        ),
    ]


def _profile(found: Mapping[int, tuple[Cost, dict[str, float]]]) -> list[str]:
    """Show the stages of a command, a column for each length of the queue."""
    stages = [stages for _, stages in found.values()]
    scripts = [
        cost.scripts.get("evalsha", (0, 0.0))[0] / cost.commands for cost, _ in found.values()
    ]
    heads = "".join(f"{f'queue of {length:,}':>18}" for length in found)
    return [
        f"µs of a command, one partition alone{'':10}{heads}",
        *(
            f"  {name:44}"
            + "".join(f"{1e6 * one[name]:12.1f} {_share(one, name):4.0%} " for one in stages)
            for name in stages[0]
        ),
        f"  {'scripts a command':44}" + "".join(f"{each:12.2f}      " for each in scripts),
        f"  {'effects a command':44}"
        + "".join(f"{_effects(length):12.2f}      " for length in found),
    ]


def _share(stages: Mapping[str, float], name: str) -> float:
    return stages[name] / sum(stages.values())


async def _functions(valkey: Bench, index: int, each: int) -> list[str]:
    """Name the functions that take the most of our core."""
    loop = await valkey.loop(index, pure.LENGTHS[0], settles=True)
    await loop.begin()
    await loop.fill(each)
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    await loop.work()
    profiler.disable()
    return ["our core's time by library, effects settled (cProfile):", *profiling.shares(profiler)]


BENCHMARK = Benchmark(
    shows=(
        "How many commands a second are committed to a real Valkey "
        "(pause, resume, volume, queue in equal parts, over 20 guilds a partition)."
    ),
    measure=measure,
    limit=120,
    quick_limit=40,
)
