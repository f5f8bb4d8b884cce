"""The route planner, which hardly any server has switched on."""

import msgspec

from conformance import shapes
from conformance.citing import documented
from conformance.server import Server

OWN = {
    "RotatingIpRoutePlanner": ("rotate_index", "ip_index", "current_address"),
    "NanoIpRoutePlanner": ("current_address_index",),
    "RotatingNanoIpRoutePlanner": ("current_address_index", "block_index"),
    "BalancingIpRoutePlanner": (),
}
"""What the details of each kind tell besides what all do."""


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
    assert planner is None or planner.class_ in OWN


@documented("The status details of the RoutePlanner", "rest.md")
async def test_the_details_are_those_of_its_kind(server: Server) -> None:
    planner = await _planner(server)
    if planner is not None and planner.class_ is not None:
        assert planner.details is not None
        told = msgspec.structs.asdict(planner.details)
        assert all(isinstance(told[name], str) for name in OWN[planner.class_])


@documented("RoutePlannerRestHandler.kt: RoutePlannerDisabledException", "server")
async def test_addresses_are_freed_where_there_is_a_planner(server: Server) -> None:
    answers = [
        await server.ask("POST", "/v4/routeplanner/free/address", {"address": "127.0.0.1"}),
        await server.ask("POST", "/v4/routeplanner/free/all"),
    ]
    if await _planner(server) is None:
        for answer in answers:
            answer.refused(500)
    else:
        assert answers[1].status == 204
