"""A headless Chromium for the scenarios: tabs that must show no error and ask nobody else."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "the page was not tried: there is no chromium (Debian's package is called chromium)"


def program() -> str:
    """Find Chromium; where it is missing the test is left out, or fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is not None:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run a browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=OPTIONS)
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def tab(
    browser: Browser, url: str, *, expected: tuple[str, ...] = (), **context: Any
) -> AsyncIterator[Page]:
    """Open a page until it is ready to use; at the end it must have gone without errors.

    `expected` are parts of error lines that the test provokes.
    """
    opened = await browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | context))
    page = await opened.new_page()
    errors: list[str] = []
    foreign: list[str] = []
    home = urlsplit(url).netloc

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            errors.append(message.text)

    def asked(request: Request) -> None:
        if request.url.startswith("http") and urlsplit(request.url).netloc != home:
            foreign.append(request.url)

    page.on("console", said)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", asked)
    try:
        await page.goto(url)
        await page.wait_for_selector("#app[aria-busy=false]")
        yield page
    finally:
        await opened.close()
    assert [each for each in errors if not any(part in each for part in expected)] == []
    assert foreign == []
