"""What each slash command costs: ways to Redis and back, and statements to PostgreSQL.

Measured on a warm system from outside, by the servers' own accounts of what they were asked. What
runs by itself in any case (leases, signs of life, blocking reads, the session's position) is left
out, and so are panels' edits, whose number hangs on the pace; a script counts as one way, whatever
it does on the server. The figures are the most there may be: effects of one kind become one where
they meet.
"""

import asyncio
import contextlib
import hashlib
import importlib.resources
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
import redis.asyncio

from legato_machine.conditions import NeverHappened, until
from legato_machine.machine import Machine
from legato_machine.room import Room, Value

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPTS = {
    hashlib.sha1(script.read_bytes(), usedforsecurity=False).hexdigest(): script.name.split(".")[0]
    for script in (importlib.resources.files("legato") / "scripts").iterdir()
    if script.name.endswith(".lua")
}
BY_ITSELF = {"alive", "beat", "tick", "renew", "acquire", "orphan", "acted"}
BY_ITSELF |= {"XREAD", "BRPOP", "INFO"}
LOOKS = "server_version"
"""Of a service that looks whether PostgreSQL is there."""
TO_NOTE = 2
"""An interaction that waits for over 0.1 s, as on a machine that does much else, is noted, and the
note taken back."""
KEPT = (
    "legato:health",
    "directive",
    "observed",
    "layout",
    "members",
    "session",
    "discord-global:all",
)
"""Ends of keys that are read and written now and again, whatever people do."""


@dataclass
class Account:
    """What the servers were asked since it was opened."""

    redis: redis.asyncio.Redis
    machine: Machine
    lines: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    logged: int = 0

    async def open(self) -> None:
        """Begin anew."""
        self.names = {each["addr"]: each["name"] for each in await self.redis.client_list()}
        self.lines.clear()
        self.logged = self._log.stat().st_size

    def ways(self, service: str) -> int:
        """Count a service's ways to Redis."""
        return sum(
            self.names.get(f"{line['client_address']}:{line['client_port']}") == service
            and line["client_type"] != "lua"
            and _is_asked_for(line["command"].split())
            for line in self.lines
        )

    async def quiet(self) -> None:
        """Wait until nothing was asked of either server for a second."""
        loop = asyncio.get_running_loop()
        seen, since = self._so_far(), loop.time()

        async def still() -> bool:
            nonlocal seen, since
            if seen != self._so_far():
                seen, since = self._so_far(), loop.time()
            return loop.time() - since > 1.0

        try:
            await until(still, what="quiet servers", timeout=30)
        except NeverHappened as error:
            last = [line["command"][:120] for line in self.lines[-20:]]
            raise AssertionError(f"{error}; asked last: {last}") from error

    def _so_far(self) -> tuple[int, int]:
        asked = self.ways("legato-gateway") + self.ways("legato-audio")
        return asked, self.statements()

    def statements(self) -> int:
        """Count what PostgreSQL was asked, transactions' begins and ends left out."""
        text = self._log.read_bytes()[self.logged :].decode()
        lines = [line for line in text.splitlines() if "LOG:  execute " in line]
        return sum(LOOKS not in line for line in lines)

    @property
    def _log(self) -> Any:
        return self.machine.folder.log("postgres")


def _is_asked_for(command: list[str]) -> bool:
    """Tell what a command of a person's leads to from what runs by itself."""
    word, *rest = command
    if word == "EVALSHA":
        word, rest = SCRIPTS[rest[0]], rest[2 : 2 + int(rest[1])]
    if word in BY_ITSELF or not rest:
        return False
    touched = rest[1] if word == "shard_write" else rest[0]
    return not touched.endswith(KEPT)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def account(stage: Machine) -> AsyncIterator[Account]:
    """Let both servers account for what they are asked, the worker's jobs aside."""
    await stage.parts["worker"].stop()
    database = await asyncpg.connect(stage.database_url)
    await database.execute("ALTER SYSTEM SET log_statement = 'all'")
    await database.execute("SELECT pg_reload_conf()")
    await database.close()
    async with stage.redis() as client, client.monitor() as monitor:
        found = Account(client, stage)

        async def listen() -> None:
            async for line in monitor.listen():
                found.lines.append(line)

        listening = asyncio.create_task(listen())
        yield found
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(stage: Machine, account: Account) -> Room:
    """A guild where a track is paused and two wait: nothing happens there by itself."""
    room = await stage.room("counts")
    for track in (1, 2, 3):
        await room.play(f"tone-{track}-60s.ogg")
    await room.hears(1)
    await room.type("queue")
    await room.type("pause")
    await room.quiet()
    await settled(account)
    return room


async def settled(account: Account) -> None:
    """Wait until no effect is left to do, and nothing more is asked."""

    async def done() -> bool:
        left = [key async for key in account.redis.scan_iter("*:outbox")]
        return not left

    await until(done, what="all effects are done")
    await account.quiet()
    await until(done, what="all effects are done")


Costs = tuple[int, int, int]
COMMANDS: list[tuple[str, dict[str, Value], Costs]] = [
    # command, options; the gateway's ways to Redis, the audio service's, statements to PostgreSQL
    ("help", {}, (2, 0, 0)),
    ("nowplaying", {}, (4, 8, 0)),
    ("queue", {}, (4, 4, 0)),
    ("settings show", {}, (4, 4, 0)),
    ("seek", {"to": "0:10"}, (4, 16, 0)),
    ("volume", {"percent": 50}, (4, 12, 4)),
    # The node's first report confirms where the seek led to, which is a change of the book.
    ("resume", {}, (4, 16, 4)),
    ("pause", {}, (4, 12, 4)),
    ("play", {"query": "tone-4-60s.ogg"}, (4, 20, 5)),
    ("skip", {}, (4, 17, 6)),
    ("stop", {}, (4, 16, 6)),
    ("leave", {}, (6, 20, 3)),
]


@pytest.mark.parametrize(("command", "options", "most"), COMMANDS)
async def test_a_command_costs_no_more_than_this(
    room: Room, account: Account, command: str, options: dict[str, Value], most: Costs
) -> None:
    if command == "play":
        options = {"query": await room.machine.make(str(options["query"]))}
    await account.open()

    await room.type(command, options)
    await settled(account)

    gateway, audio, statements = most
    assert account.ways("legato-gateway") <= gateway + TO_NOTE
    assert account.ways("legato-audio") <= audio
    assert account.statements() <= statements
