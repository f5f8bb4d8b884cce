from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support_audio_node import Stage, Stages, Studio, studio
from support_media import sine, tones


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    quick = {
        "stats_interval": "1s",
        "silent_socket_timeout": "5s",
        "voice_timeout": "2s",
        "read_timeout": "3s",
        "load_timeout": "4s",
        "stuck_threshold": "500ms",
        # What is kept of a file would hide what its server does.
        "heads_bytes": "0",
    }
    for ending in ("mp3", "opus.ogg"):
        # Kept: making one later would hold the clients' answers up.
        sine(ending)
    async with studio(tmp_path_factory.mktemp("node"), tones(), **quick) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def stages(shared: Studio, stage: Stage) -> Stages:
    """Do the same at once with several formats; the fixture of one stage closes them."""
    return shared.stages


@pytest_asyncio.fixture(loop_scope="session")
async def stage(shared: Studio) -> AsyncIterator[Stage]:
    """Give a guild of its own; what a test leaves behind does not play on."""
    before = len(shared.node.clients)
    yield await shared.stage()
    for client in shared.node.clients[before:]:
        await client.leave()
    del shared.node.clients[before:]
