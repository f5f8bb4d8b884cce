import pytest

from support_audio_node import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_there_is_no_route_planner(stage: Stage) -> None:
    status, _ = await stage.node.request("GET", "/v4/routeplanner/status")

    assert status == 204
    for path in ("/v4/routeplanner/free/address", "/v4/routeplanner/free/all"):
        status, answer = await stage.node.request("POST", path)
        assert (status, answer["message"]) == (500, "Can't access disabled route planner")
