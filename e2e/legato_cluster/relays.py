"""Ports of this machine's loopback that lead into a space's network. Knows no Kubernetes."""

import contextlib
import socket
import sys

from legato.embedded.child import Child, Program
from legato.embedded.ports import LOOPBACK, Claims
from legato_cluster import relay, waiting
from legato_cluster.spaces import Space


class Relays:
    """What has been opened so far, each a small process."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._children: list[Child] = []
        self._claims = Claims()

    def open(self, port: int, host: str, there: int) -> None:
        """Let the port of loopback lead to the other; it need not answer yet."""
        command = (sys.executable, "-I", "-S", relay.__file__)
        numbers = (str(port), str(self._space.init), host, str(there))
        log = self._space.folder / "relays.log"
        child = Child.start(Program("relay", (*command, *numbers), log))
        self._children.append(child)
        waiting.until(lambda: _listens(port), f"a relay to {host}:{there}", running=[child])

    def to(self, host: str, there: int) -> int:
        """Give a port of loopback that leads there."""
        port = self._claims.free()
        self.open(port, host, there)
        return port

    def end(self) -> None:
        """Close all of them."""
        waiting.ended(self._children)
        self._claims.close()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=5):
        return True
    return False
