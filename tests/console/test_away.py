"""A ledger or a router that is away: every page says so, goes on with what it knows, and finds them again by itself."""

import pytest

from tests.console.conftest import Bench
from tests.console.scripted_core import record, target
from tests.console.test_street import opened


@pytest.mark.parametrize("who", ["router", "ledger"])
async def test_an_open_page_says_who_is_away_and_when_they_are_back(bench: Bench, who: str) -> None:
    """Without being loaded again, and without losing what it showed."""
    async with opened(bench) as page:
        await bench.core.kill(who)
        assert f"The {who} is away." in await page.until('id="standing"')
        assert f"The {who} is away." in await bench.page("/street")
        await bench.core.start(who)
        assert "is away" not in await page.until('id="standing"')
    assert "is away" not in await bench.page("/street")


async def test_the_street_shows_what_was_known_while_the_router_is_away(bench: Bench) -> None:
    """Routes stay; what changed meanwhile is there once the router is back."""
    await bench.core.kill("router")
    await bench.until(lambda: "router" in bench.console.console.standing.away)
    assert "fal-ai/sun" in await bench.page("/street")
    assert (await bench.send("/street/target", target="fal/fal-ai/sun", route="sunny", do="reset")).status_code == 503
    bench.core.router.targets = [target("fal/fal-ai/sun"), target("bfl/new")]
    await bench.core.start("router")
    await bench.until(lambda: not bench.console.console.standing.away)
    page = await bench.page("/street")
    assert "bfl" in page
    assert "compat" not in page


async def test_requests_without_a_ledger_are_a_sentence(bench: Bench) -> None:
    """Not an error of ours; and they are there again once it is back."""
    bench.core.ledger.keep(record("req_1"))
    await bench.core.kill("ledger")
    for path in (
        "/requests",
        "/requests/req_1",
        "/requests.csv",
        "/media/0123456789abcdef.png",
        "/media/0123456789abcdef.png/small",
    ):
        assert "cannot be reached" in await bench.page(path, status=503)
    await bench.core.start("ledger")
    await bench.until(lambda: not bench.console.console.standing.away)
    assert "req_1" in await bench.page("/requests")


async def test_a_console_starts_before_those_it_asks(bench: Bench) -> None:
    """Nothing is needed to show a page: the health of the console is its own."""
    await bench.core.kill("router")
    await bench.core.kill("ledger")
    await bench.until(lambda: len(bench.console.console.standing.away) == 2)
    assert (await bench.client.get("/healthz")).text == "ok\n"
    page = await bench.page("/street")
    assert page.count('class="banner"') == 3
