"""The voice server's UDP socket: address discovery, keep-alives, and media with its arrival time.

The arrival is the kernel's own stamp where it gives one (Linux), so a late event loop does not
show as a late packet. It knows no session: what a packet means is its owner's `receive`.
"""

import asyncio
import contextlib
import random
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from legato_simulator import rtp
from legato_simulator.voice_faults import VoiceFaults

BUFFER = 4 << 20
"""The default loses thousands of packets under load, address discovery among them (measured)."""
BATCH = 256
"""Packets read before the loop's other work has a turn."""
# include/uapi/asm-generic/socket.h; Python's socket module does not name them.
SO_TIMESTAMPNS = 35
SO_RXQ_OVFL = 40
_TIMESPEC = struct.Struct("@qq")
_OVERFLOW = struct.Struct("@I")

Address = tuple[str, int]


@dataclass(slots=True)
class UdpCounts:
    """What the socket saw besides the media."""

    packets: int = 0
    strays: int = 0
    """Media of no living session."""
    dropped_by_kernel: int = 0
    """Lost here because the buffer was full: the simulator's fault, not the sender's."""
    dropped_on_demand: int = 0
    discoveries: int = 0


class VoiceUdp:
    """One bound UDP socket read by the running event loop."""

    def __init__(
        self,
        receive: Callable[[int, bytes, int], bool],
        faults: Callable[[int], VoiceFaults],
        spend_drop: Callable[[int], bool],
    ) -> None:
        self.counts = UdpCounts()
        self._receive, self._faults, self._spend_drop = receive, faults, spend_drop
        self._random = random.Random(1)  # noqa: S311 - losses, not secrets
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._stamped = sys.platform == "linux"
        self.port = 0

    def open(self, port: int = 0, *, bind: str = "127.0.0.1") -> None:
        """Bind and start reading."""
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        if self._stamped:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self._socket.bind((bind, port))
        self.port = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Stop reading and release the port."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        # The kernel stamps by the wall clock; one pair of readings brings a batch onto ours.
        offset = time.monotonic_ns() - time.time_ns()
        for _ in range(BATCH):
            try:
                data, extra, _flags, address = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            self._take(data, address, self._arrival(extra, offset))

    def _arrival(self, extra: list[tuple[int, int, bytes]], offset: int) -> int:
        stamp = None
        for _level, kind, body in extra:
            if kind == SO_TIMESTAMPNS and len(body) >= 16:
                seconds, nanoseconds = _TIMESPEC.unpack_from(body)
                stamp = seconds * 1_000_000_000 + nanoseconds + offset
            elif kind == SO_RXQ_OVFL:
                self.counts.dropped_by_kernel = _OVERFLOW.unpack_from(body)[0]
        return time.monotonic_ns() if stamp is None else stamp

    def _take(self, data: bytes, address: Any, at_ns: int) -> None:
        if rtp.is_media(data):
            self._media(data, at_ns)
            return
        asked = rtp.discovered(data)
        if asked is not None and asked[0] == 1:
            self._discovery(asked[1], address)
        elif len(data) == 8:
            self.send(data, address)

    def _media(self, data: bytes, at_ns: int) -> None:
        self.counts.packets += 1
        ssrc = rtp.ssrc_of(data)
        faults = self._faults(ssrc)
        lost = faults.udp_loss and self._random.random() < faults.udp_loss
        if lost or (faults.udp_drop_next and self._spend_drop(ssrc)):
            self.counts.dropped_on_demand += 1
        elif faults.udp_delay:
            later = at_ns + int(faults.udp_delay * 1e9)
            loop = asyncio.get_running_loop()
            loop.call_later(faults.udp_delay, self._deliver, ssrc, data, later)
        else:
            self._deliver(ssrc, data, at_ns)

    def _deliver(self, ssrc: int, data: bytes, at_ns: int) -> None:
        self.counts.strays += not self._receive(ssrc, data, at_ns)

    def _discovery(self, ssrc: int, address: Address) -> None:
        faults = self._faults(ssrc)
        self.counts.discoveries += 1
        if not faults.no_discovery:
            answer = rtp.discovery_answer(ssrc, address[0], address[1])
            loop = asyncio.get_running_loop()
            loop.call_later(faults.step_delay, self.send, answer, address)

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram, unless the socket is closed or full."""
        if self._socket.fileno() >= 0:
            with contextlib.suppress(BlockingIOError):
                self._socket.sendto(data, address)
