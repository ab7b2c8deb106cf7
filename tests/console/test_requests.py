"""The list of requests and one of them: filters, pages, CSV, attempts in time, decisions, pictures, purge."""

import csv
import io
import re

import pytest

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.errors import MeshError, to_status
from heliostat.chassis.money import to_money
from heliostat.console import request_csv, waterfall
from heliostat.console.wording import money, percent, span
from tests.console.conftest import Bench, OpenBench
from tests.console.scripted_core import NOW, PNG, at, attempt, media, record
from tests.console.test_street import HOSTILE, opened


async def test_the_list_shows_what_became_of_each(bench: Bench) -> None:
    """State, reason, provider, attempts, cost and duration, with the picture where one is kept."""
    failure = to_status(MeshError(reasons.ERROR_REASON_NO_TARGET, "All are out."))
    bench.core.ledger.keep(
        record("req_good"),
        record("req_bad", state=ledger_pb2.REQUEST_STATE_FAILED, error=failure, provider="", media=[], attempts=[]),
        record("req_late", media=[media("late.png", late=True)]),
        record("req_old", media=[media("old.png", expire_time=at(-1))]),
        record("req_purged", media=[media("purged.png", purged=True)]),
    )
    page = await bench.page("/requests")
    assert re.findall(r'src="/media/([^"]+)"', page) == ["0123456789abcdef.png/small"]
    assert "no target" in page
    assert "$0.003" in page
    assert "2.00 s" in page
    for request_id in bench.core.ledger.requests:
        assert f'href="/requests/{request_id}"' in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=failed", {"state": ledger_pb2.REQUEST_STATE_FAILED}),
        ("model=flux&provider=fal&key=key_1&session=s", {"provider": "fal", "key_id": "key_1", "session_id": "s"}),
        ("period=hour", {"created_after_time": at(-3600)}),
        ("from=2027-01-15T07:00&to=2027-01-15T09:00:00%2B01:00", {"created_after_time": at(-3600)}),
        ("to=2027-01-15T09:00:00%2B01:00", {"created_before_time": at(0)}),
    ],
)
async def test_the_address_says_what_is_listed(bench: Bench, query: str, expected: dict[str, object]) -> None:
    """So that it can be passed on; the links to older pages and to the file keep it."""
    bench.core.ledger.keep(*(record(f"req_{number}", model="flux") for number in range(30)))
    page = await bench.page(f"/requests?{query}")
    asked = bench.core.ledger.filters[0]
    assert {name: getattr(asked, name) for name in expected} == expected
    name = query.partition("=")[0]
    older = re.search(r'href="(/requests\?[^"]*page=25)"', page)
    assert older
    assert f"{name}=" in older[1]
    assert re.search(rf'href="/requests.csv\?[^"]*{name}=', page)
    assert (await bench.page(older[1].replace("&amp;", "&"))).count('class="row-link"') == 5


@pytest.mark.parametrize("query", ["status=odd", "period=odd", "from=yesterday", "to=2027-99-99"])
async def test_a_filter_that_makes_no_sense_is_a_sentence(bench: Bench, query: str) -> None:
    """Not a list of something else."""
    page = await bench.page(f"/requests?{query}", status=400)
    assert "That did not work" in page
    assert not bench.core.ledger.filters


async def test_an_open_list_says_how_many_have_come_since(bench: Bench) -> None:
    """It does not change under its reader's hands."""
    async with opened(bench, "/requests") as page:
        bench.core.ledger.tell(admin_pb2.WatchTrafficResponse(begun_count=3))
        assert await page.next() == ("data", '{"name": "traffic", "begun": 3}')


async def test_csv_is_all_that_matches(bench: Bench) -> None:
    """Read page by page; each page is asked for once."""
    bench.core.ledger.keep(*(record(f"req_{number}") for number in range(250)))
    answer = await bench.client.get("/requests.csv?model=sunny")
    assert answer.headers["content-disposition"] == 'attachment; filename="requests.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["request_id"] for row in rows] == [f"req_{number}" for number in range(250)]
    assert rows[0] == {
        "request_id": "req_0",
        "created": "2027-01-15T07:59:50Z",
        "seconds": "2.0",
        "state": "succeeded",
        "reason": "",
        "model": "sunny",
        "operation": "text_to_image",
        "provider": "fal",
        "provider_model": "fal-ai/sun",
        "attempts": "1",
        "images": "1",
        "cost_usd": "0.003",
        "reserved_usd": "0.0",
        "key": "key_1",
        "session": "",
        "user": "",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "caller_left": "no",
    }
    assert len(bench.core.ledger.filters) == 3


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_is_a_formula(begin: str) -> None:
    """What a spreadsheet would run begins with a quotation mark."""
    text = f"{begin}cmd|'/C calc'!A0"
    hostile = record("req_1", model=text, session_id=text, end_user_id=text)
    (row,) = csv.reader(io.StringIO(request_csv.rows([hostile]).decode(), newline=""))
    cells = dict(zip(request_csv.COLUMNS, row, strict=True))
    assert {cells[name] for name in ("model", "session", "user")} == {f"'{text}"}


async def test_one_request_tells_its_attempts_in_time(bench: Bench, console_with: OpenBench) -> None:
    """Target, outcome, billed, cost, duration, reason, the provider's job; and the trace's address where one is set."""
    refused = to_status(MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down."))
    unknown = to_status(MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "It did not answer."))
    attempts = [
        attempt("a/0/0", begin=-10, lasted=0.5, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO),
        attempt("a/0/1", begin=-9.5, lasted=0.5, billed=event_pb2.BILLED_UNKNOWN, cost=to_money(40_000)),
        attempt("a/0/2", begin=-9, lasted=1.0, outcome=event_pb2.OUTCOME_DELIVERED, billed=event_pb2.BILLED_YES),
    ]
    attempts[0].status.CopyFrom(refused)
    attempts[1].status.CopyFrom(unknown)
    attempts[1].provider_job_id = "job-77"
    attempts[2].accept_time.CopyFrom(at(-8.75))
    bench.core.ledger.keep(record("req_1", attempts=attempts, reserved=to_money(40_000)))
    page = await bench.page("/requests/req_1")
    assert re.findall(r'class="billed-(\w+)"', page) == ["no", "unknown", "yes"]
    assert re.findall(r'class="bar bar-(\w+)" x="([\d.]+)" width="([\d.]+)"', page) == [
        ("failed", "0.0", "250.0"),
        ("unknown", "250.0", "250.0"),
        ("delivered", "500.0", "500.0"),
    ]
    assert 'class="bar-accept" x="625.0"' in page
    for told in ("rate limited", "Slow down.", "provider timeout", "job-77", "$0.04", "250 ms"):
        assert told in page
    assert 'href="http' not in page


async def test_a_trace_is_linked_where_a_viewer_is_set(console_with: OpenBench) -> None:
    """To the setting's address with the id in it; an id that is none is not."""
    async with console_with(trace_url="http://127.0.0.1:16686/trace/{trace_id}") as bench:
        bench.core.ledger.keep(record("req_1"), record("req_2", trace_id="/../x"))
        page = await bench.page("/requests/req_1")
        assert 'href="http://127.0.0.1:16686/trace/4bf92f3577b34da6a3ce929d0e0e4736"' in page
        assert "16686" not in await bench.page("/requests/req_2")


async def test_one_request_tells_what_was_decided(bench: Bench) -> None:
    """All candidates, the draw, why some were out, and which was asked; without a decision, everything else."""
    bench.core.ledger.keep(record("req_1"))
    assert "Why this one" not in await bench.page("/requests/req_1")
    decision = event_pb2.Decision(route="sunny", draw=0.125)
    decision.candidates.add(target="fal/fal-ai/sun", weight=2)
    decision.candidates.add(target="compat/sun", priority=1, excluded_because="It is paused.")
    bench.core.ledger.decisions["req_1/0/0"] = decision
    page = await bench.page("/requests/req_1")
    assert "draw 0.125" in page
    assert "It is paused." in page
    assert page.count("asked</span>") == 1


async def test_a_request_under_way_is_looked_at_again_until_it_is_over(bench: Bench) -> None:
    """By its own page alone; it cannot be purged meanwhile."""
    running = record("req_1", state=ledger_pb2.REQUEST_STATE_RUNNING, attempts=[attempt("req_1/0/0", lasted=None)])
    running.ClearField("end_time")
    running.ClearField("duration")
    bench.core.ledger.keep(running)
    page = await bench.page("/requests/req_1")
    assert 'hx-get="/requests/req_1/body" hx-trigger="every 1s"' in page
    assert "Purge" not in page
    assert "under way" in page
    bench.core.ledger.keep(record("req_1"))
    piece = await bench.page("/requests/req_1/body")
    assert "hx-trigger" not in piece
    assert "Purge" in piece


async def test_purging_takes_pictures_away_and_leaves_the_row(bench: Bench) -> None:
    """Only with the token, and only by POST."""
    bench.core.ledger.keep(record("req_1"))
    assert (await bench.client.get("/requests/req_1/purge")).status_code == 405
    assert (await bench.client.post("/requests/req_1/purge")).status_code == 403
    assert not bench.core.ledger.purged
    answer = await bench.send("/requests/req_1/purge")
    assert answer.status_code == 200
    assert "purged: prompt, inputs and pictures are gone" in answer.text
    assert "<img" not in answer.text
    assert bench.core.ledger.purged == ["req_1"]


async def test_a_picture_of_one_colour_is_told_as_such(bench: Bench) -> None:
    """Beside the picture, so that nobody takes black for a drawing."""
    warnings = [media_pb2.MEDIA_WARNING_ONE_COLOUR]
    bench.core.ledger.keep(record("req_black", media=[media("black.png", warnings=warnings)]), record("req_drawn"))
    assert "one colour all over" in await bench.page("/requests/req_black")
    assert "one colour all over" not in await bench.page("/requests/req_drawn")


async def test_pictures_come_from_the_console_itself(bench: Bench) -> None:
    """As what they are, able to do nothing."""
    answer = await bench.client.get("/media/0123456789abcdef.png")
    assert answer.content == PNG
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize(
    ("media_id", "status"), [("gone.png", 410), ("page.html", 404), ("page.svg", 404), ("plain", 404), ("%2e%2e", 404)]
)
async def test_what_is_no_kept_picture_is_not_served(bench: Bench, media_id: str, status: int) -> None:
    """The kinds are a closed list: nothing that a browser would run."""
    bench.core.ledger.pictures["page.html"] = b"<script>alert(1)</script>"
    bench.core.ledger.pictures["page.svg"] = b"<svg onload='alert(1)'/>"
    assert (await bench.client.get(f"/media/{media_id}")).status_code == status


async def test_a_request_that_nobody_knows_is_a_sentence(bench: Bench) -> None:
    """With the status that says so."""
    assert "There is no request of this id." in await bench.page("/requests/req_0", status=404)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_callers_and_providers_say_is_shown_and_does_nothing(bench: Bench, text: str) -> None:
    """In every field that is text, on both pages."""
    failed = attempt("req_1/0/0", target=text, provider=text, provider_model=text, provider_job_id=text, account=text)
    failed.status.CopyFrom(to_status(MeshError(reasons.ERROR_REASON_INTERNAL, text)))
    failed.cost_doubt = failed.price_version = text
    hostile = record(
        "req_1",
        model=text,
        operation=text,
        provider=text,
        provider_model=text,
        key_id=text,
        session_id=text,
        end_user_id=text,
        idempotency_key=text,
        trace_id=text,
        tags={text: text},
        attempts=[failed],
        error=failed.status,
        media=[media(f"{text[:20]}.png", media_type=text)],
    )
    adjusted = hostile.result.adjustments.add()
    adjusted.parameter = adjusted.requested = adjusted.sent = adjusted.delivered = adjusted.reason = text
    hostile.result.cost.components.add(type=text, metric=text)
    decision = event_pb2.Decision(route=text)
    decision.candidates.add(target=text, excluded_because=text)
    bench.core.ledger.decisions["req_1/0/0"] = decision
    bench.core.ledger.keep(hostile)
    bench.core.ledger.keys[0].title = text
    for path in ("/requests", "/requests/req_1"):
        page = await bench.page(path)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "7*7" in page or "7*7" not in text
        assert len(page) < 200_000
    assert "alert(1)</script>" not in (await bench.client.get("/requests.csv")).headers.values()


def test_bars_never_leave_the_frame() -> None:
    """Whatever the clocks of several processes say."""
    odd = record("req_1", attempts=[attempt("a", begin=-99, lasted=1.0), attempt("b", begin=50, lasted=0.0)])
    for bar in waterfall.bars(odd, NOW):
        assert bar.start >= 0
        assert bar.width >= 4
        assert bar.start + bar.width <= waterfall.WIDTH + 4


def test_the_time_of_an_answer_is_told_in_parts() -> None:
    """They follow each other and fill the width; without any there is nothing to show."""
    timing = event_pb2.Timing()
    timing.provider.FromMilliseconds(1500)
    timing.download.FromMilliseconds(500)
    told = [(phase.name, phase.start, phase.width) for phase in waterfall.phases(timing)]
    assert told == [("provider", 0.0, 750.0), ("download", 750.0, 250.0)]
    assert waterfall.phases(event_pb2.Timing()) == []


@pytest.mark.parametrize(
    ("micros", "told"),
    [
        (0, "$0"),
        (3000, "$0.003"),
        (12_400_000, "$12.40"),
        (1, "$0.000001"),
        (-40_000, "$-0.04"),
        (10**10, "$10,000.00"),
    ],
)
def test_money_as_people_read_it(micros: int, told: str) -> None:
    """Cents where they do, more places where they do not."""
    assert money(to_money(micros)) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.34, "340 ms"), (0.9996, "1.00 s"), (2.414, "2.41 s"), (41.26, "41.3 s"), (185, "3 min 5 s")],
)
def test_durations_as_people_read_them(seconds: float, told: str) -> None:
    """Three figures are enough."""
    assert span(seconds) == told


def test_a_share_that_is_not_all_does_not_read_as_all() -> None:
    """One failure in a thousand is seen."""
    assert [percent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "<1 %", "50 %", ">99 %", "100 %"]
