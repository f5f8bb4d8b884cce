"""Processes of the node: starting one, and ending with the parent; knows no media."""

import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from legato.node import channel, messages
from legato.node.channel import Channel, Closed, Full
from legato.node.settings import MediaSettings

PR_SET_PDEATHSIG = 1
AHEAD_OF_OTHERS = -5
"""Niceness: about three times the share of a process at 0 when the processor is short."""

Incoming = TypeVar("Incoming")


@dataclass(slots=True)
class Child(Generic[Incoming]):
    """A child process and the channel to it."""

    process: subprocess.Popen[bytes]
    channel: Channel[Incoming]

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def end(self, timeout: float) -> None:
        """Close the channel, which ends the child, and wait; kill what stays."""
        self.channel.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def spawn(
    module: str,
    settings: MediaSettings,
    incoming: msgspec.msgpack.Decoder[Incoming],
    descriptors: tuple[int, ...] = (),
) -> Child[Incoming]:
    """Start a module as a child, from the main thread: the death signal follows the thread."""
    ours, theirs = channel.pair()
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", module, str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.DEVNULL,
    )
    theirs.close()
    end: Channel[Incoming] = Channel(ours, incoming, patient=False)
    end.send(messages.Configure(settings=settings, parent=os.getpid()), descriptors)
    return Child(process, end)


def tell(
    child: Child[Incoming],
    message: messages.ToPacer | messages.ToWorker | messages.ToKeyProcess,
    descriptors: tuple[int, ...] = (),
) -> None:
    """Tell a child without waiting; one that has stopped reading is killed, as its end is noticed.

    What is told to a dead child is lost: whoever notices its end tells it again to another.
    """
    try:
        child.channel.send(message, descriptors)
    except Full:
        child.process.kill()
    except Closed:
        return


def enter(
    incoming: msgspec.msgpack.Decoder[Incoming],
) -> tuple[Channel[Incoming], MediaSettings, list[int]]:
    """Begin as a child; gives the channel, and the settings and descriptors that came first."""
    own: Channel[Incoming] = Channel(socket.socket(fileno=int(sys.argv[1])), incoming)
    configure, descriptors = own.receive()
    if not isinstance(configure, messages.Configure):
        raise Closed
    _follow(configure.parent)
    return own, configure.settings, descriptors


def favour(niceness: int = AHEAD_OF_OTHERS) -> None:
    """Ask for more than an equal share of the processor; without the right to, nothing changes."""
    with suppress(OSError):
        os.nice(niceness - os.nice(0))


def open_many() -> None:
    """Take all the descriptors that may be had: a player needs four, and shells grant 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _follow(parent: int) -> None:
    """End when the parent does, however it ends; its Ctrl-C is not ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            raise Closed
