"""What the scenarios share: a running machine, whose logs and record must be clean at the end."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from legato_machine import logs, machine
from legato_machine.machine import Machine


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """More environment for the services: a module's SETTINGS, if it has any."""
    return dict(getattr(request.module, "SETTINGS", {}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(request: pytest.FixtureRequest, settings: dict[str, str]) -> AsyncIterator[Machine]:
    """A machine of the module's own; a module's EXPECTED names the warnings it provokes."""
    async with machine.running(settings) as running:
        yield running
        await running.end_ours()
        record = await running.discord.record()
        violations, refusals = record.violations, record.refusals
        problems = record.schema_problems
        warned = running.warnings()
    expected = getattr(request.module, "EXPECTED", {})
    assert violations == []
    assert refusals == getattr(request.module, "REFUSED", {})
    assert problems == []
    assert logs.unexpected(warned, expected) == []
