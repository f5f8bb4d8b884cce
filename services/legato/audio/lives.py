"""Notes of life: those of all partitions of this process, made together, share one way to Redis.

Thirty-two partitions that each noted their owner's life twice a second took a seventh of a core.
"""

import asyncio
import time

from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.leases import Lease
from legato.redis import Client, Script

MOMENT = 0.005
"""Seconds that a note waits for others."""

Answer = asyncio.Future[int | None]


class Lives:
    """Notes that the owners of leases live."""

    def __init__(self, redis: Client, clock: ServerClock) -> None:
        self._redis = redis
        self._clock = clock
        self._alive = Script("alive")
        self._asked: list[tuple[Lease, Answer]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def note(self, lease: Lease) -> int | None:
        """Note it, and return the server's time; None: the lease is gone. Raises Unavailable."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._asked.append((lease, answer))
        if len(self._asked) == 1:
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await answer

    async def _send(self) -> None:
        await asyncio.sleep(MOMENT)
        asked, self._asked = self._asked, []
        try:
            times = await self._write([lease for lease, _ in asked])
        except BaseException as error:
            for _, answer in asked:
                _fail(answer, error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, answer), found in zip(asked, times, strict=True):
            if isinstance(found, Exception):
                _fail(answer, found)
            elif not answer.done():
                answer.set_result(found)

    async def _write(self, leases: list[Lease]) -> list[int | Exception | None]:
        """Write the notes; an error of one alone is returned in its place."""
        calls = [_call(lease) for lease in leases]
        asked = time.monotonic()
        answers = await self._alive.each(self._redis, calls)
        answered = time.monotonic()
        times = [_time(one) for one in answers]
        if (
            newest := max((one for one in times if isinstance(one, int)), default=None)
        ) is not None:
            self._clock.heard(newest, asked=asked, answered=answered)
        return times


def _time(answer: object) -> int | Exception | None:
    """Read an answer to a note: the server's time, nothing, or an error."""
    if isinstance(answer, Exception):
        return answer
    return int(answer) if isinstance(answer, bytes) and answer else None


def _call(lease: Lease) -> tuple[list[str], list[str | bytes | int]]:
    """Say what the script is told of one lease."""
    partition = lease.what
    if not isinstance(partition, Partition):
        raise TypeError(f"{partition} is no partition")
    return [keys.lease(partition), keys.alive(partition)], [lease.owner, lease.epoch]


def _fail(answer: Answer, error: BaseException) -> None:
    """Pass an error on to one who asked, if they still do."""
    if answer.done():
        return
    if isinstance(error, Exception):
        answer.set_exception(error)
    else:
        answer.cancel()
