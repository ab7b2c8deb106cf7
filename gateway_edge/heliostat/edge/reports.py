"""GET /v1/providers and /v1/routes/{model}/arms: how providers fare, and how a split between targets went."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.from_proto import usd
from heliostat.edge.visit import Reply, visit_of

_PROVIDER = "PROVIDER_STATUS_"
_TARGET = "TARGET_STATUS_"


class Reports:
    """Tells callers how things go."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def providers(self, request: Request) -> Reply:
        """All providers with the state of their targets."""
        answer = await call(
            self._desk.router.ListProviders,
            router_pb2.ListProvidersRequest(),
            timeout_s=SMALL_CALL_S,
            metadata=visit_of(request).credentials(),
        )
        return Reply(200, [orjson.dumps({"object": "list", "data": [_provider(each) for each in answer.providers]})])

    async def arms(self, request: Request) -> Reply:
        """The caller's own requests of a model, by target. Raises MODEL_NOT_FOUND, INVALID_FIELD."""
        ask = ledger_pb2.GetArmsRequest(model=request.path_params["model"])
        for name in ("start_time", "end_time"):
            text = request.query_params.get(name)
            if text:
                getattr(ask, name).CopyFrom(time_of(text, name))
        answer = await call(
            self._desk.ledger.GetArms, ask, timeout_s=SMALL_CALL_S, metadata=visit_of(request).credentials()
        )
        body = {
            "object": "list",
            "route": answer.route,
            "start_time": _iso(answer.start_time),
            "end_time": _iso(answer.end_time),
            "currency": "USD",
            "data": [_arm(each) for each in answer.arms],
        }
        return Reply(200, [orjson.dumps(body)])


def time_of(text: str, field: str) -> Timestamp:
    """A time as a query writes it: RFC 3339, UTC where it names no zone, or seconds since the epoch. Pure.

    Raises INVALID_FIELD.
    """
    made = Timestamp()
    try:
        if text.isascii() and text.isdecimal():
            moment = datetime.fromtimestamp(int(text), UTC)
        else:
            # A plus sign that was not escaped has become a space.
            moment = datetime.fromisoformat(text.replace(" ", "+"))
        made.FromDatetime(moment if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"{field} is a time such as 2026-11-30T12:00:00Z, or seconds since 1970; send one of them.",
            field=field,
        ) from None
    return made


def _provider(provider: router_pb2.Provider) -> dict[str, Any]:
    return {
        "id": provider.name,
        "object": "provider",
        "provider": provider.provider,
        "status": _word(router_pb2.ProviderStatus, provider.status, _PROVIDER),
        **_pulse(provider.pulse),
        "targets": [_target(each) for each in provider.targets],
    }


def _target(target: router_pb2.ProviderTarget) -> dict[str, Any]:
    return {
        "target": target.target,
        "account": target.account or None,
        "models": list(target.models),
        "status": _word(router_pb2.TargetStatus, target.status, _TARGET),
        "because": target.because or None,
        "returns_at": _iso(target.return_time) if target.HasField("return_time") else None,
        **_pulse(target.pulse),
    }


def _pulse(pulse: router_pb2.Pulse) -> dict[str, Any]:
    return {
        "calls": pulse.call_count,
        "success_rate": _rounded(pulse, "success_ratio"),
        "p50_seconds": _rounded(pulse, "p50_seconds"),
        "p95_seconds": _rounded(pulse, "p95_seconds"),
    }


def _rounded(pulse: router_pb2.Pulse, name: str) -> float | None:
    return round(getattr(pulse, name), 4) if pulse.HasField(name) else None


def _arm(arm: ledger_pb2.Arm) -> dict[str, Any]:
    return {
        "target": arm.target,
        "priority": arm.priority,
        "weight": arm.weight,
        "requests": arm.request_count,
        "succeeded": arm.success_count,
        "rescued": arm.rescued_count,
        "success_rate": round(arm.success_count / arm.request_count, 4) if arm.request_count else None,
        "attempts": arm.attempt_count,
        "delivered": arm.delivered_count,
        "images": arm.image_count,
        "cost": usd(arm.cost),
        "p50_seconds": _seconds(arm.p50_duration) if arm.HasField("p50_duration") else None,
        "p95_seconds": _seconds(arm.p95_duration) if arm.HasField("p95_duration") else None,
    }


def _seconds(duration: Duration) -> float:
    return round(duration.seconds + duration.nanos / 1e9, 4)


def _iso(time: Timestamp) -> str:
    return datetime.fromtimestamp(time.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _word(enum: Any, value: int, prefix: str) -> str:
    """The enum's name in lower case; a number that this version does not know as itself."""
    known: Sequence[int] = enum.values()
    return str(enum.Name(value)).removeprefix(prefix).lower() if value in known else str(value)
