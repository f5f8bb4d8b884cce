"""The page of the whole platform in a browser: /play is typed, the music heard, pause pressed."""

import pathlib
import re

import pytest
from playwright.async_api import Page, expect

from legato_machine.browser import chromium, tab
from legato_machine.conditions import until
from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")
ARTIFACTS = pathlib.Path(__file__).parents[1] / "artifacts"
LEVEL = "getComputedStyle(document.querySelector('.meter span')).getPropertyValue('--level')"


async def is_loud(page: Page) -> bool:
    return float(await page.evaluate(LEVEL)) > 0.2


async def is_silent(page: Page) -> bool:
    return float(await page.evaluate(LEVEL)) == 0


async def test_a_person_types_play_hears_it_and_presses_pause(stage: Machine) -> None:
    room = await stage.room("Harbour")
    url = f"{stage.simulated.url}/?person={room.person.id}&guild={room.guild.id}"

    async with chromium() as browser, tab(browser, url) as page:
        await page.get_by_role("button", name="Listen", exact=True).click()
        await page.keyboard.press("/")
        await page.keyboard.type("play tone 1", delay=30)
        found = page.get_by_role("option", name=re.compile("Test tone 1, 60 seconds"))
        await expect(found).to_have_attribute("aria-selected", "true")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")

        panel = page.locator(".message", has=page.get_by_role("button", name="Pause"))
        await expect(panel).to_contain_text("Test tone 1", timeout=15_000)
        await room.hears(1, after=1500)
        await until(lambda: is_loud(page), what="a level on the page's meter")
        before = await page.evaluate("document.querySelector('audio').currentTime")
        await expect(page.locator(".voice-state")).to_have_text("Listening to Legato")
        ARTIFACTS.mkdir(exist_ok=True)
        await page.screenshot(path=ARTIFACTS / "page-playing.png")

        await panel.get_by_role("button", name="Pause").click()

        await room.quiet()
        await expect(page.get_by_role("button", name="Resume")).to_be_visible()
        await expect(page.locator(".voice-state")).to_have_text("Listening: it is silent")
        await until(lambda: is_silent(page), what="silence on the page's meter")
        assert await page.evaluate("document.querySelector('audio').currentTime") > before
        await page.screenshot(path=ARTIFACTS / "page-paused.png")
