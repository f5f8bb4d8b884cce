"""The whole platform as processes on this machine, as the scenarios run it, but unobserved.

The simulator does not check requests against Discord's description here: that costs it more than
answering them.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks import processes
from legato_machine import machine
from legato_machine.machine import Machine, Stage

UNOBSERVED = Stage(discord={"DISCORD_OPENAPI": ""})


@asynccontextmanager
async def running(stage: Stage = UNOBSERVED) -> AsyncIterator[Machine]:
    """Run a machine in a folder of its own, which goes with it."""
    async with machine.running(stage) as found:
        yield found


def spent(machine: Machine) -> dict[str, float]:
    """Read the processor seconds of every part that runs, and of this process alone."""
    pids = {name: part.pid for name, part in machine.parts.items() if part.running}
    return {**processes.spent(pids), "this benchmark": processes.own_seconds(os.getpid())}
