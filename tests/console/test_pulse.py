"""The street's chart: what was added in each second, by provider."""

import json

from heliostat.console.pulse import OTHERS, SPAN_S, Pulse
from tests.console.conftest import Bench
from tests.console.scripted_core import target
from tests.console.test_street import opened


def test_each_second_shows_what_was_added() -> None:
    """What had been counted before the console came is not a call of its first second."""
    pulse = Pulse()
    for second, calls in enumerate([{"a": 100}, {"a": 103}, {"a": 103, "b": 2}, {"a": 104, "b": 2}]):
        pulse.take(second + 0.5, calls)
    told = json.loads(pulse.told())
    assert told == {"name": "pulse", "seconds": [0, 1, 2, 3], "bands": {"a": [0, 3, 0, 1], "b": [0, 0, 2, 0]}}


def test_a_router_that_was_started_anew_takes_no_calls_back() -> None:
    """Its counts begin at nothing."""
    pulse = Pulse()
    for second, calls in enumerate([{"a": 9}, {"a": 1}, {"a": 2}]):
        pulse.take(second, calls)
    assert json.loads(pulse.told())["bands"] == {"a": [0, 0, 1]}


def test_the_busiest_have_bands_and_the_rest_share_one() -> None:
    """So that a chart of thirty providers can be read."""
    pulse = Pulse()
    names = [f"p{number}" for number in range(9)]
    pulse.take(0, dict.fromkeys(names, 0))
    pulse.take(1, {name: number + 1 for number, name in enumerate(names)})
    bands = json.loads(pulse.told())["bands"]
    assert list(bands) == ["p8", "p7", "p6", "p5", "p4", OTHERS]
    assert bands[OTHERS] == [0, 1 + 2 + 3 + 4]


def test_at_rest_there_is_nothing_to_tell() -> None:
    """Nor once the last call has left the chart; the second in which it leaves is told."""
    pulse = Pulse()
    assert not pulse.take(0, {"a": 0})
    assert pulse.take(1, {"a": 1})
    moving = [pulse.take(second, {"a": 1}) for second in range(2, SPAN_S + 4)]
    assert moving == [True] * SPAN_S + [False, False]
    assert json.loads(pulse.told())["bands"] == {}


async def test_open_pages_are_told_while_something_moves(bench: Bench) -> None:
    """As data for the page's script; the page itself begins with what is known."""
    await bench.until(lambda: '"seconds": []' not in bench.console.console.feed.pulse.told())
    async with opened(bench) as page:
        bench.core.router.tell(target("fal/fal-ai/sun", call_count=5))
        told = json.loads(await page.until('"name": "pulse"'))
    assert sum(told["bands"]["fal"]) == 5
    assert "&#34;fal&#34;: [" in await bench.page("/street")
