import io
import itertools
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from legato.node.errors import Cancelled, MediaError
from legato.node.media.decoding import Media, Unit
from legato.node.media.live import DELAYS, STEADY, Broadcast
from legato.node.media.loading import Load
from legato.node.rtp import SAMPLES
from legato.node.settings import MediaSettings
from legato.node.sources.http import HttpReader
from support_audio_node import Stage
from support_media import tone

BROKEN = MediaError("The server stopped sending.")
ENOUGH = STEADY // SAMPLES
"""Units that show that a broadcast sounds again."""


@dataclass
class Opened:
    """What one opening of a link gives: units from a position on, then an end or an error."""

    count: int
    start: int = 0
    error: MediaError | None = None
    closed: bool = False

    def units(self, start: int) -> Iterator[Unit]:
        for number in range(self.count):
            yield Unit(self.start + start + number * SAMPLES, packet=b"\xfc")
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed = True


@dataclass
class Titles:
    """A radio that counts each title anew on one connection, as an Icecast with Ogg does."""

    lengths: Sequence[int]

    def units(self, start: int) -> Iterator[Unit]:
        for length in self.lengths:
            for number in range(length):
                yield Unit(start + number * SAMPLES, packet=b"\xfc")

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Link:
    """What the link gives each time it is opened anew."""

    given: Sequence[Opened | MediaError]
    waited: list[float] = field(default_factory=list)

    def reopen(self, delay: float) -> Opened:
        self.waited.append(delay)
        found = self.given[len(self.waited) - 1]
        if isinstance(found, MediaError):
            raise found
        return found


def heard(first: Opened | Titles | Media, link: Link, *, returns: bool = True) -> Iterator[int]:
    broadcast = Broadcast(first, link.reopen, returns=returns)
    return (unit.position // SAMPLES for unit in broadcast.units())


def test_positions_go_on_where_a_broadcast_broke() -> None:
    first, second = Opened(3, error=BROKEN), Opened(2, start=77 * SAMPLES)
    link = Link([second, Opened(5)])

    assert list(itertools.islice(heard(first, link), 8)) == list(range(8))
    assert link.waited == list(DELAYS[:2])
    assert (first.closed, second.closed) == (True, True)


def test_positions_go_on_where_a_new_title_counts_from_its_own_beginning() -> None:
    assert list(heard(Titles((4, 3, 5)), Link([]), returns=False)) == list(range(12))


class Buffer(io.BytesIO):
    """A reader over a stream."""

    length = None
    seekable_by_range = False


def test_positions_go_on_in_a_chained_ogg() -> None:
    media = Media(Buffer(tone("opus.ogg", 2, 3) + tone("opus.ogg", 2, 4)), seek=False)

    positions = list(heard(media, Link([]), returns=False))

    assert positions == sorted(set(positions))
    assert len(positions) >= 190


def test_a_stream_that_ends_in_order_and_is_no_station_is_over() -> None:
    link = Link([])

    assert list(heard(Opened(3), link, returns=False)) == [0, 1, 2]
    assert link.waited == []


def test_a_broadcast_that_stays_away_fails_after_its_last_try() -> None:
    link = Link([BROKEN] * len(DELAYS))

    with pytest.raises(MediaError) as failed:
        list(heard(Opened(3), link))

    assert failed.value is BROKEN
    assert link.waited == list(DELAYS)


def test_a_broadcast_that_gives_nothing_any_more_fails_as_well() -> None:
    link = Link([Opened(0) for _ in DELAYS])

    with pytest.raises(MediaError, match="has ended"):
        list(heard(Opened(3), link))


def test_sound_between_two_breaks_lets_the_tries_begin_anew() -> None:
    link = Link([BROKEN, BROKEN, Opened(ENOUGH), BROKEN, *[BROKEN] * len(DELAYS)])

    with pytest.raises(MediaError):
        list(heard(Opened(1), link))

    assert link.waited == [*DELAYS[:3], *DELAYS]


def test_a_station_that_ends_at_once_each_time_is_not_asked_without_end() -> None:
    link = Link([Opened(ENOUGH - 1) for _ in DELAYS])

    with pytest.raises(MediaError, match="has ended"):
        list(heard(Opened(1), link))

    assert link.waited == list(DELAYS)


def test_nobody_listening_is_no_reason_to_try_again() -> None:
    link = Link([])

    with pytest.raises(Cancelled):
        list(heard(Opened(1, error=Cancelled("closed")), link))

    assert link.waited == []


HEADS = {
    "icecast": b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-name: Radio Gr\xc3\xbcn\r\n"
    b"icy-description: All day\r\n\r\n",
    "shoutcast": b"ICY 200 OK\r\nicy-name: Radio Gr\xc3\xbcn\r\nicy-description: All day\r\n\r\n",
    "icecast-with-a-length": b"HTTP/1.0 206 OK\r\nContent-Range: bytes 0-1349083391/1349083392\r\n"
    b"Content-Length: 1349083392\r\nicy-name: Radio Gr\xc3\xbcn\r\n\r\n",
}


@contextmanager
def station(head: bytes, body: bytes) -> Iterator[str]:
    """Broadcast: each connection is given the same, and is closed."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(head + body)
                except ConnectionError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    host, port = listening.getsockname()
    try:
        yield f"http://{host}:{port}/live"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def allowing(link: str) -> MediaSettings:
    return MediaSettings(allowed_private=(link.split("/")[2],))


@pytest.mark.parametrize("kind", HEADS)
def test_a_station_is_a_stream_without_end_under_its_own_name(kind: str) -> None:
    with station(HEADS[kind], tone("mp3", 4)) as link:
        load = Load(link, allowing(link))
        answer = load.answer()
        load.close()

    assert answer.load_type == "track", answer
    info = answer.data.info
    assert (info.is_stream, info.is_seekable) == (True, False)
    assert info.author == "Radio Grün"


@pytest.mark.parametrize("kind", HEADS)
def test_what_a_station_sends_is_read_as_it_comes(kind: str) -> None:
    body = bytes(range(256)) * 64
    with station(HEADS[kind], body) as link:
        reader = HttpReader(link, allowing(link))
        reader.open()
        read = io.BytesIO()
        while data := reader.read(1000):
            read.write(data)
        reader.release()

    assert reader.length is None
    assert read.getvalue() == body


@pytest.mark.asyncio(loop_scope="session")
async def test_a_station_that_breaks_off_again_and_again_is_heard_on(stage: Stage) -> None:
    data, piece = tone("mp3"), 48_000
    """Three seconds each time: more than the node has ready."""
    asked: list[int] = []

    async def broadcast(request: web.Request) -> web.StreamResponse:
        asked.append(len(asked))
        answer = web.StreamResponse(headers={"icy-name": "Radio"})
        answer.content_type = "audio/mpeg"
        await answer.prepare(request)
        start = asked[-1] % 5 * piece
        await answer.write(data[start : start + piece])
        assert request.transport is not None
        request.transport.close()
        return answer

    stage.files.special["station.mp3"] = broadcast

    await stage.play("station.mp3")
    await stage.frames(400)

    assert len(asked) >= 4
    assert stage.client.events("TrackExceptionEvent") == []
    assert stage.client.events("TrackEndEvent") == []
    shown = (await stage.client.player(stage.guild))["state"]
    assert isinstance(shown, dict)
    assert shown["position"] >= 7_000


@pytest.mark.asyncio(loop_scope="session")
async def test_a_station_that_is_gone_fails_its_track(stage: Stage) -> None:
    data = tone("mp3")
    asked: list[int] = []

    async def broadcast(request: web.Request) -> web.StreamResponse:
        asked.append(len(asked))
        if len(asked) > 2:
            return web.Response(status=503)
        return web.Response(body=data[:32_000], headers={"icy-name": "Radio"})

    stage.files.special["station-gone.mp3"] = broadcast

    await stage.play("station-gone.mp3")
    failed = await stage.client.event("TrackExceptionEvent")
    ended = await stage.client.event("TrackEndEvent")

    exception = failed["exception"]
    assert isinstance(exception, dict)
    assert exception["cause"] == "Status code 503"
    assert ended["reason"] == "loadFailed"
    assert len(asked) == 2 + len(DELAYS)
