from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support_audio_node import Stage, Studio, studio
from support_media import tones


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    quick = {
        "stats_interval": "1s",
        "silent_socket_timeout": "3s",
        "read_timeout": "2s",
        "load_timeout": "3s",
        "stuck_threshold": "1s",
    }
    async with studio(tmp_path_factory.mktemp("node"), tones(), **quick) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Studio) -> AsyncIterator[Stage]:
    given = await shared.stage()
    yield given
    await given.client.close()
