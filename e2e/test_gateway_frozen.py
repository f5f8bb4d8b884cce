"""A gateway stands still past its lease, the other takes over, the first goes on: one driver."""

import asyncio

import pytest

from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.faults import RestFault
from legato_simulator.recorder import SessionEvent

SHARDS = 2
STAGE = Stage(
    gateway=2,
    settings={"SHARDS": str(SHARDS), "MEMBER_READY_AFTER": "1s", "LEASE_TTL": "4s"},
    discord={"SIMULATOR_SHARDS": str(SHARDS), "SIMULATOR_MAX_CONCURRENCY": str(SHARDS)},
)
ROUTE = "/interactions/{interaction_id}/{interaction_token}/callback"
CALLBACK = f"POST {ROUTE}"
LOST = "warning lease lost"
EXPECTED = {LOST: range(1, SHARDS + 1)}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def queued_once(room: Room, *titles: str) -> None:
    """Wait until tracks stand in the queue; each must stand there once."""

    async def look() -> str | None:
        shown = await room.type("queue")
        text = shown.message.text if shown.message else ""
        return text if all(title in text for title in titles) else None

    text = await until(look, what=f"{titles} in the queue")
    assert [text.count(title) for title in titles] == [1] * len(titles)


async def taken_over(stage: Machine, room: Room, owner: str) -> str:
    """Wait until another gateway holds a room's shard; return its name."""

    async def look() -> str | None:
        heir = await stage.fleet.owner_of(room, "gateway")
        return heir if heir != owner else None

    return await until(look, what="another gateway takes over", timeout=30)


async def knows_that_it_lost(stage: Machine, gateway: str) -> None:
    """Wait until a gateway has learnt that its shards are another's."""

    async def look() -> bool:
        return '"lease lost"' in stage.parts[gateway].log.read_text()

    await until(look, what=f"{gateway} knows", timeout=10)


async def session_events(stage: Machine, kind: str, since: float) -> list[SessionEvent]:
    """List what became of sessions since a moment."""
    return [one for one in await stage.discord.session_events(kind) if one.at > since]


async def test_a_gateway_frozen_past_its_lease_takes_nothing_back_when_it_goes_on(
    stage: Machine,
) -> None:
    for tone in (2, 3, 4, 5):
        await stage.make(f"tone-{tone}-60s.ogg")
    async with hearing.control(stage) as noise:
        room = await stage.room("has a frozen gateway")
        await room.play("tone-1-180s.ogg")
        await room.hears(1, after=1000)
        owner = await stage.fleet.owner_of(room, "gateway")
        before = await stage.discord.record()
        began = (await stage.discord.session_events())[-1].at

        # An answer is on its way to Discord, which takes a second over it, while we freeze.
        slow = RestFault(method="POST", route="/interactions/.*/callback", delay=1.0)
        await stage.discord.fail_requests(slow)
        halfway = await room.begin("queue")
        await under_way(stage)
        stage.parts[owner].freeze()
        unheard = await room.begin("play", {"query": stage.music("tone-2-60s.ogg")})

        heir = await taken_over(stage, room, owner)
        assert (await room.play("tone-3-60s.ogg", timeout=20)).state == "answered"
        replaced = await session_events(stage, "replaced", began)
        assert replaced, "the frozen gateway's connection was open all the while"

        stage.parts[owner].thaw()
        thawing = asyncio.create_task(knows_that_it_lost(stage, owner))
        assert (await room.play("tone-4-60s.ogg", timeout=20)).state == "answered"
        await thawing
        assert (await room.play("tone-5-60s.ogg", timeout=20)).state == "answered"
        await queued_once(room, *(f"Test tone {tone}" for tone in (2, 3, 4, 5)))

    after = await stage.discord.record()
    assert heir != owner
    assert after.identifies == before.identifies
    assert await session_events(stage, "replaced", began) == replaced, "nothing was stolen back"
    # Whether the heir could answer within Discord's 3 s hangs on when the lease was renewed last.
    assert (await stage.discord.interaction(unheard.id)).state in {"answered", "failed"}
    await answered_as_if_nothing_was(stage, halfway.id)
    await hearing.unbroken(room, noise)


async def under_way(stage: Machine) -> None:
    """Wait until an answer has reached Discord, which is slow to take it."""

    async def look() -> bool:
        return CALLBACK in (await stage.discord.record()).underway

    await until(look, what="an answer on its way")


async def answered_as_if_nothing_was(stage: Machine, interaction: str) -> None:
    """The call that was past its check was done once; whoever came after changed no word of it."""
    shown = await stage.discord.interaction(interaction)
    assert (shown.state, shown.callback, shown.followups) == ("answered", 4, [])
    callbacks = [
        one.status for one in await stage.discord.exchanges(ROUTE) if interaction in one.path
    ]
    assert callbacks.count(204) + callbacks.count(200) == 1
