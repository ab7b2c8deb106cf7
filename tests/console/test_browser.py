"""The pages in a real browser: nothing comes from elsewhere, nothing is refused by the policy, and switches switch.

`HELIOSTAT_SCREENSHOTS=folder` keeps what was seen.
"""

import io
import os
from urllib.parse import urlsplit

import pytest
from PIL import Image

from heliostat.api.image.v1 import event_pb2
from heliostat.api.router.v1 import admin_pb2
from tests.console.browser import SCHEMES, SIZES, browsing, keep, needs_chromium
from tests.console.conftest import Bench
from tests.console.scripted_core import at, attempt, media, record, target
from tests.console.test_street import HOSTILE

pytestmark = needs_chromium
FOLDER = os.environ.get("HELIOSTAT_SCREENSHOTS", "")
_PATHS = ("/street", "/requests", "/requests/req_1")


def furnish(bench: Bench) -> None:
    """A street with somebody out, and requests with a history."""
    out = admin_pb2.HEALTH_STATE_EJECTED
    why = "It failed 5 times in a row; the last: 503."
    bench.core.router.tell(
        target("fal/fal-ai/sun", weight=3.0, in_flight_count=2, call_count=1204, success_ratio=0.997, p50_seconds=1.4),
        target("bfl/flux-sun", call_count=402, success_ratio=0.5, health_state=out, why_out=why, return_time=at(60)),
        events=[admin_pb2.OperatorEvent(time=at(0), kind="ejected", target="bfl/flux-sun", message=why)],
    )
    refused = attempt("req_1/0/0", begin=-10, lasted=0.4, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
    delivered = attempt("req_1/0/1", begin=-9.5, lasted=1.5, outcome=event_pb2.OUTCOME_DELIVERED)
    bench.core.ledger.keep(record("req_1", attempts=[refused, delivered]), *(record(f"req_{n}") for n in range(2, 9)))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_pages_fit_and_ask_nobody_else(bench: Bench, width: int, height: int, scheme: str) -> None:
    """At a desk and on a phone, light and dark: no other host, no complaint of the policy, no sideways scrolling."""
    furnish(bench)
    await bench.until(lambda: len(bench.console.console.feed.state.road("sunny").lanes) == 3)
    async with browsing(width, height, scheme) as window:
        for path in _PATHS:
            await window.page.goto(bench.console.url + path)
            await window.until("window.heliostat !== undefined")
            assert await window.overflow() <= 0, path
            await keep(window, FOLDER, f"{path.strip('/').replace('/', '_')}_{width}_{scheme}")
    hosts = {urlsplit(address).netloc for address in window.asked if not address.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(bench.console.url).netloc}
    assert window.complaints == []


@pytest.mark.parametrize("path", _PATHS)
async def test_the_first_paint_comes_soon(bench: Bench, path: str) -> None:
    """What stands before it is small: one sheet of styles, no script and no round trip beyond the page."""
    furnish(bench)
    async with browsing() as window:
        await window.page.goto(f"{bench.console.url}{path}")
        await window.until("performance.getEntriesByType('paint').length > 0 && window.heliostat !== undefined")
        told = await window.page.evaluate(_LOADED)
        assert told["blocking"] == ["console.css"]
        assert len(told["files"]) <= 5
        assert sum(told["files"].values()) <= 60_000
        paint = await window.page.evaluate("performance.getEntriesByType('paint')[0].startTime")
        print(f"first paint after {paint:.0f} ms")


# What the browser loaded beside the page and its pictures: bytes as they travelled, and what the first paint awaited.
_LOADED = """(() => {
  const name = (each) => new URL(each.name).pathname.split("/").pop();
  const loaded = performance.getEntriesByType("resource").filter((each) => each.name.includes("/static/"));
  const files = loaded.filter((each) => !each.name.includes(".svg"));
  return {
    blocking: loaded.filter((each) => each.renderBlockingStatus === "blocking").map(name),
    files: Object.fromEntries(files.map((each) => [name(each), each.encodedBodySize])),
  };
})()"""


async def test_switches_switch_and_the_page_follows(bench: Bench) -> None:
    """A slider by key, a button by click; what the router then says is what the page shows, focus and all."""
    furnish(bench)
    async with browsing() as window:
        page = window.page
        await page.goto(f"{bench.console.url}/street")
        await window.until("window.heliostat !== undefined")
        slider = page.locator(".lane", has_text="fal-ai/sun").locator("input[type=range]")
        await slider.focus()
        await slider.press("ArrowRight")
        await window.until("document.querySelector('.lane .tag[title]')?.textContent === 'by hand'")
        assert bench.core.router.asked[0][1].target.weight == 3.5
        assert await page.evaluate("document.activeElement.name") == "weight"
        await page.locator(".lane", has_text="fal-ai/sun").get_by_role("button", name="Drain").click()
        await page.get_by_role("button", name="Let in").wait_for()
        assert bench.core.router.asked[1][1].target.admin_state == admin_pb2.ADMIN_STATE_DRAINING
        bench.core.router.tell(target("fal/fal-ai/sun", weight=0.5, in_flight_count=77))
        await page.get_by_text("77 under way").first.wait_for()
        assert window.complaints == []


async def test_a_refused_change_is_said(bench: Bench) -> None:
    """In words, where a screen reader hears them."""
    async with browsing() as window:
        page = window.page
        await page.goto(f"{bench.console.url}/street")
        await window.until("window.heliostat !== undefined")
        await bench.core.kill("router")
        await page.get_by_text("The router is away.").wait_for()
        await page.get_by_role("button", name="Drain").first.click()
        await page.get_by_role("alert").get_by_text("cannot be reached").wait_for()
        await bench.core.start("router")
        await page.get_by_text("The router is away.").wait_for(state="detached")


async def test_a_page_that_could_not_be_made_comes_back(bench: Bench) -> None:
    """As soon as the ledger does: nobody loads it again."""
    furnish(bench)
    await bench.core.kill("ledger")
    await bench.until(lambda: "ledger" in bench.console.console.standing.away)
    async with browsing() as window:
        await window.page.goto(f"{bench.console.url}/requests")
        await window.page.get_by_text("That did not work").wait_for()
        await bench.core.start("ledger")
        await window.page.locator(".row-link").first.wait_for()
        assert await window.page.locator(".banner:visible").count() == 0


async def test_light_and_dark_are_chosen_and_kept(bench: Bench) -> None:
    """Until then the system's choice holds."""
    async with browsing(scheme="dark") as window:
        page = window.page
        await page.goto(f"{bench.console.url}/street")
        await window.until("window.heliostat !== undefined")
        dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await page.get_by_role("button", name="Switch between light and dark").click()
        light = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert light != dark
        await page.reload()
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == light


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_pictures_in_the_list_are_seen(bench: Bench, width: int, height: int) -> None:
    """Each is a square of its own size, however little room the other columns leave."""
    picture, file = media("a.png"), io.BytesIO()
    Image.new("RGB", (300, 200), "steelblue").save(file, "PNG")
    bench.core.ledger.pictures["a.png"] = file.getvalue()
    bench.core.ledger.keep(record("req_1", media=[picture]), record("req_2", model="long-name-" * 20, media=[picture]))
    async with browsing(width, height) as window:
        await window.page.goto(f"{bench.console.url}/requests")
        await window.until("[...document.querySelectorAll('img.thumb')].every((each) => each.naturalWidth > 0)")
        sizes = await window.page.evaluate(
            "[...document.querySelectorAll('img.thumb')].map((each) => [each.offsetWidth, each.offsetHeight])"
        )
    assert sizes == [[41, 41]] * 2


async def test_a_request_is_purged_by_two_clicks(bench: Bench) -> None:
    """The second one in the browser's own question; the way back is not left open."""
    furnish(bench)
    async with browsing() as window:
        page = window.page
        page.on("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{bench.console.url}/requests")
        await page.locator(".row-link").first.click()
        await page.get_by_role("button", name="Purge").click()
        await page.get_by_text("purged: prompt, inputs and pictures are gone").wait_for()
        assert bench.core.ledger.purged == ["req_1"]
        assert window.complaints == []


async def test_hostile_names_stay_text(bench: Bench) -> None:
    """Also when they come over the stream of events into an open page."""
    async with browsing(390, 844) as window:
        page = window.page
        await page.goto(f"{bench.console.url}/street")
        await window.until("window.heliostat !== undefined")
        await page.evaluate("void (window.alert = () => { window.wasRun = true; })")
        for text in HOSTILE:
            bench.core.router.tell(target(f"fal/{text}", why_out=text))
        await page.get_by_text("31,700 more characters").first.wait_for(state="attached")
        assert await page.evaluate("window.wasRun === undefined")
        assert await window.overflow() <= 0
        assert window.complaints == []
