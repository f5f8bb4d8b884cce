"""What befalls a way to a server is what the two ends see."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from legato_machine.proxy import Proxy

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say what is said."""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """A way to a server that echoes."""
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port: int = server.sockets[0].getsockname()[1]
        with Proxy(port) as found:
            yield found


@contextlib.asynccontextmanager
async def connected(proxy: Proxy) -> AsyncIterator[Streams]:
    """Open a connection through it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def said(streams: Streams, text: bytes) -> bytes:
    """Say something, and read as much back."""
    reader, writer = streams
    writer.write(text)
    return await asyncio.wait_for(reader.readexactly(len(text)), 5)


async def test_an_open_way_brings_everything_in_order_and_ends_as_its_ends_do(
    proxy: Proxy,
) -> None:
    whole = bytes(range(256)) * 8192
    async with connected(proxy) as (reader, writer):
        assert await said((reader, writer), whole) == whole
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_a_cut_way_resets_and_refuses_until_it_is_restored(proxy: Proxy) -> None:
    async with connected(proxy) as streams:
        await said(streams, b"there")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await streams[0].read()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)

    proxy.restore()
    async with connected(proxy) as streams:
        assert await said(streams, b"again") == b"again"


async def test_a_swallowed_way_says_nothing_and_what_lost_bytes_is_reset_later(
    proxy: Proxy,
) -> None:
    async with connected(proxy) as lost, connected(proxy) as kept:
        await said(lost, b"there")
        await said(kept, b"there")
        proxy.swallow()
        lost[1].write(b"lost")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lost[0].read(1), 0.1)
        async with connected(proxy) as silent:
            silent[1].write(b"lost")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(silent[0].read(1), 0.1)

        proxy.restore()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(lost[0].read(1), 5)
        assert await said(kept, b"still") == b"still"


async def test_a_slow_way_takes_its_time_both_ways_and_keeps_the_order(proxy: Proxy) -> None:
    async with connected(proxy) as streams:
        await said(streams, b"there")
        proxy.slow(timedelta(milliseconds=50))
        began = time.monotonic()
        assert await said(streams, b"slowly") == b"slowly"
        assert time.monotonic() - began >= 0.1

        streams[1].write(b"first ")
        proxy.restore()
        assert await said(streams, b"second") == b"first "
        assert await asyncio.wait_for(streams[0].readexactly(6), 5) == b"second"


async def test_a_half_open_connection_tells_the_server_nothing_and_new_ones_pass() -> None:
    ended = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await echo(reader, writer)
        ended.set()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        with Proxy(server.sockets[0].getsockname()[1]) as proxy:
            async with connected(proxy) as old:
                await said(old, b"there")
                assert proxy.half_open() == 1
                old[1].write(b"lost")
            async with connected(proxy) as new:
                assert await said(new, b"new") == b"new"
                assert proxy.connections == 2
                assert not ended.is_set()
        await asyncio.wait_for(ended.wait(), 5)


async def test_what_clients_sent_is_remembered_also_where_it_vanishes(proxy: Proxy) -> None:
    async with connected(proxy) as streams:
        await said(streams, b"a word")
        proxy.swallow()
        streams[1].write(b"another")
        await streams[1].drain()
        async with asyncio.timeout(5):
            while b"another" not in proxy.asked:
                await asyncio.sleep(0)

    assert proxy.asked[0] == b"a word"


async def test_how_long_it_has_been_away_counts_from_when_nothing_came_through_any_more(
    proxy: Proxy,
) -> None:
    assert proxy.away_for == 0

    proxy.swallow()
    swallowing = proxy.away_for
    proxy.cut()
    assert proxy.away_for > swallowing

    proxy.restore()
    assert proxy.away_for == 0
