"""The playground in a real browser: five steps are five clicks, a mask is painted or typed, nothing is foreign.

`HELIOSTAT_SCREENSHOTS=folder` keeps what was seen.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.console.browser import SIZES, Window, browsing, keep, needs_chromium
from tests.console.played import Played, played

pytestmark = needs_chromium
FOLDER = os.environ.get("HELIOSTAT_SCREENSHOTS", "")
_IS_SEEN = "each => each.getBoundingClientRect().right <= innerWidth"
_DONE = "document.querySelector('#run').hidden && !!document.querySelector('#result[data-request]')"


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Played]:
    """A playground in front of a mesh."""
    async with played(tmp_path) as opened:
        yield opened


async def opened(window: Window, bench: Played, query: str = "") -> None:
    """Opens the page and waits for its script and its first estimate."""
    await window.page.goto(f"{bench.url}/playground{query}")
    await window.until("document.querySelector('#look-programs code') !== null")


async def made(window: Window, count: int) -> None:
    """Waits until so many steps are made and the last one is shown."""
    await window.until(f"document.querySelectorAll('.strip-step').length === {count} && {_DONE}")
    await window.until("[...document.querySelectorAll('.made-frame img')].every(each => each.complete)")


@pytest.mark.parametrize(("width", "height", "scheme"), [(*SIZES[0], "light"), (*SIZES[1], "dark")])
async def test_five_steps_are_five_clicks(bench: Played, width: int, height: int, scheme: str) -> None:
    """At a desk and on a phone, light and dark; cost and lineage stand there, and are there after a reload."""
    async with browsing(width, height, scheme) as window:
        page = window.page
        await opened(window, bench)
        await keep(window, FOLDER, f"playground_{width}_{scheme}")
        steps = ("#draw", *(f"[data-step={name}]" for name in ("remove_background", "upscale", "style_transfer")))
        for count, button in enumerate((*steps, "[data-step=outpaint]"), 1):
            await page.locator(button).click()
            await made(window, count)
            assert await window.overflow() <= 0
        assert await page.locator("#chain-sum").inner_text() == "$0.003"
        assert await page.locator(".strip-line").count() == 5
        assert await page.locator(".strip-at").evaluate(_IS_SEEN)
        await keep(window, FOLDER, f"playground_chain_{width}_{scheme}")
        await page.reload()
        await made(window, 5)
        assert await page.locator(".strip-name").all_inner_texts() == [
            "1. Draw", "2. Remove background", "3. Upscale", "4. Restyle", "5. Outpaint"
        ]  # fmt: skip
        link = await page.locator(".strip-at a").get_attribute("href")
        assert link is not None
        assert link.startswith("/requests/req_")
    hosts = {urlsplit(address).netloc for address in window.asked if not address.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(bench.url).netloc}
    assert window.complaints == []


async def test_a_mask_is_painted_with_the_pointer(bench: Played) -> None:
    """What was painted is what changes; the step goes on from the picture."""
    async with browsing() as window:
        page = window.page
        await opened(window, bench, "?model=studio")
        await page.locator("#draw").click()
        await made(window, 1)
        await page.get_by_role("button", name="Edit with a mask").click()
        await page.locator("#mask-go").click()
        await page.get_by_text("Nothing is marked yet").wait_for()
        box = await page.locator("#mask-canvas").bounding_box()
        assert box
        await page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.3)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.4, steps=5)
        await page.mouse.up()
        await page.get_by_text("% of the picture is marked").wait_for()
        await keep(window, FOLDER, "playground_mask_1280_light")
        await page.locator("#mask-go").click()
        await made(window, 2)
        assert await page.locator(".strip-name").all_inner_texts() == ["1. Draw", "2. Edit"]
        assert window.complaints == []


async def test_a_segment_becomes_the_mask(bench: Played) -> None:
    """Laid over the picture that it was found on."""
    async with browsing() as window:
        page = window.page
        await opened(window, bench, "?model=studio")
        await page.locator("#draw").click()
        await made(window, 1)
        await page.get_by_text("How the next steps are done").click()
        await page.locator("#step-labels").fill("red circle")
        await page.locator("[data-step=segment]").click()
        await made(window, 2)
        await page.get_by_role("button", name="Repaint this part").first.click()
        await page.get_by_text("% of the picture is marked").wait_for()
        await page.locator("#mask-go").click()
        await made(window, 3)
        assert "from 1" in await page.locator(".strip-at").inner_text()
        assert window.complaints == []


_NAMELESS = """[...document.querySelectorAll(
  "input:not([type=hidden]), select, textarea, button, img, canvas, progress")]
  .filter((each) => each.tagName === "IMG" ? !each.hasAttribute("alt")
    : !(each.getAttribute("aria-label") || each.labels?.length || each.textContent.trim()))
  .map((each) => each.outerHTML.slice(0, 120))"""


async def test_everything_has_a_name_that_can_be_read_out(bench: Played) -> None:
    """Each field, button and picture, of the form, of a result and of the mask; what happens is told as a status."""
    async with browsing() as window:
        page = window.page
        await opened(window, bench, "?model=studio")
        await page.locator("#draw").click()
        await made(window, 1)
        await page.get_by_role("button", name="Edit with a mask").click()
        await page.locator("#mask-canvas").wait_for()
        assert await page.evaluate(_NAMELESS) == []
        assert await page.locator("#run-title[role=status], #mask-told[role=status]").count() == 2


async def test_everything_works_by_keys_alone(bench: Played) -> None:
    """Drawing, the programs, and a mask out of a rectangle's numbers."""
    async with browsing() as window:
        page = window.page
        await opened(window, bench, "?model=studio")
        await page.locator("#prompt").focus()
        await page.keyboard.press("Control+Enter")
        await made(window, 1)
        await page.locator("#tab-curl").focus()
        await page.keyboard.press("ArrowRight")
        assert await page.evaluate("document.activeElement.id") == "tab-python"
        assert "from openai import OpenAI" in await page.locator("#program-box-python").inner_text()
        await page.locator("[data-step=edit]").focus()
        await page.keyboard.press("Enter")
        await page.locator("#box-width").fill("300")
        await page.locator("#box-width").press("Enter")
        await page.get_by_text("% of the picture is marked").wait_for()
        await page.locator("#mask-prompt").fill("a blue square")
        await page.locator("#mask-go").focus()
        await page.keyboard.press("Enter")
        await made(window, 2)
        assert window.complaints == []


async def test_pictures_come_by_choice_drop_and_paste(bench: Played, tmp_path: Path) -> None:
    """What is no picture is refused in words; the request then names what was sent."""
    from PIL import Image

    Image.new("RGB", (64, 64), "navy").save(tmp_path / "sea.png")
    (tmp_path / "no.png").write_text("<script>alert(1)</script>" * 9)
    async with browsing() as window:
        page = window.page
        await opened(window, bench, "?model=gpt-image-2")
        await page.locator("#files").set_input_files(tmp_path / "no.png")
        await page.get_by_role("alert").get_by_text("not a PNG").wait_for()
        await page.locator("#files").set_input_files(tmp_path / "sea.png")
        await window.until("document.querySelectorAll('#chosen-pictures li').length === 1")
        for kind in ("drop", "paste"):
            await page.evaluate(_BROUGHT, kind)
        await window.until("document.querySelectorAll('#chosen-pictures li').length === 3")
        await window.until("(document.querySelector('#program-curl').textContent.match(/file_id/g) ?? []).length === 3")
        await page.get_by_role("button", name="Remove sea.png").click()
        assert await page.locator("#chosen-pictures li").count() == 2
        await page.locator("#draw").click()
        await made(window, 1)
        # The refused upload is an answer of 400, which the browser writes down.
        assert [each for each in window.complaints if "400" not in each and "502" not in each] == []


_BROUGHT = """async (kind) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 32;
  canvas.getContext("2d").fillRect(0, 0, 32, 32);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const data = new DataTransfer();
  data.items.add(new File([blob], `${kind}.png`, { type: "image/png" }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector("#prompt").dispatchEvent(event);
}"""


async def test_strange_words_stay_text(bench: Played) -> None:
    """In the prompt, in names of files and in what a provider says; the page stays as wide as its window."""
    async with browsing(390, 844) as window:
        page = window.page
        await opened(window, bench)
        await page.evaluate("void (window.alert = () => { window.wasRun = true; })")
        markup = "<img src=x onerror=alert(1)>\u202e"
        await bench.mesh.script("fal", {"status": 503, "body": {"detail": markup}, "times": 9})
        for prompt in (markup, "x" * 32_000):
            await page.locator("#prompt").fill(prompt)
            await page.locator("#draw").click()
            await window.until("!document.querySelector('#run').hidden || document.querySelector('.strip-step')")
            await window.until(_DONE)
            assert await window.overflow() <= 0
        assert await page.evaluate("window.wasRun === undefined")
        assert window.complaints == []


async def test_a_run_goes_on_when_the_ledger_is_back(tmp_path: Path) -> None:
    """The page sends the same again under the same key, says so meanwhile, and shows the picture then."""
    async with played(tmp_path, tolled=True) as bench, browsing() as window:
        assert bench.toll is not None
        page = window.page
        await opened(window, bench, "?model=mock-image")
        bench.toll.closed = True
        bench.toll.cut()
        await page.locator("#draw").click()
        await page.get_by_text("Asking again, under the same key").first.wait_for()
        bench.toll.closed = False
        await made(window, 1)
        assert [each for each in window.complaints if "503" not in each] == []


async def test_a_page_without_a_ledger_comes_back_by_itself(tmp_path: Path) -> None:
    """Nobody loads it again."""
    async with played(tmp_path, tolled=True) as bench, browsing() as window:
        assert bench.toll is not None
        bench.toll.closed = True
        await window.page.goto(f"{bench.url}/playground")
        await window.page.get_by_text("This page comes back by itself.").wait_for()
        bench.toll.closed = False
        await window.page.locator("#draw").wait_for()
