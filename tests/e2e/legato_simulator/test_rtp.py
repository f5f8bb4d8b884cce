import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_simulator import rtp

KEY = bytes(range(32))


@given(
    mode=st.sampled_from(rtp.MODES),
    payload=st.binary(max_size=1_200),
    sequence=st.integers(0, 1 << 32),
    timestamp=st.integers(0, (1 << 32) - 1),
)
def test_what_is_built_is_parsed(mode: str, payload: bytes, sequence: int, timestamp: int):
    crypt = rtp.crypt(mode, KEY)

    data = rtp.build(payload, crypt, sequence=sequence, timestamp=timestamp, ssrc=77)
    packet = rtp.parse(data, crypt)

    assert packet.payload == payload
    assert (packet.sequence, packet.timestamp) == (sequence & 0xFFFF, timestamp)
    assert (packet.ssrc, packet.payload_type) == (77, 120)
    assert rtp.is_media(data)


@pytest.mark.parametrize("mode", rtp.MODES)
def test_the_extension_s_body_is_encrypted_and_left_out(mode: str):
    crypt = rtp.crypt(mode, KEY)
    header = b"\x90\x78\x00\x07\x00\x00\x03\xc0\x00\x00\x00\x4d" + b"\xbe\xde\x00\x02"
    data = header + crypt.seal(header, b"EXTENDED" + b"sound", b"\0\0\0\1") + b"\0\0\0\1"

    assert rtp.parse(data, crypt).payload == b"sound"


@given(mode=st.sampled_from(rtp.MODES), data=st.binary(min_size=12, max_size=200))
def test_strange_bytes_are_refused(mode: str, data: bytes):
    with pytest.raises(rtp.BadPacket):
        rtp.parse(data, rtp.crypt(mode, KEY))


@pytest.mark.parametrize("place", [1, 3, 11, 14, -1])
def test_a_changed_packet_is_refused(place: int):
    crypt = rtp.crypt(rtp.AES, KEY)
    data = bytearray(rtp.build(b"sound", crypt, sequence=1, timestamp=2, ssrc=3))
    data[place] ^= 1

    with pytest.raises(rtp.BadPacket):
        rtp.parse(bytes(data), crypt)


def test_control_packets_are_no_media():
    assert not rtp.is_media(b"\x81\xc9" + bytes(20))
    assert not rtp.is_media(rtp.discovery_request(1))
    assert not rtp.is_media(b"\x80")


def test_the_discovery_names_the_address():
    assert len(rtp.discovery_request(9)) == 74
    assert rtp.discovered(rtp.discovery_request(9)) == (1, 9, "", 0)
    assert rtp.discovered(rtp.discovery_answer(9, "127.0.0.1", 5000)) == (2, 9, "127.0.0.1", 5000)
    assert rtp.discovered(bytes(74)) is None
    assert rtp.discovered(b"keep") is None
