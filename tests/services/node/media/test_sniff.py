import pytest

from legato.node.media import sniff
from support_media import FORMATS, tone

PROBES = {
    "opus.ogg": "ogg",
    "opus.webm": "matroska/webm",
    "mp3": "mp3",
    "flac": "flac",
    "wav": "wav",
    "m4a": "mp4",
    "aac": "adts",
}


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_recognised(ending: str) -> None:
    head = tone(ending)[:4096]
    head = head[sniff.tag_length(head) :]

    container = sniff.sniff(head)

    assert container is not None
    assert container.probe == PROBES[ending]


@pytest.mark.parametrize("head", [b"", b"\xff", b"<html>", b"\0" * 20, b"RIFF\0\0\0\0AVI "])
def test_anything_else_is_not(head: bytes) -> None:
    assert sniff.sniff(head) is None


def test_the_length_of_a_tag_has_seven_bits_a_byte() -> None:
    assert sniff.tag_length(b"ID3\x04\0\0\0\0\x02\x01") == 10 + 257
    assert sniff.tag_length(b"ID3\x04\0\x10\0\0\0\x01") == 21
    assert sniff.tag_length(b"OggS") == 0


@pytest.mark.parametrize("ending", ["mp3", "aac"])
@pytest.mark.parametrize("at", [30_001, 31_234, 40_777, 55_555])
def test_a_broadcast_is_recognised_from_any_byte_on(ending: str, at: int) -> None:
    container = sniff.sniff(tone(ending)[at : at + 4096])

    assert container is not None
    assert container.probe == PROBES[ending]


def test_a_picture_in_a_tag_is_no_broadcast() -> None:
    picture = tone("aac")[30_001:34_000]

    assert sniff.sniff(b"ID3\x04\0\0\0\0\x7f\x7f" + picture) is None
