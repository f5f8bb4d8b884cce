"""One service as a process of its own, with everything that can befall a process."""

import os
import pathlib
import secrets
import signal
import time
from collections.abc import Callable
from datetime import timedelta

from legato.embedded.child import Child, Program
from legato_machine.conditions import until


class Service:
    """A process that is started, killed, frozen and started again under one name."""

    def __init__(
        self, name: str, program: Callable[[], Program], is_ready: Callable[[], bool]
    ) -> None:
        self.name = name
        self.member = ""
        """The name its present run holds leases under, where it does."""
        self.started_in = 0.0
        """Seconds that its latest start took until it was ready."""
        self._program = program
        self._is_ready = is_ready
        self._child: Child | None = None

    @property
    def running(self) -> bool:
        """Say whether its process lives."""
        return self._child is not None and self._child.code is None

    @property
    def pid(self) -> int:
        """Say its process id."""
        return self._alive().pid

    @property
    def log(self) -> pathlib.Path:
        """Say where its output goes."""
        return self._program().log

    async def start(self, *, timeout: timedelta = timedelta(seconds=60)) -> None:
        """Start it and wait until it is ready."""
        began = time.monotonic()
        self.member = f"{self.name}-{secrets.token_hex(4)}"
        self._child = child = Child.start(self._program())

        async def ready() -> bool:
            if child.code is not None:
                raise AssertionError(f"{self.name} ended with {child.code}:\n{child.last_words()}")
            return self._is_ready()

        await until(ready, what=f"{self.name} is ready", timeout=timeout.total_seconds())
        self.started_in = time.monotonic() - began

    async def stop(self) -> int:
        """End it in order (SIGTERM), and return its exit code."""
        return await self._alive().stop()

    async def kill(self) -> None:
        """End it and its children with SIGKILL, and wait until they are gone."""
        child = self._alive()
        child.kill()
        await child.wait()

    def freeze(self) -> None:
        """Stop its processes where they are (SIGSTOP)."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on (SIGCONT)."""
        os.killpg(self.pid, signal.SIGCONT)

    async def end(self) -> None:
        """Stop it if it still runs; for the end of a test."""
        if self._child is not None and self._child.code is None:
            self.thaw()
            await self._child.stop()

    def _alive(self) -> Child:
        if self._child is None:
            raise AssertionError(f"{self.name} was never started")
        return self._child
