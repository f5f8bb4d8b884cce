"""TCP ports of this machine's loopback: free ones, taken ones. Knows no service."""

import socket
from typing import Self

from legato.embedded.problems import PortTaken

LOOPBACK = "127.0.0.1"


def free() -> int:
    """Return a port that nothing listens on right now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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


def claim(port: int, *, what: str, option: str) -> int:
    """Return the port, or a free one for 0; PortTaken when something listens there."""
    if not port:
        return free()
    if not is_free(port):
        raise PortTaken(
            f"Port {port} ({what}) is in use by another program. "
            f"End that program, or choose another port with {option}."
        )
    return port


class Claims:
    """The usual ports of one start: two starts at the same moment never choose the same.

    Between the choice and the server's own bind a port is marked by a UDP socket of its number,
    which nobody needs, and which ends with the process.
    """

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for mark in self._marks:
            mark.close()

    def usual(self, port: int, default: int, *, what: str, option: str) -> int:
        """Return the port that was set, else the default if it is ours, else any free one."""
        if not port and default and is_free(default) and self._mark(default):
            return default
        return claim(port, what=what, option=option)

    def _mark(self, port: int) -> bool:
        mark = socket.socket(type=socket.SOCK_DGRAM)
        try:
            mark.bind((LOOPBACK, port))
        except OSError:
            mark.close()
            return False
        self._marks.append(mark)
        return True
