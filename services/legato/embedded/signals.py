"""Works until a signal or a failure, then stops every part; it ends for certain. Knows no part."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Coroutine

from legato.embedded.report import Terminal
from legato.embedded.supervisor import Supervisor

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.5
"""Seconds between two cancellations of work that doesn't end."""
MOST_AGAIN = 10
"""Then the parts are stopped all the same, and the process ends without it."""
AT_ONCE = 130


async def until_told(
    work: Coroutine[None, None, None], supervisor: Supervisor, terminal: Terminal
) -> None:
    """Do the work until a signal or its failure, then stop everything in order."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()

    def hear() -> None:
        if told.is_set():
            supervisor.kill()
            terminal.line("\nended at once")
            os._exit(AT_ONCE)
        told.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, hear)
    working = loop.create_task(work)
    telling = loop.create_task(told.wait())
    await asyncio.wait([working, telling], return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        terminal.line("\nStopping (Ctrl-C again ends everything at once)")
    telling.cancel()
    await _broken_off(working, supervisor)
    await supervisor.stop(told=terminal.stopping if told.is_set() else lambda _: None)
    if not working.done():
        terminal.line("ended, although something still clung to its work")
        os._exit(AT_ONCE)
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _broken_off(working: asyncio.Task[None], supervisor: Supervisor) -> None:
    """Cancel the work again and again: a library may swallow it, just when it connects."""
    for _ in range(MOST_AGAIN):
        if working.done():
            return
        supervisor.give_up()
        working.cancel()
        await asyncio.wait([working], timeout=AGAIN)
