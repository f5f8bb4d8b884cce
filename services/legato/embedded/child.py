"""A program as a child process that never outlives us. Knows no program in particular.

Start children from the main thread only: the parent-death signal fires when the thread that
started the child ends (prctl(2)), not only when the process does.
"""

import asyncio
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import timedelta

from legato.embedded import launch
from legato.embedded.problems import StartFailed

BASE_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
TICK = 0.02
"""Seconds between two looks at a child that is starting or ending."""


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """Whom a program runs as, when not as we do."""

    uid: int
    gid: int


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """What to run, and how it wants to be ended."""

    name: str
    command: tuple[str, ...]
    log: pathlib.Path
    """Standard output and error are appended here."""
    output: pathlib.Path | None = None
    """Standard output goes here instead, from an empty file on: for a program that prints facts."""
    folder: pathlib.Path = pathlib.Path("/")
    environment: Mapping[str, str] = dataclasses.field(default_factory=lambda: BASE_ENVIRONMENT)
    """All of it: nothing is inherited, so no secret of ours leaks into a program."""
    user: User | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends it when we die."""
    grace: timedelta = timedelta(seconds=10)
    """How long it may take to end before it is killed."""


class Child:
    """A running program; it leads a process group of its own, so Ctrl-C reaches only us."""

    def __init__(self, program: Program, process: subprocess.Popen[bytes]) -> None:
        self.program = program
        self.started_at = time.monotonic()
        self._process = process

    @classmethod
    def start(cls, program: Program) -> "Child":
        """Start the program; it is running, not yet ready, when this returns."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children are started from the main thread only")
        with (
            program.log.open("ab") as log,
            (program.output or program.log).open("wb" if program.output else "ab") as output,
        ):
            process = subprocess.Popen(  # noqa: S603
                _wrapped(program),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=program.folder,
                env=dict(program.environment),
                process_group=0,
            )
        return cls(program, process)

    @property
    def pid(self) -> int:
        """Say its process id; the launcher's, which the program takes over."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Say how it ended: None while it runs, negative = ended by that signal."""
        return self._process.poll()

    async def wait(self) -> int:
        """Wait until it has ended."""
        while (code := self.code) is None:  # noqa: ASYNC110 (no event of the loop tells of it)
            await asyncio.sleep(TICK)
        return code

    def ask_to_stop(self) -> None:
        """Send the signal that it stops on; does nothing when it has ended."""
        if self.code is None:
            self._process.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        """End it and whatever is left of its process group at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._process.kill()

    async def stop(self) -> int:
        """Ask it to stop, wait for its grace, then end what is left of its group."""
        self.ask_to_stop()
        try:
            await asyncio.wait_for(self.wait(), self.program.grace.total_seconds())
        except TimeoutError:
            pass
        finally:
            self.kill()
        return self._process.wait()

    def last_words(self, count: int = 5) -> str:
        """Return the end of its log, to say why it failed."""
        with self.program.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-count:])


class Helpers:
    """Programs that run to their end, unless they are cut short with all that they started."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._over = False

    def run(
        self, program: Program, *, stdin: str = "", timeout: timedelta = timedelta(seconds=60)
    ) -> str:
        """Run a program and return what it printed; StartFailed when it fails."""
        process = subprocess.Popen(  # noqa: S603
            _wrapped(program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=program.folder,
            env=dict(program.environment),
            process_group=0,
        )
        self._running.add(process)
        if self._over:
            _end_group(process.pid)
        try:
            printed, said = process.communicate(stdin, timeout.total_seconds())
        except subprocess.TimeoutExpired:
            _end_group(process.pid)
            process.communicate()
            raise StartFailed(f"{program.name} took over {timeout.seconds} s.") from None
        finally:
            self._running.discard(process)
        if process.returncode:
            raise StartFailed(f"{program.name} failed: {(said or printed).strip()}")
        return printed

    def end(self) -> None:
        """Cut short what runs, and what would run later; nothing of it is left."""
        self._over = True
        for process in tuple(self._running):
            _end_group(process.pid)


def run(program: Program, *, stdin: str = "") -> str:
    """Run one program to its end."""
    return Helpers().run(program, stdin=stdin)


def _end_group(leader: int, within: float = 1.0) -> None:
    """Kill a process group, and wait a moment until it has gone; who reaps orphans is not us."""
    deadline = time.monotonic() + within
    try:
        while time.monotonic() < deadline:
            os.killpg(leader, signal.SIGKILL)
            time.sleep(TICK / 4)
    except ProcessLookupError:
        return


def _wrapped(program: Program) -> list[str]:
    user = program.user or User(-1, -1)
    numbers = (os.getpid(), int(program.orphan_signal), user.uid, user.gid)
    launcher = [sys.executable, "-I", "-S", str(launch.__file__)]
    return [*launcher, *map(str, numbers), *program.command]
