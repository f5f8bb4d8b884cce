"""What an owner may still do, by its lease alone; and the books out of reach of a whole process."""

import pathlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from legato.audio.ledger import Ledger
from legato.audio.metrics import Metrics
from legato.audio.writer import Writer
from legato.clock import ServerClock
from legato.contracts.actions import QueuePage
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease
from legato.redis import connect
from support_audio import (
    Gateway,
    Process,
    ends,
    gateway,
    loaded,
    plays,
    process,
    tracks,
    voice_server,
)
from support_lavalink import Double, running_double
from support_servers import Breakable, breakable_valkey
from support_waiting import until

GUILD = 123 << 22
P = Partition(7, "default", 3)
TTL = timedelta(seconds=10)


def writer(lease: Callable[[], Lease | None]) -> Writer:
    ledger = Ledger(connect("redis://127.0.0.1:9"), ServerClock())
    return Writer(
        ledger,
        lease,
        Metrics(CollectorRegistry()),
        partition=P,
        everything=lambda: (),
        back=lambda: None,
    )


def lease_with(left: float, *, alone: float = 0.0) -> Lease:
    now = time.monotonic()
    return Lease(P, "a", 1, now + left, renewed=now, alone_until=now + alone)


def test_a_call_that_ends_within_the_lease_may_begin() -> None:
    writer(lambda: lease_with(6.0)).allow(timedelta(seconds=4))


def test_a_call_that_may_outlast_the_lease_does_not_begin() -> None:
    with pytest.raises(Unavailable):
        writer(lambda: lease_with(3.0)).allow(timedelta(seconds=4))


def test_without_redis_only_what_a_socket_guards_goes_on() -> None:
    isolated = writer(lambda: lease_with(0.0, alone=8.0))

    isolated.allow(timedelta(seconds=4), alone=True)
    with pytest.raises(Unavailable):
        isolated.allow(timedelta(seconds=4))


def test_isolation_holds_for_one_time_to_live_at_a_time_and_then_ends() -> None:
    held = Lease(P, "a", 1, 10.0, renewed=0.0)
    isolation = timedelta(seconds=60)

    early = held.missed(begun=8.0, within=TTL, isolation=isolation)
    late = replace(early, alone_until=59.0).missed(begun=58.0, within=TTL, isolation=isolation)

    assert early.left_alone(now=8.0) == TTL
    assert late.left_alone(now=58.0) == timedelta(seconds=2)


def test_a_lost_lease_allows_nothing() -> None:
    with pytest.raises(Unavailable):
        writer(lambda: None).allow(timedelta(), alone=True)


@dataclass
class World:
    valkey: Breakable
    gateway: Gateway
    node: Double
    audio: Process
    second: Process

    async def begin(self) -> None:
        """Play the first of three tracks."""
        await self.audio.start()
        for number in (1, 2, 3):
            await self.gateway.reply(await self.gateway.play(GUILD, f"http://music/{number}"))
        await plays(self.node, "E1")

    async def shown(self) -> tuple[str, list[str]]:
        """Ask what plays and what waits."""
        reply = await self.gateway.queue(GUILD)
        assert isinstance(reply.answer, QueuePage)
        now = reply.answer.now.track
        waiting = [item.track.title for item in reply.answer.items if item.track]
        return now.title if now else "", waiting


@pytest.fixture
async def world(
    database_url: str, tmp_path: pathlib.Path, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    settings: dict[str, str] = getattr(request, "param", {})
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(running_double())
        node.begins = True
        voice = await stack.enter_async_context(voice_server(tmp_path))
        node.loads |= {f"http://music/{number}": loaded(number) for number in range(1, 9)}
        valkey = stack.enter_context(breakable_valkey())
        found = await stack.enter_async_context(gateway(valkey.url, voice))
        processes = [
            process(
                valkey.url,
                database_url,
                tmp_path / f"{name}.log",
                LAVALINK_URL=node.url,
                MEMBER=name,
                **settings,
            )
            for name in ("first", "second")
        ]
        yield World(valkey, found, node, *processes)
        valkey.thaw()
        for one in processes:
            if one._process is not None and one._process.returncode is None:
                one.thaw()
                await one.kill()


async def test_a_track_that_ends_while_redis_is_frozen_is_followed_by_the_next(
    world: World,
) -> None:
    await world.begin()
    world.valkey.freeze()
    await world.audio.says("books out of reach")
    await world.audio.says("leases not renewed")

    await ends(world.node, GUILD, await plays(world.node, "E1"))
    await plays(world.node, "E2")
    world.valkey.thaw()

    assert await world.shown() == ("Tone 2", ["Tone 3"])
    assert tracks(world.node) == ["E1", "E2"]
    assert "Traceback" not in world.audio.log


async def test_a_track_that_ends_while_redis_is_dead_is_followed_by_the_next(world: World) -> None:
    await world.begin()
    world.valkey.kill()
    await world.audio.says("leases not renewed")

    await ends(world.node, GUILD, await plays(world.node, "E1"))
    await ends(world.node, GUILD, await plays(world.node, "E2"))
    await plays(world.node, "E3")
    world.valkey.start()

    assert await world.shown() == ("Tone 3", [])
    assert tracks(world.node) == ["E1", "E2", "E3"]
    assert "Traceback" not in world.audio.log


@pytest.mark.parametrize("world", [{"ISOLATION": "8s"}], indirect=True)
async def test_after_too_long_without_redis_the_nodes_sockets_are_let_go(world: World) -> None:
    await world.begin()
    session = world.node.session
    world.valkey.freeze()

    await world.audio.says("isolated for too long")
    await until(lambda: session.socket is None)
    world.valkey.thaw()

    assert await world.shown() == ("Tone 1", ["Tone 2", "Tone 3"])
    await world.audio.says("node up", times=2)
    await ends(world.node, GUILD, await plays(world.node, "E1"))
    await plays(world.node, "E2")
    assert tracks(world.node) == ["E1", "E2"]


async def test_an_owner_that_was_frozen_drives_nothing_after_its_thaw(world: World) -> None:
    await world.begin()
    session = world.node.session
    world.audio.freeze()
    await world.second.start()
    await world.second.says("ours now")
    await world.node.drop(session)  # as a node does with a socket that is silent for 15 s
    await world.second.says("node up")
    calls = len(world.node.calls)

    world.audio.thaw()
    await world.audio.says("lease lost")
    await ends(world.node, GUILD, await plays(world.node, "E1"))
    await plays(world.node, "E2")

    assert await world.shown() == ("Tone 2", ["Tone 3"])
    changes = [body for method, _, body in world.node.calls[calls:] if method == "PATCH"]
    assert [body["track"]["encoded"] for body in changes if "track" in body] == ["E2"]
    assert tracks(world.node) == ["E1", "E2"]
