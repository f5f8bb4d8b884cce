import pytest

from legato_simulator import opus, rtp, timecode
from support_voice import BOT, GUILD, Room


@pytest.mark.parametrize("mode", rtp.MODES)
async def test_a_tone_sent_by_a_client_is_heard_at_the_right_moments(room: Room, mode: str):
    packets = list(opus.encode(timecode.tone(4, 2_000, start_ms=61_000)))
    sender = await room.connected(mode=mode)
    await sender.play(packets)
    await sender.pause()
    await room.received(len(packets) + 5)

    report = room.server.report(GUILD, BOT)
    arrivals = room.server.listener(GUILD, BOT).since(None)
    heard = await room.ear.moments(arrivals)
    assert report.unbroken
    assert (report.sound, report.silence) == (len(packets), 5)
    assert report.epochs[0].mode == mode
    assert report.epochs[0].continuity.gaps.p50_ms == pytest.approx(20, abs=2)
    assert [segment.track for segment in heard.analysis.segments] == [4]
    assert heard.analysis.skipped_ms == heard.analysis.repeated_ms == 0
    assert heard.moments[10].ms == pytest.approx(61_200, abs=12)
    assert heard.moments[10].at == pytest.approx(arrivals[10].at_ns / 1e9, abs=0.04)


async def test_a_gap_that_lies_across_a_moment_is_heard_since_it(room: Room):
    packets = list(opus.encode(timecode.tone(4, 800)))
    sender = await room.connected()
    await sender.play(packets[:20])
    await room.received(20)
    last = room.server.listener(GUILD, BOT).since(None)[-1].at_ns / 1e9
    await room.until(lambda: (room.server.report(GUILD, BOT).quiet_ms or 0) > 200)
    await sender.play(packets[20:])
    await room.received(len(packets))

    report = room.server.report(GUILD, BOT, since=last + 0.1)
    assert report.sound == len(packets) - 20
    assert report.worst_gap_ms >= 200
    assert report.longest_silence_ms >= 200
