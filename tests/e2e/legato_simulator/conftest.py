from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support_discord import Client, client
from support_voice import Room, voice_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with voice_room(tmp_path) as running:
        yield running


@pytest.fixture
async def bot() -> AsyncIterator[Client]:
    """A client of a simulator with one guild."""
    async with client() as running:
        yield running
