"""The scripts as they are, on a real server, under a clock that a test sets.

What stands before a script hides the server's TIME from it, and nothing else.
"""

import asyncio
import importlib.resources
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from legato import redis as reach

T = TypeVar("T")

_CLOCK = "clock"
_SHIM = f"""
local server = redis
local redis = {{call = function(command, ...)
  if command == 'TIME' then
    local now = tonumber(server.call('GET', '{_CLOCK}'))
    return {{tostring(math.floor(now / 1000)), tostring(now % 1000 * 1000)}}
  end
  return server.call(command, ...)
end}}
"""


class Scripts:
    """One server, asked without an event loop of the test's own."""

    def __init__(self, runner: asyncio.Runner, client: reach.Client) -> None:
        self.client = client
        self._runner = runner
        self._texts: dict[str, str] = {}

    def wait(self, work: Awaitable[T]) -> T:
        """Run to the end."""

        async def finished() -> T:
            return await work

        return self._runner.run(finished())

    def empty(self, *, now: int) -> None:
        """Begin anew at a time in ms."""
        self.wait(self.client.flushall())
        self.set_clock(now)

    def set_clock(self, now: int) -> None:
        """Let the server's TIME be so many ms."""
        self.wait(self.client.set(_CLOCK, now))

    def run(self, name: str, keys: list[str], *args: str | int) -> object:
        """Run a script of the product."""
        return self.wait(self.client.eval(self._text(name), len(keys), *keys, *args))

    def _text(self, name: str) -> str:
        if name not in self._texts:
            folder = importlib.resources.files("legato") / "scripts"
            self._texts[name] = _SHIM + (folder / f"{name}.lua").read_text()
        return self._texts[name]


@contextmanager
def scripts_on(url: str) -> Iterator[Scripts]:
    """Connect to a server."""
    with asyncio.Runner() as runner:

        async def connect() -> reach.Client:
            return reach.connect(url)

        client = runner.run(connect())
        try:
            yield Scripts(runner, client)
        finally:
            runner.run(client.aclose())
