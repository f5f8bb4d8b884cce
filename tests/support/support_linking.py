"""One connection to a node, and a partition reduced to what is told."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp

from legato.audio import frames
from legato.audio.events import (
    Internal,
)
from legato.audio.lavalink import NodeClient
from legato.audio.nodes import Look, NodeLink, Pace
from legato.contracts.fleet import Node
from support_lavalink import PASSWORD, Double
from support_waiting import PATIENCE

GUILD = 42
QUICK = Pace(
    ping=timedelta(milliseconds=100),
    update=timedelta(milliseconds=200),
    fastest=timedelta(milliseconds=200),
    held=timedelta(seconds=1),
    grace=timedelta(milliseconds=500),
    backoff=timedelta(milliseconds=20),
    longest_backoff=timedelta(milliseconds=100),
)
"""Soon without patience: for nodes that are lost."""
CALM = dataclasses.replace(
    QUICK, silence=600.0, grace=timedelta(minutes=5), held=timedelta(minutes=5)
)
"""It asks as soon, and waits as long for an answer as a busy machine needs."""


class Partition:
    def __init__(self) -> None:
        self.told: list[Internal] = []
        self.kept: list[str] = []
        self.guilds = [GUILD]
        self.due = False
        self.found: list[dict[int, frames.Player]] = []
        self.opens = 0
        self.calls_when_kept = 0
        self.double: Double | None = None

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        self.told.append(event)

    def seated(self, node: str) -> list[int]:
        return self.guilds

    def sounding(self, node: str) -> bool:
        return self.due

    def now(self) -> int:
        return 1000

    async def keep(self, node: str, session_id: str) -> None:
        self.kept.append(session_id)

    def begin_look(self) -> Look:
        return Look()

    async def looked(self, link: NodeLink, found, look: Look) -> None:
        self.found.append(dict(found))

    def opened(self, link: NodeLink) -> None:
        self.opens += 1

    def of(self, kind: type) -> list:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def linked(
    double: Double, port: Partition, *, session_id: str = "", pace: Pace = CALM
) -> AsyncIterator[NodeLink]:
    async with aiohttp.ClientSession() as http:
        node = Node(name="n1", url=double.url, password=PASSWORD, lead=400)
        link = NodeLink(NodeClient(http, node, user_id=7), port, session_id=session_id, pace=pace)
        task = asyncio.create_task(link.run())
        try:
            yield link
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def up(link: NodeLink) -> str:
    return await link.up(within=timedelta(seconds=PATIENCE))
