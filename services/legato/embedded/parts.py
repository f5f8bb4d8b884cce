"""The parts of one machine's Legato, as the supervisor starts them. Starts nothing itself."""

import dataclasses
import errno
import functools
import http.client
import os
import pathlib
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec

from legato import watchdog
from legato.embedded import ports, postgres, valkey
from legato.embedded.child import Program
from legato.embedded.folder import Folder
from legato.embedded.problems import DiskFull, FolderBroken, Problem
from legato.embedded.supervisor import Part

HEALTH_PORTS = {"gateway": 3001, "audio": 3002, "api": 3000, "worker": 3003}
"""Where each service serves its pages unless it is told otherwise."""
SERVICES = tuple(HEALTH_PORTS)
NODES_LAYER, SERVICES_LAYER = 1, 2
"""Services need nodes, and both need the servers and Discord, which are of layer 0."""
PROBE_TIMEOUT = 2.0
"""Seconds that one look at a health page may take."""


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """A running simulator."""

    url: str
    """Of its page, REST (`/api/v10`), gateway, control and music: http://host:port"""
    tokens: tuple[str, ...]
    """Of its bots, the first made first."""
    ca_file: str
    """Certificate authority of its voice servers."""
    bundle_file: str
    """The same with this system's public authorities: for SSL_CERT_FILE."""


class _ReadyLine(msgspec.Struct):
    """What the simulator prints once it is ready."""

    page_url: str
    control_url: str
    ca_file: str = ""
    bundle_file: str = ""


class _Bot(msgspec.Struct):
    """What its control address tells of a bot."""

    token: str


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """An embedded node: where it listens, and its password."""

    name: str
    port: int
    password: str

    @property
    def url(self) -> str:
        """Return its address for the directive."""
        return f"http://{ports.LOOPBACK}:{self.port}"


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """A process of one or more services."""

    name: str
    health: Mapping[str, int]
    """Service -> port of its health pages."""

    @property
    def title(self) -> str:
        """Say what is shown: the services of the first process, the names of further ones."""
        return ", ".join(self.health) if len(self.health) > 1 else self.name


def database(server: postgres.Postgres) -> Part:
    """Describe the embedded PostgreSQL."""
    return Part(
        name="postgres",
        title="PostgreSQL",
        prepare=server.prepare,
        is_ready=server.is_ready,
        where=lambda: f"{ports.LOOPBACK}:{server.port}",
        # After a power cut it reads its write-ahead log first.
        patience=timedelta(minutes=5),
        explain=functools.partial(explain, "PostgreSQL", server.data),
        abandon=server.helpers.end,
    )


def memory(server: valkey.Valkey) -> Part:
    """Describe the embedded Valkey."""
    return Part(
        name="valkey",
        title="Valkey",
        prepare=server.prepare,
        is_ready=server.is_ready,
        where=lambda: f"{ports.LOOPBACK}:{server.port}",
        patience=timedelta(minutes=5),
        explain=functools.partial(explain, "Valkey", server.folder),
    )


def simulator(folder: Folder, port: int) -> Part:
    """Describe the Discord simulator, which stands in when there is no token."""
    program = Program(
        name="simulator",
        command=(
            sys.executable,
            "-m",
            "legato_simulator",
            "--port",
            str(port),
            "--data",
            str(folder.part("simulator")),
        ),
        log=folder.log("simulator"),
        output=folder.part("run") / "simulator.out",
        environment=plain_environment(),
    )

    def is_ready() -> bool:
        return simulated(folder) is not None

    return Part(
        name="simulator",
        title="Discord simulator",
        prepare=functools.partial(_emptied, program),
        is_ready=is_ready,
        where=lambda: f"{ports.LOOPBACK}:{port}",
    )


def simulated(folder: Folder) -> Simulated | None:
    """Read where the simulator is, and ask it for its bots; None while it starts. Blocking."""
    output = folder.part("run") / "simulator.out"
    line, newline, _ = output.read_bytes().partition(b"\n") if output.exists() else (b"", b"", b"")
    if not newline:
        return None
    found = msgspec.json.decode(line, type=_ReadyLine)
    asking = urllib.request.Request(f"{found.control_url}/bots", data=b"{}")  # noqa: S310
    with urllib.request.urlopen(asking, timeout=PROBE_TIMEOUT) as answer:  # noqa: S310
        bots = msgspec.json.decode(answer.read(), type=list[_Bot])
    return Simulated(
        url=found.page_url.rstrip("/"),
        tokens=tuple(bot.token for bot in bots),
        ca_file=found.ca_file,
        bundle_file=found.bundle_file,
    )


def node(node: Node, folder: Folder, environment: Mapping[str, str]) -> Part:
    """Describe one embedded node."""
    program = Program(
        name=node.name,
        command=(sys.executable, "-m", "legato", "node"),
        log=folder.log(node.name),
        environment={
            **plain_environment(),
            **environment,
            "PORT": str(node.port),
            "PASSWORD": node.password,
            "MEMBER": node.name,
        },
        grace=timedelta(seconds=10),
    )
    return Part(
        name=node.name,
        title=f"node {node.name}",
        prepare=lambda: program,
        is_ready=functools.partial(answers, f"{node.url}/version", node.password),
        where=lambda: f"{ports.LOOPBACK}:{node.port}",
        layer=NODES_LAYER,
    )


def services(
    process: Process,
    program: Callable[[], Program],
    mourn: Callable[[], Awaitable[None]],
) -> Part:
    """Describe a process of one or more services."""

    def is_ready() -> bool:
        return all(
            answers(f"http://{ports.LOOPBACK}:{port}/ready") for port in process.health.values()
        )

    return Part(
        name=process.name,
        title=process.title,
        prepare=program,
        is_ready=is_ready,
        where=lambda: ", ".join(f":{port}" for port in process.health.values()),
        mourn=mourn,
        endings={watchdog.STALLED: "its event loop stalled past a lease, so that it let go"},
        layer=SERVICES_LAYER,
    )


def plain_environment() -> dict[str, str]:
    """Return what any Python program needs of ours, and no setting or secret."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "XDG_CACHE_HOME")
    found = {name: os.environ[name] for name in kept if name in os.environ}
    return {**found, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": ""}


def answers(url: str, password: str = "") -> bool:
    """Say whether an HTTP server says 200 there."""
    headers = {"Authorization": password} if password else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 (our own address)
    try:
        with urllib.request.urlopen(request, timeout=PROBE_TIMEOUT) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except (OSError, http.client.HTTPException):
        return False


def _emptied(program: Program) -> Program:
    """Forget what an earlier run printed, so that it can't pass for this one's."""
    if program.output:
        program.output.unlink(missing_ok=True)
    return program


def explain(title: str, data: pathlib.Path, words: str) -> Problem | None:
    """Find a clear sentence for how a database server failed."""
    if os.strerror(errno.ENOSPC) in words:
        return DiskFull(f"{title} found no space left on the disk of {data}. Free some space.")
    fatal = [line for line in words.splitlines() if "FATAL" in line or "PANIC" in line]
    if "lock file" in words:
        return FolderBroken(
            f"Another {title} uses the data in {data}. Stop it, or choose another --data."
        )
    if fatal or "Bad file format" in words:
        said = fatal[-1].split("] ", 1)[-1] if fatal else words.splitlines()[-1]
        return FolderBroken(
            f"{title} can't use its data in {data}: {said.strip()}\n"
            "Bring back a copy of that folder, or start anew with another --data."
        )
    return None
