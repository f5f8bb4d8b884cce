"""Valkey's data goes on being brought to a disk that refused it for a while."""

import asyncio
import errno
import os

from legato.embedded import disk
from support_waiting import until

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_a_disk_that_refuses_is_told_of_once_and_tried_again() -> None:
    answers = [None, FULL, FULL, None, FULL, None]
    warned: list[str] = []

    def sync() -> None:
        if answers and (problem := answers.pop(0)):
            raise problem

    keeping = asyncio.create_task(disk.keep(sync, warned.append, every=0))
    await until(lambda: not answers or keeping.done())

    assert not keeping.done()
    assert len(warned) == 2
    assert "No space left" in warned[0]
    keeping.cancel()
    await asyncio.wait([keeping])
