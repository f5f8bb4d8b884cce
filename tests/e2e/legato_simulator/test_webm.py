import io
import itertools
from collections import deque

import av
import pytest

from legato_simulator import opus, timecode, webm
from legato_simulator.continuity import SILENCE
from legato_simulator.sound import Live
from support_sound import packets_of


def test_a_reader_of_another_hand_finds_every_packet_with_its_time():
    packets = list(opus.encode(timecode.tone(8, 3_000)))
    writer = webm.Writer()
    body = webm.header() + b"".join(writer.packet(packet) for packet in packets)

    with av.open(io.BytesIO(body)) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.codec.canonical_name, stream.rate) == ("opus", 48_000)
        read = [packet for packet in container.demux(stream) if packet.size]
    assert [bytes(packet) for packet in read] == packets
    times = [float(packet.pts * packet.time_base) for packet in read]
    steps = [b - a for a, b in itertools.pairwise(times)]
    assert steps == pytest.approx([0.02] * (len(packets) - 1), abs=1e-6)


def test_silence_fills_what_does_not_come_and_the_clock_runs_on():
    live = Live(started=100.0)

    assert live.take(deque(), 100.05) == b""
    body = live.take(deque(), 101.0)

    assert packets_of(webm.header() + body) == [SILENCE] * 50
    assert packets_of(webm.header() + body + live.take(deque([b"\xfcxx"]), 101.0))[-1] == b"\xfcxx"


def test_a_burst_is_dropped_rather_than_heard_late_for_ever():
    live = Live(started=0.0)

    body = live.take(deque([b"\xfcxx"] * 200), 0.1)

    assert len(packets_of(webm.header() + body)) == 25
