"""HTTP pages on uvicorn, inside a loop that others share. Knows no page."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Coroutine, Iterator

import uvicorn
from litestar import Litestar

from legato.health import Health

_GRACE_SECONDS = 5


class PortInUse(Exception):
    """The address can't be listened on; the text says so in a sentence, and what to do."""


class Pages:
    """One application on one port; `port` is the real one, also where 0 was asked for."""

    def __init__(self, app: Litestar, *, listen: str, port: int, setting: str) -> None:
        """Bind at once, so that a port in use is known before anything else starts.

        `setting` is the environment variable that names the port, for the error's sentence.
        """
        self._socket = _bind(listen, port, setting)
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then let open requests end."""
        try:
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(self._server.serve([self._socket]))
                stopping = group.create_task(stop.wait())
                await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
                self._server.should_exit = True
                stopping.cancel()
        finally:
            # A cancelled uvicorn leaves its socket with the loop.
            self._server.stop_listening()

    def close(self) -> None:
        """Give the port back without having run."""
        self._socket.close()


async def beside(
    pages: Pages, health: Health, stop: asyncio.Event, *work: Coroutine[None, None, None]
) -> None:
    """Serve the pages beside a service's work; after `stop` the pages' open requests end first."""
    async with asyncio.TaskGroup() as group:
        closing = asyncio.Event()
        serving = group.create_task(pages.run(closing))
        working = [group.create_task(one) for one in (health.run(), *work)]
        await stop.wait()
        health.ready = False
        closing.set()
        await serving
        for task in working:
            task.cancel()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to lifecycle."""
        yield

    def stop_listening(self) -> None:
        """Take no more connections; does nothing after an orderly end."""
        for server in getattr(self, "servers", ()):
            server.close()


def _bind(listen: str, port: int, setting: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listen, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise PortInUse(_sentence(error, listen, port, setting)) from error
    bound.setblocking(False)
    return bound


def _sentence(error: OSError, listen: str, port: int, setting: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} is in use. Stop the program that uses it, "
                f"or set {setting} to another port (0 = any free one)."
            )
        case errno.EACCES:
            return f"Port {port} needs privileges. Set {setting} to a port from 1024 on."
        case errno.EADDRNOTAVAIL:
            return f"{listen} is no address of this machine. Set LISTEN to one, such as 127.0.0.1."
        case number:
            return f"Can't listen on {listen}:{port}: {os.strerror(number or 0)}. Set {setting}."
