"""The whole platform as processes on this machine, as the scenarios run it, but unobserved.

The simulator does not check requests against Discord's description here: that costs it more than
answering them.
"""

import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from benchmarks import processes
from legato.embedded import parts, ports
from legato.embedded.child import Program
from legato_machine.machine import GRACE, Machine
from legato_machine.service import Service


@asynccontextmanager
async def running() -> AsyncIterator[Machine]:
    """Run a machine in a folder of its own, which goes with it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="legato-bench-"))
    os.chmod(folder, 0o711)  # noqa: PTH101 (PostgreSQL's own user passes through)
    try:
        found = Machine(folder)
        simulator = parts.simulator(found.folder, found.ports["simulator"])
        found.parts["simulator"] = Service("simulator", simulator.prepare, simulator.is_ready)
        async with found as machine:
            yield machine
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def second(machine: Machine, component: str) -> Service:
    """Add one more process of a service; it is not started yet."""
    name, port = f"{component}-2", ports.free()

    def program() -> Program:
        return Program(
            name=name,
            command=(sys.executable, "-m", "legato", component),
            log=machine.folder.log(name),
            environment={
                **parts.plain_environment(),
                "MEMBER": service.member,
                "REDIS_URL": machine.redis_url,
                "DATABASE_URL": machine.database_url,
                "DISCORD_TOKEN": machine.simulated.tokens[0],
                "DISCORD_APPLICATION_ID": str(machine.bot_id),
                "DISCORD_REST_URL": f"{machine.simulated.url}/api/v10",
                "ALLOWED_ADDRESSES": urlsplit(machine.simulated.url).netloc,
                "SSL_CERT_FILE": machine.simulated.ca_file,
                f"{component.upper()}_PORT": str(port),
            },
            grace=GRACE,
        )

    service = Service(name, program, lambda: parts.answers(f"http://{ports.LOOPBACK}:{port}/ready"))
    machine.parts[name] = service
    return service


def spent(machine: Machine) -> dict[str, float]:
    """Read the processor seconds of every part that runs, and of this process alone."""
    pids = {name: part.pid for name, part in machine.parts.items() if part.running}
    return {**processes.spent(pids), "this benchmark": processes.own_seconds(os.getpid())}
