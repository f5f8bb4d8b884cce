from legato_simulator.faults import RestFault
from legato_simulator.ratelimits import Bucket, RateLimits
from support_discord import Client, client


def test_a_bucket_counts_down_and_opens_again() -> None:
    limits, bucket = RateLimits(50, 10_000), Bucket(2, 5.0)

    grants = [limits.take("bot", "POST /x", "1", bucket, now) for now in (0.0, 1.0, 2.0, 5.0)]

    assert [grant.allowed for grant in grants] == [True, True, False, True]
    assert [grant.remaining for grant in grants] == [1, 0, 0, 1]
    assert grants[2].reset_after == 3.0


def test_major_parameters_and_bots_have_buckets_of_their_own() -> None:
    limits, bucket = RateLimits(50, 10_000), Bucket(1, 5.0)

    assert limits.take("bot", "POST /x", "1", bucket, 0.0).allowed
    assert limits.take("bot", "POST /x", "2", bucket, 0.0).allowed
    assert limits.take("other", "POST /x", "1", bucket, 0.0).allowed
    assert not limits.take("bot", "POST /x", "1", bucket, 0.0).allowed


def test_the_global_limit_is_for_one_second() -> None:
    limits = RateLimits(2, 10_000)

    found = [limits.take_global("bot", now) for now in (0.0, 0.1, 0.2, 1.0)]

    assert [refusal is None for refusal in found] == [True, True, False, True]


def test_too_many_invalid_answers_ban_for_ten_minutes() -> None:
    limits = RateLimits(50, 2)

    limits.count_invalid(0.0)
    limits.count_invalid(1.0)

    assert limits.banned(2.0)
    assert not limits.banned(601.0)


async def test_answers_carry_the_buckets_headers(bot: Client) -> None:
    channel = await bot.channel()
    headers = {"Authorization": f"Bot {bot.sim.token}"}
    url = f"{bot.sim.rest_url}/channels/{channel}/messages"
    for left in (4, 3, 2, 1, 0):
        async with bot.http.post(url, json={"content": "x"}, headers=headers) as response:
            assert response.headers["X-RateLimit-Limit"] == "5"
            assert response.headers["X-RateLimit-Remaining"] == str(left)
            assert 0 < float(response.headers["X-RateLimit-Reset-After"]) <= 5

    async with bot.http.post(url, json={"content": "x"}, headers=headers) as response:
        problem = await response.json()
        assert response.status == 429
        assert response.headers["X-RateLimit-Scope"] == "user"
        assert float(response.headers["Retry-After"]) <= 5

    assert (problem["global"], problem["retry_after"] > 0) == (False, True)
    record = await bot.sim.script.record()
    assert record.refusals == {"429 POST /channels/{channel_id}/messages": 1}


async def test_the_global_limit_is_fifty_a_second() -> None:
    async with client(global_limit=3) as bot:
        paths = ["/users/@me", "/gateway/bot", "/applications/@me", "/voice/regions"]
        answers = [await bot.rest("GET", path) for path in paths]

        assert [status for status, _ in answers] == [200, 200, 200, 429]
        assert answers[-1][1]["global"] is True


async def test_an_address_with_too_many_invalid_requests_is_refused() -> None:
    # The ban is Cloudflare's: Discord's own description says nothing of its answers.
    async with client(invalid_limit=2, openapi=None) as bot:
        wrong = {"Authorization": "Bot wrong"}
        for _ in range(2):
            assert (await bot.rest("GET", "/users/@me", headers=wrong))[0] == 401

        assert (await bot.rest("GET", "/users/@me"))[0] == 429
        assert [each.kind for each in await bot.sim.script.violations()] == ["invalid_requests"]


async def test_a_429_that_was_asked_for_is_not_the_clients_fault(bot: Client) -> None:
    fault = RestFault(route="/users", status=429, retry_after=0.5, scope="shared")
    await bot.sim.script.fail_requests(fault)

    status, problem = await bot.rest("GET", "/users/@me")

    assert (status, problem["retry_after"]) == (429, 0.5)
    assert (await bot.sim.script.record()).refusals == {}
