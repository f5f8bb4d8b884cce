import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from legato.audio import outbox
from legato.audio.effects import (
    Audit,
    Effect,
    Record,
    Resolve,
    SaveQueue,
    SyncNode,
    SyncPanel,
    Tell,
    carried,
)
from legato.audio.outbox import MOST_RECORDS, Outbox
from legato.contracts.actions import Done
from legato.contracts.playback import Origin
from legato.contracts.tracks import Track
from legato.errors import Unavailable
from support_waiting import until

ORIGIN = Origin(source="interaction", user_id=1, channel_id=2, received_at=1_000)


def tell(key: str, seq: int = 0) -> Tell:
    return Tell(seq=seq, key=key, origin=ORIGIN, answer=Done(what="paused"))


class World:
    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.ran: list[tuple[int, Effect]] = []
        self.settled: list[tuple[str, str]] = []
        self.away: set[type] = set()
        self.hold: dict[type, asyncio.Event] = {}
        self.broken: set[type] = set()
        self.now = 1_000
        self.outbox = Outbox(tasks, self.run, self.settle, lambda: self.now)

    async def run(self, guild_id: int, effect: Effect, trace: str) -> None:
        self.ran.append((guild_id, effect))
        if event := self.hold.get(type(effect)):
            await event.wait()
        if type(effect) in self.broken:
            raise ValueError("a bug")
        if type(effect) in self.away:
            raise Unavailable("something")

    def settle(self, guild_id: int, key: str, effect: Effect, outcome: str) -> None:
        self.settled.append((key, outcome))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as tasks:
        found = World(tasks)
        yield found
        found.outbox.close()


async def test_a_guilds_answers_go_out_in_order_each_once(world: World) -> None:
    effects = [tell(str(number), number) for number in range(5)]
    world.outbox.put(1, effects)
    await until(lambda: len(world.settled) == 5)

    assert [effect for _, effect in world.ran] == effects
    assert len(world.outbox) == 0


async def test_the_latest_of_a_converging_effect_replaces_the_older(world: World) -> None:
    world.hold[SyncNode] = asyncio.Event()
    world.outbox.put(1, [SyncNode(seq=1)])
    await until(lambda: world.ran)
    world.outbox.put(1, [SyncNode(seq=2)])
    world.outbox.put(1, [SyncNode(seq=3)])
    world.hold[SyncNode].set()
    await until(lambda: not len(world.outbox))

    assert [effect.seq for _, effect in world.ran] == [1, 3]


async def test_what_is_away_is_tried_again(world: World) -> None:
    world.away.add(SyncNode)
    world.outbox.put(1, [SyncNode(seq=1)])
    await until(lambda: len(world.ran) >= 5)
    world.away.clear()
    await until(lambda: world.settled)

    assert world.settled == [("sync_node", "done")]


async def test_what_is_away_is_tried_again_at_once_when_nudged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "FIRST_PAUSE", 3600.0)
    world.away.add(SyncNode)
    world.outbox.put(1, [SyncNode(seq=1)])
    await until(lambda: world.ran)
    world.away.clear()
    world.outbox.nudge([1], "node")
    await until(lambda: world.settled)

    assert len(world.ran) == 2
    assert world.settled == [("sync_node", "done")]


async def test_one_target_that_hangs_holds_up_no_other(world: World) -> None:
    world.hold[SaveQueue] = asyncio.Event()
    world.hold[Resolve] = asyncio.Event()
    world.outbox.put(1, [SaveQueue(seq=1), Resolve(seq=2, slot="a", query="q", deadline=9_000)])
    world.outbox.put(1, [SyncNode(seq=3), SyncPanel(seq=4)])
    world.outbox.put(2, [Resolve(seq=5, slot="b", query="q", deadline=9_000)])
    await until(lambda: len(world.settled) == 2)

    assert dict(world.settled) == {"sync_node": "done", "sync_panel": "done"}
    assert world.outbox.has(1, "resolve:a")
    for event in world.hold.values():
        event.set()
    await until(lambda: not len(world.outbox))


async def test_a_one_shot_past_its_deadline_is_given_up(world: World) -> None:
    world.away.add(Tell)
    world.outbox.put(1, [tell("old")])
    await until(lambda: world.ran)
    world.now += 15 * 60_000
    world.outbox.nudge([1], "shard")
    await until(lambda: world.settled)

    assert world.settled == [("tell:old", "late")]


async def test_a_bug_in_one_effect_ends_that_effect_only(world: World) -> None:
    world.broken.add(SyncPanel)
    world.outbox.put(1, [SyncPanel(seq=1), tell("a", 2)])
    await until(lambda: len(world.settled) == 2)

    assert world.settled == [("sync_panel", "failed"), ("tell:a", "done")]


async def test_what_is_left_is_told_by_guild(world: World) -> None:
    world.away |= {Tell, SyncNode}
    world.outbox.put(1, [tell("a"), SyncNode(seq=1)])
    world.outbox.put(2, [tell("b")])

    assert set(world.outbox.left(1)) == {"tell:a", "sync_node"}
    assert set(world.outbox.left(2)) == {"tell:b"}
    assert len(world.outbox) == 3


async def test_a_notice_survives_what_replaces_its_panel(world: World) -> None:
    world.away.add(SyncPanel)
    told = SyncPanel(seq=1, notice="track_failed", notice_detail="404")
    world.outbox.put(1, [told])

    assert carried(world.outbox.waiting(1, SyncPanel()), SyncPanel(seq=2)) == SyncPanel(
        seq=2, notice="track_failed", notice_detail="404"
    )
    newer = SyncPanel(seq=2, notice="kicked")
    assert carried(world.outbox.waiting(1, newer), newer) == newer
    assert carried(world.outbox.waiting(2, newer), SyncPanel(seq=2)) == SyncPanel(seq=2)


def record(number: int) -> Record:
    return Record(
        seq=number,
        play_id=f"{number}",
        track=Track(encoded="E", title="A tone"),
        requester_id=5,
        started_at=1,
        ended_at=2,
        reason="finished",
        heard=1,
    )


def deed(number: int) -> Audit:
    return Audit(seq=number, key=f"{number}", action="player.skipped", user_id=5, at=1)


@pytest.mark.parametrize(("kind", "make"), [("record", record), ("audit", deed)])
async def test_what_is_past_and_can_not_be_written_is_kept_in_bounds(
    world: World, kind: str, make: Callable[[int], Effect]
) -> None:
    world.away |= {Record, Audit, SaveQueue}
    world.outbox.put(1, [SaveQueue(seq=0)])

    world.outbox.put(1, [make(number) for number in range(1, MOST_RECORDS + 4)])

    assert [key for key, outcome in world.settled if outcome == "late"] == [
        f"{kind}:1",
        f"{kind}:2",
        f"{kind}:3",
    ]
    assert len(world.outbox) == MOST_RECORDS + 1
