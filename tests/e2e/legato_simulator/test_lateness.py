import asyncio
import time

from legato_simulator.lateness import Lateness


async def test_a_loop_that_was_held_up_knows_by_how_much():
    lateness = Lateness()
    watching = asyncio.create_task(lateness.watch())
    await asyncio.sleep(0.06)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        pass  # the loop stands still
    await asyncio.sleep(0.06)
    watching.cancel()

    assert lateness.worst > 0.1
    assert Lateness().worst == 0.0
