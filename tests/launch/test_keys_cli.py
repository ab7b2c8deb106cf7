"""`heliostat keys …`, `heliostat admin usage` and `requests`: what is typed, what is asked, what is shown."""

import argparse
import csv
import io
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.money import to_micros, to_money
from heliostat.launch import admin_cli, keys_cli
from tests.support.scripted_channel import KEYS, played

NO_BUDGETS = (KEYS, "ListBudgets", admin_pb2.ListBudgetsResponse())


def typed(text: str) -> Callable[[grpc.Channel], str]:
    """The command that a line is."""
    parser = argparse.ArgumentParser()
    admin_cli.add_commands(parser.add_subparsers(required=True))
    given = parser.parse_args(text.split())
    return lambda channel: str(given.admin(channel, given))


def test_a_key_is_made_with_its_limits() -> None:
    """Everything that a key may say, and a budget a window."""
    made = admin_pb2.CreateKeyResponse(key=admin_pb2.Key(key_id="k1"), secret="hel_k1_x")
    budget = admin_pb2.SetBudgetResponse()
    line = (
        "keys create ci --requests-per-minute 60 --images-per-minute 90 --concurrent 4 --models flux,gpt-image-2 "
        "--operations edit --expires 2027-01-31 --keep-media 12h --keep-payload 0 --keep-metadata 90d --wait 30 "
        "--budget-day 2.5 --budget-total 100"
    )
    output, (asked, day, total) = played(
        typed(line), (KEYS, "CreateKey", made), (KEYS, "SetBudget", budget), (KEYS, "SetBudget", budget)
    )
    key = asked.key
    limits = key.limits
    assert output.splitlines()[0] == "hel_k1_x"
    assert (key.title, limits.requests_per_minute, limits.images_per_minute, limits.concurrent_requests) == (
        "ci", 60, 90, 4,
    )  # fmt: skip
    assert (list(limits.models), list(limits.operations)) == (["flux", "gpt-image-2"], ["edit"])
    assert key.expire_time.ToJsonString() == "2027-01-31T00:00:00Z"
    assert (key.retention.media.seconds, key.retention.metadata.seconds) == (43_200, 7_776_000)
    assert (key.retention.HasField("payload"), key.retention.payload.seconds, key.default_wait.seconds) == (True, 0, 30)
    assert [(each.budget.key_id, each.budget.window, to_micros(each.budget.limit)) for each in (day, total)] == [
        ("k1", "day", 2_500_000),
        ("k1", "total", 100_000_000),
    ]


def test_only_what_is_named_is_changed() -> None:
    """By its path; "all", "never" and "none" take bounds away."""
    line = "keys update k1 --title two --models all --expires never --images-per-minute 0 --budget-day none"
    _, (asked, budget) = played(
        typed(line),
        (KEYS, "UpdateKey", admin_pb2.UpdateKeyResponse()),
        (KEYS, "SetBudget", admin_pb2.SetBudgetResponse()),
    )
    assert list(asked.update_mask.paths) == ["title", "expire_time", "limits.images_per_minute", "limits.models"]
    assert (asked.key.key_id, asked.key.title, asked.key.HasField("expire_time")) == ("k1", "two", False)
    assert (budget.budget.window, to_micros(budget.budget.limit)) == ("day", 0)


def test_a_secret_is_renewed() -> None:
    """The new one comes first; how long the old one lives is said."""
    answer = admin_pb2.RotateKeyResponse(key=admin_pb2.Key(key_id="k1"), secret="hel_k1_y")
    output, (asked,) = played(typed("keys rotate k1 --overlap 2h"), (KEYS, "RotateKey", answer))
    assert (asked.key_id, asked.overlap.seconds) == ("k1", 7200)
    assert output.startswith("hel_k1_y\n")
    assert "7200 s more" in output


def test_keys_show_their_limits_and_ends() -> None:
    """In a few words; one whose time is over is expired."""
    keys = [
        admin_pb2.Key(key_id="k1", limits={"requests_per_minute": 60, "models": ["flux"]}),
        admin_pb2.Key(key_id="k2", expire_time=Timestamp(seconds=86_400), title="old"),
    ]
    output, _ = played(typed("keys list"), (KEYS, "ListKeys", admin_pb2.ListKeysResponse(keys=keys)))
    first, second = output.splitlines()[1:]
    assert "60 requests/min; models flux" in first
    assert second.split()[:2] == ["k2", "expired"]
    assert "1970-01-02 00:00" in second


def test_budgets_are_shown_and_set() -> None:
    """What is spent, reserved and left, and when the window begins anew."""
    balance = ledger_pb2.Balance(
        window="day", limit=to_money(900_000), spent=to_money(500_000), reserved=to_money(150_000),
        reset_time=Timestamp(seconds=86_400),
    )  # fmt: skip
    budget = admin_pb2.Budget(window="day", limit=to_money(900_000), balance=balance)
    listed = (KEYS, "ListBudgets", admin_pb2.ListBudgetsResponse(budgets=[budget]))
    output, (asked, _) = played(
        typed("keys budgets --budget-day 0.9"), (KEYS, "SetBudget", admin_pb2.SetBudgetResponse()), listed
    )
    assert (asked.budget.key_id, to_micros(asked.budget.limit)) == ("", 900_000)
    assert output.splitlines()[1].split() == [
        "all", "keys", "day", "0.900000", "0.500000", "0.150000", "0.250000", "1970-01-02", "00:00",
    ]  # fmt: skip
    assert "No budgets" in played(typed("keys budgets k9"), NO_BUDGETS)[0]


@pytest.mark.parametrize(
    "line",
    [
        "keys create --expires soon",
        "keys create --budget-day -1",
        "keys create --keep-media 1w",
        "keys rotate k --overlap x",
    ],
)
def test_what_cannot_be_read_is_not_sent(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With a sentence that says how to write it."""
    with pytest.raises(SystemExit):
        typed(line)
    assert "write" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "micros"), [("0", 0), ("12.5", 12_500_000), ("0.000001", 1), ("none", 0)])
def test_dollars_are_read(text: str, micros: int) -> None:
    """To the micro-dollar."""
    assert keys_cli.dollars(text) == micros


def test_usage_is_shown_by_group() -> None:
    """As a table; the filter goes along."""
    row = ledger_pb2.UsageRow(
        group=["k1", "flux"], request_count=8, success_count=6, image_count=7, cost=to_money(18_000)
    )
    output, (asked,) = played(
        typed("admin usage --days 7 --provider fal --tag team:art --state failed"),
        (KEYS, "GetTotalUsage", admin_pb2.GetTotalUsageResponse(rows=[row])),
    )
    head, shown = output.splitlines()
    assert head.split()[:3] == ["KEY", "MODEL", "REQUESTS"]
    assert shown.split() == ["k1", "flux", "8", "75.0%", "7", "0.018000", "0.000000"]
    assert (list(asked.group_by), asked.filter.provider, dict(asked.filter.tags)) == (
        ["key", "model"],
        "fal",
        {"team": "art"},
    )
    assert asked.filter.state == ledger_pb2.REQUEST_STATE_FAILED


def listed(count: int, token: str = "", **totals: Any) -> tuple[Any, str, Any]:
    """A scripted page."""
    good = ledger_pb2.REQUEST_STATE_SUCCEEDED
    rows = [
        ledger_pb2.Request(
            request_id=f"req_{n}",
            state=good,
            key_id="k1",
            model="=1+1",
            cost=to_money(3000),
        )
        for n in range(count)
    ]
    return KEYS, "ListAllRequests", admin_pb2.ListAllRequestsResponse(requests=rows, next_page_token=token, **totals)


def test_requests_are_shown_with_what_they_come_to() -> None:
    """Page by page, sums asked for once; as CSV no cell is a formula."""
    totals = {"total_count": 900, "success_count": 3, "ended_count": 4, "total_cost": to_money(2_000_000)}
    pages = (listed(100, "t", **totals), listed(50))
    output, asked = played(typed("admin requests --count 150"), *pages)
    assert len(output.splitlines()) == 1 + 150 + 2
    assert output.splitlines()[-1] == "900 match, 75.0% succeeded; they cost 2.000000 USD, 0.000000 USD are reserved."
    assert [(each.page_size, each.page_token, each.rows_only) for each in asked] == [(100, "", False), (50, "t", True)]
    output, _ = played(typed("admin requests --count 2 --csv"), listed(2))
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [(row["ID"], row["MODEL"], row["STATE"]) for row in rows] == [
        ("req_0", "'=1+1", "succeeded"),
        ("req_1", "'=1+1", "succeeded"),
    ]
