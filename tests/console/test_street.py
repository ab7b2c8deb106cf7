"""The street: what it shows, what it changes, and how fast an open page hears of it."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.api.router.v1 import admin_pb2
from heliostat.console.live import Live
from heliostat.console.street_state import StreetState
from tests.console.conftest import Bench
from tests.console.scripted_core import at, target
from tests.support.loopback import PLAIN

_WITHIN_S = 60.0


class Page:
    """An open page's stream of events."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.last_id = ""

    async def next(self) -> tuple[str, str]:
        """The next event's name and data."""
        name, data = "message", []
        async with asyncio.timeout(_WITHIN_S):
            async for line in self._lines:
                if line.startswith("event:"):
                    name = line.removeprefix("event:").strip()
                elif line.startswith("data:"):
                    data.append(line.removeprefix("data:").removeprefix(" "))
                elif line.startswith("id:"):
                    self.last_id = line.removeprefix("id:").strip()
                elif not line and (data or name != "message"):
                    return name, "\n".join(data)
        raise AssertionError("the stream ended")

    async def until(self, text: str) -> str:
        """The data of the next event in which a text occurs."""
        while True:
            _, data = await self.next()
            if text in data:
                return data


@asynccontextmanager
async def opened(bench: Bench, path: str = "/street", last_id: str = "") -> AsyncIterator[Page]:
    """A page that listens, as its script does."""
    markup = await bench.page(path)
    topics, since = (re.search(rf'data-{name}="([^"]*)"', markup) for name in ("topics", "since"))
    assert topics
    assert since
    headers = {"last-event-id": last_id} if last_id else {}
    query = {"topics": topics[1], "since": since[1]}
    async with (
        httpx.AsyncClient(verify=PLAIN, base_url=bench.console.url, timeout=_WITHIN_S) as client,
        client.stream("GET", "/events", params=query, headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Page(answer.aiter_lines())


async def test_it_shows_every_part_and_what_is_under_way(bench: Bench) -> None:
    """Edge and ledger by the ledger's word, router and adapters by the targets'."""
    bench.core.ledger.tell(ledger_pb2.WatchTrafficResponse(caller_count=41, request_count=42))
    bench.core.router.tell(target("fal/fal-ai/sun", in_flight_count=43))
    await bench.until(lambda: bench.console.console.feed.state.traffic.request_count == 42)
    await bench.until(lambda: bench.console.console.feed.state.stations()[0].in_flight == 43)
    page = await bench.page("/street")
    counts = re.findall(r'station-count">(\d+)<', page)
    assert counts == ["41", "42", "43"]
    assert re.search(r"<bdi>fal</bdi>\s*<b>43</b>", page)


async def test_a_target_tells_where_it_stands_and_why(bench: Bench) -> None:
    """Priority, weight, share, state, why it is out and when it may be back."""
    bench.core.router.tell(
        target("fal/fal-ai/sun", weight=3.0),
        target("bfl/sun", weight=1.0),
        target(
            "compat/sun",
            health_state=admin_pb2.HEALTH_STATE_EJECTED,
            why_out="It failed 5 times in a row.",
            return_time=at(30),
        ),
    )
    await bench.until(lambda: len(bench.console.console.feed.state.road("sunny").lanes) == 3)
    page = await bench.page("/street")
    assert "75 % of priority 0" in page
    assert "25 % of priority 0" in page
    assert "It failed 5 times in a row." in page
    assert '<time datetime="2027-01-15T08:00:30Z"' in page
    assert ">Reset</button>" in page


async def test_an_open_page_hears_of_a_change_within_the_second(bench: Bench) -> None:
    """The changed route comes as markup with its element's id; what did not change does not come."""
    bench.core.router.tell(target("fal/other", route="rainy"))
    await bench.until(lambda: bench.console.console.feed.state.road("rainy") is not None)
    async with opened(bench) as page:
        bench.core.router.tell(target("compat/sun", priority=1, in_flight_count=7))
        told = await page.until("7 under way")
        assert told.startswith('<section class="road" id="road-')
        assert "rainy" not in told


async def test_nothing_is_lost_between_making_a_page_and_its_listening(bench: Bench) -> None:
    """What changed meanwhile comes first; a page that lost its connection goes on where it was."""
    async with opened(bench) as page:
        bench.core.router.tell(target("compat/sun", priority=1, in_flight_count=7))
        await page.until("7 under way")
        last_id = page.last_id
    bench.core.router.tell(target("compat/sun", priority=1, in_flight_count=8))
    await bench.until(lambda: bench.console.console.feed.state.road("sunny").in_flight == 8)
    async with opened(bench, last_id=last_id) as page:
        assert "8 under way" in await page.until("road-")


async def test_a_page_of_an_earlier_console_is_told_to_be_made_anew(bench: Bench) -> None:
    """Its stamp is not of this process."""
    async with opened(bench, last_id="0badcafe-17") as page:
        assert (await page.next())[0] == "stale"


async def test_fifty_pages_are_one_stream_to_the_router(bench: Bench) -> None:
    """All hear of a change, which is rendered once."""
    async with asyncio.TaskGroup() as group:

        async def look(number: int) -> None:
            async with opened(bench) as page:
                if (waiting := bench.console.console.live.reader_count) == 50:
                    bench.core.router.tell(target("compat/sun", priority=1, in_flight_count=9))
                assert waiting <= 50, number
                await page.until("9 under way")

        for number in range(50):
            group.create_task(look(number))
    assert bench.core.router.watched == 1


@pytest.mark.parametrize(
    ("form", "field", "value"),
    [
        ({"do": "weight", "weight": "2.5"}, "weight", 2.5),
        ({"do": "weight", "weight": "0"}, "weight", 0.0),
        ({"do": "priority", "priority": "3"}, "priority", 3),
        ({"do": "admin_state", "admin_state": "draining"}, "admin_state", admin_pb2.ADMIN_STATE_DRAINING),
        ({"do": "admin_state", "admin_state": "off"}, "admin_state", admin_pb2.ADMIN_STATE_DISABLED),
        ({"do": "admin_state", "admin_state": "in"}, "admin_state", admin_pb2.ADMIN_STATE_ENABLED),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_switch_is_an_operators_call(bench: Bench, form: dict[str, str], field: str, value: float) -> None:
    """Of this target on this route, and only what was turned; the router is told who did it."""
    answer = await bench.send("/street/target", target="fal/fal-ai/sun", route="sunny", **form)
    assert answer.status_code == 200
    assert "by hand" in answer.text
    what, request, who = bench.core.router.asked[0]
    assert (what, who) == ("update", "console: sandbox")
    assert (request.target.name, request.target.route) == ("fal/fal-ai/sun", "sunny")
    assert list(request.update_mask.paths) == [field]
    assert getattr(request.target, field) == value


async def test_reset_and_back_to_the_configuration(bench: Bench) -> None:
    """The other two calls."""
    await bench.send("/street/target", target="fal/fal-ai/sun", route="sunny", do="reset")
    await bench.send("/street/target", target="fal/fal-ai/sun", route="sunny", do="clear")
    (_, reset, _), (_, cleared, _) = bench.core.router.asked
    assert reset.name == "fal/fal-ai/sun"
    assert cleared.clear_override
    assert not cleared.update_mask.paths


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"do": "weight", "weight": "much"}, 400, "The weight is a number"),
        ({"do": "weight", "weight": "nan"}, 400, "The weight is a number"),
        ({"do": "weight", "weight": "1e400"}, 400, "The weight is a number"),
        ({"do": "admin_state", "admin_state": "gone"}, 400, "choose one of them"),
        ({"do": "explode"}, 400, "There is no such change"),
        ({}, 400, "There is no such change"),
        ({"do": "weight", "weight": "1", "target": "nobody/x"}, 404, "no such target"),
        ({"do": "reset", "route": "nowhere"}, 404, "no such route"),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    bench: Bench, form: dict[str, str], status: int, sentence: str
) -> None:
    """It is answered by a sentence for the page to show."""
    answer = await bench.send("/street/target", **{"target": "fal/fal-ai/sun", "route": "sunny", **form})
    assert answer.status_code == status
    assert sentence in answer.text


async def test_routes_are_searched_and_shown_in_parts(bench: Bench) -> None:
    """By their own names and their targets'; the rest is offered."""
    bench.core.router.tell(*(target(f"fal/m{number}", route=f"route-{number}") for number in range(40)))
    await bench.until(lambda: len(bench.console.console.feed.state.routes()) == 41)
    assert (await bench.page("/street")).count('class="road"') == 8
    assert "Show all 41 routes" in await bench.page("/street")
    assert (await bench.page("/street/roads?all=1")).count('class="road"') == 41
    assert (await bench.page("/street/roads?q=ROUTE-39")).count('class="road"') == 1
    assert (await bench.page("/street/roads?q=fal/m7")).count('class="road"') == 1
    assert "No route and no target is called <bdi>moon</bdi>" in await bench.page("/street/roads?q=moon")


async def test_events_and_changes_are_listed(bench: Bench) -> None:
    """What happened by itself, and what was done by whom."""
    event = admin_pb2.OperatorEvent(time=at(0), kind="ejected", target="fal/fal-ai/sun", message="It failed too often.")
    async with opened(bench) as page:
        bench.core.router.tell(events=[event])
        assert "It failed too often." in await page.until("street-events")
    bench.core.router.changes.append(
        admin_pb2.TargetChange(
            time=at(0), who="console: operator", target="fal/fal-ai/sun", before="1", after="weight 5"
        )
    )
    listed = await bench.page("/street/changes")
    assert "weight 5" in listed
    assert "console: operator" in listed


async def test_a_change_by_hand_makes_pages_list_targets_anew(bench: Bench) -> None:
    """And read the list of changes again; a target that is gone leaves the page."""
    async with opened(bench) as page:
        bench.core.router.targets.pop()
        bench.core.router.tell(events=[admin_pb2.OperatorEvent(time=at(0), kind="changed", message="Changed.")])
        names = {(await page.next())[0] for _ in range(3)}
    assert "structure" in names
    assert len(bench.console.console.feed.state.road("sunny").lanes) == 1


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); DROP TABLE requests; --",
    "{{ 7*7 }}{% for x in y %}",
    "\u202egnp.exe\u202c",
    "\x1b[31mred\x1b[0m",
    "data: x\n\nevent: stale\ndata: y",
    "x" * 32_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_is_in_a_name_is_shown_and_does_nothing(bench: Bench, text: str) -> None:
    """Markup, template signs, marks of direction, frames of events, and 32,000 characters: escaped, isolated, cut."""
    name = f"fal/{text}"
    event = admin_pb2.OperatorEvent(time=at(0), kind=text[:50], target=name, message=text)
    change = admin_pb2.TargetChange(time=at(0), who=text, target=name, route=text, before=text, after=text)
    bench.core.router.changes.append(change)
    async with opened(bench) as page:
        bench.core.router.tell(target(name, route=text, why_out=text), events=[event])
        kind, data = await page.next()
        assert kind != "stale"
    await bench.until(lambda: bench.console.console.feed.state.road(text) is not None)
    markup = await bench.page(f"/street?all=1&q={text[:100]}" if text.isalnum() else "/street?all=1")
    for shown in (markup, data, await bench.page("/street/changes")):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert len(shown) < 130_000 + 8 * 32_000
    assert f"<bdi>{html.escape(text[:80], quote=True).replace('&#x27;', '&#39;').replace('&quot;', '&#34;')}" in markup
    assert "{{ 7*7 }}" in markup or "7*7" not in text


def test_shares_are_of_those_that_take_requests() -> None:
    """One that is out, off, draining or of weight 0 has none; the first priority with anybody in it serves."""
    state = StreetState()
    state.replace(
        [
            target("a/x", weight=3),
            target("b/x", weight=1),
            target("c/x", weight=9, health_state=admin_pb2.HEALTH_STATE_EJECTED),
            target("d/x", weight=9, admin_state=admin_pb2.ADMIN_STATE_DRAINING),
            target("e/x", weight=0),
            target("f/x", priority=1, weight=2),
        ]
    )
    road = state.road("sunny")
    assert road is not None
    assert [(lane.provider, lane.share, lane.word) for lane in road.lanes] == [
        ("a", 0.75, "in"),
        ("b", 0.25, "in"),
        ("c", 0.0, "out"),
        ("d", 0.0, "draining"),
        ("e", 0.0, "idle"),
        ("f", 1.0, "spare"),
    ]


def test_an_adapter_is_as_well_as_its_targets() -> None:
    """Up with all, degraded with some, down with none; a target on two routes counts once."""
    state = StreetState()
    out = admin_pb2.HEALTH_STATE_EJECTED
    state.replace(
        [
            target("a/x", in_flight_count=2),
            target("a/x", route="rainy", in_flight_count=2),
            target("b/x"),
            target("b/y", health_state=out),
            target("c/x", health_state=out),
        ]
    )
    assert [(station.name, station.state, station.in_flight) for station in state.stations()] == [
        ("a", "up", 2),
        ("b", "degraded", 0),
        ("c", "down", 0),
    ]


async def test_nobody_renders_what_nobody_sees() -> None:
    """An element is rendered when the first page takes it, and once for all of them."""
    live, rendered = Live(), []

    def render() -> str:
        rendered.append(1)
        return "<p id='x'>1</p>\n<!-- a second line -->"

    stamp = live.stamp()
    for _ in range(100):
        live.publish("street", "x", render)
    assert not rendered
    readers = [live.frames({"street"}, stamp) for _ in range(3)]
    for frames in readers:
        assert await anext(frames) == b"retry: 1000\n\n"
        frame = await anext(frames)
        assert frame.startswith(b"event: patch\nid: ")
        assert frame.endswith(b"data: <p id='x'>1</p>\ndata: <!-- a second line -->\n\n")
    assert len(rendered) == 1
    live.close()
    for frames in readers:
        with pytest.raises(StopAsyncIteration):
            await anext(frames)
