"""What the page's files may and may not do; what it does in a browser is e2e/test_page*.py's."""

import re

import pytest

from legato_simulator import page
from support_discord import Client

FILES = sorted(each.name for each in page.FOLDER.iterdir())


async def text(bot: Client, path: str) -> str:
    async with bot.http.get(bot.sim.base_url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_page_is_served_under_a_strict_policy(bot: Client) -> None:
    async with bot.http.get(bot.sim.base_url + "/") as answer:
        policy = answer.headers["Content-Security-Policy"]

        assert answer.content_type == "text/html"
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "require-trusted-types-for 'script'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", FILES)
async def test_every_file_is_served_with_its_type_and_the_policy(bot: Client, name: str) -> None:
    async with bot.http.get(f"{bot.sim.base_url}/page/{name}") as answer:
        assert answer.status == 200
        assert answer.content_type == page.TYPES["." + name.rsplit(".", 1)[1]]
        assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("name", ["page.py", "..%2Fpage.py", "..%2f..%2fconftest.py", "none.js"])
async def test_no_other_file_is_served(bot: Client, name: str) -> None:
    async with bot.http.get(f"{bot.sim.base_url}/page/{name}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_an_address_outside(name: str) -> None:
    content = (page.FOLDER / name).read_text()

    found = set(re.findall(r"https?://[\w.-]+", content))
    # A namespace, and sources in comments.
    known = {"http://www.w3.org", "https://support.discord.com", "https://discord.com"}
    assert found <= known
    for line in content.splitlines():
        assert "discord.com" not in line or line.startswith("//")


@pytest.mark.parametrize("name", FILES)
def test_no_file_makes_html_of_text_or_knows_a_bot(name: str) -> None:
    content = (page.FOLDER / name).read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", content)
    assert "legato" not in content.lower()


async def test_every_module_is_loaded_at_once(bot: Client) -> None:
    index = await text(bot, "/")

    modules = {each for each in FILES if each.endswith(".js")}
    assert set(re.findall(r"/page/([\w.]+\.js)", index)) == modules


async def test_what_a_bot_uploads_can_not_run_as_the_page(bot: Client) -> None:
    bot.sim.simulation.uploads[5] = ("text/html", b"<script>alert(1)</script>")

    async with bot.http.get(f"{bot.sim.base_url}/attachments/1/5/a.html") as answer:
        assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
