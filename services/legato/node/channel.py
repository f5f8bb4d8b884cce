"""A socket between two processes of the node: messages with file descriptors, one a packet."""

import array
import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

from legato.node.messages import (
    FromKeyProcess,
    FromPacer,
    FromWorker,
    ToKeyProcess,
    ToPacer,
    ToWorker,
)

LARGEST = 1 << 20
BUFFER = 1 << 20
DESCRIPTORS = 2

Incoming = TypeVar("Incoming")
_encode = msgspec.msgpack.Encoder().encode


def pair() -> tuple[socket.socket, socket.socket]:
    """Make both ends."""
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    ends = socket.socketpair(socket.AF_UNIX, kind)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    return ends


class Closed(Exception):
    """The other end is gone."""


class Full(Closed):
    """The other end has not read for long: as good as gone."""


class Channel(Generic[Incoming]):
    """One end; both ways block, unless `patient` is false: then `send` never waits."""

    def __init__(
        self,
        end: socket.socket,
        incoming: msgspec.msgpack.Decoder[Incoming],
        *,
        patient: bool = True,
    ) -> None:
        self.socket = end
        self._incoming = incoming
        self._flags = 0 if patient else socket.MSG_DONTWAIT

    def send(
        self,
        message: ToPacer | FromPacer | ToWorker | FromWorker | ToKeyProcess | FromKeyProcess,
        descriptors: Sequence[int] = (),
    ) -> None:
        """Send one message; raises Closed, or Full."""
        try:
            # Not `socket.send_fds`, which ignores flags and so would wait.
            self.socket.sendmsg([_encode(message)], _rights(descriptors), self._flags)
        except BlockingIOError as error:
            raise Full from error
        except OSError as error:
            # So many descriptors wait to be read that the system lets no more wait.
            raise (Full if error.errno == errno.ETOOMANYREFS else Closed) from error

    def receive(self, *, wait: bool = True) -> tuple[Incoming, list[int]]:
        """Take one message and the descriptors with it; raises Closed, or BlockingIOError."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(
                LARGEST, socket.CMSG_SPACE(DESCRIPTORS * 4), 0 if wait else socket.MSG_DONTWAIT
            )
        except ConnectionError as error:
            raise Closed from error
        descriptors = _descriptors(ancillary)
        if not data:
            for descriptor in descriptors:
                os.close(descriptor)
            raise Closed
        return self._incoming.decode(data), descriptors

    def close(self) -> None:
        """Close this end."""
        self.socket.close()


def watch(
    channel: Channel[Incoming],
    handle: Callable[[Incoming, list[int]], None],
    lost: Callable[[], None],
) -> None:
    """Give every message to `handle` from the running loop, until the other end is gone.

    The descriptors with it are then the handler's to close.
    """
    loop = asyncio.get_running_loop()

    def readable() -> None:
        try:
            message, descriptors = channel.receive(wait=False)
        except BlockingIOError:
            return
        except Closed:
            loop.remove_reader(channel.socket)
            lost()
            return
        handle(message, descriptors)

    loop.add_reader(channel.socket, readable)


def unwatch(channel: Channel[Incoming]) -> None:
    """Take no more messages."""
    asyncio.get_running_loop().remove_reader(channel.socket)


def _rights(descriptors: Sequence[int]) -> list[tuple[int, int, "array.array[int]"]]:
    if not descriptors:
        return []
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()
