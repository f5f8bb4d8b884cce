"""What the scenarios share: a running machine, whose logs and record must be clean at the end."""

import dataclasses
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from legato_machine import logs, machine
from legato_machine.machine import Machine, Stage


@pytest.fixture(scope="module")
def settings(request: pytest.FixtureRequest) -> dict[str, str]:
    """More environment for the services: a module's SETTINGS, if it has any."""
    return dict(getattr(request.module, "SETTINGS", {}))


@pytest.fixture(scope="module")
def wanted(request: pytest.FixtureRequest, settings: dict[str, str]) -> Stage:
    """The machine that a module wants: its STAGE, else one of each."""
    found: Stage = getattr(request.module, "STAGE", Stage())
    return dataclasses.replace(found, settings={**found.settings, **settings})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(request: pytest.FixtureRequest, wanted: Stage) -> AsyncIterator[Machine]:
    """A machine of the module's own; a module's EXPECTED names the warnings it provokes."""
    async with machine.running(wanted) as running:
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
