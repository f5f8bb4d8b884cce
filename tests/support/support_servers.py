"""Real PostgreSQL and Valkey for tests, in folders of their own that go away afterwards."""

import contextlib
import os
import pathlib
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator

from legato.embedded import ports, valkey
from legato.embedded.child import Child, Program
from legato.embedded.postgres import Postgres
from legato.embedded.valkey import Valkey
from support_waiting import PATIENCE


@contextlib.contextmanager
def scratch_folder() -> Iterator[pathlib.Path]:
    """Give a fresh folder that PostgreSQL's user can enter; pytest's tmp_path can't be."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="legato-test-"))
    if os.getuid() == 0:
        folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def running(program: Program, is_ready: Callable[[], bool]) -> Iterator[Child]:
    """Start a program, wait until it is ready, and stop it at the end."""
    child = Child.start(program)
    try:
        deadline = time.monotonic() + PATIENCE
        while not is_ready():
            assert child.code is None, f"{program.name} ended: {child.last_words()}"
            assert time.monotonic() < deadline, f"{program.name}: {child.last_words()}"
            time.sleep(0.01)
        yield child
    finally:
        end(child)


def end(child: Child) -> None:
    """Stop a child as its `stop` does, for callers without an event loop."""
    deadline = time.monotonic() + child.program.grace.total_seconds()
    child.ask_to_stop()
    while child.code is None and time.monotonic() < deadline:
        time.sleep(0.01)
    child.kill()
    while child.code is None:
        time.sleep(0.01)


def valkey_in(folder: pathlib.Path, *, oldest: bool = False) -> Valkey:
    """Describe a Valkey in a folder, on a free port."""
    binary = valkey.oldest() if oldest else None
    log = folder / "valkey.log"
    return Valkey(folder / "valkey", ports.free(), secrets.token_hex(16), log, binary)


def postgres_in(folder: pathlib.Path) -> Postgres:
    """Describe a PostgreSQL in a folder, on a free port, without fsync."""
    log = folder / "postgres.log"
    options = {"fsync": "off"}
    return Postgres(folder / "postgres", ports.free(), secrets.token_hex(16), log, options)


@contextlib.contextmanager
def running_valkey(*, oldest: bool = False) -> Iterator[Valkey]:
    """Run a Valkey (9.1, or the oldest we promise: 8.1); its `url` is what REDIS_URL wants."""
    with scratch_folder() as folder:
        server = valkey_in(folder, oldest=oldest)
        with running(server.prepare(), server.is_ready):
            yield server


@contextlib.contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL without fsync; its `url` is what DATABASE_URL wants."""
    with scratch_folder() as folder:
        server = postgres_in(folder)
        with running(server.prepare(), server.is_ready):
            yield server


class Breakable:
    """A Valkey that can be frozen, or killed and started again with what it had acknowledged."""

    def __init__(self, server: Valkey) -> None:
        self.url = server.url
        self._server = server
        self._child: Child | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = Child.start(self._server.prepare())
        deadline = time.monotonic() + PATIENCE
        while not self._server.is_ready():
            assert time.monotonic() < deadline, self._child.last_words()
            time.sleep(0.01)

    def freeze(self) -> None:
        """Let it answer nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as the kernel does."""
        assert self._child is not None
        self._signal(signal.SIGKILL)
        end(self._child)

    def end(self) -> None:
        """End it in order."""
        if self._child is not None and self._child.code is None:
            self.thaw()
            end(self._child)

    def _signal(self, number: int) -> None:
        assert self._child is not None
        os.kill(self._child.pid, number)


@contextlib.contextmanager
def breakable_valkey() -> Iterator[Breakable]:
    """Run a Valkey that breaks as told."""
    with scratch_folder() as folder:
        server = Breakable(valkey_in(folder))
        server.start()
        try:
            yield server
        finally:
            server.end()
