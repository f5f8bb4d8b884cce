import struct

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as xchacha_open

from legato.node import rtp
from legato.node.errors import MediaError

KEY = bytes(range(32))


def opened(mode: str, packet: bytes) -> bytes:
    header, sealed, nonce = packet[:12], packet[12:-4], packet[-4:]
    if mode == rtp.AES:
        return AESGCM(KEY).decrypt(nonce + bytes(8), sealed, header)
    return xchacha_open(sealed, header, nonce + bytes(20), KEY)


@pytest.mark.parametrize("mode", rtp.MODES)
def test_a_packet_is_what_discord_describes(mode: str) -> None:
    packets = rtp.Packets(7, rtp.sealer(mode, KEY), sequence=65_535, timestamp=0xFFFFFFFF)

    first, second = packets.pack(b"one"), packets.pack(b"two")

    assert (opened(mode, first), opened(mode, second)) == (b"one", b"two")
    assert struct.unpack(">BBHII", first[:12]) == (0x80, 0x78, 65_535, 0xFFFFFFFF, 7)
    assert struct.unpack(">BBHII", second[:12]) == (0x80, 0x78, 0, 959, 7)
    assert (first[-4:], second[-4:]) == (b"\0\0\0\0", b"\0\0\0\1")


def test_the_better_mode_is_chosen_and_an_unknown_one_refused() -> None:
    assert rtp.choose(["other", rtp.XCHACHA, rtp.AES]) == rtp.AES
    assert rtp.choose([rtp.XCHACHA]) == rtp.XCHACHA
    with pytest.raises(MediaError):
        rtp.choose(["xsalsa20_poly1305"])
