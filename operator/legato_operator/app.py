"""The operator, put together: watches fill a queue, and looks empty it."""

import asyncio
from dataclasses import dataclass

from legato_operator import cluster, handlers
from legato_operator.fleet import Fleets
from legato_operator.look import Shell
from legato_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class Operator:
    """One process that operates; nothing keeps two from acting at once yet."""

    settings: Settings
    name: str = "operator"

    @property
    def member(self) -> str:
        """Say its name among its like."""
        return self.settings.member

    async def run(self, stop: asyncio.Event) -> None:
        """Operate until told to stop."""
        fleets = Fleets()
        try:
            async with cluster.connected() as reached, asyncio.TaskGroup() as group:
                shell = Shell(self.settings, reached, fleets)
                working = [
                    group.create_task(shell.queue.work(shell.look))
                    for _ in range(self.settings.looks_at_once)
                ]
                await handlers.run(shell, self.settings.namespaces, stop)
                for task in working:
                    task.cancel()
        finally:
            await fleets.close()
