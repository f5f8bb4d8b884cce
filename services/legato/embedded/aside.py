"""Blocking work beside the event loop, on threads that hold up nobody's end.

asyncio's own threads are waited for when the loop closes, however long they take.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def call(work: Callable[[], T]) -> T:
    """Run something blocking; when the caller is cancelled nobody waits for it any longer."""
    done: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            done.set_result(work())
        except BaseException as error:  # an edge: it goes on in the loop
            done.set_exception(error)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return await asyncio.wrap_future(done)
