"""Listens on this machine's loopback and connects inside another network: a program of its own.

A socket keeps the network namespace it was made in. Started by path, so it imports nothing of ours.
Arguments: the port to listen on, a process whose network to enter, the host and port there.
"""

import asyncio
import ctypes
import functools
import os
import pathlib
import socket
import sys

NETWORK = 0x40000000
"""CLONE_NEWNET: setns(2)."""
CHUNK = 65536


def enter(pid: int) -> None:
    """Let every socket made from now on be on the network of that process."""
    libc = ctypes.CDLL(None, use_errno=True)
    with pathlib.Path(f"/proc/{pid}/ns/net").open("rb") as network:
        if libc.setns(network.fileno(), NETWORK):
            raise OSError(ctypes.get_errno(), "setns")


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Hand on what comes until it ends."""
    try:
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    except OSError:
        sink.transport.abort()


async def serve(
    host: str, port: int, here: asyncio.StreamReader, back: asyncio.StreamWriter
) -> None:
    """Join one connection with a new one on the other side."""
    try:
        there, onward = await asyncio.open_connection(host, port)
    except OSError:
        back.transport.abort()
        return
    await asyncio.gather(pump(here, onward), pump(there, back))
    onward.close()
    back.close()


async def main(listener: socket.socket, host: str, port: int) -> None:
    """Relay until it is ended."""
    joined = functools.partial(serve, host, port)
    async with await asyncio.start_server(joined, sock=listener) as server:
        await server.serve_forever()


if __name__ == "__main__":
    _port, _pid, _target = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[4])
    _listener = socket.create_server(("127.0.0.1", _port), backlog=256)
    enter(_pid)
    os.chdir("/")
    asyncio.run(main(_listener, sys.argv[3], _target))
