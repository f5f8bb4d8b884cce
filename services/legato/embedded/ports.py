"""TCP ports of this machine's loopback: free ones, taken ones. Knows no service."""

import random
import socket
from typing import Self

from legato.embedded.problems import PortTaken

LOOPBACK = "127.0.0.1"
ANY = range(20_000, 32_000)
"""Where free ports are sought: below those that systems give to outgoing connections (from 32768 on
Linux, from 49152 elsewhere), which could take a server's port while it starts again."""


def free() -> int:
    """Return a port that nothing listens on, and that no start has chosen, right now."""
    with Claims() as claims:
        return claims.free()


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a server could listen there."""
    with socket.socket() as probe:
        # As servers do, so that a port whose last connections still fade counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class Claims:
    """The ports of one start: no other start chooses one of them as free.

    Between the choice and the server's own bind a port is marked by a UDP socket of its number,
    which nobody needs, and which ends with the process.
    """

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []
        self._asked: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up all of them."""
        while self._marks:
            self._marks.pop().close()

    def free(self) -> int:
        """Return a port of our own."""
        while True:
            port = random.choice(ANY)  # noqa: S311 (no secret)
            if is_free(port) and self._mark(port):
                return port

    def asked(self, port: int, *, what: str, option: str) -> int:
        """Claim that very port; PortTaken when something listens there, or it was asked for."""
        if port in self._asked:
            raise PortTaken(
                f"Port {port} was asked for twice: for {self._asked[port]} and for {what}. "
                f"Choose another one with {option}."
            )
        if not is_free(port):
            raise PortTaken(
                f"Port {port} ({what}) is in use by another program. "
                f"End that program, or choose another port with {option}."
            )
        self._asked[port] = what
        self._mark(port)
        return port

    def usual(self, default: int) -> int:
        """Return the default if it is free and nobody asked for it, else any free one."""
        return default if is_free(default) and self._mark(default) else self.free()

    def _mark(self, port: int) -> bool:
        mark = socket.socket(type=socket.SOCK_DGRAM)
        try:
            mark.bind((LOOPBACK, port))
        except OSError:
            mark.close()
            return False
        self._marks.append(mark)
        return True
