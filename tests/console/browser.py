"""Debian's Chromium, driven by Playwright, where both are installed; it may talk to this machine alone."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
_WITHIN_S = 60.0
# Where to look at what was seen: `HELIOSTAT_SCREENSHOTS=folder`.
SIZES = ((1280, 900), (390, 844))
SCHEMES = ("light", "dark")

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian's package chromium)")


class Window:
    """A page in a browser, and what it complained about."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        # A stream that ends with its console is an error of the network, not of the page.
        if message.type == "error" and "ERR_" not in message.text:
            self.complaints.append(message.text)

    async def until(self, expression: str) -> None:
        """Returns once an expression is true in the page, whose policy forbids Playwright's own way of waiting.

        Raises TimeoutError.
        """
        async with asyncio.timeout(_WITHIN_S):
            while not await self.page.evaluate(expression):
                await asyncio.sleep(0.02)

    async def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@asynccontextmanager
async def browsing(
    width: int = 1280, height: int = 900, scheme: str = "light", **options: Any
) -> AsyncIterator[Window]:
    """A window of a fresh browser."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        try:
            viewport = {"width": width, "height": height}
            context = await browser.new_context(viewport=viewport, color_scheme=scheme, **options)
            context.set_default_timeout(_WITHIN_S * 1000)
            yield Window(await context.new_page())
        finally:
            await browser.close()


async def keep(window: Window, folder: str, name: str) -> None:
    """Keeps what the window shows, where `folder` is named."""
    if folder:
        await window.page.screenshot(path=Path(folder) / f"{name}.png")
