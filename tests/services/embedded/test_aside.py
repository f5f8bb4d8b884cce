import asyncio
import subprocess
import sys
import threading

import pytest

from legato.embedded import aside
from support_waiting import PATIENCE


async def test_what_came_of_the_work_is_returned() -> None:
    assert await aside.call(lambda: threading.current_thread().name) == "aside"


async def test_an_error_is_raised_where_it_is_awaited() -> None:
    def fail() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        await aside.call(fail)


async def test_nobody_waits_for_it_once_its_caller_is_cancelled() -> None:
    release = threading.Event()
    waiting = asyncio.create_task(aside.call(release.wait))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    release.set()


def test_a_process_ends_although_the_work_hangs() -> None:
    program = (
        "import asyncio, time\n"
        "from legato.embedded import aside\n"
        "async def main():\n"
        "    task = asyncio.create_task(aside.call(lambda: time.sleep(600)))\n"
        "    await asyncio.wait([task], timeout=0.1)\n"
        "asyncio.run(main())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=PATIENCE)
