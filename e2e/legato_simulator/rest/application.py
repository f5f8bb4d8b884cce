"""All routes together, as one aiohttp application under /api/v10."""

from aiohttp import web

from legato_simulator.attendance import Attendance
from legato_simulator.rest import channels, commands, guilds, interactions, logins, speaking
from legato_simulator.rest.endpoint import Endpoint
from legato_simulator.rest.routes import Route
from legato_simulator.simulation import Simulation


def all_routes() -> list[Route]:
    """List every route, those with fixed parts before those with parameters in their place."""
    found = [
        route
        for module in (logins, guilds, speaking, channels, commands, interactions)
        for route in module.routes.found
    ]
    return sorted(found, key=lambda route: route.template.count("{"))


def build(sim: Simulation, attendance: Attendance) -> web.Application:
    """Build the REST application."""
    app = web.Application(client_max_size=32 << 20)
    for route in all_routes():
        app.router.add_route(route.method, route.template, Endpoint(sim, attendance, route).serve)
    app.router.add_route("*", "/{unknown:.*}", Endpoint(sim, attendance, None).serve)
    return app
