"""`?dryRun=true` on a request for pictures: checked and priced for every target, asked of none, charged to nobody."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pybase64
from google.type.money_pb2 import Money
from starlette.requests import Request

from heliostat.api.image.v1 import event_pb2, media_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.money import to_micros
from heliostat.chassis.signatures import media_type_of
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.from_proto import adjustment_of, milliseconds, usd
from heliostat.edge.inputs import Input
from heliostat.edge.schemas import ImageBody, invalid
from heliostat.edge.visit import Reply, visit_of

_FIELD, _PREVIEW = "dryRun", "maskPreview"
_YES, _NO = frozenset({"true", "1", ""}), frozenset({"false", "0"})


def is_dry_run(request: Request) -> bool:
    """Whether the query asks for a price instead of pictures. Raises INVALID_FIELD for what is neither yes nor no."""
    return _is_wished(request, _FIELD)


def _is_wished(request: Request, field: str) -> bool:
    query: bytes = request.scope["query_string"]
    if field.lower().encode() not in query.lower():
        return False
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name.lower() == field.lower():
            if value.lower() not in _YES | _NO:
                raise invalid(field, f"{field} must be true or false.")
            return value.lower() in _YES
    return False


def without_bytes(inputs: Sequence[Input]) -> list[media_pb2.Media]:
    """Pictures too large to travel inside of a question: nothing is stored for it, their sizes count as unknown."""
    return [_without_bytes(each) for each in inputs]


def _without_bytes(given: Input) -> media_pb2.Media:
    if given.file_id:
        return media_pb2.Media(file_id=given.file_id)
    return media_pb2.Media(uri=given.url) if given.url else media_pb2.Media(media_type=media_type_of(given.data))


async def priced(desk: Desk, request: Request, body: ImageBody, image: request_pb2.ImageRequest) -> Reply:
    """What every target would charge and change, in the order in which they would be asked. Raises MODEL_NOT_FOUND."""
    answer = await call(
        desk.router.Estimate,
        router_pb2.EstimateRequest(image=image, mask_preview=_is_wished(request, _PREVIEW)),
        timeout_s=SMALL_CALL_S,
        metadata=visit_of(request).credentials(),
    )
    return Reply(200, [orjson.dumps(estimate_body(answer, body.model))])


def estimate_body(answer: router_pb2.EstimateResponse, model: str) -> dict[str, Any]:
    """The estimate of the target that would be asked first, flat and under `metadata`, and those of all. Pure."""
    first = next((each for each in answer.targets if not each.excluded_because), router_pb2.TargetEstimate())
    return {
        "object": "image.estimate",
        "estimated": True,
        "model": model,
        "executed_model": first.target or None,
        "provider": first.provider or None,
        **_cost(first.cost),
        "metadata": {
            "model": model,
            "executed_model": first.target or None,
            "provider": first.provider or None,
            "cost": _usd(first.cost),
            "cost_currency": "USD",
            "cost_source": "estimated" if first.cost.HasField("amount") else None,
            "price_version": first.cost.price_version or None,
            "adjustments": [adjustment_of(each) for each in first.adjustments],
        },
        **_preview(first),
        "route": answer.route,
        "targets": [_target(each) for each in answer.targets],
    }


def _preview(first: router_pb2.TargetEstimate) -> dict[str, str]:
    """The mask as it is understood, as a data URL, where it was asked for."""
    if not first.mask_preview:
        return {}
    return {"mask_preview": f"data:image/png;base64,{pybase64.b64encode_as_string(first.mask_preview)}"}


def _target(target: router_pb2.TargetEstimate) -> dict[str, Any]:
    return {
        "target": target.target,
        "provider": target.provider,
        "eligible": not target.excluded_because,
        "excluded_because": target.excluded_because or None,
        "priority": target.priority,
        "weight": target.weight,
        "calls": target.call_count,
        "cost": _usd(target.cost),
        **_cost(target.cost),
        "price_version": target.cost.price_version or None,
        "duration_ms": milliseconds(target.duration) if target.HasField("duration") else None,
        "adjustments": [adjustment_of(each) for each in target.adjustments],
    }


def _cost(cost: event_pb2.Cost) -> dict[str, Any]:
    return {
        "total_cost_micros": to_micros(cost.amount) if cost.HasField("amount") else None,
        "currency": "USD",
        "components": [_component(each) for each in cost.components],
    }


def _component(part: event_pb2.CostComponent) -> dict[str, Any]:
    return {
        "type": part.type,
        "metric": part.metric,
        "quantity": _number(part.quantity),
        "billable_quantity": _number(part.billable_quantity),
        "unit_price": _number(_exact_micros(part.unit_price)),
        "total_cost": to_micros(part.total),
    }


def _exact_micros(amount: Money) -> float:
    """Micro-dollars with their fraction: a token costs less than a whole one."""
    micros: float = amount.units * 1e6 + amount.nanos / 1e3
    return micros


def _number(value: float) -> float | int:
    return int(value) if value.is_integer() else round(value, 6)


def _usd(cost: event_pb2.Cost) -> float | None:
    return usd(cost.amount) if cost.HasField("amount") else None
