"""What an encrypted frame looks like from outside. Pure; it knows no key.

protocol.md, "Payload Format" and "Protocol Frame Check". A plain frame that ends in the marker by
chance (one in 65,000) shows by what stands before it.
"""

MARKER = b"\xfa\xfa"
TAG, TAIL = 8, 3
"""Bytes of the truncated tag; of the size and the marker at the end."""
LEAST = TAG + 1 + TAIL


def is_encrypted(frame: bytes) -> bool:
    """Tell a frame of the protocol from a plain one."""
    if len(frame) < LEAST or not frame.endswith(MARKER):
        return False
    size = frame[-TAIL]
    if not LEAST <= size <= len(frame):
        return False
    numbers = _numbers(frame[len(frame) - size + TAG : -TAIL])
    if not numbers:
        return False
    return _in_order(numbers[1:], len(frame) - size)


def _numbers(data: bytes) -> list[int]:
    """Read ULEB128 numbers, the nonce first; none if the last one is cut off."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    return [] if shift else found


def _in_order(ranges: list[int], size: int) -> bool:
    """Check the unencrypted ranges, pairs of offset and length: ascending, distinct, inside."""
    if len(ranges) % 2:
        return False
    end = 0
    for offset, length in zip(ranges[::2], ranges[1::2], strict=True):
        if offset < end or offset + length > size:
            return False
        end = offset + length
    return True
