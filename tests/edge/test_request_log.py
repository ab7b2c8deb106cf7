"""What callers read of their own requests, usage and budgets; as JSON, as CSV and as lines of JSON."""

import csv
import io
import json
from typing import Any

import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError, to_status
from heliostat.chassis.money import to_money
from heliostat.edge.allowances import allowance_headers
from tests.edge.conftest import Bench
from tests.edge.scripted_ledger import fail, failed_attempt


def remembered(number: int = 1, **fields: Any) -> ledger_pb2.Request:
    """A request of the log."""
    told: dict[str, Any] = {
        "request_id": f"req_{number:024d}",
        "state": ledger_pb2.REQUEST_STATE_SUCCEEDED,
        "model": "flux-schnell",
        "operation": "text_to_image",
        "create_time": Timestamp(seconds=1_800_000_000, nanos=250_000_000),
        "end_time": Timestamp(seconds=1_800_000_001),
        "duration": Duration(nanos=750_000_000),
        "cost": to_money(3_000),
        "reserved": to_money(40_000),
        "provider": "fal",
        "provider_model": "fal-ai/flux/schnell",
        "image_count": 2,
        "key_id": "abc",
        "session_id": "s1",
        "tags": {"team": "art"},
        "trace_id": "0" * 32,
        "attempts": [failed_attempt()],
        "media": [
            ledger_pb2.KeptMedia(media_id="m.png", media_type="image/png", width_px=8, height_px=9, size_bytes=7)
        ],
    }
    return ledger_pb2.Request(**{**told, **fields})


async def test_requests_are_listed(bench: Bench) -> None:
    """A page with its summary; attempts with providers; the same under both bases."""
    bench.ledger.log = [remembered(n) for n in range(3)]
    body = (await bench.client.get("/v1/requests", params={"limit": 2})).json()
    assert [row["id"] for row in body["data"]] == [f"req_{n:024d}" for n in range(2)]
    assert (body["object"], body["has_more"], body["next_cursor"]) == ("list", True, "2")
    assert body["summary"] == {
        "requests": 3,
        "succeeded": 3,
        "success_rate": 0.75,
        "cost": 2.0,
        "reserved": 0.5,
        "currency": "USD",
    }
    row = body["data"][0]
    assert (row["status"], row["cost"], row["reserved"], row["duration_ms"]) == ("completed", 0.003, 0.04, 750)
    assert (row["created_at"], row["completed_at"]) == ("2027-01-15T08:00:00.250Z", "2027-01-15T08:00:01.000Z")
    assert (row["attempts"][0]["provider"], row["attempts"][0]["reason"]) == ("fal", "provider_unavailable")
    assert (row["executed_model"], row["tags"], row["media"][0]["format"]) == (
        "fal/fal-ai/flux/schnell",
        {"team": "art"},
        "png",
    )
    rest = (await bench.client.get("/openai/v1/requests", params={"limit": 2, "cursor": "2"})).json()
    assert (len(rest["data"]), rest["has_more"], rest["next_cursor"]) == (1, False, None)


async def test_every_filter_reaches_the_ledger(bench: Bench) -> None:
    """By the names of the REST API."""
    query: list[tuple[str, Any]] = [
        ("start_time", "1800000000"), ("end_time", "2027-02-01"), ("status", "failed"), ("model", "m"),
        ("provider", "p"), ("key", "k"), ("session_id", "s"), ("tag", "team:art"), ("tag", "when:12:30"),
    ]  # fmt: skip
    await bench.client.get("/v1/requests", params=query)
    await bench.client.get("/v1/usage", params=[*query, ("group_by", "key,day")])
    wanted = ledger_pb2.RequestFilter(
        created_after_time={"seconds": 1_800_000_000},
        created_before_time={"seconds": 1_801_440_000},
        state=ledger_pb2.REQUEST_STATE_FAILED,
        model="m",
        provider="p",
        key_id="k",
        session_id="s",
        tags={"team": "art", "when": "12:30"},
    )
    assert bench.ledger.lists[0].filter == wanted
    assert (bench.ledger.usages[0].filter, list(bench.ledger.usages[0].group_by)) == (wanted, ["key", "day"])


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"status": "done"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1e2"}, "limit"),
        ({"tag": "team"}, "tag"),
        ({"start_time": "yesterday"}, "start_time"),
        ({"format": "xml"}, "format"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused(bench: Bench, query: dict[str, str], param: str) -> None:
    """By the name of its parameter, and the ledger is not asked."""
    answer = await bench.client.get("/v1/requests", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bench.ledger.lists == []


async def test_one_request_is_told(bench: Bench) -> None:
    """With why it failed, in OpenAI's words and ours."""
    error = MeshError(reasons.ERROR_REASON_NO_TARGET, "All out.")
    bench.ledger.log = [remembered(state=ledger_pb2.REQUEST_STATE_FAILED, error=to_status(error), provider="")]
    body = (await bench.client.get("/v1/requests/req_000000000000000000000001")).json()
    assert (body["status"], body["provider"], body["executed_model"]) == ("failed", None, None)
    assert body["error"] == {
        "message": "All out.",
        "type": "server_error",
        "param": None,
        "code": "no_target",
        "reason": "no_target",
    }


async def test_c15_what_is_not_there_is_404(bench: Bench) -> None:
    """One body for all ids, whatever the verb."""
    bench.ledger.log = [remembered(5)]
    bodies = set()
    for number in (4, 6):
        name = f"req_{number:024d}"
        for method, path in (("GET", f"/v1/requests/{name}"), ("DELETE", f"/v1/requests/{name}/payloads")):
            answer = await bench.client.request(method, path)
            assert answer.status_code == 404
            bodies.add(answer.text)
    assert len(bodies) == 1


async def test_a_purge_may_be_repeated(bench: Bench) -> None:
    """The second one changes nothing and says so."""
    bench.ledger.log = [remembered()]
    path = "/v1/requests/req_000000000000000000000001/payloads"
    told = [(await bench.client.delete(path)).json() for _ in range(2)]
    assert [(each["purged"], each["before"], each["media"]) for each in told] == [(True, False, 1), (True, True, 0)]


@pytest.mark.parametrize(
    ("query", "accept", "media_type"),
    [
        ({"format": "csv"}, "*/*", "text/csv; charset=utf-8"),
        ({}, "text/csv", "text/csv; charset=utf-8"),
        ({"format": "ndjson"}, "application/json", "application/x-ndjson"),
        ({}, "application/x-ndjson;q=0.9", "application/x-ndjson"),
    ],
)
async def test_an_export_holds_all_that_match(
    bench: Bench, query: dict[str, str], accept: str, media_type: str
) -> None:
    """Every row once, read page by page without sums, and sent as it is read."""
    bench.ledger.log = [remembered(n) for n in range(250)]
    answer = await bench.client.get("/v1/requests", params=query, headers={"accept": accept})
    assert answer.headers["content-type"] == media_type
    assert "content-length" not in answer.headers
    assert "attachment" in answer.headers["content-disposition"]
    if media_type.startswith("text/csv"):
        ids = [row["id"] for row in csv.DictReader(io.StringIO(answer.text))]
    else:
        ids = [json.loads(line)["id"] for line in answer.text.splitlines()]
    assert ids == [f"req_{n:024d}" for n in range(250)]
    assert [(ask.page_size, ask.rows_only, ask.page_token) for ask in bench.ledger.lists] == [
        (100, True, ""),
        (100, True, "100"),
        (100, True, "200"),
    ]


async def test_an_export_of_nothing_has_its_head(bench: Bench) -> None:
    """The names of the columns, or no line at all."""
    table = await bench.client.get("/v1/requests?format=csv&model=none")
    assert table.text.splitlines() == [table.text.strip()]
    assert table.text.startswith("id,status,model,")
    assert (await bench.client.get("/v1/requests?format=ndjson")).text == ""


async def test_no_cell_is_a_formula(bench: Bench) -> None:
    """What callers named themselves is text in a spreadsheet; commas, quotes and line ends stay in their cell."""
    bench.ledger.log = [remembered(session_id='=HYPERLINK("x")', end_user_id="@a", model='a,"b"\nc')]
    (row,) = csv.DictReader(io.StringIO((await bench.client.get("/v1/requests?format=csv")).text))
    assert (row["session_id"], row["user"], row["model"]) == ('\'=HYPERLINK("x")', "'@a", 'a,"b"\nc')
    assert (row["tags"], row["attempts"], row["client_gone"]) == ('{"team":"art"}', "1", "false")


async def test_an_export_that_breaks_is_not_taken_for_whole(bench: Bench) -> None:
    """The connection ends before the last chunk; where nothing was sent yet it is an error like any other."""
    bench.ledger.log = [remembered(n) for n in range(250)]
    bench.ledger.fails_after = 1
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.client.get("/v1/requests?format=csv")
    bench.ledger.lists.clear()
    bench.ledger.fails_after = 0
    assert (await bench.client.get("/v1/requests?format=csv")).status_code == 503


async def test_usage_is_told_by_group(bench: Bench) -> None:
    """As JSON, CSV and lines of JSON."""
    row = ledger_pb2.UsageRow(
        group=["flux-schnell", "2027-01-15"], request_count=4, success_count=3, image_count=5, cost=to_money(12_000)
    )
    bench.ledger.usage = ledger_pb2.GetUsageResponse(
        rows=[row], start_time=Timestamp(seconds=1_800_000_000), end_time=Timestamp(seconds=1_800_086_400)
    )
    path = "/v1/usage?group_by=model,day"
    body = (await bench.client.get(path)).json()
    assert (body["group_by"], body["start_time"]) == (["model", "day"], "2027-01-15T08:00:00.000Z")
    wanted = {
        "model": "flux-schnell",
        "day": "2027-01-15",
        "requests": 4,
        "succeeded": 3,
        "success_rate": 0.75,
        "images": 5,
        "cost": 0.012,
        "reserved": 0.0,
    }
    assert body["data"] == [wanted]
    table = (await bench.client.get(path + "&format=csv")).text
    assert table.splitlines() == [",".join(wanted), "flux-schnell,2027-01-15,4,3,0.75,5,0.012,0.0"]
    assert json.loads((await bench.client.get(path + "&format=ndjson")).text) == wanted


async def test_balances_are_told(bench: Bench) -> None:
    """What is left is never below nothing; a window tells when it starts anew."""
    bench.ledger.balances = [
        ledger_pb2.Balance(
            window="day", limit=to_money(100), spent=to_money(60), reserved=to_money(50), reset_time={"seconds": 86_400}
        ),
        ledger_pb2.Balance(window="total", limit=to_money(2_000_000), spent=to_money(500_000)),
    ]
    body = (await bench.client.get("/v1/balance")).json()
    assert [(each["window"], each["left"], each["resets_at"]) for each in body["data"]] == [
        ("day", 0.0, "1970-01-02T00:00:00.000Z"),
        ("total", 1.5, None),
    ]


@pytest.mark.parametrize("path", ["requests", "requests/req_1", "usage", "balance", "requests?format=csv"])
async def test_the_log_wants_a_key(bench: Bench, path: str) -> None:
    """Nobody looks in from outside."""
    answer = await bench.client.get(f"/v1/{path}", headers={"authorization": "Bearer bad"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_allowances_are_headers() -> None:
    """OpenAI's names, the standard's for what has a window; an unknown kind of a newer ledger is not told."""
    told = allowance_headers(
        [
            event_pb2.Allowance(kind="requests", limit=60, remaining=59, reset=Duration(seconds=59, nanos=1)),
            event_pb2.Allowance(kind="images", limit=9, remaining=7, reset=Duration(seconds=60)),
            event_pb2.Allowance(kind="concurrent", limit=3, remaining=2),
            event_pb2.Allowance(kind="bytes", limit=1, remaining=1),
        ]
    )
    assert told == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "60s",
        "x-ratelimit-limit-images": "9",
        "x-ratelimit-remaining-images": "7",
        "x-ratelimit-reset-images": "60s",
        "x-ratelimit-limit-concurrent": "3",
        "x-ratelimit-remaining-concurrent": "2",
        "ratelimit-policy": '"requests";q=60;w=60, "images";q=9;w=60',
        "ratelimit": '"requests";r=59;t=60, "images";r=7;t=60',
    }


async def test_a_bound_that_was_reached_is_told(bench: Bench) -> None:
    """429 with its reason, when to come back, and which bound it was; never later than two minutes."""
    error = MeshError(
        reasons.ERROR_REASON_RATE_LIMITED, "Wait.", retry_after_s=41.2, limit_kind="images", limit="9",
        limit_remaining="2",
    )  # fmt: skip
    bench.ledger.script = fail(error)
    answer = await bench.client.post("/v1/images/generations", json={"model": "flux-schnell", "prompt": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert (answer.headers["retry-after"], answer.headers["ratelimit"]) == ("42", '"images";r=2;t=42')
    assert answer.headers["x-ratelimit-remaining-images"] == "2"


async def test_a_budget_that_is_used_up_is_told(bench: Bench) -> None:
    """402 with which budget, what is left of it and when it starts anew."""
    error = MeshError(reasons.ERROR_REASON_BUDGET_EXHAUSTED, "Too dear.")
    error.metadata |= {
        "budget": "key", "window": "day", "limit_usd": "0.500000", "left_usd": "0.010000",
        "reset_time": "2027-01-16T00:00:00Z",
    }  # fmt: skip
    bench.ledger.script = fail(error)
    answer = await bench.client.post("/v1/images/generations", json={"model": "flux-schnell", "prompt": "a"})
    assert answer.status_code == 402
    assert answer.json()["metadata"] == {
        "reason": "budget_exhausted",
        "budget": {
            "budget": "key",
            "window": "day",
            "limit": 0.5,
            "left": 0.01,
            "currency": "USD",
            "resets_at": "2027-01-16T00:00:00Z",
        },
    }
