from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support_media import Tones
from support_node import Studio, studio


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Tones:
    return Tones()


@pytest.fixture
async def everything(tmp_path: Path, tones: Tones) -> AsyncIterator[Studio]:
    async with studio(tmp_path) as running:
        running.files.files.update(tones.files())
        yield running
