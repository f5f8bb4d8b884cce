import asyncio
import contextlib
import struct
from pathlib import Path

import pytest
from aiohttp import web

from support_audio_node import Json, Stage
from support_media import tone
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

HUGE = 3 * 1024**3
MEBIBYTE = 1024**2


async def failing(stage: Stage, name: str, **body: object) -> tuple[Json, Json]:
    """Play a file that breaks; gives the exception and the end."""
    await stage.patch(**{"voice": await stage.credentials(), **body})
    failed = await stage.client.event("TrackExceptionEvent")
    ended = await stage.client.event("TrackEndEvent")
    assert ended["reason"] == "loadFailed", name
    exception = failed["exception"]
    assert isinstance(exception, dict)
    assert set(exception) == {"message", "severity", "cause", "causeStackTrace"}
    return exception, ended


async def test_a_track_that_has_gone_fails_with_its_reason(stage: Stage) -> None:
    stage.files.files["gone.mp3"] = tone("mp3")
    encoded = await stage.track("gone.mp3")
    del stage.files.files["gone.mp3"]

    exception, _ = await failing(stage, "gone", track={"encoded": encoded})

    assert (exception["message"], exception["cause"]) == ("Nothing is there.", "Status code 404")


async def test_a_track_that_breaks_off_plays_what_came_and_fails(stage: Stage) -> None:
    data = tone("mp3")
    stage.files.files["short.mp3"] = data
    encoded = await stage.track("short.mp3")

    async def breaks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await answer.prepare(request)
        await answer.write(data[: len(data) // 10])
        assert request.transport is not None
        request.transport.close()
        return answer

    stage.files.special["short.mp3"] = breaks

    exception, _ = await failing(stage, "short", track={"encoded": encoded})

    assert exception["message"] == "The server stopped sending."
    assert 80 <= len(stage.sounding()) <= 110


async def test_an_answer_that_breaks_off_is_asked_for_again(stage: Stage) -> None:
    data = tone("opus.ogg")
    stage.files.files["again.ogg"] = data
    encoded = await stage.track("again.ogg")

    async def stingy(request: web.Request) -> web.StreamResponse:
        start = int(request.headers["Range"][6:-1])
        size = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        length = str(len(data) - start)
        answer = web.StreamResponse(status=206, headers={**size, "Content-Length": length})
        await answer.prepare(request)
        await answer.write(data[start : start + 5_000])
        assert request.transport is not None
        request.transport.close()
        return answer

    stage.files.special["again.ogg"] = stingy

    await stage.patch(track={"encoded": encoded}, voice=await stage.credentials())
    await stage.frames(60)

    assert stage.moments().jumps == []
    assert stage.report().unbroken


async def test_a_server_that_hangs_fails_the_track(stage: Stage) -> None:
    stage.files.files["hangs.mp3"] = tone("mp3")
    encoded = await stage.track("hangs.mp3")

    async def hangs(request: web.Request) -> web.StreamResponse:
        await stage.files.closing.wait()
        return web.Response()

    stage.files.special["hangs.mp3"] = hangs

    exception, _ = await failing(stage, "hangs", track={"encoded": encoded})

    assert exception["severity"] == "suspicious"
    assert exception["cause"] == "timed out"


async def test_a_server_that_trickles_fails_the_track_in_time(stage: Stage) -> None:
    stage.files.files["trickles.mp3"] = tone("mp3")
    encoded = await stage.track("trickles.mp3")

    async def trickles(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000000"})
        await answer.prepare(request)
        for _ in range(100):
            await answer.write(b"\0")
            await asyncio.sleep(0.3)
        return answer

    stage.files.special["trickles.mp3"] = trickles

    exception, _ = await failing(stage, "trickles", track={"encoded": encoded})

    assert exception["cause"] == "the time to load is over"


@pytest.mark.parametrize("paused", [True, False])
async def test_what_is_no_media_fails_also_while_paused(stage: Stage, paused: bool) -> None:
    stage.files.files["page.mp3"] = tone("mp3")
    encoded = await stage.track("page.mp3")
    stage.files.files["page.mp3"] = b"<html>" + b"x" * 100_000

    exception, _ = await failing(stage, "page", track={"encoded": encoded}, paused=paused)

    assert exception["message"] == "Unknown file format."


async def test_a_broken_middle_is_played_over(stage: Stage) -> None:
    data = bytearray(tone("mp3"))
    data[12_000:12_500] = b"\xff" * 500
    stage.files.files["scratched.mp3"] = bytes(data)

    await stage.play("scratched.mp3")
    await stage.frames(60)

    assert stage.report().unbroken
    assert stage.client.events("TrackExceptionEvent") == []


async def test_three_gigabytes_and_an_endless_stream_take_little_memory(stage: Stage) -> None:
    form = struct.pack("<IHHIIHH", 16, 1, 2, 48_000, 192_000, 4, 16)
    size = struct.pack("<I", HUGE - 44)
    huge = b"RIFF" + size + b"WAVEfmt " + form + b"data" + size

    async def big(request: web.Request) -> web.StreamResponse:
        start = int(request.headers["Range"][6:-1])
        headers = {
            "Content-Range": f"bytes {start}-{HUGE - 1}/{HUGE}",
            "Content-Length": str(HUGE - start),
        }
        answer = web.StreamResponse(status=206, headers=headers)
        await answer.prepare(request)
        await answer.write(huge[start:])
        with contextlib.suppress(ConnectionError):
            for _ in range(1000):
                await answer.write(tone("wav")[100_000 : 100_000 + MEBIBYTE])
        return answer

    stage.files.special["huge.wav"] = big
    await stage.play("huge.wav")
    await stage.frames(50)
    before = memory(stage)
    await stage.patch(position=3_600_000)
    await stage.frames(100)

    assert memory(stage) - before < 40 * MEBIBYTE
    assert stage.client.events("TrackExceptionEvent") == []


async def test_every_ring_and_thread_is_let_go_of(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(10)

    for position in range(1000, 16_000, 500):
        await stage.patch(position=position)
    await stage.patch(track={"encoded": None})

    def left() -> int:
        return sum(
            "feed" in leads_to(link)
            for pid in (stage.node.process.pid, *stage.node.children())
            for link in Path(f"/proc/{pid}/fd").iterdir()
        )

    def leads_to(link: Path) -> str:
        try:
            return str(link.readlink())
        except FileNotFoundError:  # closed since it was listed
            return ""

    def mapped() -> int:
        return sum(
            Path(f"/proc/{pid}/maps").read_text().count("memfd:feed")
            for pid in (stage.node.process.pid, *stage.node.children())
        )

    await until(lambda: left() == 0 and mapped() == 0)


def memory(stage: Stage) -> int:
    """Sum the node's memory in bytes."""
    pids = (stage.node.process.pid, *stage.node.children())
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * 4096
