"""Looks names up within a time; knows no policy."""

import ipaddress
import socket
import threading
from contextlib import suppress


def resolve(host: str, port: int, *, timeout: float) -> list[str]:
    """Look a name up; the system's own look-up has no time-out, so it waits in a thread."""
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    found: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                if str(entry[4][0]) not in found:
                    found.append(str(entry[4][0]))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(timeout)
    return list(found)
