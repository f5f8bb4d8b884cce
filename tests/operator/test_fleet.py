import msgspec

from legato import redis as reach
from legato.contracts import fleet as contract
from legato.contracts import keys
from legato_operator.fleet import Fleets, Place

BOT = 7


async def test_a_bots_documents_are_read_with_the_servers_clock(
    redis: reach.Client, redis_url: str
) -> None:
    one = contract.Observed(member="audio-0", component="audio", at=5)
    await redis.hset(keys.observed(BOT), one.field, msgspec.json.encode(one))
    fleets = Fleets()

    found = await fleets.read(Place(redis_url), BOT)
    await fleets.close()

    assert found is not None
    assert (found.directive, found.observed) == (None, (one,))
    assert found.at > 1_700_000_000_000


async def test_a_directive_follows_only_the_one_that_was_read(
    redis: reach.Client, redis_url: str
) -> None:
    fleets = Fleets()

    first = await fleets.write(Place(redis_url), BOT, contract.Directive(version=1))
    again = await fleets.write(Place(redis_url), BOT, contract.Directive(version=1))
    found = await fleets.read(Place(redis_url), BOT)
    await fleets.close()

    assert (first, again) == (True, False)
    assert found is not None
    assert found.directive == contract.Directive(version=1)


async def test_another_count_of_shards_is_stored(redis: reach.Client, redis_url: str) -> None:
    fleets = Fleets()
    await redis.hset(keys.layout(BOT), "shards", "16")

    await fleets.lay_out(Place(redis_url), BOT, 32)

    assert await fleets.shards(Place(redis_url), BOT) == 32
    await fleets.close()


async def test_a_redis_that_does_not_answer_is_away() -> None:
    fleets = Fleets()

    assert await fleets.read(Place("redis://127.0.0.1:1"), BOT) is None
    await fleets.close()
