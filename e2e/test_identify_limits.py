"""64 shards, 16 at once: no IDENTIFY too soon or too many, whatever dies. Discord is the judge."""

import asyncio
import contextlib
import time

import aiohttp
import pytest

from legato_machine import logs
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_simulator.recorder import GatewayPayload

SHARDS = 64
CONCURRENCY = 16
RESERVE = 50
NOTED_WITHIN = 5.0
"""Seconds from an IDENTIFY to its session's being kept, on a busy machine; Discord's spacing."""
DYING = 1.0
"""Seconds from a signal to the last that its process sends."""
STAGE = Stage(
    gateway=2,
    settings={
        "SHARDS": str(SHARDS),
        "MEMBER_READY_AFTER": "1s",
        "LEASE_TTL": "4s",
        "IDENTIFY_RESERVE": str(RESERVE),
    },
    discord={
        "SIMULATOR_SHARDS": str(SHARDS),
        "SIMULATOR_MAX_CONCURRENCY": str(CONCURRENCY),
        "SIMULATOR_IDENTIFY_LIMIT": "500",
    },
)
EXPECTED = {
    "error the daily identifies are used up": range(4, 1000),
    "warning lease lost": range(500),
    **logs.redis_away(),
}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def all_live(stage: Machine, *, timeout: float) -> None:
    """Wait until every shard has a session with a connection."""

    async def look() -> bool:
        sessions = await stage.discord.sessions()
        return len({one.shard[0] for one in sessions if one.connected}) == SHARDS

    await until(look, what=f"{SHARDS} live sessions", timeout=timeout)


async def identified(stage: Machine, wanted: int) -> None:
    """Wait for so many IDENTIFYs in all."""

    async def look() -> bool:
        return (await stage.discord.record()).identifies >= wanted

    await until(look, what=f"{wanted} IDENTIFYs", timeout=60)


async def never_too_soon(stage: Machine) -> int:
    """Ask the judge about every IDENTIFY ever sent; return how many there were."""
    assert (await stage.discord.record()).violations == []
    return len(await stage.discord.gateway_payloads(op=2))


async def left_today(stage: Machine) -> int:
    """Ask Discord how many IDENTIFYs the day still holds."""
    headers = {"Authorization": f"Bot {stage.simulated.tokens[0]}"}
    url = f"{stage.simulated.url}/api/v10/gateway/bot"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        limit = (await answer.json())["session_start_limit"]
    return int(limit["remaining"])


async def test_two_gateways_start_every_shard_with_one_identify_each(stage: Machine) -> None:
    await all_live(stage, timeout=40)

    assert await never_too_soon(stage) == SHARDS

    async def shared() -> bool:
        shares = [share for share in (await stage.fleet.shares("gateway")).values() if share]
        return len(shares) == STAGE.gateway

    await until(shared, what="shards of both gateways")


async def test_a_crash_loop_and_the_loss_of_redis_make_nobody_identify_too_soon(
    stage: Machine,
) -> None:
    before = len(await stage.discord.gateway_payloads(op=2))
    looping, faults = "gateway-1", list[float]()
    starts: list[asyncio.Task[None]] = []

    await stage.discord.invalidate_session(resumable=False)
    for crash in range(1, 4):
        await identified(stage, before + 8 * crash)
        faults.append(time.monotonic())
        await stage.parts[looping].kill()
        await stage.bury(looping)
        starts.append(asyncio.create_task(stage.parts[looping].start()))
    await identified(stage, before + 32)
    faults.append(time.monotonic())
    await stage.parts["valkey"].kill()
    await stage.start("valkey")
    await identified(stage, before + 40)
    async with stage.redis() as redis:
        faults.append(time.monotonic())
        await redis.flushall()

    await all_live(stage, timeout=60)
    with contextlib.suppress(AssertionError):
        await asyncio.gather(*starts)
    await never_too_soon(stage)
    sent = (await stage.discord.gateway_payloads(op=2))[before:]
    assert {index(one) for one in sent} == set(range(SHARDS))
    assert repeated(sent, faults) == [], "more than what was under way when something died"


def repeated(sent: list[GatewayPayload], faults: list[float]) -> list[GatewayPayload]:
    """Find the IDENTIFYs that no fault excuses.

    A session is noted as soon as it is ready; so a crash costs another IDENTIFY for those that
    were sent right before it, and in that time Discord lets no more than its `max_concurrency`
    through.
    """
    latest: dict[int, float] = {}
    found = []
    for one in sent:
        at = latest.get(index(one))
        if at is not None and not any(at <= fault + DYING <= at + NOTED_WITHIN for fault in faults):
            found.append(one)
        latest[index(one)] = one.at
    return found


def index(identify: GatewayPayload) -> int:
    """Say which shard identifies."""
    assert isinstance(identify.data, dict)
    return int(identify.data["shard"][0])


async def test_the_days_reserve_is_never_touched(stage: Machine) -> None:
    """Somebody else spends the token's identifies; four are left above the reserve."""
    await stage.discord.spend_identifies(RESERVE + 4)
    async with stage.redis() as redis:
        await redis.flushall()
    before = (await stage.discord.record()).identifies

    for shard in range(8):
        await stage.discord.invalidate_session(resumable=False, shard=shard)
    await identified(stage, before + 4)
    await refused(stage)

    assert (await stage.discord.record()).identifies == before + 4
    assert await left_today(stage) == RESERVE
    await never_too_soon(stage)


async def refused(stage: Machine) -> None:
    """Wait until the other four have been told that there are none left."""

    async def look() -> bool:
        logs = [stage.parts[name].log.read_text() for name in stage.stage.names("gateway")]
        return sum(log.count("the daily identifies are used up") for log in logs) >= 4

    await until(look, what="four shards that wait for tomorrow", timeout=20)
