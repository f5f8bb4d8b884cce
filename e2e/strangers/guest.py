"""One program on a stranger's client: started, told what to do, listened to. It judges nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

PATIENCE = 60.0
"""Seconds for one order, on a machine however busy."""
GOODBYE = 10.0
KEPT_WORDS = 3000

Line = dict[str, Any]


class Guest:
    """A running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: asyncio.Queue[Line] = asyncio.Queue()
        self._news = asyncio.Event()
        self._complaints = b""
        self.events: list[Line] = []
        self._reading = [
            asyncio.create_task(self._read_lines()),
            asyncio.create_task(self._read_complaints()),
        ]

    async def order(self, name: str, **fields: object) -> Line:
        """Order something, and give the answer; AssertionError where it failed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": name, **fields}).encode() + b"\n")
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._answers.get()
        except TimeoutError:
            raise AssertionError(f"no answer to {name}:\n{self.complaints}") from None
        assert answer.pop("done", None) == name, f"{name}: {answer}\n{self.complaints}"
        return answer

    async def event(self, name: str, **fields: object) -> Line:
        """Wait for an event, the first of its kind with these fields."""
        wanted = {"event": name, **fields}
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for each in self.events:
                        if wanted.items() <= each.items():
                            return each
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {wanted} in {self.events}\n{self.complaints}") from None

    @property
    def complaints(self) -> str:
        """Give the last it wrote on standard error."""
        return self._complaints.decode(errors="replace")[-KEPT_WORDS:]

    async def quit(self) -> None:
        """Let it end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.write(b'{"do": "quit"}\n')
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    async def kill(self) -> None:
        """End it, however it is."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await asyncio.wait(self._reading, timeout=GOODBYE)

    async def _read_lines(self) -> None:
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            line = json.loads(raw)
            if "event" in line:
                self.events.append(line)
                self._news.set()
            else:
                self._answers.put_nowait(line)

    async def _read_complaints(self) -> None:
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            self._complaints = (self._complaints + raw)[-KEPT_WORDS * 4 :]


@asynccontextmanager
async def running(command: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Guest]:
    """Run a program for a block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    guest = Guest(process)
    try:
        yield guest
    finally:
        await guest.kill()
