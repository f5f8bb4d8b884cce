"""Tokens, asked about at the simulator's REST interface, and at a Discord that is not well."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from legato_operator.discord import Discord
from legato_operator.seen import Token


class Answers:
    """A Discord that answers as told, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.application = "1"
        self.asked: list[str] = []

    async def gateway(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers["Authorization"])
        limit = {"total": 1000, "remaining": 7, "reset_after": 1, "max_concurrency": 1}
        body = {"url": "wss://x", "shards": 1, "session_start_limit": limit}
        return web.json_response(body, status=self.status)

    async def own(self, _: web.Request) -> web.Response:
        return web.json_response({"id": self.application})


@asynccontextmanager
async def discord(answers: Answers, clock: list[float]) -> AsyncIterator[Discord]:
    app = web.Application()
    app.router.add_get("/api/gateway/bot", answers.gateway)
    app.router.add_get("/api/applications/@me", answers.own)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one = Discord(f"http://127.0.0.1:{runner.addresses[0][1]}/api", clock=lambda: clock[0])
    try:
        yield one
    finally:
        await one.close()
        await runner.cleanup()


async def test_a_right_token_is_valid_and_says_what_is_left_of_the_identifies() -> None:
    answers = Answers()
    async with discord(answers, [0.0]) as one:
        assert await one.token("abc", "1", None) == Token("Valid", remaining=7, total=1000)

    assert answers.asked == ["Bot abc"]


async def test_it_is_asked_again_only_now_and_then() -> None:
    answers, clock = Answers(), [0.0]
    async with discord(answers, clock) as one:
        for now in (0.0, 10.0, 299.0, 301.0):
            clock[0] = now
            await one.token("abc", "1", None)

    assert len(answers.asked) == 2


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_not_asked_about_again_and_again(status: int) -> None:
    answers = Answers()
    answers.status = status
    async with discord(answers, [0.0]) as one:
        found = [await one.token("abc", "1", None) for _ in range(5)]

    assert {each.verdict for each in found} == {"Refused"}
    assert len(answers.asked) == 1
    assert "abc" not in found[0].message


async def test_another_token_is_asked_about_at_once() -> None:
    answers = Answers()
    answers.status = 401
    async with discord(answers, [0.0]) as one:
        await one.token("abc", "1", None)
        answers.status = 200
        assert (await one.token("right", "1", None)).verdict == "Valid"


async def test_a_token_of_another_application_is_named_as_such() -> None:
    answers = Answers()
    answers.application = "2"
    async with discord(answers, [0.0]) as one:
        found = await one.token("abc", "1", None)

    assert found.verdict == "OtherApplication"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_discord_that_is_not_well_says_nothing_of_a_token(status: int) -> None:
    answers, clock = Answers(), [0.0]
    async with discord(answers, clock) as one:
        answers.status = status
        assert (await one.token("abc", "1", None)).verdict == "Unreachable"
        answers.status = 200
        clock[0] = 16.0
        assert (await one.token("abc", "1", None)).verdict == "Valid"
        answers.status, clock[0] = status, 400.0
        assert (await one.token("abc", "1", None)).verdict == "Valid"


async def test_a_discord_that_is_away_says_nothing_of_a_token() -> None:
    one = Discord("http://127.0.0.1:1")
    found = await one.token("abc", "1", None)
    await one.close()

    assert found.verdict == "Unreachable"
    assert "abc" not in found.message


async def test_a_token_that_no_header_can_hold_is_not_shown() -> None:
    async with discord(Answers(), [0.0]) as one:
        found = await one.token("abc\nsecret", "1", None)

    assert found.verdict == "Unreachable"
    assert "secret" not in found.message
