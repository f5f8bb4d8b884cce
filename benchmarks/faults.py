"""What can befall the parts of a running platform; each is over when all is as it was before."""

import asyncio

from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_machine.room import Room

FROZEN = 2.0
"""Seconds beyond its lease that a process is frozen."""


class Faults:
    """Brings them about, at who serves one guild."""

    def __init__(self, machine: Machine, room: Room, *, lease: float) -> None:
        self._machine = machine
        self._room = room
        self._lease = lease

    async def killed(self, kind: str) -> None:
        """Kill who serves the guild; as its supervisor free its leases, and start it again."""
        name = await self._machine.fleet.owner_of(self._room, kind)
        await self._machine.parts[name].kill()
        await self._machine.restart_dead(name)
        await self._shared(kind)

    async def ended(self, kind: str) -> None:
        """End who serves the guild in order, and start it again."""
        part = self._machine.parts[await self._machine.fleet.owner_of(self._room, kind)]
        await part.stop()
        await part.start()
        await self._shared(kind)

    async def frozen(self, kind: str) -> None:
        """Freeze who serves the guild for longer than its lease."""
        part = self._machine.parts[await self._machine.fleet.owner_of(self._room, kind)]
        part.freeze()
        await asyncio.sleep(self._lease + FROZEN)
        part.thaw()
        if not part.running:
            await self._machine.restart_dead(part.name)
        await self._shared(kind)

    async def asked_to_reconnect(self) -> None:
        """Let Discord ask every shard to reconnect (op 7)."""
        before = (await self._machine.discord.record()).resumes
        shards = await self._machine.discord.ask_reconnect()

        async def resumed() -> bool:
            return (await self._machine.discord.record()).resumes >= before + shards

        await until(resumed, what="every shard resumed", timeout=30)

    async def away(self, server: str, seconds: float) -> None:
        """Kill a server, and start it again later."""
        await self._machine.parts[server].kill()
        await asyncio.sleep(seconds)
        await self._machine.start(server)
        await until(self._answered, what="an answer", timeout=40)

    async def cordoned(self) -> None:
        """Let the guild's node take no new players for a moment."""
        node = await self._machine.fleet.node_of(self._room)
        await self._machine.fleet.cordon(node)
        await self._machine.fleet.acted("audio")
        await self._machine.fleet.uncordon(node)
        await self._machine.fleet.acted("audio")

    async def _answered(self) -> bool:
        answer = await self._room.type("queue", timeout=20)
        return not answer.ephemeral

    async def _shared(self, kind: str) -> None:
        await self._machine.fleet.balanced(kind, 2, timeout=40)
