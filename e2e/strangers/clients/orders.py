"""What every program on a Python client shares: orders in, answers out, a discord.py bot.

An order is a JSON line on standard input, `{"do": name, …}`; its answer a line on standard output.
"""

import asyncio
import json
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, Protocol

import discord
import yarl
from discord import gateway, http

Order = dict[str, Any]


class Guest(Protocol):
    """One client: a method for each order, which may give what the answer is to carry."""

    async def connect(self, nodes: list[dict[str, str]]) -> None:
        """Connect to the nodes; each says `ready` when it is."""

    async def load(self, link: str) -> dict[str, object]:
        """Load a link."""

    async def join(self, guild: str, channel: str) -> None:
        """Join voice."""

    async def play(self) -> None:
        """Play what was loaded."""

    async def pause(self, paused: bool) -> None:
        """Hold the sound or let it go on."""

    async def seek(self, ms: int) -> None:
        """Go to a position."""

    async def move(self, node: str) -> None:
        """Move to a node."""

    async def stop(self) -> None:
        """End the track."""


Build = Callable[[discord.Client], Guest]


def say(**fields: object) -> None:
    """Write one line."""
    print(json.dumps(fields), flush=True)


def run(build: Build) -> None:
    """Serve orders until the last; the first says which bot to be, and where Discord is."""
    asyncio.run(_serve(build))


async def _serve(build: Build) -> None:
    lines = _lines()
    first = await lines.get()
    http.Route.BASE = first["api"]
    gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(first["gateway"])
    client = discord.Client(intents=discord.Intents(guilds=True, voice_states=True))
    await client.login(first["token"])
    connected = asyncio.create_task(client.connect())
    await client.wait_until_ready()
    guest = build(client)
    say(done="log in")
    while (order := await lines.get())["do"] != "quit":
        await _follow(guest, order)
    await client.close()
    await asyncio.wait([connected])


async def _follow(guest: Guest, order: Order) -> None:
    name = order.pop("do")
    try:
        answer = await getattr(guest, name)(**order)
    except Exception as error:  # the edge of an order
        traceback.print_exc()
        say(failed=name, text=repr(error))
    else:
        say(done=name, **(answer or {}))


def _lines() -> asyncio.Queue[Order]:
    """Read standard input in a thread."""
    lines: asyncio.Queue[Order] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, json.loads(line))

    threading.Thread(target=read, daemon=True).start()
    return lines
