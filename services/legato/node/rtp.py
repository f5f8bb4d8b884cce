"""Opus frames to encrypted RTP packets as Discord wants them; knows no socket and no clock.

discord.com/developers/docs/topics/voice-connections#transport-encryption-and-sending-voice
"""

import struct
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as xchacha_seal

from legato.node.errors import MediaError

FRAME_MS = 20
SAMPLES = 960
"""Samples of one frame at 48 kHz."""

SILENCE = b"\xf8\xff\xfe"
SILENCE_FRAMES = 5
"""Frames of silence at every break, so that decoders don't interpolate."""

AES = "aead_aes256_gcm_rtpsize"
XCHACHA = "aead_xchacha20_poly1305_rtpsize"
MODES = (AES, XCHACHA)
"""The modes the node speaks, the better first."""

HEADER = struct.Struct(">BBHII")
Seal = Callable[[bytes, bytes, bytes], bytes]
"""Encrypt (frame, header as additional data, 4-byte nonce)."""


def choose(offered: Sequence[str]) -> str:
    """Take the best mode that both sides speak; raises MediaError."""
    for mode in MODES:
        if mode in offered:
            return mode
    raise MediaError("the voice server offers no known encryption", "fault", ", ".join(offered))


def sealer(mode: str, key: bytes) -> Seal:
    """Make the encryption of one mode."""
    if mode == AES:
        cipher = AESGCM(key)
        return lambda frame, header, nonce: cipher.encrypt(nonce + bytes(8), frame, header)
    return lambda frame, header, nonce: xchacha_seal(frame, header, nonce + bytes(20), key)


class Packets:
    """Numbers and encrypts the frames of one voice connection."""

    def __init__(self, ssrc: int, seal: Seal, *, sequence: int = 0, timestamp: int = 0) -> None:
        self._ssrc = ssrc
        self._seal = seal
        self._sequence = sequence & 0xFFFF
        self._timestamp = timestamp & 0xFFFFFFFF
        self._nonce = 0

    def pack(self, frame: bytes) -> bytes:
        """Make the next packet."""
        header = HEADER.pack(0x80, 0x78, self._sequence, self._timestamp, self._ssrc)
        nonce = self._nonce.to_bytes(4, "big")
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._timestamp = (self._timestamp + SAMPLES) & 0xFFFFFFFF
        self._nonce = (self._nonce + 1) & 0xFFFFFFFF
        return header + self._seal(frame, header, nonce) + nonce
