"""How the library's faults are met."""

import asyncio

import pytest
from redis import exceptions

from legato.errors import Unavailable
from legato.redis import reaching


async def swallow() -> None:
    """Lose a cancellation, as asyncio.wait_for may until Python 3.12."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return


async def test_a_cancellation_that_is_swallowed_inside_is_not_lost() -> None:
    async def work() -> None:
        while True:
            with reaching("a test"):
                await swallow()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()

    await asyncio.wait({task}, timeout=5)

    assert task.cancelled()


async def test_what_is_cancelled_already_may_still_tidy_up() -> None:
    tidied = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            with reaching("a test"):
                await asyncio.sleep(0)
            tidied.set()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)

    assert tidied.is_set()


async def test_a_server_out_of_reach_is_unavailable_and_a_wrong_command_is_a_bug() -> None:
    with pytest.raises(Unavailable), reaching("a test"):
        raise exceptions.TimeoutError
    with pytest.raises(exceptions.ResponseError), reaching("a test"):
        raise exceptions.ResponseError
