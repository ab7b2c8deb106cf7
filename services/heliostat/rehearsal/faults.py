"""Faults as steps of an emulator's script, and steps read as faults. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.sandbox.v1 import sandbox_pb2
from heliostat.chassis.errors import MeshError

_USUAL_WAIT_S = 5
_MOST_WAIT_S = 3600
_RETRY_AFTER = "retry-after"

Steps = list[dict[str, Any]]


def steps_of(fault: sandbox_pb2.Fault) -> Steps:
    """The script that brings a fault about. Raises INVALID_FIELD for a kind that cannot be asked for, or a wait that
    is no time up to an hour."""
    wait_s = _wait_s(fault)
    match fault.kind:
        case sandbox_pb2.FAULT_KIND_DOWN:
            return [{"status": 503}]
        case sandbox_pb2.FAULT_KIND_RATE_LIMITED:
            return [{"status": 429, "headers": {_RETRY_AFTER: str(max(1, round(wait_s)))}}]
        case sandbox_pb2.FAULT_KIND_SLOW:
            return [{"delay_s": wait_s}]
        case sandbox_pb2.FAULT_KIND_GARBAGE:
            return [{"garbage": True}]
        case sandbox_pb2.FAULT_KIND_EXPIRED_LINK:
            return [{"path": "file", "status": 403}]
    raise MeshError(
        reasons.ERROR_REASON_INVALID_FIELD,
        "A provider can be down, rate limited, slow, send garbage or links that have expired; choose one.",
        field="fault.kind",
    )


def fault_of(steps: Sequence[Mapping[str, Any]]) -> sandbox_pb2.Fault | None:
    """The fault behind a script; None for an empty one."""
    if not steps:
        return None
    fault = sandbox_pb2.Fault(kind=sandbox_pb2.FAULT_KIND_SCRIPTED)
    match list(steps):
        case [{"status": 503, **rest}] if not rest:
            fault.kind = sandbox_pb2.FAULT_KIND_DOWN
        case [{"status": 429, "headers": {"retry-after": str(after)}, **rest}] if not rest and after.isdecimal():
            fault.kind = sandbox_pb2.FAULT_KIND_RATE_LIMITED
            fault.wait.CopyFrom(_duration(int(after)))
        case [{"delay_s": delay, **rest}] if not rest:
            fault.kind = sandbox_pb2.FAULT_KIND_SLOW
            fault.wait.CopyFrom(_duration(float(delay)))
        case [{"garbage": True, **rest}] if not rest:
            fault.kind = sandbox_pb2.FAULT_KIND_GARBAGE
        case [{"path": "file", "status": 403, **rest}] if not rest:
            fault.kind = sandbox_pb2.FAULT_KIND_EXPIRED_LINK
    return fault


def _wait_s(fault: sandbox_pb2.Fault) -> float:
    wait_s = fault.wait.seconds + fault.wait.nanos / 1e9 if fault.HasField("wait") else _USUAL_WAIT_S
    if not 0 < wait_s <= _MOST_WAIT_S:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"fault.wait is more than nothing and at most {_MOST_WAIT_S} seconds; send another one, or none.",
            field="fault.wait",
        )
    return wait_s


def _duration(seconds: float) -> Duration:
    told = Duration()
    told.FromMicroseconds(round(seconds * 1e6))
    return told
