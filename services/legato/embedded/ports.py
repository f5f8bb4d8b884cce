"""TCP ports of this machine's loopback: free ones, taken ones. Knows no service."""

import socket

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


def usual(port: int, default: int, *, what: str, option: str) -> int:
    """Return the port that was set, else the default if it is free, else any free one."""
    if port or not default or not is_free(default):
        return claim(port, what=what, option=option)
    return default
