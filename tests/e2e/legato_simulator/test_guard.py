"""Who may use the control address, by the Host and Origin that a browser sends."""

import pytest

from legato_simulator import guard
from support_discord import Client, client

NAMES = frozenset({"127.0.0.1"})


def allowed(netloc: str, origin: str | None, *, public: bool = False) -> bool:
    return guard.allows(netloc, origin, names=NAMES, public=public)


@pytest.mark.parametrize("netloc", ["127.0.0.1:80", "localhost:8123", "[::1]:80", "127.9.9.9"])
def test_this_machine_may(netloc: str) -> None:
    assert allowed(netloc, None)
    assert allowed(netloc, f"http://{netloc}")


@pytest.mark.parametrize("netloc", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", ""])
def test_a_name_that_only_leads_here_may_not(netloc: str) -> None:
    assert not allowed(netloc, None)
    assert not allowed(netloc, f"http://{netloc}")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "file://"])
def test_a_foreign_page_may_not(origin: str) -> None:
    assert not allowed("127.0.0.1:80", origin)
    assert not allowed("discord.test:80", origin, public=True)


def test_where_it_listens_for_others_its_own_page_may() -> None:
    assert allowed("discord.test:80", None, public=True)
    assert allowed("discord.test:80", "http://discord.test:80", public=True)


@pytest.mark.parametrize("path", ["/control", "/control/world", "/control/voice"])
async def test_the_control_address_is_guarded(bot: Client, path: str) -> None:
    url = bot.sim.base_url + path
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        async with bot.http.post(url, headers=headers, data=b"{}") as answer:
            assert answer.status == 403


async def test_a_public_name_is_its_own() -> None:
    async with client(public_host="discord.test") as named:
        url = f"http://127.0.0.1:{named.sim.base_url.rsplit(':', 1)[1]}/control/world"
        origin = {"Host": "discord.test", "Origin": "http://discord.test"}
        async with named.http.post(url, headers=origin, data=b"{}") as answer:
            assert answer.status == 200
