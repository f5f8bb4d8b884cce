import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from legato.node.dave.exchange import Answer, BeginMembership
from legato.node.dave.key_handles import KeyHandle, KeyHandles
from legato.node.messages import Asked
from legato.node.settings import MediaSettings
from support_waiting import PATIENCE, until


@dataclass
class Person:
    """Who keys are kept for: joins when asked to."""

    keys: KeyHandles
    answers: list[Answer] = field(default_factory=list)
    losses: int = 0
    handle: KeyHandle | None = None

    def open(self, user: int) -> None:
        self.handle = self.keys.open(user, 7, self)
        self.begin()

    def begin(self) -> None:
        assert self.handle is not None
        self.keys.tell(
            Asked(membership=self.handle.number, ask=BeginMembership(self.losses, 1, b""))
        )

    def answered(self, answer: Answer) -> None:
        self.answers.append(answer)

    def keys_lost(self) -> None:
        self.losses += 1
        self.begin()


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[KeyHandles, list[str]]]:
    """Run a key process that answers within a second."""
    ends: list[str] = []
    kept = KeyHandles(MediaSettings(), ends.append)
    kept.start()
    watching = asyncio.create_task(kept.watch(1.0))
    try:
        async with asyncio.timeout(PATIENCE):
            await kept.ready.wait()
        yield kept, ends
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        kept.terminate()
        kept.close(PATIENCE)


def stop(kept: KeyHandles, how: signal.Signals) -> None:
    assert kept.pid is not None
    os.kill(kept.pid, how)


async def test_a_key_process_that_hangs_is_replaced() -> None:
    async with serving() as (kept, ends):
        person = Person(kept)
        person.open(1)
        await until(lambda: person.answers)

        stop(kept, signal.SIGSTOP)

        await until(lambda: len(person.answers) == 2)
        assert (person.losses, kept.restarts, ends) == (1, 1, [])


async def test_many_calls_go_on_with_another_key_process_whatever_its_pipe_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("legato.node.channel.BUFFER", 1 << 14)
    async with serving() as (kept, ends):
        people = [Person(kept) for _ in range(50)]
        for user, person in enumerate(people):
            person.open(user)
            await until(partial(getattr, person, "answers"))

        stop(kept, signal.SIGKILL)

        await until(lambda: all(len(each.answers) == 2 for each in people))
        assert (kept.restarts, ends) == (1, [])
        assert {each.losses for each in people} == {1}


async def test_who_begins_while_there_is_no_key_process_is_told_when_there_is() -> None:
    async with serving() as (kept, _):
        before = kept.pid
        stop(kept, signal.SIGKILL)
        await until(lambda: kept.pid != before)
        person = Person(kept)
        person.open(1)

        await until(lambda: person.answers)

        assert person.losses == 1
