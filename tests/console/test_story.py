"""The first minutes of a newcomer, in a real browser and a real sandbox: a prompt becomes a picture, fal is taken down,
requests go elsewhere, a weight is changed, a part is repainted, and both bills are read.

What was seen is kept in `.heliostat/screens`, for people to look at.
"""

import asyncio
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from heliostat.demo.sandbox_process import SandboxProcess
from tests.console.browser import Window, browsing, needs_chromium

pytestmark = needs_chromium
SCREENS = Path(__file__).parents[2] / ".heliostat" / "screens"
_DONE = "document.querySelector('#run').hidden && !!document.querySelector('#result[data-request]')"
_LANE = "section[aria-label='Route flux-schnell'] .lane"


class Newcomer:
    """Somebody at a console, who photographs what they see."""

    def __init__(self, window: Window, sandbox: SandboxProcess, screens: Path) -> None:
        self.window = window
        self.page = window.page
        self._sandbox = sandbox
        self._screens = screens
        self._shots = 0

    async def shoot(self, name: str, *, whole: bool = False) -> None:
        """Keeps what is seen now, or the whole page."""
        self._shots += 1
        await self.page.screenshot(path=self._screens / f"{self._shots}_{name}.png", full_page=whole)

    async def open(self, path: str) -> None:
        """Opens a page and waits for its script."""
        await self.page.goto(self._sandbox.console_url + path)
        await self.window.until("window.heliostat !== undefined")

    async def draw(self, prompt: str) -> str:
        """Draws a picture in the playground, and gives the text of its result."""
        await self.open("/playground")
        await self.window.until("document.querySelector('#look-programs code') !== null")
        await self.page.locator("#prompt").fill(prompt)
        await self.page.locator("#draw").click()
        await self._drawn(1)
        return str(await self.page.locator("#result").inner_text())

    async def _drawn(self, count: int) -> None:
        await self.window.until(f"document.querySelectorAll('.strip-step').length === {count} && {_DONE}")
        await self.window.until("[...document.querySelectorAll('.made-frame img')].every(each => each.complete)")

    async def press(self, provider: str, fault: str) -> None:
        """Presses a fault button on the street, and waits until it is in effect, or mended where it was."""
        row = self.page.locator(".fault").filter(has=self.page.get_by_text(provider, exact=True))
        button = row.get_by_role("button", name=fault)
        pressed = await button.get_attribute("aria-pressed")
        await button.click()
        wanted = row.locator(f"[aria-pressed={'false' if pressed == 'true' else 'true'}]").get_by_text(fault)
        await wanted.wait_for(timeout=60_000)

    async def weigh(self, weight: int) -> None:
        """Gives the second target of flux-schnell another weight, and waits for the list of changes."""
        await self.page.locator(_LANE).nth(1).locator("input[name=weight]").fill(str(weight))
        await self.page.locator("#changes .happening").first.wait_for(timeout=60_000)

    async def repaint(self, what: str) -> None:
        """Repaints a rectangle of the picture that is shown."""
        await self.page.get_by_role("button", name="Edit with a mask").click()
        for edge, value in (("left", 120), ("top", 80), ("width", 320), ("height", 320)):
            await self.page.locator(f"#box-{edge}").fill(str(value))
        await self.page.get_by_role("button", name="Add rectangle").click()
        await self.page.get_by_text("% of the picture is marked").wait_for()
        await self.page.locator("#mask-prompt").fill(what)
        await self.shoot("mask")
        await self.page.locator("#mask-go").click()
        await self._drawn(2)

    async def bills(self) -> tuple[int, int]:
        """Pictures billed, and what they would be without a gateway."""
        told = await self.page.locator("#counters b").all_inner_texts()
        return int(told[0]), int(told[1])

    async def until_billed(self, *pictures: int) -> None:
        """Waits until both counters say so, on the page as it stands."""
        async with asyncio.timeout(60):
            while await self.bills() != pictures:
                await asyncio.sleep(0.05)


async def send_three_times(sandbox: SandboxProcess, model: str) -> None:
    """What a library does whose call timed out twice: the same call again, saying so."""
    async with httpx.AsyncClient(base_url=sandbox.url, timeout=60, trust_env=False) as client:
        body = {"model": model, "prompt": "A sailing boat at night under the moon"}
        for retry in range(3):
            headers = {"authorization": f"Bearer {sandbox.key}", "x-stainless-retry-count": str(retry)}
            answer = await client.post("/v1/images/generations", json=body, headers=headers)
            assert answer.status_code == 200, answer.text


async def live(newcomer: Newcomer, sandbox: SandboxProcess) -> None:
    """The story."""
    # A prompt becomes a picture.
    told = await newcomer.draw("A lighthouse on a rocky coast at sunset, calm sea")
    assert "by fal" in told
    await newcomer.shoot("picture")
    await newcomer.until_billed(1, 1)

    # fal is taken down, and the next one answers.
    await newcomer.open("/street")
    await newcomer.press("fal", "down")
    await newcomer.shoot("fal_down")
    told = await newcomer.draw("A lighthouse on a rocky coast at night under stars")
    assert "by compat" in told
    await newcomer.until_billed(2, 2)
    assert "2 attempts" in told
    assert re.search(r"fal failed: .* billed no", told)
    await newcomer.shoot("failed_over")
    await newcomer.page.get_by_role("link", name="the request", exact=True).click()
    await newcomer.window.until("document.querySelectorAll('.waterfall .fall-bar').length > 1")
    await newcomer.window.until("[...document.querySelectorAll('.pictures img')].every(each => each.complete)")
    await newcomer.shoot("waterfall", whole=True)

    # A part of the picture is repainted.
    await newcomer.draw("A green meadow with a lake in the morning")
    await newcomer.repaint("A hot-air balloon")
    await newcomer.shoot("repainted")

    # An operator moves traffic.
    await newcomer.open("/street")
    await newcomer.weigh(3)
    change = await newcomer.page.locator("#changes .happening").first.inner_text()
    assert "compat/flux-schnell" in change
    assert "weight" in change

    # fal is mended. Three calls of a library, one purchase: the page says so by itself.
    await newcomer.press("fal", "down")
    before = await newcomer.bills()
    await send_three_times(sandbox, "flux-dev")
    await newcomer.until_billed(before[0] + 1, before[1] + 3)


async def test_the_story(tmp_path: Path) -> None:
    """From prompt to counters; nothing comes from another host, and no page complains."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    sandbox = SandboxProcess(tmp_path / "state")
    await sandbox.start()
    try:
        async with browsing() as window:
            newcomer = Newcomer(window, sandbox, SCREENS)
            await live(newcomer, sandbox)
            await newcomer.shoot("street")
    finally:
        await sandbox.stop()
    hosts = {urlsplit(address).netloc for address in window.asked if not address.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(sandbox.console_url).netloc}
    assert window.complaints == []
