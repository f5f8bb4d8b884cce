import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato_simulator import opus, timecode
from legato_simulator.dave.frames import is_encrypted
from support_dave import ADA, BEN, table


@pytest.fixture(scope="module")
def ada():
    call = table()
    call.join(BEN)
    return call.join(ADA)


@given(st.binary(min_size=1, max_size=1400).filter(lambda frame: frame != b"\xf8\xff\xfe"))
def test_what_a_member_seals_is_known_as_sealed(ada, frame: bytes):
    assert is_encrypted(ada.seal(frame))


def test_a_plain_frame_that_ends_in_the_marker_is_plain():
    frames = [each for each in opus.encode(timecode.tone(4, 8_000)) if each.endswith(b"\xfa\xfa")]
    assert frames
    assert not any(map(is_encrypted, frames))


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xf8\xff\xfe",
        bytes(9) + b"\x0c\xfa",
        bytes(8) + b"\x80\x0c\xfa\xfa",
        bytes(20) + b"\x0b\xfa\xfa",
        bytes(8) + b"\x01\x0d\xfa\xfa",
        bytes(18) + b"\x01\x05\x09\x0f\xfa\xfa",
    ],
)
def test_what_breaks_the_form_is_plain(frame: bytes):
    assert not is_encrypted(frame)
