"""The page with a bot that does everything once: forms, menus, secrets, slowness, hostile text."""

import asyncio
import contextlib
import json
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from legato_machine.browser import chromium, tab
from legato_machine.conditions import until
from legato_simulator.app import Simulator
from legato_simulator.settings import Settings

pytestmark = pytest.mark.alone
PATIENCE_MS = 60_000
ARTIFACTS = pathlib.Path(__file__).parents[1] / "artifacts"
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
COMMANDS = [
    {"name": "secret", "description": "Say something to you alone"},
    {"name": "slow", "description": "Think for a while"},
    {"name": "deaf", "description": "Never answer"},
    {"name": "form", "description": "Ask with a form"},
    {"name": "menu", "description": "Offer a menu"},
    {"name": "text", "description": "Show every kind of text"},
    {
        "name": "take",
        "description": "Take options of many kinds",
        "options": [
            {"type": 3, "name": "city", "description": "Where", "required": True, "choices": [
                {"name": "Lisbon", "value": "lis"}, {"name": "Porto", "value": "opo"}]},
            {"type": 4, "name": "count", "description": "How many", "required": True,
             "min_value": 1, "max_value": 9},
            {"type": 6, "name": "who", "description": "With whom"},
            {"type": 5, "name": "loud", "description": "Loudly"},
        ],
    },
    {"name": "group", "description": "A group", "options": [
        {"type": 1, "name": "inner", "description": "A command inside"}]},
]  # fmt: skip
TEXT = (
    f"# Heading\n{HOSTILE}\n**bold** *italic* __under__ ~~gone~~ ||hidden|| `code` "
    "snake_case_word\n> quoted\n- one\n- two\n```py\nprint('<b>')\n```\n"
    "[link](https://discord.com) [bad](javascript:alert(1)) <t:0:R> @everyone -# no\n-# small"
)
FORM = {
    "custom_id": "form",
    "title": "A form",
    "components": [
        {"type": 1, "components": [
            {"type": 4, "custom_id": "name", "label": "Your name", "style": 1, "required": True}]},
        {"type": 1, "components": [
            {"type": 4, "custom_id": "more", "label": "More", "style": 2, "required": False}]},
    ],
}  # fmt: skip
MENU = [
    {"type": 1, "components": [{"type": 3, "custom_id": "one", "placeholder": "Pick", "options": [
        {"label": "Red", "value": "r", "description": "The warm one"},
        {"label": "Blue", "value": "b"}]}]},
    {"type": 1, "components": [{"type": 3, "custom_id": "many", "max_values": 2, "options": [
        {"label": "Salt", "value": "salt"}, {"label": "Oil", "value": "oil"}]}]},
    {"type": 1, "components": [
        {"type": 2, "style": 3, "label": "Good", "custom_id": "good"},
        {"type": 2, "style": 4, "label": "Never", "custom_id": "never", "disabled": True},
        {"type": 2, "style": 5, "label": "Away", "url": "https://discord.com"}]},
]  # fmt: skip


class AnyBot:
    """Answers by the name of what was used."""

    def __init__(self, sim: Simulator, http: aiohttp.ClientSession) -> None:
        self.sim, self.http = sim, http
        self.go_on = asyncio.Event()

    async def rest(self, method: str, path: str, body: object) -> None:
        headers = {"Authorization": f"Bot {self.sim.token}"}
        url = f"{self.sim.rest_url}{path}"
        async with self.http.request(method, url, headers=headers, json=body) as answer:
            assert answer.status < 300, await answer.text()

    async def run(self, ready: asyncio.Event) -> None:
        application = next(iter(self.sim.simulation.bots.by_id))
        await self.rest("PUT", f"/applications/{application}/commands", COMMANDS)
        async with self.http.ws_connect(f"{self.sim.gateway_url}?v=10&encoding=json") as socket:
            properties = {"os": "linux", "browser": "test", "device": "test"}
            body = {"token": self.sim.token, "intents": 1, "properties": properties}
            await socket.send_json({"op": 2, "d": body})
            async with asyncio.TaskGroup() as group:
                async for message in socket:
                    payload = json.loads(message.data)
                    if payload["t"] == "READY":
                        ready.set()
                    if payload["t"] == "INTERACTION_CREATE":
                        group.create_task(self.answer(payload["d"]))

    async def answer(self, used: dict[str, Any]) -> None:
        data = used["data"]
        name = data.get("name") or data["custom_id"]
        if name == "deaf":
            return
        path = f"/interactions/{used['id']}/{used['token']}/callback"
        await self.rest("POST", path, self.first(name, data))
        if name == "slow":
            await self.go_on.wait()
            path = f"/webhooks/{used['application_id']}/{used['token']}/messages/@original"
            await self.rest("PATCH", path, {"content": "At last"})

    def first(self, name: str, data: dict[str, Any]) -> dict[str, Any]:
        match name:
            case "secret":
                return {"type": 4, "data": {"content": "For you", "flags": 64}}
            case "slow":
                return {"type": 5}
            case "form" if "components" not in data:
                return {"type": 9, "data": FORM}
            case "menu":
                return {"type": 4, "data": {"content": "Choose", "components": MENU}}
            case "text":
                embed = {"title": HOSTILE, "description": TEXT, "color": 0x2F7D5B}
                return {"type": 4, "data": {"content": TEXT, "embeds": [embed]}}
        said = data.get("values") or data.get("options") or data.get("components") or name
        return {"type": 4, "data": {"content": f"{name}: {json.dumps(said)}"}}


@contextlib.asynccontextmanager
async def any_bot(**settings: Any) -> AsyncIterator[AnyBot]:
    """Run a simulator with the bot logged in."""
    async with Simulator(Settings(**settings)) as sim, aiohttp.ClientSession() as http:
        bot, ready = AnyBot(sim, http), asyncio.Event()
        running = asyncio.create_task(bot.run(ready))
        await asyncio.wait_for(ready.wait(), 10)
        try:
            yield bot
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


@pytest.fixture
async def bot() -> AsyncIterator[AnyBot]:
    async with any_bot() as running:
        yield running


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


async def run(page: Page, command: str) -> None:
    """Type a command that takes nothing, and send it."""
    await page.keyboard.press("/")
    await page.keyboard.type(command)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")


async def heard_for(page: Page) -> float:
    """Return the seconds of sound played; asked, since the page allows no script that waits."""
    return float(await page.evaluate("document.querySelector('audio').currentTime"))


def newest(page: Page) -> Any:
    return page.locator(".message").last


async def test_text_is_text_whatever_it_says(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        title = await page.title()
        await run(page, "text")

        await expect(newest(page)).to_contain_text('<img src=x onerror="document.title=1">')
        await expect(page.locator(".embed-title")).to_have_text(HOSTILE)
        body = newest(page).locator(".body > .text")
        await expect(body.locator("strong")).to_have_text("bold")
        await expect(body.locator("em")).to_have_text("italic")
        await expect(body.locator("blockquote")).to_have_text("quoted")
        await expect(body.locator("li")).to_have_text(["one", "two"])
        await expect(body.locator("pre")).to_have_text("print('<b>')")
        await expect(body.locator("a")).to_have_attribute("href", "https://discord.com")
        await expect(body.locator(".subtext")).to_have_text("small")
        assert await page.title() == title
        ARTIFACTS.mkdir(exist_ok=True)
        await page.screenshot(path=ARTIFACTS / "page-text.png")


async def test_an_ephemeral_answer_is_seen_by_its_asker_alone(
    bot: AnyBot, browser: Browser
) -> None:
    async with (
        tab(browser, bot.sim.base_url) as hers,
        tab(browser, f"{bot.sim.base_url}/?person=Ben") as his,
    ):
        await run(hers, "secret")
        await expect(newest(hers)).to_contain_text("Only you can see this")
        await his.get_by_role("combobox").fill("I saw nothing")
        await his.keyboard.press("Enter")

        await expect(newest(hers)).to_contain_text("I saw nothing")
        await expect(his.locator(".message")).to_have_count(1)
        await hers.get_by_role("button", name="Dismiss").click()
        await expect(hers.locator(".message")).to_have_count(1)


async def test_a_bot_that_thinks_is_said_to(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await run(page, "slow")
        await expect(newest(page)).to_contain_text("Legato is thinking…")
        bot.go_on.set()
        await expect(newest(page)).to_contain_text("At last")
        await expect(newest(page)).to_contain_text("Ada used /slow")


async def test_a_bot_that_never_answers_is_said_to(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await run(page, "deaf")
        await expect(newest(page)).to_contain_text("thinking")
        await bot.sim.script.advance_clock(5)
        await expect(newest(page)).to_contain_text("The application did not respond.")


async def test_a_form_opens_and_is_sent(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await run(page, "form")
        form = page.get_by_role("dialog", name="A form")
        await expect(form.get_by_label("Your name")).to_be_focused()
        await page.keyboard.type("Ada")
        await form.get_by_role("button", name="Submit").click()

        await expect(newest(page)).to_contain_text('"value": "Ada"')
        await expect(form).to_have_count(0)


async def test_menus_and_buttons_do_what_they_say(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await run(page, "menu")
        await page.get_by_role("button", name="Pick").click()
        await page.screenshot(path=ARTIFACTS / "page-menu.png")
        await page.get_by_role("option", name="Blue").click()
        await expect(newest(page)).to_contain_text('one: ["b"]')

        await page.get_by_role("button", name="Choose", exact=True).focus()
        for key in ("Enter", "Enter", "ArrowDown", "Enter", "Escape"):
            await page.keyboard.press(key)
        await expect(newest(page)).to_contain_text('many: ["salt", "oil"]')

        await expect(page.get_by_role("button", name="Never")).to_be_disabled()
        await page.get_by_role("button", name="Good").click()
        await expect(newest(page)).to_contain_text("good")


async def test_options_say_what_is_missing_and_take_what_fits(
    bot: AnyBot, browser: Browser
) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("take por")
        await expect(page.get_by_role("option", name="Porto")).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("count (required)")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text(["This option is required.", ""])
        await page.keyboard.type("12")
        await page.keyboard.press("Enter")
        await expect(page.locator(".popup-head .problem")).to_have_text("Type from 1 to 9.")
        await page.keyboard.press("Backspace")
        await page.get_by_role("button", name="who").click()
        await page.keyboard.type("cle")
        await page.keyboard.press("Enter")
        await page.screenshot(path=ARTIFACTS / "page-options.png")
        await page.keyboard.press("Enter")

        await expect(newest(page)).to_contain_text('"name": "city", "type": 3, "value": "opo"')
        await expect(newest(page)).to_contain_text('"name": "count", "type": 4, "value": 1')
        cleo = (await bot.sim.script.world()).user("Cleo")
        await expect(newest(page)).to_contain_text(f'"value": "{cleo.id}"')


async def test_keys_lead_into_a_command_and_out_again(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await page.keyboard.press("/")
        await page.keyboard.type("inn")
        await expect(page.get_by_role("option")).to_have_count(1)
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("form")).to_be_visible()
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("combobox")).to_be_focused()
        await expect(page.get_by_role("combobox")).to_have_value("")


async def test_a_lost_connection_is_said_and_found_again(
    browser: Browser, tmp_path: pathlib.Path
) -> None:
    settings = {"data": str(tmp_path)}
    async with contextlib.AsyncExitStack() as first:
        bot = await first.enter_async_context(any_bot(**settings))
        url, port = bot.sim.base_url, int(bot.sim.base_url.rsplit(":", 1)[1])
        refused = ("net::ERR", "Failed to load resource")
        async with tab(browser, url, expected=refused) as page:
            await page.get_by_role("combobox").fill("Still here?")
            await page.keyboard.press("Enter")
            await expect(newest(page)).to_contain_text("Still here?")
            await first.aclose()
            await expect(
                page.get_by_text("The connection to the simulator is lost")
            ).to_be_visible()
            await expect(page.get_by_role("combobox")).to_be_disabled()

            async with any_bot(**settings, port=port):
                connection = page.locator("#connection")
                await expect(connection).to_be_hidden(timeout=10_000)
                await expect(newest(page)).to_contain_text("Still here?")
                await run(page, "secret")
                await expect(newest(page)).to_contain_text("For you")


async def test_who_listened_listens_again_once_the_simulator_is_back(
    browser: Browser, tmp_path: pathlib.Path
) -> None:
    settings = {"data": str(tmp_path), "voice": True}
    async with contextlib.AsyncExitStack() as first:
        bot = await first.enter_async_context(any_bot(**settings))
        url, port = bot.sim.base_url, int(bot.sim.base_url.rsplit(":", 1)[1])
        refused = ("net::ERR", "Failed to load resource")
        async with tab(browser, url, expected=refused) as page:
            state = page.locator(".voice-state")
            await page.get_by_role("button", name="Join Listening room").first.click()
            await expect(state).to_have_text("Listening: no bot is here", timeout=PATIENCE_MS)
            await run(page, "slow")
            await expect(newest(page)).to_contain_text("Legato is thinking…")
            await first.aclose()
            await expect(state).to_have_text(
                "The sound is lost. Trying again…", timeout=PATIENCE_MS
            )

            async with any_bot(**settings, port=port):
                await expect(state).to_have_text("Listening: no bot is here", timeout=PATIENCE_MS)
                before = await heard_for(page)

                async def heard_more() -> bool:
                    return await heard_for(page) > before

                await until(heard_more, what="the sound to go on", timeout=PATIENCE_MS / 1000)
                await expect(newest(page)).to_contain_text("Legato is thinking…")


async def test_who_asked_a_simulator_that_went_away_is_told(
    browser: Browser, tmp_path: pathlib.Path
) -> None:
    settings = {"data": str(tmp_path)}
    async with contextlib.AsyncExitStack() as first:
        bot = await first.enter_async_context(any_bot(**settings))
        url, port = bot.sim.base_url, int(bot.sim.base_url.rsplit(":", 1)[1])
        refused = ("net::ERR", "Failed to load resource")
        async with tab(browser, url, expected=refused) as page:
            await run(page, "deaf")
            await expect(newest(page)).to_contain_text("thinking")
            await first.aclose()
            async with any_bot(**settings, port=port):
                await expect(newest(page)).to_contain_text("did not respond", timeout=PATIENCE_MS)


async def test_what_was_never_answered_says_so_in_the_end(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await page.clock.install()
        await run(page, "slow")
        await expect(newest(page)).to_contain_text("Legato is thinking…")
        await page.clock.fast_forward("14:00")
        await expect(newest(page)).to_contain_text("Legato is thinking…")
        await page.clock.fast_forward("01:01")
        await expect(newest(page)).to_contain_text("The application did not respond.")


async def test_on_a_phone_nothing_is_cut_off(bot: AnyBot, browser: Browser) -> None:
    size = {"width": 360, "height": 740}
    async with tab(browser, bot.sim.base_url, viewport=size, is_mobile=True) as page:
        await run(page, "menu")
        await run(page, "text")
        await expect(newest(page)).to_contain_text("Heading")
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await page.screenshot(path=ARTIFACTS / "page-phone.png")

        await page.get_by_role("button", name="Show channels").click()
        await expect(page.get_by_role("button", name="Join Stage")).to_be_in_viewport()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Join Stage")).not_to_be_in_viewport()


async def test_everything_to_press_has_a_name(bot: AnyBot, browser: Browser) -> None:
    async with tab(browser, bot.sim.base_url) as page:
        await run(page, "menu")
        await expect(newest(page)).to_contain_text("Choose")
        nameless = """[...document.querySelectorAll("button, a, input, textarea")].filter(
            (each) => !(each.getAttribute("aria-label") || each.textContent.trim()
                || each.labels?.[0]?.textContent.trim())).map((each) => each.outerHTML)"""
        assert await page.evaluate(nameless) == []
