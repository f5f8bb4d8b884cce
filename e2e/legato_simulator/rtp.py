"""Discord's media packets: RTP headers, both AEAD modes, and the UDP address discovery.

Pure: bytes in, bytes out; no socket, no clock.
https://discord.com/developers/docs/topics/voice-connections
"""

import struct
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError

AES = "aead_aes256_gcm_rtpsize"
XCHACHA = "aead_xchacha20_poly1305_rtpsize"
MODES = (AES, XCHACHA)

SAMPLES = 960
"""Of one 20 ms frame at 48 kHz: the RTP clock's step per packet."""
SILENCE = b"\xf8\xff\xfe"
"""The Opus frame a client sends five times when it stops."""
OPUS = 0x78
"""Payload type 120, marker bit clear."""

_HEADER = struct.Struct(">BBHII")
_DISCOVERY = struct.Struct(">HHI64sH")
_NO_PADDING_GCM = bytes(8)
_NO_PADDING_XCHACHA = bytes(20)


class BadPacket(ValueError):
    """The bytes are no media packet of this stream; the text says why."""


class Crypt(Protocol):
    """One key in one of the AEAD modes; `counter` is the four bytes at the packet's end."""

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        """Encrypt; the header is authenticated only."""

    def unseal(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        """Decrypt, or raise BadPacket."""


class AesGcm:
    """AES-256-GCM: the counter, then eight zero bytes, is the nonce."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        """Encrypt; the header is authenticated only."""
        return self._aead.encrypt(counter + _NO_PADDING_GCM, plain, header)

    def unseal(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        """Decrypt, or raise BadPacket."""
        try:
            return self._aead.decrypt(counter + _NO_PADDING_GCM, sealed, header)
        except InvalidTag as error:
            raise BadPacket("does not decrypt") from error


class XChaCha:
    """XChaCha20-Poly1305: the counter, then twenty zero bytes, is the nonce."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, header: bytes, plain: bytes, counter: bytes) -> bytes:
        """Encrypt; the header is authenticated only."""
        nonce = counter + _NO_PADDING_XCHACHA
        return crypto_aead_xchacha20poly1305_ietf_encrypt(plain, header, nonce, self._key)

    def unseal(self, header: bytes, sealed: bytes, counter: bytes) -> bytes:
        """Decrypt, or raise BadPacket."""
        nonce = counter + _NO_PADDING_XCHACHA
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, header, nonce, self._key)
        except CryptoError as error:
            raise BadPacket("does not decrypt") from error


def crypt(mode: str, key: bytes) -> Crypt:
    """Choose by the mode's name; raises KeyError for one not in MODES."""
    kinds: dict[str, type[AesGcm] | type[XChaCha]] = {AES: AesGcm, XCHACHA: XChaCha}
    return kinds[mode](key)


@dataclass(frozen=True, slots=True)
class Packet:
    """A media packet as it came, decrypted."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    counter: bytes
    payload: bytes


def ssrc_of(data: bytes) -> int:
    """Read the sender's number without decrypting; the packet must be 12 bytes or more."""
    return int.from_bytes(data[8:12], "big")


def is_media(data: bytes) -> bool:
    """Say whether the bytes look like RTP (version 2) and are not RTCP (types 192 to 223)."""
    return len(data) >= 12 and data[0] >> 6 == 2 and not 192 <= data[1] <= 223


def parse(data: bytes, key: Crypt) -> Packet:
    """Decrypt one packet; raises BadPacket.

    The header with its CSRCs and the extension's first four bytes are in clear and authenticated,
    the extension's body is encrypted with the sound ("rtpsize").
    """
    first, payload_type, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    clear, extended = 12 + 4 * (first & 15), 0
    if first & 16:
        extended = 4 * int.from_bytes(data[clear + 2 : clear + 4], "big")
        clear += 4
    if len(data) < clear + 20:
        raise BadPacket("too short")
    counter = data[-4:]
    payload = key.unseal(data[:clear], data[clear:-4], counter)[extended:]
    if first & 32 and payload:
        payload = payload[: -payload[-1]]
    return Packet(payload_type, sequence, timestamp, ssrc, counter, payload)


def build(payload: bytes, key: Crypt, *, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """Encrypt one packet, its nonce counter being the sequence that the caller unwraps itself."""
    header = _HEADER.pack(0x80, OPUS, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    counter = (sequence & 0xFFFFFFFF).to_bytes(4, "big")
    return header + key.seal(header, payload, counter) + counter


def discovery_request(ssrc: int) -> bytes:
    """Ask a voice server for our own address, 74 bytes."""
    return _DISCOVERY.pack(1, 70, ssrc, b"", 0)


def discovery_answer(ssrc: int, address: str, port: int) -> bytes:
    """Tell a client its address."""
    return _DISCOVERY.pack(2, 70, ssrc, address.encode(), port)


def discovered(data: bytes) -> tuple[int, int, str, int] | None:
    """Read a discovery packet: (1 asked or 2 answered, ssrc, address, port); None: it is none."""
    if len(data) != _DISCOVERY.size:
        return None
    kind, length, ssrc, address, port = _DISCOVERY.unpack(data)
    if length != 70 or kind not in {1, 2}:
        return None
    return kind, ssrc, address.rstrip(b"\0").decode("ascii", "replace"), port
