"""The operator, put together: watches fill a queue, and looks empty it."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from legato import faults, lifecycle, settings, telemetry
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


def main(environ: Mapping[str, str]) -> int:
    """Operate until a signal; return the exit code, with a sentence for what a person can mend."""
    try:
        told = settings.load(Settings, environ)
    except settings.WrongSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    telemetry.set_up(told)
    try:
        asyncio.run(lifecycle.run(Operator(told), stop_timeout=told.stop_timeout))
    except ExceptionGroup as group:
        if (lacking := group.subgroup(cluster.NoCluster)) is None:
            raise
        sys.stderr.write("".join(f"{one}\n" for one in faults.leaves(lacking)))
        return 1
    return 0
