from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support_audio_node import Stage, Studio, studio
from support_media import tone

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    """Run a node with two pacers that takes two players."""
    files = {"tone.opus.ogg": tone("opus.ogg")}
    folder = tmp_path_factory.mktemp("small")
    async with studio(folder, files, max_players=2, pacers=2) as running:
        yield running


async def test_a_player_too_many_is_refused_until_one_goes(small: Studio) -> None:
    stage = await small.stage()
    paths = [stage.client.path(stage.guild + number) for number in range(3)]

    answers = [(await stage.node.request("PATCH", path, {"volume": 50}))[0] for path in paths]
    again, _ = await stage.node.request("PATCH", paths[0], {"volume": 60})
    await stage.node.request("DELETE", paths[1])
    freed, _ = await stage.node.request("PATCH", paths[2], {"volume": 50})

    assert answers == [200, 200, 503]
    assert (again, freed) == (200, 200)
    for path in paths:
        await stage.node.request("DELETE", path)


async def test_several_pacers_share_the_players(small: Studio) -> None:
    first = await small.stage()
    second = Stage(small.files, small.voice, small.node, first.client, next(small.guilds) << 22)
    for stage in (first, second):
        await stage.play("tone.opus.ogg")
    for stage in (first, second):
        await stage.frames(30)

    _, page = await small.node.request("GET", "/metrics")
    lanes = [
        line.rpartition(" ")[2]
        for line in str(page["text"]).splitlines()
        if line.startswith("legato_node_lanes{")
    ]
    assert lanes == ["1.0", "1.0"]
    for stage in (first, second):
        assert stage.report().unbroken
        assert stage.moments().jumps == []
