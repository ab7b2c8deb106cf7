"""A JSON Schema of exactly what one model takes, made from what its targets say of themselves. Pure.

It is the schema of the REST body, with every word taken out that no target honours, and every other narrowed to what
the targets together honour. Where targets differ, `x-heliostat-targets` says who takes what.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.edge.forms import MASK
from heliostat.edge.named_pictures import named_pictures
from heliostat.edge.picture_operations import PICTURE_OPERATIONS, PictureOperation
from heliostat.edge.schemas import GenerationBody
from heliostat.edge.sizes import MAX_EDGE_PX, TIERS
from heliostat.edge.to_proto import MEDIA_TYPES, QUALITIES

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What can be asked of a model -> where, and the words of the body.
BODIES: Mapping[int, tuple[str, type[BaseModel]]] = {
    capability_pb2.OPERATION_TEXT_TO_IMAGE: ("/v1/images/generations", GenerationBody),
    **{each.operation: (f"/v1{each.path}", each.body) for each in PICTURE_OPERATIONS},
}
# Fields of which one must stand, or which exclude each other.
_SIDES = ("left", "right", "top", "bottom")
_TOGETHER: Mapping[int, Mapping[str, Any]] = {
    capability_pb2.OPERATION_UPSCALE: {"not": {"required": ["scale_factor", "size"]}},
    capability_pb2.OPERATION_STYLE_TRANSFER: {
        "anyOf": [
            {"required": ["style_image"]},
            *({"required": [name], "properties": {name: {"pattern": r"\S"}}} for name in ("style", "prompt")),
        ]
    },
    capability_pb2.OPERATION_OUTPAINT: {
        "anyOf": [{"required": [side], "properties": {side: {"minimum": 1}}} for side in _SIDES]
    },
}
_PICTURES: Mapping[int, PictureOperation] = {each.operation: each for each in PICTURE_OPERATIONS}
# Words of a body that a target must honour -> their names in its description.
_HONOURED: Mapping[str, str] = {
    **{name: name for name in ("negative_prompt", "seed", "style", "quality", "background", "output_compression")},
    **{name: name for name in ("moderation", "strength", "similarity", "creativity", "partial_images")},
    "mask_feather": "feather",
}
_TIER_NAMES = {tier: name.upper() for name, tier in TIERS.items()}
_SIZE_WORDS = ("size", "aspect_ratio", "resolution")
# 1 to 16,384, and 1 to 10,000.
_EDGE = r"(?:[1-9][0-9]{0,3}|1[0-5][0-9]{3}|16[0-2][0-9]{2}|163[0-7][0-9]|1638[0-4])"
_PART = r"(?:[1-9][0-9]{0,3}|10000)"
_TYPE_NAMES: Mapping[int, str] = {
    capability_pb2.PARAMETER_TYPE_INTEGER: "integer",
    capability_pb2.PARAMETER_TYPE_NUMBER: "number",
    capability_pb2.PARAMETER_TYPE_BOOLEAN: "boolean",
}


def model_schema(model: router_pb2.Model) -> dict[str, Any]:
    """The schema of every body that the model takes: one definition for each operation, any of which may hold."""
    definitions: dict[str, Any] = {}
    for operation, (path, body) in BODIES.items():
        targets = [target for target in model.targets if operation in target.capability.operations]
        if targets:
            name = capability_pb2.Operation.Name(operation).removeprefix("OPERATION_").lower()
            definitions[name] = _with_pictures(_operation_schema(model, targets, path, body), operation, targets)
    return {
        "$schema": DIALECT,
        "title": model.name,
        "description": model.description or f"What {model.name} takes.",
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in definitions],
        "$defs": {**definitions, **_shared()},
    }


def _operation_schema(
    model: router_pb2.Model, targets: Sequence[router_pb2.ModelTarget], path: str, body: type[BaseModel]
) -> dict[str, Any]:
    schema = _plain(body)
    properties = {name: dict(each) for name, each in schema["properties"].items()}
    properties["model"] = {"enum": _names(model), "description": properties["model"]["description"]}
    _bound_prompt(properties["prompt"], targets, needed="prompt" in schema["required"])
    for word, name in _HONOURED.items():
        if word in properties:
            _narrow(properties, word, name, targets)
    for word in _SIZE_WORDS:
        if not any(target.capability.sizes.WhichOneof("rule") for target in targets):
            del properties[word]
    if "size" in properties:
        _tell_sizes(properties, targets)
    _tell_formats(properties["output_format"], targets)
    if "mask_mode" in properties and not any(target.capability.mask for target in targets):
        del properties["mask_mode"]
    properties["provider_options"] = _provider_options(targets)
    return {
        "type": "object",
        "x-heliostat-path": path,
        "properties": properties,
        "required": schema["required"],
        "additionalProperties": False,
    }


def _with_pictures(schema: dict[str, Any], operation: int, targets: Sequence[router_pb2.ModelTarget]) -> dict[str, Any]:
    """The schema of a body with the pictures that it needs: no more references than some target takes, nor a mask."""
    asked = _PICTURES.get(operation)
    if asked is None:
        return schema
    most = min(asked.most, 1 + max(target.capability.max_reference_count for target in targets))
    beside = [name for name in asked.beside if name != MASK or any(target.capability.mask for target in targets)]
    properties = {**schema["properties"], **named_pictures(most, beside)}
    required = [*schema["required"], "images"]
    return {**schema, "properties": properties, "required": required, **_TOGETHER.get(operation, {})}


@functools.cache
def _plain(body: type[BaseModel]) -> dict[str, Any]:
    """The schema of a body without "or null", titles and empty defaults."""
    schema = body.model_json_schema()
    properties = {name: _without_null(each) for name, each in schema["properties"].items()}
    return {"properties": properties, "required": schema["required"]}


def _without_null(told: Mapping[str, Any]) -> dict[str, Any]:
    beside = {name: value for name, value in told.items() if name not in ("anyOf", "title", "default")}
    kinds = [kind for kind in told.get("anyOf", ()) if kind.get("type") != "null"]
    return {**kinds[0], **beside} if len(kinds) == 1 else {**beside, **({"anyOf": kinds} if kinds else {})}


@functools.cache
def _shared() -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    for _, body in BODIES.values():
        definitions |= body.model_json_schema().get("$defs", {})
    return definitions


def _names(model: router_pb2.Model) -> list[str]:
    forced = [f"{target.provider}/{model.name}" for target in model.targets if target.provider]
    return list(dict.fromkeys((model.name, *model.aliases, *(target.target for target in model.targets), *forced)))


def _bound_prompt(prompt: dict[str, Any], targets: Iterable[router_pb2.ModelTarget], *, needed: bool) -> None:
    bounds = [target.capability.max_prompt_chars for target in targets]
    if needed:
        prompt["minLength"] = 1
        # A blank prompt is refused; one sign that is no blank is enough.
        prompt["pattern"] = r"\S"
    if all(bounds):
        prompt["maxLength"] = min(max(bounds), prompt["maxLength"])


def _narrow(properties: dict[str, Any], word: str, name: str, targets: Sequence[router_pb2.ModelTarget]) -> None:
    """Takes a word out where no target honours it, else leaves what some target honours."""
    honoured = {
        target.target: parameter
        for target in targets
        for parameter in target.capability.parameters
        if parameter.name == name and not parameter.provider_option
    }
    if not honoured:
        del properties[word]
        return
    told = properties[word]
    values = {value for parameter in honoured.values() for value in parameter.values}
    if values and "enum" in told:
        told["enum"] = [value for value in told["enum"] if _means(value) in values or value == "auto"]
    for bound, choose in (("minimum", min), ("maximum", max)):
        bounds = [getattr(each, bound) for each in honoured.values() if each.HasField(bound)]
        if len(bounds) == len(honoured) and bound in told:
            told[bound] = _whole(choose(bounds))
    if len(honoured) < len(targets):
        told["x-heliostat-targets"] = sorted(honoured)


def _means(value: str) -> str:
    """standard and hd are other words for medium and high."""
    quality = QUALITIES.get(value)
    return value if quality is None else request_pb2.Quality.Name(quality).removeprefix("QUALITY_").lower()


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _tell_sizes(properties: dict[str, Any], targets: Sequence[router_pb2.ModelTarget]) -> None:
    """Any size may be asked and comes to the nearest that a target has; those that need no change are told."""
    native = {target.target: _sizes(target.capability.sizes) for target in targets}
    properties["size"]["x-heliostat-native"] = {name: told for name, told in native.items() if told}
    properties["size"]["pattern"] = rf"^(auto|{_EDGE}x{_EDGE}|{_PART}:{_PART})$"
    properties["aspect_ratio"]["pattern"] = rf"^(auto|{_PART}:{_PART})$"
    properties["size"]["description"] += f" Edges up to {MAX_EDGE_PX} px; the nearest native size is delivered."
    properties["resolution"]["enum"] = ["auto", *_TIER_NAMES.values()]


def _sizes(rule: capability_pb2.SizeRule) -> dict[str, Any]:
    kind = rule.WhichOneof("rule")
    if kind == "exact":
        return {"sizes": [f"{size.width_px}x{size.height_px}" for size in rule.exact.sizes]}
    if kind == "shapes":
        ratios = [f"{each.width_ratio}:{each.height_ratio}" for each in rule.shapes.ratios]
        return {"ratios": ratios, "tiers": [_TIER_NAMES[tier] for tier in rule.shapes.tiers if tier in _TIER_NAMES]}
    if kind == "grid":
        grid = rule.grid
        told = {"min_px": grid.min_px, "max_px": grid.max_px, "step_px": grid.step_px}
        bounds = {"min_area_px": grid.min_area_px, "max_area_px": grid.max_area_px, "max_ratio": grid.max_ratio}
        return {**told, **{name: value for name, value in bounds.items() if value}}
    return {}


def _tell_formats(told: dict[str, Any], targets: Iterable[router_pb2.ModelTarget]) -> None:
    """Every format may be asked; what the provider does not deliver is converted."""
    word_of = {media_type: word for word, media_type in MEDIA_TYPES.items() if word != "jpg"}
    native = {kind for target in targets for kind in target.capability.media_types}
    told["x-heliostat-native"] = sorted(word_of[kind] for kind in native if kind in word_of)


def _provider_options(targets: Iterable[router_pb2.ModelTarget]) -> dict[str, Any]:
    providers: dict[str, dict[str, Any]] = {}
    for target in targets:
        options = providers.setdefault(target.provider, {})
        for parameter in target.capability.parameters:
            if parameter.provider_option:
                options.setdefault(parameter.name, _option(parameter))
    return {
        "type": "object",
        "description": "What a provider takes beyond the normalized words, by provider.",
        "properties": {
            name: {"type": "object", "properties": options, "additionalProperties": False}
            for name, options in sorted(providers.items())
        },
        "additionalProperties": False,
    }


def _option(parameter: capability_pb2.Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {"description": parameter.description} if parameter.description else {}
    kind = _TYPE_NAMES.get(parameter.type)
    if parameter.values:
        told["enum"] = list(parameter.values)
    elif kind is not None:
        told["type"] = kind
    for bound in ("minimum", "maximum"):
        if parameter.HasField(bound):
            told[bound] = _whole(getattr(parameter, bound))
    return told
