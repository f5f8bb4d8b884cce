import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from legato_simulator import opus, timecode
from legato_simulator.control_stream import BOT as CONTROL_BOT
from legato_simulator.voice_client import VoiceClient
from legato_simulator.voice_endpoint import free_socket
from legato_simulator.voice_faults import NONE, VoiceFaults
from legato_simulator.voice_routes import Voice
from support_sound import packets_of
from support_voice import BOT, CHANNEL, GUILD, SESSION, Room
from support_waiting import PATIENCE


@dataclass
class Site:
    room: Room
    voice: Voice
    client: VoiceClient


@pytest.fixture
async def site(room: Room, tmp_path: Path) -> AsyncIterator[Site]:
    voice = Voice(room.server, cache=tmp_path / "media")
    app = web.Application()
    app.add_routes(voice.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    bound = free_socket()
    await web.SockSite(runner, bound).start()
    base = f"http://127.0.0.1:{bound.getsockname()[1]}"
    yield Site(room, voice, VoiceClient(room.client, base))
    await runner.cleanup()
    await voice.control.stop()
    await voice.ear.stop()


async def test_a_stretch_from_the_middle_is_as_loud_as_it_was(site: Site):
    sender = await site.room.connected()
    await sender.play(opus.encode(timecode.tone(5, 400, start_ms=30_000)))
    await site.room.received(18)
    arrivals = site.voice.server.listener(GUILD, BOT).since(None)
    middle = arrivals[9].at_ns / 1e9

    whole = await site.client.voice_heard(GUILD, BOT)
    later = await site.client.voice_heard(GUILD, BOT, since=middle)
    moments = await site.client.voice_moments(GUILD, BOT, since=middle)

    assert later.peak <= whole.peak
    assert later.total_ms == whole.total_ms - 9 * 20
    assert moments.moments[0].ms == pytest.approx(30_180, abs=15)


async def test_another_process_reads_what_was_heard(site: Site):
    sender = await site.room.connected()
    since = time.monotonic()
    assert await site.client.voice_report(GUILD, 999) is None
    await sender.play(opus.encode(timecode.tone(5, 1_000, start_ms=30_000)))
    await site.room.received(48)

    report = await site.client.voice_report(GUILD, BOT)
    heard = await site.client.voice_heard(GUILD, BOT, since=since)
    moments = await site.client.voice_moments(GUILD, BOT)
    assert report.unbroken
    assert report.quiet_ms <= (time.monotonic() - since) * 1000
    assert heard.loudness_db == pytest.approx(-11, abs=2)
    assert not heard.silent
    assert any(abs(heard.frequency_hz - base) < 1_600 for base in timecode.BANDS_HZ)
    assert moments.analysis.segments[0].track == 5
    assert moments.moments[20].ms == pytest.approx(30_400, abs=15)
    assert (await site.client.voice_report(GUILD, BOT, since=time.monotonic())).packets == 0


async def test_another_process_makes_things_go_wrong(site: Site):
    client = site.client
    sender = await site.room.connected()
    await client.voice_freeze(GUILD, BOT)
    await client.voice_thaw(GUILD, BOT)
    await client.voice_drop(GUILD, BOT)
    assert await sender.closed() == 1006
    await sender.resume()
    await client.voice_close(GUILD, BOT, 4022)
    assert await sender.closed() == 4022

    await client.voice_faults(VoiceFaults(refuse_identify=4006), guild_id=GUILD)
    assert site.room.server.faults(GUILD).refuse_identify == 4006
    await client.voice_faults(NONE, guild_id=GUILD)
    endpoint = await client.voice_region("grave", death="refused")
    await client.voice_place(GUILD, "grave")
    credentials = await site.room.server.open(GUILD, CHANNEL, BOT, SESSION)
    assert credentials.endpoint == endpoint
    named = await client.voice_region("oslo", host="oslo1.localhost")
    assert named.startswith("oslo1.localhost:")

    overview = await client.voice_overview()
    assert overview.closes == [(GUILD, BOT, 4022)]
    assert (overview.identifies, overview.resumes) == (1, 1)
    assert set(overview.regions) == {"harbour", "hill", "grave", "oslo"}
    assert overview.connections == []


async def test_a_voice_server_dies_under_its_calls(site: Site):
    client, server = site.client, site.room.server
    sender = await site.room.connected()
    endpoint = server.regions["harbour"]

    await client.voice_kill("harbour", "refused")

    assert await sender.closed() == 1006
    assert server.regions["harbour"] == endpoint
    host, _, port = endpoint.partition(":")
    with pytest.raises(OSError, match=port):
        await asyncio.open_connection(host, int(port))
    assert (await client.voice_overview()).connections == []
    with pytest.raises(aiohttp.ClientResponseError, match="404"):
        await client.voice_kill("harbour", "refused")


async def test_a_voice_server_falls_silent_under_its_calls(site: Site):
    client, server = site.client, site.room.server
    await site.room.connected()
    before = server.listener(GUILD, BOT).report(now=time.monotonic()).packets

    await client.voice_kill("harbour", "silent")

    host, _, port = server.regions["harbour"].partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.close()
    assert server.socket(GUILD, BOT).swallowed
    assert server.listener(GUILD, BOT).report(now=time.monotonic()).packets == before


async def test_the_page_on_the_simulator_lists_every_route(site: Site):
    """A guild's id stands there as GUILD, a bot's as BOT."""
    page = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()
    listed = set(re.findall(r"`((?:GET|POST|PUT) /control/voice[^`]*)`", page))

    there = {f"{route.method} {named(route.path)}" for route in site.voice.routes()}
    assert listed == {one for one in there if "/control/voice" in one}


def named(path: str) -> str:
    """Write a route's path as the page does."""
    words = ((r"{guild_id:\d+}", "GUILD"), (r"{user_id:\d+}", "BOT"), ("{name}", "NAME"))
    for pattern, word in words:
        path = path.replace(pattern, word)
    return path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/control/voice/1/2/report", 404),
        ("POST", "/control/voice/1/2/freeze", 404),
        ("PUT", "/control/voice/1/region", 400),
        ("PUT", "/control/voice/faults", 400),
    ],
)
async def test_wrong_requests_are_told_so(site: Site, method: str, path: str, status: int):
    url = site.client.base + path
    async with site.client.http.request(method, url, data=b'{"step_delay":"x"}') as answer:
        assert answer.status == status


async def test_a_joining_listener_hears_the_room_from_that_moment_on(site: Site):
    sender = await site.room.connected()
    packets = list(opus.encode(timecode.tone(2, 4_000)))
    playing = asyncio.create_task(sender.play(packets))
    await site.room.received(60)

    body = b""
    async with site.client.http.get(f"{site.client.base}/sound/{GUILD}.webm") as answer:
        assert answer.content_type == "audio/webm"
        async with asyncio.timeout(PATIENCE):
            while len(body) < 20_000:
                body += await answer.content.readany()
    await playing

    analysis = timecode.analyse(opus.decode(packets_of(body)))
    (segment,) = analysis.segments
    assert segment.track == 2
    assert 1_000 < segment.start_ms < 2_500
    assert analysis.skipped_ms == 0


async def test_a_listener_of_an_empty_room_hears_silence_then_the_bot(site: Site):
    body = b""
    async with site.client.http.get(f"{site.client.base}/sound/{GUILD}.webm") as answer:
        while len(body) < 400:
            body += await answer.content.readany()
        sender = await site.room.connected()
        await sender.play(opus.encode(timecode.tone(2, 600)))
        async with asyncio.timeout(PATIENCE):
            while len(body) < 8_000:
                body += await answer.content.readany()

    # A sender that a busy machine starves leaves a hole, which is filled with silence.
    assert {s.track for s in timecode.analyse(opus.decode(packets_of(body))).segments} == {2}


async def test_the_control_stream_shows_the_machine_s_own_noise(site: Site):
    started = await site.client.voice_control_start()
    assert started.user_id == CONTROL_BOT
    await site.room.until(lambda: site.voice.control.report().packets >= 60)

    stopped = await site.client.voice_control_stop()

    # How evenly they came is the noise that it is there to show.
    assert stopped.epochs[0].continuity.lost == 0
    assert stopped.epochs[0].continuity.gaps.p50_ms > 0
    assert (await site.client.voice_control()).packets >= stopped.packets


async def test_music_is_under_the_same_address(site: Site):
    async with site.client.http.get(f"{site.client.base}/music/catalogue.json") as answer:
        assert len((await answer.json())["items"]) >= 4


async def test_the_ear_comes_back_after_its_process_was_ended(site: Site):
    sender = await site.room.connected()
    await sender.play(opus.encode(timecode.tone(5, 400)))
    await site.room.received(20)
    first = await site.client.voice_heard(GUILD, BOT)
    site.voice.ear._process.kill()
    await site.voice.ear._process.wait()

    assert await site.client.voice_heard(GUILD, BOT) == first


async def test_wrong_seconds_are_refused(site: Site):
    url = f"{site.client.base}/control/voice/{GUILD}/{BOT}/report?since=x"
    sender = await site.room.connected()
    await sender.play([b"\xfc" + bytes(20)])
    await site.room.received(1)

    with pytest.raises(aiohttp.ClientResponseError):
        async with site.client.http.get(url) as answer:
            answer.raise_for_status()
