"""What the server says it is."""

import re

from conformance.citing import documented
from conformance.filters import FILTERS
from conformance.server import Server

SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")


@documented("Request Lavalink version.", "rest.md")
async def test_the_version_is_plain_text(server: Server) -> None:
    answer = await server.get("/version")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.body.strip()


@documented("Parsed Semantic Versioning 2.0.0", "rest.md")
async def test_the_version_is_taken_apart(server: Server) -> None:
    version = (await server.info()).version
    parts = SEMVER.fullmatch(version.semver)
    assert parts, version.semver
    assert [int(parts[n]) for n in (1, 2, 3)] == [version.major, version.minor, version.patch]
    assert (parts[4], parts[5]) == (version.pre_release, version.build)


@documented("The major version of this Lavalink server", "rest.md")
async def test_the_server_speaks_version_four(server: Server) -> None:
    assert (await server.info()).version.major == 4


@documented("The full version string of this Lavalink server", "rest.md")
async def test_both_routes_tell_the_same_version(server: Server) -> None:
    answer = await server.get("/version")
    assert answer.body.decode().strip() == (await server.info()).version.semver


@documented("The enabled source managers for this server", "rest.md")
async def test_links_can_be_loaded(server: Server) -> None:
    assert "http" in (await server.info()).source_managers


@documented("The enabled filters for this server", "rest.md")
async def test_only_documented_filters_are_named(server: Server) -> None:
    info = await server.info()
    assert len(info.filters) == len(set(info.filters))
    if not info.plugins:
        assert set(info.filters) <= set(FILTERS)


@documented("ResponseHeaderFilter.kt: `Lavalink-Api-Version`, `4`", "server")
async def test_answers_carry_the_api_version(server: Server) -> None:
    for path in ("/version", "/v4/info", "/v4/stats"):
        assert (await server.get(path)).headers.get("Lavalink-Api-Version") == "4", path
