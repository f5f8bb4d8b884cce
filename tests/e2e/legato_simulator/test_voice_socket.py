"""The handshake, resume, closes and faults of the voice websocket."""

import asyncio
import contextlib

import aiohttp
import pytest

from legato_simulator import opus, timecode
from legato_simulator.calls import VoiceCredentials
from legato_simulator.dave import policy as dave
from legato_simulator.voice_faults import NONE, VoiceFaults
from legato_simulator.voice_sender import VoiceClosed, VoiceSender
from support_voice import BOT, CHANNEL, GUILD, SESSION, Room

SOUND = [b"\xfc" + bytes(60)] * 10


async def _credentials(room: Room) -> VoiceCredentials:
    return await room.server.open(GUILD, CHANNEL, BOT, SESSION)


async def _refused(sender: VoiceSender, credentials: VoiceCredentials) -> int:
    with pytest.raises(VoiceClosed) as refused:
        await sender.connect(credentials)
    return refused.value.code


async def test_ports_never_begin_with_80(room: Room):
    assert not any(one.split(":")[1].startswith("80") for one in room.server.regions.values())


async def test_a_wrong_token_is_4004_and_an_unknown_session_4006(room: Room):
    good = await _credentials(room)

    bad = VoiceCredentials(token="x", endpoint=good.endpoint)
    assert await _refused(room.sender(), bad) == 4004
    assert await _refused(room.sender(session_id="other"), good) == 4006
    assert await _refused(room.sender(guild_id=5), good) == 4006
    assert room.server.refusals == [4004, 4006, 4006]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 4002),
        ('{"op":1,"d":{}}', 4003),
        ('{"op":99,"d":{}}', 4001),
        ('{"op":0,"d":{"server_id":"1"}}', 4002),
    ],
)
async def test_nonsense_is_closed_with_discord_s_codes(room: Room, text: str, code: int):
    credentials = await _credentials(room)
    context = room.server.certificates.client_context()

    async with room.client.ws_connect(f"wss://{credentials.endpoint}/?v=8", ssl=context) as socket:
        assert (await socket.receive_json())["op"] == 8
        await socket.send_str(text)
        assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == code


async def test_heartbeats_are_answered_with_their_nonce(room: Room):
    sender = await room.connected()

    await sender.say(3, {"t": 12345, "seq_ack": sender.seq_ack})

    assert await sender.wait(6) == {"t": 12345}


async def test_a_dropped_websocket_resumes_and_is_told_what_it_missed(room: Room):
    sender = await room.connected()
    await sender.play(SOUND)
    room.server.socket(GUILD, BOT).drop()
    assert await sender.closed() == 1006
    await room.until(lambda: room.server.socket(GUILD, BOT) is None)
    session = room.server._sessions[GUILD, BOT]
    session.message(11, {"user_ids": ["42"]})

    await sender.resume()

    assert await sender.wait(11) == {"user_ids": ["42"]}
    await sender.play(SOUND)
    await room.received(20)
    assert room.server.report(GUILD, BOT).unbroken
    assert (room.server.identifies, room.server.resumes) == (1, 1)


async def test_a_client_that_closes_with_1000_has_left_and_may_connect_again(room: Room):
    sender = await room.connected()
    await sender.play(SOUND)
    await sender.close(1000)

    await room.until(lambda: room.server.connections() == [])
    again = await room.connected()
    await again.play(SOUND)
    await room.received(20)


@pytest.mark.parametrize("code", [4000, 4015])
async def test_after_some_closes_a_session_resumes(room: Room, code: int):
    sender = await room.connected()

    await room.server.close(GUILD, BOT, code)

    assert await sender.closed() == code
    await sender.resume()
    await sender.play(SOUND)
    await room.received(10)


@pytest.mark.parametrize("code", [4006, 4014, 4017, 4022, 4011])
async def test_after_the_others_it_does_not(room: Room, code: int):
    sender = await room.connected()

    await room.server.close(GUILD, BOT, code)

    assert await sender.closed() == code
    with pytest.raises(VoiceClosed) as refused:
        await sender.resume()
    assert refused.value.code == 4006
    assert room.server.connections() == []


async def test_a_newer_connection_of_the_same_session_ends_the_older(room: Room):
    older, newer = await room.connected(), await room.connected()

    assert await older.closed() == 4014
    await older.play(SOUND)
    await newer.play(SOUND)
    await room.received(10)
    report = room.server.report(GUILD, BOT)
    assert [epoch.continuity.packets for epoch in report.epochs] == [0, 10]
    assert room.server.counts()["harbour"]["strays"] == 10
    assert newer.ssrc != older.ssrc


async def test_the_same_session_is_given_the_same_credentials_again(room: Room):
    first, again = await _credentials(room), await _credentials(room)
    other = await room.server.open(GUILD, CHANNEL, BOT, "another")

    assert first == again
    assert other.token != first.token


async def test_a_move_to_another_region_ends_the_call_and_names_another_endpoint(room: Room):
    sender = await room.connected()
    before = room.server.regions["harbour"]

    credentials = await room.server.move(GUILD, BOT, "hill")

    assert await sender.closed() == 4014
    assert credentials.endpoint == room.server.regions["hill"] != before
    moved = room.sender()
    await moved.connect(credentials)
    await moved.play(SOUND)
    await room.received(10)
    assert room.server.counts()["hill"]["packets"] == 10


async def test_others_in_the_call_are_told_of(room: Room):
    await room.server.announce(GUILD, 900, CHANNEL)
    sender = await room.connected()
    assert await sender.wait(11) == {"user_ids": ["900"]}

    second = await room.server.open(GUILD, CHANNEL, 701, "second")
    other = room.sender(user_id=701, session_id="second")
    await other.connect(second)
    assert await sender.wait(11) == {"user_ids": ["701"]}
    assert (await sender.wait(5))["ssrc"] == other.ssrc
    await room.server.announce(GUILD, 900, None)
    assert await sender.wait(13) == {"user_id": "900"}


async def test_a_frozen_websocket_is_silent_until_thawed_and_media_goes_on(room: Room):
    sender = await room.connected()
    socket = room.server.socket(GUILD, BOT)
    socket.freeze()
    await sender.say(3, {"t": 1, "seq_ack": 0})
    with contextlib.suppress(TimeoutError):
        await sender.wait(6, seconds=0.2)
        pytest.fail("a frozen websocket answered")
    await sender.play(SOUND)
    await room.received(10)

    await socket.thaw()

    assert await sender.wait(6) == {"t": 1}


async def test_a_swallowed_connection_never_answers_and_never_closes(room: Room):
    sender = await room.connected()
    room.server.socket(GUILD, BOT).swallow()

    await sender.say(3, {"t": 1, "seq_ack": 0})
    await room.server.close(GUILD, BOT, 4014)

    with pytest.raises(TimeoutError):
        await sender.closed(seconds=0.3)


@pytest.mark.parametrize("faults", [{"refuse_identify": 4006}, {"refuse_identify": 4021}])
async def test_an_identify_can_be_refused(room: Room, faults: dict[str, int]):
    room.server.set_faults(VoiceFaults(**faults), guild_id=GUILD)
    credentials = await _credentials(room)

    assert await _refused(room.sender(), credentials) == faults["refuse_identify"]
    room.server.set_faults(NONE, guild_id=GUILD)
    await room.sender().connect(credentials)


async def test_end_to_end_encryption_can_be_required(room: Room):
    room.server.calls.demand(dave.Policy.REQUIRED, GUILD)

    assert await _refused(room.sender(), await _credentials(room)) == 4017


async def test_each_step_can_take_longer(room: Room):
    room.server.set_faults(VoiceFaults(step_delay=0.06))
    loop = asyncio.get_running_loop()
    started = loop.time()

    await room.connected()

    assert loop.time() - started >= 4 * 0.06


async def test_lost_and_late_packets_show(room: Room):
    sender = await room.connected()
    packets = list(opus.encode(timecode.tone(3, 1_000)))
    await sender.play(packets[:20])
    await room.received(20)
    room.server.set_faults(VoiceFaults(udp_drop_next=3), guild_id=GUILD)
    await sender.play(packets[20:30])
    await room.received(27)
    room.server.set_faults(VoiceFaults(udp_delay=0.15), guild_id=GUILD)
    await sender.play(packets[30:])
    await room.received(len(packets) - 3)

    report = room.server.report(GUILD, BOT)
    heard = await room.ear.moments(room.server.listener(GUILD, BOT).since(None))
    assert report.epochs[0].continuity.lost == 3
    assert report.worst_gap_ms >= 150
    assert heard.analysis.skipped_ms == pytest.approx(60, abs=6)
    assert room.server.counts()["harbour"]["dropped_on_demand"] == 3


@pytest.mark.parametrize("death", ["refused", "silent", "no_tls"])
async def test_a_dead_voice_server_is_dead(room: Room, death: str):
    await room.server.add_dead_region("grave", death)
    room.server.place(GUILD, "grave")
    credentials = await _credentials(room)

    with pytest.raises((aiohttp.ClientError, TimeoutError)):
        async with asyncio.timeout(0.5):
            await room.sender().connect(credentials)


async def test_the_discovery_can_be_unanswered(room: Room):
    room.server.set_faults(VoiceFaults(no_discovery=True))
    credentials = await _credentials(room)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.4):
            await room.sender().connect(credentials)
