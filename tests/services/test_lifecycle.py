import asyncio
import os
import signal
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from legato import lifecycle
from support_waiting import PATIENCE


@dataclass
class Recorder:
    name: str
    order: list[str]
    member: str = "me"
    hang: bool = False
    error: Exception | None = None
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        self.started.set()
        if self.error:
            raise self.error
        await stop.wait()
        if self.hang:
            await asyncio.Event().wait()
        self.order.append(self.name)


async def test_a_signal_stops_services_in_reverse_order():
    order: list[str] = []
    first, second = Recorder("audio", order), Recorder("gateway", order)
    running = asyncio.create_task(lifecycle.run(first, second))
    await second.started.wait()

    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, PATIENCE)

    assert order == ["gateway", "audio"]


async def test_who_is_late_is_cancelled_and_the_rest_still_stop():
    order: list[str] = []
    stop = asyncio.Event()
    stop.set()

    await lifecycle.run(
        Recorder("audio", order),
        Recorder("gateway", order, hang=True),
        stop=stop,
        stop_timeout=timedelta(milliseconds=50),
    )

    assert "gateway" not in order


async def test_an_error_stops_the_others_in_order_and_then_shows():
    order: list[str] = []
    with pytest.raises(ExceptionGroup) as raised:
        await lifecycle.run(
            Recorder("audio", order), Recorder("gateway", order, error=OSError("broken"))
        )

    assert order == ["audio"]
    assert raised.group_contains(OSError, match="broken")


async def test_a_second_signal_ends_at_once():
    ended: list[int] = []
    hanging = Recorder("audio", [], hang=True)
    running = asyncio.create_task(lifecycle.run(hanging, end_at_once=ended.append))
    await hanging.started.wait()

    os.kill(os.getpid(), signal.SIGINT)
    while hanging.started.is_set() and not ended:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])

    assert ended[0] == 130
