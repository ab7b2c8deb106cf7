"""The operators' commands for routing: what they ask, and what they write on a terminal."""

import argparse
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.money import to_money
from heliostat.launch import routing_cli
from tests.support.scripted_channel import TARGETS, played

FAL = "fal/fal-ai/flux/schnell"


def target(**values: Any) -> admin_pb2.Target:
    """A target that is well."""
    values.setdefault("admin_state", admin_pb2.ADMIN_STATE_ENABLED)
    values.setdefault("health_state", admin_pb2.HEALTH_STATE_HEALTHY)
    return admin_pb2.Target(**{"name": FAL, "route": "flux-schnell", "weight": 1, **values})


def parsed(*words: str) -> argparse.Namespace:
    """A command line below `admin`."""
    parser = argparse.ArgumentParser()
    routing_cli.add_commands(parser.add_subparsers())
    return parser.parse_args(words)


def run(*words: str, answers: list[tuple[str, Any]], metadata: Any = None) -> tuple[str, list[Any]]:
    """Runs a command line; gives its output and what it asked."""
    given = parsed(*words)
    scripted = [(TARGETS, method, answer) for method, answer in answers]
    return played(lambda channel: str(given.admin(channel, given)), *scripted, metadata=metadata)


def columns(output: str, line: int = 1) -> dict[str, str]:
    """One row of a table by its head."""
    lines = output.splitlines()
    starts = [lines[0].index(name) for name in routing_cli.HEAD]
    ends = [*starts[1:], None]
    cells = (lines[line][start:end].strip() for start, end in zip(starts, ends, strict=True))
    return dict(zip(routing_cli.HEAD, cells, strict=True))


def test_targets_say_how_they_fare() -> None:
    """One line per target: what was changed is marked, what is out says why and for how long."""
    paused = target(
        priority=2,
        weight=0.5,
        overridden=True,
        health_state=admin_pb2.HEALTH_STATE_PAUSED,
        return_time=Timestamp(seconds=1_800_000_007),
        in_flight_count=3,
        success_ratio=0.75,
        p50_seconds=1.25,
        p95_seconds=4,
        why_out="It asked to slow down.",
    )
    output = routing_cli.shown([paused, target(name="b/x")], 1_800_000_000)
    assert columns(output) == {
        "ROUTE": "flux-schnell",
        "TARGET": FAL,
        "PRIORITY": "2",
        "WEIGHT": "0.5",
        "ADMIN": "enabled*",
        "HEALTH": "paused",
        "BACK IN": "7 s",
        "IN FLIGHT": "3",
        "OK": "75%",
        "P50": "1.25 s",
        "P95": "4.00 s",
        "WHY OUT": "It asked to slow down.",
    }
    assert columns(output, 2)["OK"] == ""
    assert "--clear" in output.splitlines()[-1]


def test_no_targets_are_said() -> None:
    """An empty table would look like a fault."""
    nothing = [("ListTargets", admin_pb2.ListTargetsResponse())]
    assert run("targets", answers=nothing)[0].startswith("No targets.")
    assert run("targets", "m", answers=nothing)[0].startswith('There is no route "m"')


@pytest.mark.parametrize(
    ("words", "paths", "asked"),
    [
        (("set", "m", FAL, "--weight", "0"), ["weight"], target(route="m", weight=0)),
        (("set", FAL, "--weight", "0.25", "--priority", "1"), ["priority", "weight"], {"weight": 0.25, "priority": 1}),
        (("set", FAL, "--state", "disabled"), ["admin_state"], {"admin_state": admin_pb2.ADMIN_STATE_DISABLED}),
        (("drain", FAL), ["admin_state"], {"admin_state": admin_pb2.ADMIN_STATE_DRAINING}),
        (("undrain", "m", FAL), ["admin_state"], {"route": "m", "admin_state": admin_pb2.ADMIN_STATE_ENABLED}),
        (("set", "m", FAL, "--clear"), [], {"route": "m"}),
    ],
    ids=["weight", "several", "state", "drain", "undrain", "clear"],
)
def test_changes_ask_for_what_was_said_and_nothing_else(words: tuple[str, ...], paths: list[str], asked: Any) -> None:
    """A value that was not given is not in the mask; without a route all are meant."""
    metadata: list[dict[str, str]] = []
    answer = admin_pb2.UpdateTargetResponse(targets=[target()])
    output, (request,) = run(*words, answers=[("UpdateTarget", answer)], metadata=metadata)
    assert list(request.update_mask.paths) == paths
    assert request.clear_override is ("--clear" in words)
    if isinstance(asked, dict):
        asked = admin_pb2.Target(name=FAL, **asked)
    else:
        asked = admin_pb2.Target(name=asked.name, route=asked.route, weight=asked.weight)
    assert request.target == asked
    assert "@" in metadata[0][routing_cli.OPERATOR]
    assert columns(output)["TARGET"] == FAL


def test_the_last_target_of_a_route_is_warned_about() -> None:
    """It is done, and said what it means."""
    out = target(admin_state=admin_pb2.ADMIN_STATE_DRAINING)
    output, _ = run(
        *("drain", FAL),
        answers=[
            ("UpdateTarget", admin_pb2.UpdateTargetResponse(targets=[out])),
            ("ListTargets", admin_pb2.ListTargetsResponse(targets=[out, target(name="b/x", weight=0)])),
        ],
    )
    assert 'Route "flux-schnell" has no target left' in output


def test_a_reset_names_its_target() -> None:
    """And shows how it stands then."""
    answer = admin_pb2.ResetTargetResponse(targets=[target()])
    output, (request,) = run("reset", FAL, answers=[("ResetTarget", answer)])
    assert request.name == FAL
    assert columns(output)["HEALTH"] == "healthy"


def test_an_explanation_has_every_target_in_order() -> None:
    """With its price, or why it is out."""
    answer = admin_pb2.ExplainRequestResponse()
    first = answer.targets.add(target=FAL, weight=1)
    first.cost.amount.CopyFrom(to_money(3000))
    answer.targets.add(target="b/x", priority=1, weight=1, excluded_because="is draining, as an operator asked")
    output, (request,) = run("explain", "flux-schnell", answers=[("ExplainRequest", answer)])
    assert request.image.model == "flux-schnell"
    assert output.splitlines()[1].split() == ["1", FAL, "0", "1", "0.003", "eligible"]
    assert output.splitlines()[2].endswith("is draining, as an operator asked")


def test_changes_are_listed_page_by_page() -> None:
    """As many as were asked for, in one table."""
    change = admin_pb2.TargetChange(
        who="ann@ops", what="update", target=FAL, before="weight 1", after="weight 0", time=Timestamp(seconds=1)
    )
    output, requests = run(
        *("audit", FAL, "--most", "2"),
        answers=[
            ("ListTargetChanges", admin_pb2.ListTargetChangesResponse(changes=[change], next_page_token="7")),
            ("ListTargetChanges", admin_pb2.ListTargetChangesResponse(changes=[change], next_page_token="6")),
        ],
    )
    assert [(request.target, request.page_size, request.page_token) for request in requests] == [
        (FAL, 2, ""),
        (FAL, 1, "7"),
    ]
    lines = output.splitlines()
    assert lines[1].split() == [
        "1970-01-01",
        "00:00:01",
        "ann@ops",
        "update",
        "all",
        FAL,
        *["weight", "1", "weight", "0"],
    ]
    assert len(lines) == 3


def test_watching_writes_lines_as_they_come() -> None:
    """All targets first, then events and changes."""
    first = admin_pb2.WatchTargetsResponse(targets=[target()])
    later = admin_pb2.WatchTargetsResponse(
        targets=[target(health_state=admin_pb2.HEALTH_STATE_EJECTED, why_out="It failed 5 times in a row.")],
        events=[admin_pb2.OperatorEvent(kind="ejected", target=FAL, message="It failed 5 times in a row.")],
    )
    written: list[str] = []
    output, (request,) = played(
        lambda channel: routing_cli.watch(channel, "m", None, written.append), (TARGETS, "WatchTargets", [first, later])
    )
    assert output == ""
    assert request.route == "m"
    assert columns(written[0])["HEALTH"] == "healthy"
    assert f"ejected           {FAL}: It failed 5 times in a row." in written[1]
    assert f"flux-schnell {FAL}: ejected; priority 0, weight 1, enabled" in written[2]
