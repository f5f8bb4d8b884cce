"""From start to ordered stop: services in one TaskGroup, ended by a signal. Knows no service."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol

from legato import telemetry

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_log = telemetry.logger(__name__)


class Service(Protocol):
    """What runs until it is told to stop."""

    @property
    def name(self) -> str:
        """Return the name it has in logs."""

    @property
    def member(self) -> str:
        """Return the name of this process among its like."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then end in order and return."""


async def run(
    *services: Service,
    stop_timeout: timedelta = timedelta(seconds=20),
    stop: asyncio.Event | None = None,
    end_at_once: Callable[[int], None] = os._exit,
) -> None:
    """Run services until SIGTERM, SIGINT, `stop`, or the end of one of them.

    They are stopped in reverse order, each before the next, all within `stop_timeout`; whoever
    is late is cancelled. A second signal ends the process there and then. A service's error
    stops the others in order, then propagates in an ExceptionGroup.
    """
    wanted = stop or asyncio.Event()
    with _signals(wanted, end_at_once):
        failures = await _run_all(services, wanted, stop_timeout)
    if failures:
        raise ExceptionGroup("a service failed", failures)


async def _run_all(
    services: Sequence[Service], wanted: asyncio.Event, stop_timeout: timedelta
) -> list[Exception]:
    failures: list[Exception] = []
    async with asyncio.TaskGroup() as group:
        running = []
        for service in services:
            own = asyncio.Event()
            task = group.create_task(
                _guard(service, own, wanted, failures), name=f"service {service.name}"
            )
            running.append((service, own, task))
        await wanted.wait()
        deadline = asyncio.get_running_loop().time() + stop_timeout.total_seconds()
        for service, own, task in reversed(running):
            own.set()
            await _until(deadline, service, task)
    return failures


async def _guard(
    service: Service, own: asyncio.Event, wanted: asyncio.Event, failures: list[Exception]
) -> None:
    with telemetry.speaking_for(service.name, service.member):
        try:
            await service.run(own)
        except Exception as error:  # an edge: kept, and raised once all are stopped
            failures.append(error)
        finally:
            wanted.set()


async def _until(deadline: float, service: Service, task: asyncio.Task[None]) -> None:
    left = max(deadline - asyncio.get_running_loop().time(), 0)
    _, late = await asyncio.wait([task], timeout=left)
    if late:
        _log.warning("stopping took too long, cancelled", service=service.name)
        task.cancel()
        await asyncio.wait([task])


@contextmanager
def _signals(wanted: asyncio.Event, end_at_once: Callable[[int], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    seen: list[int] = []

    def ask(number: int) -> None:
        if seen:
            end_at_once(128 + number)
        seen.append(number)
        wanted.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, ask, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def is_cancelled() -> bool:
    """Tell whether this task is to end: a TaskGroup that fails just then keeps it to itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
