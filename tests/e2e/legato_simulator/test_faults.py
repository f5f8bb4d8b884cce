import asyncio

import aiohttp
import pytest

from legato_simulator.faults import Faults, IdentifyFault, RestFault
from support_discord import PLAY, Client


def test_a_rule_is_used_up_by_what_it_matches() -> None:
    faults = Faults()
    faults.arm_rest(RestFault(method="POST", route="^/channels/", status=500, count=2))

    hits = [
        faults.for_request(method, path) is not None
        for method, path in [
            ("GET", "/channels/1"),
            ("POST", "/users/1"),
            ("POST", "/channels/1"),
            ("POST", "/channels/2"),
            ("POST", "/channels/3"),
        ]
    ]

    assert hits == [False, False, True, True, False]


def test_identify_rules_are_used_in_order_and_can_be_cleared() -> None:
    faults = Faults()
    faults.arm_identify(IdentifyFault(close_code=4000, count=2))
    faults.arm_identify(IdentifyFault(delay=1.0))

    assert [faults.for_identify() for _ in range(2)] == [
        IdentifyFault(close_code=4000, count=2)
    ] * 2
    faults.clear()
    assert faults.for_identify() is None


async def message(bot: Client) -> int:
    path = f"/channels/{await bot.channel()}/messages"
    return (await bot.rest("POST", path, {"content": "x"}))[0]


async def test_a_failure_after_the_effect_leaves_the_effect(bot: Client) -> None:
    fault = RestFault(route="/messages$", status=502, after_effect=True)
    await bot.sim.script.fail_requests(fault)

    assert await message(bot) == 502
    assert len(await bot.sim.script.messages("music")) == 1


async def test_a_connection_can_end_without_an_answer(bot: Client) -> None:
    await bot.sim.script.fail_requests(RestFault(route="/messages$", drop=True))

    with pytest.raises(aiohttp.ClientError):
        await message(bot)
    assert await message(bot) == 200


async def test_an_answer_can_be_late(bot: Client) -> None:
    await bot.sim.script.fail_requests(RestFault(route="/messages$", delay=0.2))
    began = asyncio.get_running_loop().time()

    assert await message(bot) == 200
    assert asyncio.get_running_loop().time() - began >= 0.2


@pytest.mark.parametrize(("status", "code"), [(400, 40060), (404, 10062)])
async def test_an_interactions_answer_can_fail_as_discords_do(
    bot: Client, status: int, code: int
) -> None:
    await bot.register(PLAY)
    wire = await bot.logged_in()
    await bot.sim.script.fail_requests(RestFault(route="/callback$", status=status, code=code))
    await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"})
    body = await wire.event("INTERACTION_CREATE")
    path = f"/interactions/{body['id']}/{body['token']}/callback"

    first = await bot.rest("POST", path, {"type": 5})
    second = await bot.rest("POST", path, {"type": 5})

    assert (first[0], first[1]["code"]) == (status, code)
    assert second[0] == 204
