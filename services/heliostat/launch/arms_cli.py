"""`heliostat admin arms` and `heliostat admin explain req_…`: what the ledger remembers of the router's choices."""

import argparse
import time

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import admin_pb2, admin_pb2_grpc, ledger_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.chassis.money import to_micros, usd
from heliostat.launch.ranges import above_zero
from heliostat.launch.tables import table

_TIMEOUT_S = 30.0
HEAD = ("TARGET", "WEIGHT", "REQUESTS", "OK", "RESCUED", "ATTEMPTS", "IMAGES", "P50", "P95", "COST USD")


def arms(channel: grpc.Channel, model: str, hours: float, key_id: str) -> str:
    """How the targets of a model fared in the last `hours` hours, for everybody or for one key."""
    stub = admin_pb2_grpc.LedgerAdminServiceStub(channel)
    end = Timestamp()
    end.FromMilliseconds(int(time.time() * 1000))
    begin = Timestamp()
    begin.FromMilliseconds(end.ToMilliseconds() - int(hours * 3_600_000))
    request = admin_pb2.GetAllArmsRequest(model=model, start_time=begin, end_time=end, key_id=key_id)
    answer = stub.GetAllArms(request, timeout=_TIMEOUT_S)
    rows = [_row(arm) for arm in answer.arms]
    if not any(arm.attempt_count for arm in answer.arms):
        return table(HEAD, rows) + "\n\nNothing was asked of them in this time."
    return table(HEAD, rows)


def _row(arm: ledger_pb2.Arm) -> tuple[str, ...]:
    ok = f"{arm.success_count / arm.request_count:.1%}" if arm.request_count else ""
    return (
        arm.target,
        f"{arm.weight:g}",
        str(arm.request_count),
        ok,
        str(arm.rescued_count),
        str(arm.attempt_count),
        str(arm.image_count),
        _seconds(arm.p50_duration) if arm.HasField("p50_duration") else "",
        _seconds(arm.p95_duration) if arm.HasField("p95_duration") else "",
        f"{usd(to_micros(arm.cost)):.4f}",
    )


def _seconds(duration: Duration) -> str:
    return f"{duration.seconds + duration.nanos / 1e9:.2f} s"


def explain_past(channel: grpc.Channel, request_id: str) -> str:
    """What was decided for a request of the past, and how each attempt ended."""
    return told_past(past(channel, request_id))


def past(channel: grpc.Channel, request_id: str) -> admin_pb2.GetDecisionsResponse:
    """A request of the past with the decisions before its attempts."""
    stub = admin_pb2_grpc.LedgerAdminServiceStub(channel)
    request = admin_pb2.GetDecisionsRequest(request_id=request_id)
    answer: admin_pb2.GetDecisionsResponse = stub.GetDecisions(request, timeout=_TIMEOUT_S)
    return answer


def told_past(answer: admin_pb2.GetDecisionsResponse) -> str:
    """A request of the past in words. Pure."""
    attempts = {each.attempt_id: each for each in answer.request.attempts}
    asked = [attempts[each.attempt_id] for each in answer.decisions if each.attempt_id in attempts]
    parts = [
        table(
            ("#", "TARGET", "ENDED", "BILLED", "TOOK"),
            [
                (str(place), attempt.target, _ended(attempt), _billed(attempt), _took(attempt))
                for place, attempt in enumerate(asked, 1)
            ],
        )
    ]
    for place, each in enumerate(answer.decisions, 1):
        if each.HasField("decision"):
            target = attempts[each.attempt_id].target if each.attempt_id in attempts else ""
            parts.append(_told(each.decision, target, f"Before attempt {place}"))
    return "\n\n".join(parts)


def _told(decision: event_pb2.Decision, chosen: str, when: str) -> str:
    cohort = ", a cohort's" if decision.sticky else ""
    head = f'{when}: route "{decision.route}", draw {decision.draw:.4f}{cohort}'
    rows: list[tuple[str, ...]] = [
        (
            candidate.target,
            str(candidate.priority),
            f"{candidate.weight:g}",
            candidate.excluded_because or ("chosen" if candidate.target == chosen else "eligible"),
            f"{candidate.measure:g}" if candidate.HasField("measure") else "",
        )
        for candidate in decision.candidates
    ]
    names: tuple[str, ...] = ("TARGET", "PRIORITY", "WEIGHT", "WHY", "SORTED BY")
    if not any(candidate.HasField("measure") for candidate in decision.candidates):
        names, rows = names[:-1], [row[:-1] for row in rows]
    return f"{head}\n{table(names, rows)}"


def _ended(attempt: event_pb2.Attempt) -> str:
    if attempt.HasField("status"):
        return reason_name(from_status(attempt.status).reason)
    return "delivered" if attempt.outcome == event_pb2.OUTCOME_DELIVERED else "under way"


def _billed(attempt: event_pb2.Attempt) -> str:
    return event_pb2.Billed.Name(attempt.billed).removeprefix("BILLED_").lower().replace("unspecified", "")


def _took(attempt: event_pb2.Attempt) -> str:
    return _seconds(attempt.duration) if attempt.HasField("duration") else ""


def add_commands(admin: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `arms` to `heliostat admin`."""
    told = admin.add_parser("arms", help="how the targets of a model fared: requests, success, durations, cost")
    told.add_argument("model")
    told.add_argument("--hours", type=above_zero(744), default=24.0, help="how far back; at most 744")
    told.add_argument("--key", default="", help="only requests of this key")
    told.set_defaults(admin=lambda channel, given: arms(channel, given.model, given.hours, given.key))
