import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from legato import redis as reach
from legato.contracts import fleet as contract
from legato.contracts import keys
from legato_cluster import pki
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


async def test_what_was_just_read_is_taken_again_only_where_that_will_do(
    redis: reach.Client, redis_url: str
) -> None:
    place, fleets = Place(redis_url), Fleets()
    one = contract.Observed(member="audio-0", component="audio", at=5)
    first = await fleets.read(place, BOT)
    await redis.hset(keys.observed(BOT), one.field, msgspec.json.encode(one))

    known = await fleets.read(place, BOT, within=timedelta(minutes=1))
    now = await fleets.read(place, BOT)
    await fleets.close()

    assert known == first
    assert now is not None
    assert now.observed == (one,)


async def test_what_was_read_before_a_directive_was_written_is_read_anew(
    redis: reach.Client, redis_url: str
) -> None:
    place, fleets = Place(redis_url), Fleets()
    await fleets.read(place, BOT)
    await fleets.write(place, BOT, contract.Directive(version=1))

    found = await fleets.read(place, BOT, within=timedelta(minutes=1))
    await fleets.close()

    assert found is not None
    assert found.directive == contract.Directive(version=1)


async def test_what_was_read_long_ago_is_not_kept(
    redis: reach.Client, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, fleets = Place(redis_url), Fleets()
    monkeypatch.setattr("legato_operator.fleet.RECENT", timedelta(0))
    for bot in (1, 2, 3):
        await fleets.read(place, bot)
    await fleets.close()

    assert [bot for _, bot in fleets._read] == [3]


async def test_another_count_of_shards_is_stored(redis: reach.Client, redis_url: str) -> None:
    fleets = Fleets()
    await redis.hset(keys.layout(BOT), "shards", "16")

    await fleets.lay_out(Place(redis_url), BOT, 32)

    assert await fleets.shards(Place(redis_url), BOT) == 32
    await fleets.close()


async def test_a_place_that_no_bot_names_any_more_is_closed_and_forgotten(
    redis: reach.Client, redis_url: str
) -> None:
    fleets = Fleets(unused=timedelta(0))
    before, now = Place(redis_url), Place(f"{redis_url}?client_name=other")

    assert await fleets.read(before, BOT) is not None
    assert await fleets.read(now, BOT) is not None

    assert list(fleets._clients) == [now]
    assert await fleets.read(before, BOT) is not None
    await fleets.close()


async def test_a_redis_that_does_not_answer_is_away() -> None:
    fleets = Fleets()

    assert await fleets.read(Place("redis://127.0.0.1:1"), BOT) is None
    await fleets.close()


async def test_a_redis_behind_tls_is_reached_by_the_authority_of_its_secret(
    redis: reach.Client, redis_url: str, tmp_path: Path
) -> None:
    ours, other = pki.Authority(), pki.Authority()
    async with _tls(redis_url, ours, tmp_path) as url:
        for authority, reached in ((ours, True), (other, False)):
            fleets = Fleets()
            found = await fleets.read(Place(url, authority.identity.certificate.decode()), BOT)
            await fleets.close()
            assert (found is not None) is reached
        fleets = Fleets()
        assert await fleets.read(Place(url), BOT) is None
        await fleets.close()


@asynccontextmanager
async def _tls(redis_url: str, authority: pki.Authority, folder: Path) -> AsyncIterator[str]:
    """Stand before a Redis that speaks no TLS."""
    authority.issue("redis", addresses=["127.0.0.1"]).write(folder, "redis")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "redis.crt", folder / "redis.key")
    to = urlsplit(redis_url)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back = await asyncio.open_connection(to.hostname, to.port)
        await asyncio.gather(carry(reader, back[1]), carry(back[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"rediss://:{to.password or ''}@127.0.0.1:{port}/0"
    finally:
        server.close()
