"""One partition's loop on a real Valkey; its owner dies by an exception that nothing catches."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from legato.audio import stepping, writer
from legato.audio.batch import FULL
from legato.audio.changes import Change, Commit, Position
from legato.audio.effects import Effect, Tell
from legato.audio.events import Internal, PositionReported, Resolved, Restored, VoiceClosed
from legato.audio.ledger import Books, Ledger, Outcome
from legato.audio.means import Means
from legato.audio.metrics import Metrics
from legato.audio.outbox import Outbox
from legato.audio.partitions import PartitionLoop
from legato.audio.player import Message, Player, Step
from legato.audio.player import step as real_step
from legato.audio.rules import Rules
from legato.audio.state import PlayerHead, VoiceState
from legato.bus import Bus
from legato.clock import EPOCH, ServerClock
from legato.contracts import keys, playback
from legato.contracts.actions import Refused
from legato.contracts.partitions import Partition
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable
from legato.leases import Lease, Leases
from legato.redis import Client
from legato.settings import Common
from legato.telemetry import Tracing
from support_players import origin
from support_waiting import until

P = Partition(7, "default", 3)
POISON = 13
"""The volume that a test's step can't take."""
_ids = itertools.count(1)


class Died(BaseException):
    """The process ended in a step."""


class Losing(Ledger):
    """A ledger that loses its answers for a while."""

    loses = 0

    async def commit(self, lease: Lease, at: Position, to: Position, commit: Commit) -> Outcome:
        outcome = await super().commit(lease, at, to, commit)
        if self.loses:
            self.loses -= 1
            raise Unavailable("redis", "a test lost the answer")
        return outcome


class World:
    """A partition, and whoever owns it now."""

    def __init__(self, redis: Client, lease: Lease) -> None:
        clock = ServerClock()
        self.redis = redis
        self.lease: Lease | None = lease
        self.ledger = Losing(redis, clock)
        self.done: list[Effect] = []
        self.means = Means(
            ledger=self.ledger,
            bus=Bus(redis),
            clock=clock,
            metrics=Metrics(CollectorRegistry()),
            tracing=Tracing("audio", Common()),
            settings_of=_settings,
            rules=Rules(),
        )

    async def books(self) -> Books:
        return await self.ledger.load(P)

    async def head(self, guild: int) -> PlayerHead:
        """Return a guild's player as the books have it."""
        (found,) = [one.head for one in (await self.books()).guilds if one.guild_id == guild]
        assert found is not None
        return found

    def volume(self, guild: int, volume: int) -> playback.SetVolume:
        """Make a command that leaves a trace of its own."""
        now = self.means.clock.now()
        return playback.SetVolume(
            id=((now - EPOCH) << 22) | next(_ids),
            guild_id=guild,
            origin=origin(),
            expires_at=now + 60_000,
            volume=volume,
        )

    async def ask(self, *commands: playback.Command) -> str:
        """Let them come at once; returns the last one's place."""
        ids: list[str] = []
        async with self.redis.pipeline(transaction=True) as pipe:
            for command in commands:
                pipe.xadd(keys.inbox(P), {b"m": msgspec.json.encode(command)})
            ids = [found.decode() for found in await pipe.execute()]
        return ids[-1]

    @contextlib.asynccontextmanager
    async def owner(self) -> AsyncIterator[PartitionLoop]:
        """Own the partition, from the books on."""
        loop = PartitionLoop(P, lambda: self.lease, self.means)
        loop.take(await self.books())
        async with asyncio.TaskGroup() as tasks:
            loop.outbox = Outbox(tasks, self._do, loop.settled, loop.now)
            running = [
                tasks.create_task(one) for one in (loop.writer.pay(), loop.work(), loop.read())
            ]
            yield loop
            for task in running:
                task.cancel()
            loop.outbox.close()
        loop.rest()

    async def _do(self, _guild: int, effect: Effect, _trace: str) -> None:
        self.done.append(effect)

    async def reaches(self, loop: PartitionLoop, entry: str) -> None:
        """Wait until an entry is done."""
        await until(lambda: loop.writer.position.entry == entry)

    async def dies(self, *commands: playback.Command) -> None:
        """Own the partition, take commands, and die of what was or is asked."""
        died = False
        try:
            async with self.owner() as loop:
                if commands:
                    await loop.reached()
                    await self.ask(*commands)
                await asyncio.sleep(10)
        except* Died:
            died = True
        assert died

    @property
    def told(self) -> list[Tell]:
        """What askers were told."""
        return [effect for effect in self.done if isinstance(effect, Tell)]


async def _settings(_guild: int) -> GuildSettings:
    return GuildSettings()


@pytest.fixture
async def world(redis: Client) -> World:
    found = await Leases(redis, owner="a", ttl=timedelta(minutes=9)).acquire(P)
    assert isinstance(found, Lease)
    made = World(redis, found)
    players = [
        # Who wants to be in a channel is not forgotten.
        Change(guild_id=guild, head=PlayerHead(guild_id=guild, voice=VoiceState(wanted=9)))
        for guild in range(1, 21)
    ]
    await made.ledger.commit(found, Position(), Position(commits=1), Commit(changes=players))
    return made


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> dict[int, type[BaseException]]:
    """Say what a step does of a guild's poison."""
    does: dict[int, type[BaseException]] = {}

    def step(player: Player, message: Message, *, now: int, rules: Rules) -> Step:
        match message:
            case playback.SetVolume(guild_id=guild, volume=volume) if volume == POISON:
                raise does[guild]
        return real_step(player, message, now=now, rules=rules)

    monkeypatch.setattr(stepping, "step", step)
    return does


async def test_what_comes_at_once_is_committed_at_once(world: World) -> None:
    async with world.owner() as loop:
        await loop.reached()
        last = await world.ask(*(world.volume(guild, 10 + guild) for guild in range(1, 21)))
        await world.reaches(loop, last)
        commits = loop.writer.position.commits

    assert commits <= 3
    found = await world.books()
    volumes = {one.guild_id: one.head.volume for one in found.guilds if one.head}
    assert volumes == {guild: 10 + guild for guild in range(1, 21)}
    assert len(found.seen) == 20


async def test_a_guilds_commands_are_done_in_order_within_one_commit(world: World) -> None:
    async with world.owner() as loop:
        await loop.reached()
        last = await world.ask(*(world.volume(1, volume) for volume in (10, 20, 30)))
        await world.reaches(loop, last)
        await until(lambda: len(world.told) == 3)

    head = await world.head(1)
    assert (head.volume, head.revision) == (30, 3)
    assert [effect.answer.value for effect in world.told] == [10, 20, 30]  # type: ignore[union-attr]  # all are Done


async def test_a_command_that_comes_again_is_done_once(world: World) -> None:
    louder = replace(world.volume(1, 0), volume=None, change=10)
    async with world.owner() as loop:
        await loop.reached()
        await world.reaches(loop, await world.ask(louder, louder, louder))
        await world.reaches(loop, await world.ask(louder))
    async with world.owner() as loop:
        await world.reaches(loop, await world.ask(louder))

    assert (await world.head(1)).volume == 110
    assert {effect.key for effect in world.told} == {str(louder.id)}


async def test_a_done_effect_is_struck_out_soon(world: World) -> None:
    commands = world.volume(1, 50), world.volume(2, 50)
    async with world.owner() as loop:
        await world.reaches(loop, await world.ask(*commands))
        await until(lambda: world.told)

        async def is_struck() -> bool:
            return not await world.redis.exists(keys.pending(P))

        await until(is_struck)
        commits = loop.writer.position.commits

    # Each has a reason: a command, or effects that are done.
    assert commits <= len(commands) + len(world.done)


async def test_an_owner_that_ends_in_order_leaves_no_done_effect_behind(world: World) -> None:
    async with world.owner() as loop:
        await world.reaches(loop, await world.ask(world.volume(1, 50)))
        await until(lambda: world.told)
    await loop.leave()

    assert not await world.redis.exists(keys.pending(P))


async def test_a_crashing_command_leaves_the_others_of_its_commit_alone(
    world: World, poisoned: dict[int, type[BaseException]]
) -> None:
    poisoned[2] = ValueError
    async with world.owner() as loop:
        await loop.reached()
        commands = [world.volume(guild, POISON if guild == 2 else 50) for guild in (1, 2, 3)]
        await world.reaches(loop, await world.ask(*commands))
        await until(lambda: len(world.told) == 3)

    assert {effect.key: effect.answer for effect in world.told}[str(commands[1].id)] == Refused(
        reason="internal"
    )
    assert await world.redis.xlen(keys.dead(P)) == 1
    assert [(await world.head(guild)).volume for guild in (1, 2, 3)] == [50, 100, 50]


async def test_a_command_that_ends_its_owner_is_put_aside_after_the_third_and_no_other_is(
    world: World, poisoned: dict[int, type[BaseException]]
) -> None:
    poisoned[2] = Died
    commands = [world.volume(guild, POISON if guild == 2 else 50) for guild in (1, 2, 3)]
    await world.dies(*commands)
    for _ in range(2):
        await world.dies()
        assert await world.redis.xlen(keys.dead(P)) == 0

    async with world.owner():
        await until(lambda: len({effect.key for effect in world.told}) == 3)

    ((_, letter),) = await world.redis.xrange(keys.dead(P))
    assert str(commands[1].id).encode() in letter[b"m"]
    assert [(await world.head(guild)).revision for guild in (1, 2, 3)] == [1, 0, 1]
    assert not await world.redis.exists(keys.attempts(P))


async def test_an_owner_that_is_often_killed_puts_no_innocent_aside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [world.volume(guild, 50) for guild in range(1, 6)]
    await world.ask(*commands)

    for allowed in range(5):
        left = itertools.count()

        def step(
            player: Player,
            message: Message,
            *,
            now: int,
            rules: Rules,
            left: itertools.count = left,  # type: ignore[type-arg]  # of int
            allowed: int = allowed,
        ) -> Step:
            if next(left) >= min(allowed, 1):
                raise Died
            return real_step(player, message, now=now, rules=rules)

        monkeypatch.setattr(stepping, "step", step)
        await world.dies()
    monkeypatch.undo()

    async with world.owner():
        await until(lambda: len({effect.key for effect in world.told}) == 5)

    assert await world.redis.xlen(keys.dead(P)) == 0
    assert all(not isinstance(effect.answer, Refused) for effect in world.told)


async def test_a_commit_whose_answer_is_lost_holds_up_no_event_and_is_done_once(
    world: World,
) -> None:
    async with world.owner() as loop:
        await loop.reached()
        world.ledger.loses = 10**6
        last = await world.ask(world.volume(1, 50))
        await world.reaches(loop, last)
        loop.tell(Resolved(guild_id=1, slot="gone", tracks=()))
        await loop.reached()
        assert loop.writer.is_away
        world.ledger.loses = 0
        await until(lambda: not loop.writer.is_away)
        await world.reaches(loop, await world.ask(world.volume(1, 60)))

    head = await world.head(1)
    assert (head.volume, head.revision) == (60, 2)


async def test_what_a_node_told_is_believed_once_its_player_has_followed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", 3600.0)
    told, learned = Restored(guild_id=1, alive_at=0), list[Internal]()
    begun, may_end = asyncio.Event(), asyncio.Event()
    commit = world.ledger.commit

    async def slow(lease: Lease, at: Position, to: Position, what: Commit) -> Outcome:
        begun.set()
        await may_end.wait()
        return await commit(lease, at, to, what)

    async with world.owner() as loop:
        await loop.reached()
        loop.stepper.learn = learned.append
        monkeypatch.setattr(world.ledger, "commit", slow)
        loop.tell(told, node="n1", session_id="s")
        await begun.wait()
        early = list(learned)
        may_end.set()
        await loop.reached()

    assert early == []
    assert learned == [told]


async def test_what_changes_nothing_holds_up_no_command(world: World) -> None:
    async with world.owner() as loop:
        await world.reaches(loop, await world.ask(world.volume(1, 50)))
        for _ in range(2 * FULL):
            report = PositionReported(guild_id=1, play_id="x", position=0, at=0, connected=True)
            loop.tell(report, node="another", session_id="another")
        await loop.reached()

        await world.reaches(loop, await world.ask(world.volume(1, 60)))

    assert (await world.head(1)).volume == 60


async def test_voice_closes_are_counted_by_their_codes(world: World) -> None:
    loop = PartitionLoop(P, lambda: world.lease, world.means)
    for code in (4017, 4017, 7):
        loop.tell(VoiceClosed(guild_id=1, node="a", session_id="b", code=code))

    counted = world.means.metrics.voice_closes
    assert counted.labels("4017")._value.get() == 2
    assert counted.labels("other")._value.get() == 1
