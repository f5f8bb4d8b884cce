from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support_voice import Room, voice_room


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with voice_room(tmp_path) as running:
        yield running
