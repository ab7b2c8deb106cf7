"""Operators' reports of what the ledger remembers, held against the contract by grpcio-testing."""

import time

from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.chassis.errors import MeshError, to_status
from heliostat.chassis.money import to_money
from heliostat.launch import arms_cli, routing_cli
from tests.support.scripted_channel import KEYS, played


def test_arms_are_a_table() -> None:
    """Shares, successes, durations and cost by target; the window is asked for in hours."""
    answer = admin_pb2.GetAllArmsResponse(
        route="flux-schnell",
        arms=[
            ledger_pb2.Arm(
                target="fal/x",
                weight=9,
                request_count=200,
                success_count=199,
                rescued_count=1,
                attempt_count=201,
                image_count=210,
                cost=to_money(630_000),
                p50_duration=Duration(nanos=310_000_000),
                p95_duration=Duration(seconds=1),
            ),
            ledger_pb2.Arm(target="compat/y", weight=1),
        ],
    )
    output, requests = played(
        lambda channel: arms_cli.arms(channel, "flux-schnell", 2, "k1"), (KEYS, "GetAllArms", answer)
    )
    head, first, second = output.splitlines()
    assert head.split() == " ".join(arms_cli.HEAD).split()
    assert first.split() == ["fal/x", "9", "200", "99.5%", "1", "201", "210", "0.31", "s", "1.00", "s", "0.6300"]
    assert second.split() == ["compat/y", "1", "0", "0", "0", "0", "0.0000"]
    (asked,) = requests
    assert (asked.model, asked.key_id) == ("flux-schnell", "k1")
    assert asked.end_time.seconds - asked.start_time.seconds == 7200
    assert abs(asked.end_time.seconds - time.time()) < 60


def test_arms_without_traffic_say_so() -> None:
    """An empty report is no broken one."""
    answer = admin_pb2.GetAllArmsResponse(arms=[ledger_pb2.Arm(target="fal/x", weight=1)])
    output, _ = played(lambda channel: arms_cli.arms(channel, "m", 24, ""), (KEYS, "GetAllArms", answer))
    assert output.endswith("Nothing was asked of them in this time.")


def past() -> admin_pb2.GetDecisionsResponse:
    """A request that failed over once; its second attempt was chosen anew, the third by the same decision."""
    down = to_status(MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down."))
    answer = admin_pb2.GetDecisionsResponse()
    attempts = answer.request.attempts
    attempts.add(attempt_id="r/0/1", target="fal/x", status=down, billed=event_pb2.BILLED_NO)
    attempts[0].duration.FromMilliseconds(40)
    attempts.add(
        attempt_id="r/0/2",
        target="compat/y",
        outcome=event_pb2.OUTCOME_DELIVERED,
        billed=event_pb2.BILLED_YES,
    )
    attempts.add(attempt_id="r/0/3", target="compat/z")
    first = answer.decisions.add(attempt_id="r/0/1").decision
    first.route, first.draw = "flux-schnell", 0.25
    first.candidates.add(target="fal/x", weight=9)
    first.candidates.add(target="compat/y", weight=1)
    second = answer.decisions.add(attempt_id="r/0/2").decision
    second.route, second.draw, second.sticky = "flux-schnell", 0.5, True
    second.candidates.add(target="fal/x", weight=9, excluded_because="was asked before in this request")
    second.candidates.add(target="compat/y", weight=1, measure=0.003)
    answer.decisions.add(attempt_id="r/0/3")
    return answer


def test_a_request_of_the_past_is_explained() -> None:
    """How each attempt ended, and each decision once: the candidates, who was out and why, what was drawn."""
    output, requests = played(lambda channel: routing_cli.explain(channel, "req_past"), (KEYS, "GetDecisions", past()))
    assert [request.request_id for request in requests] == ["req_past"]
    attempts, first, second = output.split("\n\n")
    assert [line.split() for line in attempts.splitlines()[1:]] == [
        ["1", "fal/x", "provider_unavailable", "no", "0.04", "s"],
        ["2", "compat/y", "delivered", "yes"],
        ["3", "compat/z", "under", "way"],
    ]
    assert first.splitlines()[0] == 'Before attempt 1: route "flux-schnell", draw 0.2500'
    assert [line.split()[-1] for line in first.splitlines()[2:]] == ["chosen", "eligible"]
    assert second.splitlines()[0].endswith("draw 0.5000, a cohort's")
    assert second.splitlines()[2].endswith("was asked before in this request")
    assert second.splitlines()[3].split() == ["compat/y", "0", "1", "chosen", "0.003"]
