"""What a model takes, told from what its adapter says it cannot: the parameters of Describe. Pure.

A normalized parameter is told where no `ignores` names it and an operation of the model can ask it. The provider's own
options are told from the fields of the adapter's `Options`. What the model itself says of a parameter stands above.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.models import Model, Parameter

_QUALITIES = ("low", "medium", "high", "xhigh", "max")

# Every name of asked.py as it is when a model says no more of it.
_PLAIN: Mapping[str, Parameter] = {
    one.name: one
    for one in (
        Parameter("prompt", description="What to draw, or what to do"),
        Parameter("negative_prompt", description="What to avoid"),
        Parameter("seed", "integer", description="Seed for repeatable results"),
        Parameter("style", description="Style word"),
        Parameter("quality", "enum", values=_QUALITIES, description="How good, and how dear"),
        Parameter("background", "enum", values=("transparent", "opaque"), description="What is behind the subject"),
        Parameter("output_compression", "integer", 0, 100, description="Quality of lossy compression"),
        Parameter("partial_images", "integer", 0, 3, description="Previews of a streamed answer"),
        Parameter("moderation", "enum", values=("auto", "low"), description="How strictly is moderated"),
        Parameter("user", description="The end user"),
        Parameter("strength", "number", 0, 1, description="How far from the picture, 0 keep to 1 change"),
        Parameter("similarity", "number", 0, 1, description="How close to the picture, 0 free to 1 same"),
        Parameter("creativity", "number", 0, 1, description="How much detail may be invented"),
        Parameter("feather", "integer", 0, 1024, description="Softening of the mask's border in pixels"),
        Parameter("reference_role", "enum", values=("subject", "style", "structure"), description="Use of a reference"),
        Parameter("reference_weight", "number", 0, 1, description="How much a reference counts"),
    )
}
# Parameters that only some operations can ask.
_OF_OPERATIONS: Mapping[str, frozenset[str]] = {
    "strength": frozenset({"edit", "style_transfer"}),
    "similarity": frozenset({"variation"}),
    "creativity": frozenset({"upscale"}),
}
_KINDS = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean"}


def described(
    model: Model, ignores: Iterable[str], options: type[BaseModel], option_names: Collection[str] | None = None
) -> tuple[Parameter, ...]:
    """Every parameter that `model` honours, by name, the normalized ones first.

    `option_names` are the fields of `options` that this model takes; None means all of them.
    """
    own = {parameter.name: parameter for parameter in model.parameters}
    ignored = set(ignores) | set(model.ignores)
    told = {name: _PLAIN[name] for name in sorted(NAMES - ignored) if _can_be_asked(name, model)}
    taken = options.model_fields if option_names is None else option_names
    for name, field in _option_fields(options).items():
        if name in taken and name not in told:
            told[name] = _option(name, field)
    return tuple({**told, **own}.values())


def _can_be_asked(name: str, model: Model) -> bool:
    operations = _OF_OPERATIONS.get(name)
    if operations is not None:
        return not operations.isdisjoint(model.operations)
    if name == "feather":
        return bool(model.mask)
    if name.startswith("reference_"):
        return model.max_references > 0
    return name != "partial_images" or model.max_partials > 0


# A schema takes milliseconds, and all models of a provider share one or two option classes.
@cache
def _option_fields(options: type[BaseModel]) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = options.model_json_schema().get("properties", {})
    return fields


def _option(name: str, field: Mapping[str, Any]) -> Parameter:
    """A field of a pydantic model's JSON Schema; a list or an object has no kind of its own."""
    given = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    shape = given[0] if len(given) == 1 else {}
    values = tuple(str(value) for value in shape.get("enum", (shape["const"],) if "const" in shape else ()))
    default = field.get("default")
    return Parameter(
        name,
        "enum" if values else _KINDS.get(shape.get("type", ""), ""),
        shape.get("minimum", shape.get("exclusiveMinimum")),
        shape.get("maximum", shape.get("exclusiveMaximum")),
        values,
        "" if default is None else str(default),
        provider_option=True,
        description=field.get("description", ""),
    )
