"""The route planner, which hardly any server has switched on."""

from conformance import shapes
from conformance.citing import documented
from conformance.differences import Differs, Way
from conformance.server import Server

PLANNERS = {
    "RotatingIpRoutePlanner",
    "NanoIpRoutePlanner",
    "RotatingNanoIpRoutePlanner",
    "BalancingIpRoutePlanner",
}


async def _planner(server: Server) -> shapes.RoutePlanner | None:
    """Ask for the planner; without one the answer is 204 or names nothing."""
    answer = await server.get("/v4/routeplanner/status")
    if answer.status == 204:
        assert answer.body == b""
        return None
    found = answer.be(shapes.RoutePlanner)
    return None if found.class_ is None else found


@documented("The name of the RoutePlanner implementation being used by this server", "rest.md")
async def test_the_status_names_a_documented_planner_or_none(server: Server) -> None:
    planner = await _planner(server)
    assert planner is None or planner.class_ in PLANNERS


@documented("Unmark all failed address", "rest.md")
async def test_addresses_are_freed(server: Server, differs: Differs) -> None:
    answers = [
        await server.ask("POST", "/v4/routeplanner/free/address", {"address": "127.0.0.1"}),
        await server.ask("POST", "/v4/routeplanner/free/all"),
    ]
    if await _planner(server) is not None or answers[1].status == 204:
        assert answers[1].status == 204
        differs("planner-off", Way.EMBEDDED)
    else:
        for answer in answers:
            answer.refused(500)
        differs("planner-off", Way.OFFICIAL)
