"""How long a caller stays with its request, and under which key it asks. Pure, but for the metadata of the call."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import current_call
from heliostat.chassis.errors import MeshError

IDEMPOTENCY_KEY = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Stay:
    """`wait_s`: seconds that a caller stays; None: to the end. `by_key`: because its key says so."""

    wait_s: float | None
    by_key: bool = False


def stay_of(request: router_pb2.GenerateRequest, key: admin_pb2.Key) -> Stay:
    """What the caller says; where it says nothing, what its key says, but not longer than whoever asks for it waits."""
    asked_s, own_s = seconds(request, "wait"), seconds(key, "default_wait")
    if own_s is not None and (asked_s is None or (request.wait_is_default and own_s < asked_s)):
        return Stay(own_s, by_key=True)
    return Stay(asked_s)


def detached(request_id: str, stay: Stay) -> event_pb2.ImageEvent:
    """The event that ends a stay while the work goes on."""
    gone = event_pb2.Detached(request_id=request_id, wished_by_key=stay.by_key)
    return event_pb2.ImageEvent(detached=gone)


def take_key_of(request: router_pb2.GenerateRequest) -> None:
    """Takes an idempotency key that came as metadata into the request. Raises INVALID_FIELD where the two disagree."""
    incoming = current_call()
    key = incoming.metadata.get(IDEMPOTENCY_KEY, "") if incoming is not None else ""
    if not key or key == request.idempotency_key:
        return
    if request.idempotency_key:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            "The metadata idempotency-key and the field idempotency_key disagree; send one of them.",
            field="idempotency_key",
        )
    request.idempotency_key = key


def seconds(message: Any, field: str) -> float | None:
    """A Duration field in seconds; None where it is absent."""
    if not message.HasField(field):
        return None
    duration: Duration = getattr(message, field)
    return duration.seconds + duration.nanos / 1e9
