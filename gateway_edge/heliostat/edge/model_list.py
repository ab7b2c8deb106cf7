"""GET /v1/models and /v1/models/{id}: what can be asked for, in OpenAI's shape with ours beside it."""

import difflib
from collections.abc import Mapping, Sequence
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
from heliostat.edge.llms_text import overview
from heliostat.edge.model_schema import model_schema
from heliostat.edge.visit import Reply, visit_of

_OPERATION = "OPERATION_"
_UNIT = "PRICE_UNIT_"
_WHOLE_UNITS = frozenset({"image", "megapixel", "request"})

CAPABILITIES = frozenset(name.removeprefix(_OPERATION).lower() for name in capability_pb2.Operation.keys()[1:]) | {
    "mask",
    "references",
    "previews",
    "seed",
    "transparency",
}


class ModelList:
    """Lists the models that are served."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def models(self, request: Request) -> Reply:
        """All models, or those with every capability of `capabilities` and a target at `provider`.

        Raises INVALID_FIELD for a capability that there is not.
        """
        wanted = _wanted(request.query_params.get("capabilities", ""))
        provider = request.query_params.get("provider", "")
        found = [model for model in await self._ask(request, "") if _offers(model, wanted, provider)]
        return Reply(200, [orjson.dumps({"object": "list", "data": [model_body(model) for model in found]})])

    async def model(self, request: Request) -> Reply:
        """One model, by its name or an alias; with `schema=true` the JSON Schema of what it takes.

        Raises MODEL_NOT_FOUND, with what may have been meant.
        """
        name: str = request.path_params["id"]
        found = await self._ask(request, name)
        if not found:
            raise not_found(name, await self._ask(request, ""))
        if request.query_params.get("schema", "").lower() in ("true", "1"):
            return Reply(200, [orjson.dumps(model_schema(found[0]))], "application/schema+json")
        return Reply(200, [orjson.dumps(model_body(found[0]))])

    async def overview(self, request: Request) -> Reply:
        """llms.txt: what is served, in plain words for programs that read."""
        models = await self._ask(request, "")
        return Reply(200, [overview(models).encode()], "text/plain; charset=utf-8")

    async def _ask(self, request: Request, name: str) -> Sequence[router_pb2.Model]:
        ask = router_pb2.ListModelsRequest(model=name)
        metadata = visit_of(request).credentials()
        answer = await call(self._desk.router.ListModels, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
        models: Sequence[router_pb2.Model] = answer.models
        return models


def _wanted(words: str) -> frozenset[str]:
    wanted = frozenset(word.strip() for word in words.split(",") if word.strip())
    unknown = sorted(wanted - CAPABILITIES)
    if unknown:
        known = ", ".join(sorted(CAPABILITIES))
        message = f"{unknown[0][:64]} is no capability that is known here; ask for some of {known}."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="capabilities")
    return wanted


def _offers(model: router_pb2.Model, wanted: frozenset[str], provider: str) -> bool:
    """Whether one target alone can do all that is wanted: capabilities of two targets do not add up."""
    return any(
        wanted <= _abilities(target.capability)
        for target in model.targets
        if not provider or target.provider == provider
    )


def _abilities(capability: capability_pb2.Capability) -> set[str]:
    """Operations, and what goes with them, in words."""
    found = set(_operations(capability))
    beside = {
        "mask": capability.mask != capability_pb2.MASK_SUPPORT_UNSPECIFIED,
        "references": capability.max_reference_count > 0,
        "previews": capability.max_partial_image_count > 0,
        "seed": any(parameter.name == "seed" for parameter in capability.parameters),
        "transparency": any(parameter.name == "background" for parameter in capability.parameters),
    }
    return found | {name for name, stands in beside.items() if stands}


def not_found(name: str, models: Sequence[router_pb2.Model]) -> MeshError:
    """The error about a model that nobody serves."""
    known = [known for model in models for known in (model.name, *model.aliases)]
    near = difflib.get_close_matches(name[:128], known, n=3)
    advice = f"did you mean {' or '.join(near)}?" if near else "GET /v1/models lists what is served."
    return MeshError(reasons.ERROR_REASON_MODEL_NOT_FOUND, f"There is no model of that name; {advice}", field="model")


def model_body(model: router_pb2.Model) -> dict[str, Any]:
    """A model as OpenAI lists it, with aliases, capabilities, targets and prices beside.

    `starting_price` is the least that an output may cost where it is counted in pictures, megapixels or requests: the
    other units of two targets cannot be compared.
    """
    body: dict[str, Any] = {
        "id": model.name,
        "object": "model",
        "created": model.create_time_seconds,
        "owned_by": model.creator or "heliostat",
    }
    if model.description:
        body["description"] = model.description
    body["aliases"] = list(model.aliases)
    body["capabilities"] = sorted({word for target in model.targets for word in _abilities(target.capability)})
    body["modality"] = "image"
    body["available"] = any(target.available for target in model.targets)
    prices = [_price(price) for target in model.targets for price in target.capability.prices]
    body["free"] = bool(prices) and all(price["usd"] == 0 for price in prices)
    body["starting_price"] = min(filter(_is_comparable, prices), key=lambda price: price["usd"], default=None)
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


def _is_comparable(price: Mapping[str, Any]) -> bool:
    return price["per"] in _WHOLE_UNITS and price["billable"] == "output"


def _word(enum: Any, value: int, prefix: str) -> str:
    """The enum's name in lower case; a number that this version does not know as itself."""
    try:
        return str(enum.Name(value)).removeprefix(prefix).lower()
    except ValueError:
        return str(value)
