import pytest

from legato.node.media import opus


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (b"\xf8\xff\xfe", 960),
        (bytes([0 << 3]), 480),
        (bytes([3 << 3]), 2880),
        (bytes([16 << 3]), 120),
        (bytes([31 << 3 | 1]), 1920),
        (bytes([30 << 3 | 2]), 960),
        (bytes([31 << 3 | 3, 3]), 2880),
        (bytes([31 << 3 | 3]), 0),
    ],
)
def test_a_packets_first_bytes_tell_its_duration(packet: bytes, samples: int) -> None:
    assert opus.samples(packet) == samples
