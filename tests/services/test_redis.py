"""How the library's faults are met."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from redis import exceptions

from legato.bus import Bus
from legato.errors import Unavailable
from legato.redis import CONNECTIONS, Client, check, connect, measure, reaching
from support_servers import running_valkey
from support_waiting import PATIENCE


async def swallow() -> None:
    """Lose a cancellation, as asyncio.wait_for may until Python 3.12."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return


async def test_a_cancellation_that_is_swallowed_inside_is_not_lost() -> None:
    async def work() -> None:
        while True:
            with reaching("a test"):
                await swallow()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.wait({task}, timeout=PATIENCE)

    assert task.cancelled()


async def test_what_is_cancelled_already_may_still_tidy_up() -> None:
    tidied = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            with reaching("a test"):
                await asyncio.sleep(0)
            tidied.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=PATIENCE)

    assert tidied.is_set()


async def test_a_server_out_of_reach_is_unavailable_and_a_wrong_command_is_a_bug() -> None:
    with pytest.raises(Unavailable), reaching("a test"):
        raise exceptions.TimeoutError
    with pytest.raises(exceptions.ResponseError), reaching("a test"):
        raise exceptions.ResponseError


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_valkey() as server:
        yield server.url


@pytest.fixture
async def client(url: str) -> AsyncIterator[Client]:
    found = connect(url)
    await found.flushall()
    try:
        yield found
    finally:
        await found.aclose()


async def test_many_commands_at_once_share_few_connections(client: Client) -> None:
    before = (await client.info("stats"))["total_connections_received"]

    await asyncio.gather(*(client.incr("count") for _ in range(20 * CONNECTIONS)))

    assert await client.get("count") == str(20 * CONNECTIONS).encode()
    after = (await client.info("stats"))["total_connections_received"]
    assert after - before <= CONNECTIONS


async def test_what_waits_at_the_server_starves_no_command(url: str) -> None:
    patience = timedelta(seconds=PATIENCE)
    client = connect(url, timeout=patience)
    bus, decoder = Bus(client), msgspec.json.Decoder(int)
    readers = [
        asyncio.create_task(bus.read(f"inbox {one}", "0", decoder=decoder, block=patience))
        for one in range(2 * CONNECTIONS)
    ]
    async with asyncio.timeout(PATIENCE):
        while (await client.info("clients"))["blocked_clients"] < len(readers):
            await asyncio.sleep(0.01)
    await client.ping()
    assert not any(reader.done() for reader in readers)

    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await client.aclose()


async def test_no_turn_in_time_is_unavailable(url: str) -> None:
    impatient = connect(url, timeout=timedelta(seconds=0.1))
    pool = impatient.connection_pool
    taken = [await pool.get_connection() for _ in range(CONNECTIONS)]  # type: ignore[no-untyped-call] # its decorator has no types

    with pytest.raises(Unavailable), reaching("a test"):
        await impatient.ping()

    for one in taken:
        await pool.release(one)
    await impatient.aclose()


async def test_connections_are_counted_by_their_use(client: Client) -> None:
    registry = CollectorRegistry()
    measure(client, registry, "audio")
    await client.ping()
    await Bus(client).read(
        "inbox", "0", decoder=msgspec.json.Decoder(int), block=timedelta(seconds=0.05)
    )

    text = generate_latest(registry).decode()

    for use in ("commands", "listening"):
        assert f'legato_audio_redis_connections{{state="idle",use="{use}"}} 1.0' in text
        assert f'legato_audio_redis_connections{{state="in_use",use="{use}"}} 0.0' in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.AuthenticationError("WRONGPASS hunter2"), "it refuses the password (a test)"),
        (exceptions.ConnectionError("Error 111 to 10.0.0.1"), "no connection to it (a test)"),
        (TimeoutError(), "it did not answer in time (a test)"),
        (exceptions.ReadOnlyError("READONLY"), "it is a replica, which may only be read (a test)"),
    ],
)
async def test_why_redis_is_out_of_reach_is_said_in_words(error: Exception, words: str) -> None:
    with pytest.raises(Unavailable) as raised, reaching("a test"):
        raise error

    assert raised.value.why == words


async def test_a_host_name_that_nobody_knows_is_said_so() -> None:
    client = connect("redis://nowhere.invalid:1/0")

    with pytest.raises(Unavailable, match="its host name is unknown"), reaching("a test"):
        await client.ping()
    await client.aclose()


async def test_a_full_server_is_unavailable_for_writes_and_not_for_reads(client: Client) -> None:
    await client.config_set("maxmemory", "1kb")
    together = client.pipeline(transaction=True)
    together.set("key", "value")
    try:
        with pytest.raises(Unavailable, match="its memory is full"), reaching("a test"):
            await client.set("key", "value")
        with pytest.raises(Unavailable, match="its memory is full"), reaching("a test"):
            await client.eval("return redis.call('SET', KEYS[1], '1')", 1, "key")
        with pytest.raises(Unavailable, match="its memory is full"), reaching("a test"):
            await together.execute()
        assert await client.get("key") is None
    finally:
        await client.config_set("maxmemory", "0")


async def test_the_check_finds_a_server_that_takes_no_writes(client: Client) -> None:
    assert await check(client).probe()
    await client.config_set("maxmemory", "1kb")
    try:
        with pytest.raises(Unavailable, match="its memory is full"):
            await check(client).probe()
    finally:
        await client.config_set("maxmemory", "0")


async def test_a_connection_says_nothing_of_its_library() -> None:
    with running_valkey() as server:
        client = connect(server.url, name="audio-1")
        listed = await client.client_list()
        await client.aclose()

    assert [(one["name"], one["lib-name"]) for one in listed] == [("audio-1", "")]
