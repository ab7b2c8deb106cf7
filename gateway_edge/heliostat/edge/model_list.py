"""GET /v1/models and /v1/models/{id}: what can be asked for, in OpenAI's shape with ours beside it."""

import difflib
from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request

from heliostat.api.image.v1 import capability_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.from_proto import usd
from heliostat.edge.visit import Reply, visit_of

_OPERATION = "OPERATION_"
_UNIT = "PRICE_UNIT_"


class ModelList:
    """Lists the models that are served."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def models(self, request: Request) -> Reply:
        """All models."""
        found = await self._ask(request, "")
        return Reply(200, [orjson.dumps({"object": "list", "data": [model_body(model) for model in found]})])

    async def model(self, request: Request) -> Reply:
        """One model, by its name or an alias. Raises MODEL_NOT_FOUND, with what may have been meant."""
        name: str = request.path_params["id"]
        found = await self._ask(request, name)
        if not found:
            raise not_found(name, await self._ask(request, ""))
        return Reply(200, [orjson.dumps(model_body(found[0]))])

    async def _ask(self, request: Request, name: str) -> Sequence[router_pb2.Model]:
        ask = router_pb2.ListModelsRequest(model=name)
        metadata = visit_of(request).credentials()
        answer = await call(self._desk.router.ListModels, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
        models: Sequence[router_pb2.Model] = answer.models
        return models


def not_found(name: str, models: Sequence[router_pb2.Model]) -> MeshError:
    """The error about a model that nobody serves."""
    known = [known for model in models for known in (model.name, *model.aliases)]
    near = difflib.get_close_matches(name[:128], known, n=1)
    advice = f"did you mean {near[0]}?" if near else "GET /v1/models lists what is served."
    return MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, f"There is no model of that name; {advice}", field="model")


def model_body(model: router_pb2.Model) -> dict[str, Any]:
    """A model as OpenAI lists it, with aliases, capabilities, targets and prices beside."""
    body: dict[str, Any] = {
        "id": model.name,
        "object": "model",
        "created": model.create_time_seconds,
        "owned_by": model.creator or "heliostat",
    }
    if model.description:
        body["description"] = model.description
    body["aliases"] = list(model.aliases)
    body["capabilities"] = sorted({word for target in model.targets for word in _operations(target.capability)})
    body["available"] = any(target.available for target in model.targets)
    body["targets"] = [_target(target) for target in model.targets]
    return body


def _operations(capability: capability_pb2.Capability) -> list[str]:
    return [_word(capability_pb2.Operation, operation, _OPERATION) for operation in capability.operations]


def _target(target: router_pb2.ModelTarget) -> dict[str, Any]:
    return {
        "target": target.target,
        "provider": target.provider,
        "priority": target.priority,
        "weight": target.weight,
        "available": target.available,
        "prices": [_price(price) for price in target.capability.prices],
    }


def _price(price: capability_pb2.Price) -> dict[str, Any]:
    return {
        "per": _word(capability_pb2.PriceUnit, price.unit, _UNIT),
        "usd": usd(price.amount),
        "billable": price.billable or "output",
        "variant": price.variant or None,
    }


def _word(enum: Any, value: int, prefix: str) -> str:
    """The enum's name in lower case; a number that this version does not know as itself."""
    try:
        return str(enum.Name(value)).removeprefix(prefix).lower()
    except ValueError:
        return str(value)
