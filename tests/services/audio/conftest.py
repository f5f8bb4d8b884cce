"""Nodes that are in the test's hand."""

from collections.abc import AsyncIterator

import pytest

from support_lavalink import Double, running_double


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    async with running_double() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[Double]:
    async with running_double() as running:
        yield running
