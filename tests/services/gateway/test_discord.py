"""hikari, where it meets a Discord that has enough."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from datetime import timedelta

import pytest
from aiohttp import web

from legato.errors import Unavailable
from legato.gateway import discord
from legato.gateway.discord import Rest
from legato.settings import Secret
from support_waiting import PATIENCE, until


def used_up():
    """Say what Discord does of a limit that is one channel's, or one interaction's, alone."""
    return {
        "X-RateLimit-Bucket": "b",
        "X-RateLimit-Limit": "1",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(time.time() + 250),
        "X-RateLimit-Reset-After": "250",
    }


class Discord:
    """A stub of Discord's REST that has had enough of requests, so many times."""

    def __init__(self):
        self.refusals = 0
        self.retry_after = 0.05
        self.requests = Counter()
        self.slow = asyncio.Event()
        self.slow.set()
        self.most = self.underway = 0

    async def answer(self, request):
        self.requests[request.method] += 1
        self.underway += 1
        self.most = max(self.most, self.underway)
        await self.slow.wait()
        self.underway -= 1
        if request.method == "PATCH":
            return web.json_response({"id": "1"}, headers=used_up())
        if self.refusals <= 0:
            return web.json_response({"id": "1"})
        self.refusals -= 1
        return web.json_response(
            {"message": "Enough.", "retry_after": self.retry_after, "global": True},
            status=429,
            headers={"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"},
        )


class Line:
    """A pacer that lets pass when the test says so."""

    def __init__(self):
        self.held = []
        self.passed = []
        self.opens = asyncio.Event()
        self.opens.set()

    async def wait(self, *, again=False):
        await self.opens.wait()
        self.passed.append(again)

    async def hold(self, duration):
        self.held.append(duration)
        self.opens.clear()


@pytest.fixture
def enough():
    return Discord()


@pytest.fixture
def line():
    return Line()


@pytest.fixture
async def rest(enough, line):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", enough.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made = Rest(Secret("t"), url=f"http://127.0.0.1:{runner.addresses[0][1]}", pacer=line)
    await made.open()
    yield made
    await made.close()
    await runner.cleanup()


async def test_what_the_global_limit_refuses_waits_in_our_line_and_is_not_repeated(
    rest, enough, line
):
    """hikari alone repeats it thousands of times a second, since no route's limit is known yet."""
    enough.refusals, enough.retry_after = 1, 7.5
    asking = asyncio.create_task(rest.call(discord.POST_MESSAGE, {}, channel=1))
    await until(lambda: line.held)
    assert line.held == [timedelta(seconds=7.5)]
    for _ in range(100):  # whatever would be repeated at once is by now
        await asyncio.sleep(0)
    assert enough.requests.total() == 1

    line.opens.set()

    assert await asking == {"id": "1"}
    assert line.passed == [False, True]
    assert enough.requests.total() == 2


async def test_a_request_that_is_refused_each_time_fails_in_the_end(rest, enough, line):
    enough.refusals = 1_000
    asking = asyncio.create_task(rest.call(discord.POST_MESSAGE, {}, channel=1))

    while not asking.done():
        line.opens.set()
        await asyncio.sleep(0.001)

    with pytest.raises(Unavailable):
        await asking
    assert enough.requests.total() == len(line.held) == discord._TRIES


async def test_answers_go_on_while_the_bots_own_requests_are_held(rest, enough, line):
    enough.refusals = 1
    asking = asyncio.create_task(rest.call(discord.POST_MESSAGE, {}, channel=1))
    await until(lambda: line.held)

    await rest.answer(discord.CALLBACK, {}, interaction=1, token="t")
    await rest.answer(discord.EDIT_ORIGINAL, {}, webhook=1, token="t")

    assert not asking.done()
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(
    ("route", "path"),
    [(discord.CALLBACK, {"interaction": 1}), (discord.FOLLOW_UP, {"webhook": 1})],
)
async def test_an_answer_that_is_refused_comes_again_after_a_while_and_holds_up_nobody(
    rest, enough, line, route, path
):
    enough.refusals = 2

    assert await rest.answer(route, {}, token="t", **path) == {"id": "1"}

    assert enough.requests.total() == 3
    assert line.held == []


async def test_a_first_answer_that_would_come_too_late_is_given_up_at_once(rest, enough):
    enough.refusals, enough.retry_after = 1, 3600

    with pytest.raises(Unavailable):
        await rest.answer(discord.CALLBACK, {}, token="t", interaction=1)

    assert enough.requests.total() == 1


@pytest.mark.parametrize("known", [False, True])
async def test_no_interactions_answer_waits_for_anothers_limit(rest, enough, known):
    """hikari alone sends one at a time until it knows the limit, and has all wait for the first."""
    if known:
        await rest.answer(discord.EDIT_ORIGINAL, {}, webhook=1, token="before")
    enough.slow.clear()

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(rest.answer(discord.EDIT_ORIGINAL, {}, webhook=1, token=f"t{number}"))
        await until(lambda: enough.underway == 20)
        enough.slow.set()


async def test_no_channels_panel_waits_for_anothers_limit(rest, enough):
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
        for channel in range(20):
            tasks.create_task(rest.call(discord.EDIT_MESSAGE, {}, channel=channel, message=1))

    assert enough.requests["PATCH"] == 20


async def test_a_channels_own_limit_is_waited_for(rest, enough):
    await rest.call(discord.EDIT_MESSAGE, {}, channel=1, message=1)

    again = asyncio.create_task(rest.call(discord.EDIT_MESSAGE, {}, channel=1, message=1))
    await rest.call(discord.EDIT_MESSAGE, {}, channel=2, message=1)

    assert not again.done()
    assert enough.requests["PATCH"] == 2
    again.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await again


async def test_a_rest_that_is_not_open_says_so(line):
    closed = Rest(Secret("t"), url="http://127.0.0.1:1", pacer=line)

    with pytest.raises(Unavailable):
        await closed.call(discord.ME)
    await closed.close()


def test_of_the_global_limit_only_our_line_speaks():
    discord.quieten()

    assert not logging.getLogger("hikari.rest").isEnabledFor(logging.ERROR)
