"""The UDP socket to a voice server, and the address that it sees us at. Knows no sound."""

import asyncio
import contextlib
import socket

from legato.node import voice_protocol
from legato.node.errors import MediaError

TRIES = 6
WAIT = 0.5
"""Seconds for the answer to a try."""
BUFFER = 1 << 18


def connected(address: str, port: int) -> socket.socket:
    """Open a socket that sends to a voice server, and waits for nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    end = socket.socket(family, socket.SOCK_DGRAM)
    end.setblocking(False)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    end.connect((address, port))
    return end


async def own_address(end: socket.socket, ssrc: int) -> tuple[str, int]:
    """Ask for our address until it is told; raises MediaError."""
    loop = asyncio.get_running_loop()
    for _ in range(TRIES):
        await loop.sock_sendall(end, voice_protocol.discovery(ssrc))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT):
                while True:
                    found = voice_protocol.discovered(await loop.sock_recv(end, 1500))
                    if found is not None:
                        return found
    raise MediaError("The voice server does not answer over UDP.")
