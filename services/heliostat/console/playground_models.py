"""What a model can be asked for, as the fields of a form: read off what its targets say of themselves. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heliostat.api.image.v1 import capability_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.money import to_micros
from heliostat.console.wording import money

WORDS: Mapping[int, str] = {
    capability_pb2.OPERATION_TEXT_TO_IMAGE: "draw",
    capability_pb2.OPERATION_EDIT: "edit",
    capability_pb2.OPERATION_VARIATION: "vary",
    capability_pb2.OPERATION_UPSCALE: "upscale",
    capability_pb2.OPERATION_REMOVE_BACKGROUND: "remove background",
    capability_pb2.OPERATION_SEGMENT: "segment",
    capability_pb2.OPERATION_STYLE_TRANSFER: "restyle",
    capability_pb2.OPERATION_OUTPAINT: "outpaint",
}
# The next steps on a picture: name -> what it takes and how it reads on a button.
STEPS: Mapping[str, tuple[int, str]] = {
    "edit": (capability_pb2.OPERATION_EDIT, "Edit with a mask"),
    "segment": (capability_pb2.OPERATION_SEGMENT, "Segment"),
    "remove_background": (capability_pb2.OPERATION_REMOVE_BACKGROUND, "Remove background"),
    "upscale": (capability_pb2.OPERATION_UPSCALE, "Upscale"),
    "style_transfer": (capability_pb2.OPERATION_STYLE_TRANSFER, "Restyle"),
    "outpaint": (capability_pb2.OPERATION_OUTPAINT, "Outpaint"),
}
TIERS: Mapping[int, str] = {
    request_pb2.SIZE_TIER_HALF_K: "0.5K",
    request_pb2.SIZE_TIER_1K: "1K",
    request_pb2.SIZE_TIER_2K: "2K",
    request_pb2.SIZE_TIER_4K: "4K",
}
FORMATS = ("png", "jpeg", "webp", "avif", "gif")
OWN_SIZE = "own"
_SHAPES = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (9, 16))
_PER: Mapping[int, str] = {
    capability_pb2.PRICE_UNIT_IMAGE: "a picture",
    capability_pb2.PRICE_UNIT_MEGAPIXEL: "a megapixel",
    capability_pb2.PRICE_UNIT_MILLION_TOKENS: "a million tokens",
    capability_pb2.PRICE_UNIT_SECOND: "a second",
    capability_pb2.PRICE_UNIT_REQUEST: "a request",
    capability_pb2.PRICE_UNIT_STEP: "a step",
    capability_pb2.PRICE_UNIT_TILE: "a tile",
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that a model's form has. Empty sequences mean: it has no such field."""

    sizes: Sequence[str]
    """"16:9" or "1024x1024"."""
    tiers: Sequence[str]
    own: capability_pb2.SizeRule.Grid | None
    """Bounds of a size of one's own; None where the model has none."""
    native: Sequence[str]
    """Formats that some target delivers itself; the others are converted."""
    qualities: Sequence[str]
    backgrounds: Sequence[str]
    has_seed: bool
    has_style: bool
    has_negative: bool
    most_pictures: int
    """How many pictures may come with the words: the one that is changed and those that are looked at."""
    most_previews: int


def fields_of(model: router_pb2.Model) -> Fields:
    """The form of a model: sizes of the target that would be asked first, everything else of any of its targets."""
    drawing = [target.capability for target in model.targets if _can(target.capability, _DRAW, _EDIT)]
    editing = [each for each in drawing if _EDIT in each.operations]
    parameters = {each.name: each for capability in reversed(drawing) for each in capability.parameters}
    size = next((each.sizes for each in drawing if each.sizes.WhichOneof("rule")), capability_pb2.SizeRule())
    own = size.grid if size.WhichOneof("rule") == "grid" else None
    return Fields(
        sizes=list(_sizes(size)),
        tiers=[TIERS[tier] for tier in size.shapes.tiers if tier in TIERS],
        own=own,
        native=[name for name in FORMATS if any(f"image/{name}" in each.media_types for each in drawing)],
        qualities=_values(parameters, "quality"),
        backgrounds=_values(parameters, "background"),
        has_seed="seed" in parameters,
        has_style="style" in parameters,
        has_negative="negative_prompt" in parameters,
        most_pictures=1 + max(each.max_reference_count for each in editing) if editing else 0,
        most_previews=max((each.max_partial_image_count for each in drawing), default=0),
    )


def usual_price(model: router_pb2.Model, *operations: int) -> int | None:
    """What the target that would be asked first usually takes for a picture, in micro-dollars; None where nobody knows.

    Only targets count that can do one of `operations`; none means drawing and editing.
    """
    for target in _served(model, operations or _BY_WORDS):
        capability = target.capability
        told = capability.HasField("usual_price") and capability.usual_price.currency_code in ("", "USD")
        return to_micros(capability.usual_price) if told else None
    return None


def price_words(model: router_pb2.Model, *operations: int) -> str:
    """What it costs, for people: "about $0.04 a picture", "free"; empty where nobody knows."""
    usual = usual_price(model, *operations)
    if usual is not None:
        return f"about {_rounded(usual)} a picture" if usual else "free"
    for target in _served(model, operations or _BY_WORDS):
        for price in target.capability.prices:
            if price.unit in _PER:
                return f"{money(price.amount)} {_PER[price.unit]}"
    return ""


def short_price(model: router_pb2.Model, *operations: int) -> str:
    """What a picture usually costs, as short as on a button: "$0.04", "free"; empty where nobody knows."""
    usual = usual_price(model, *operations)
    return "" if usual is None else _rounded(usual) if usual else "free"


def _rounded(micros: int) -> str:
    """An amount with three figures that count: more is known of no usual price."""
    step = 10 ** max(0, len(str(micros)) - 3)
    return money(round(micros / step) * step)


def abilities(model: router_pb2.Model) -> list[str]:
    """What it can do, in words."""
    known = {operation for target in model.targets for operation in target.capability.operations}
    return [word for operation, word in WORDS.items() if operation in known]


def is_available(model: router_pb2.Model) -> bool:
    """Whether somebody can be asked for it now."""
    return any(target.available for target in model.targets)


def drawing_models(models: Iterable[router_pb2.Model]) -> dict[str, list[router_pb2.Model]]:
    """Models that draw or edit by words, by whoever made them; the sandbox's own ones first."""
    grouped: dict[str, list[router_pb2.Model]] = {}
    for model in models:
        if any(_can(target.capability, _DRAW, _EDIT) for target in model.targets):
            grouped.setdefault(model.creator or "others", []).append(model)
    return dict(sorted(grouped.items(), key=lambda item: (item[0].casefold() != "heliostat", item[0].casefold())))


def step_models(models: Iterable[router_pb2.Model], step: str, first: str) -> list[router_pb2.Model]:
    """Models that can do a step: those that can be asked now, `first` and then the cheapest before the others."""
    operation = STEPS[step][0]
    able = [model for model in models if any(_fits(target.capability, step, operation) for target in model.targets)]

    def place(model: router_pb2.Model) -> tuple[bool, bool, bool, int, str]:
        usual = usual_price(model, operation)
        return not is_available(model), model.name != first, usual is None, usual or 0, model.name

    return sorted(able, key=place)


_DRAW, _EDIT = capability_pb2.OPERATION_TEXT_TO_IMAGE, capability_pb2.OPERATION_EDIT
_BY_WORDS = (_DRAW, _EDIT)


def _fits(capability: capability_pb2.Capability, step: str, operation: int) -> bool:
    return operation in capability.operations and (step != "edit" or bool(capability.mask))


def _can(capability: capability_pb2.Capability, *operations: int) -> bool:
    return any(operation in capability.operations for operation in operations)


def _served(model: router_pb2.Model, operations: Iterable[int]) -> list[router_pb2.ModelTarget]:
    """Targets that can do one of the operations: those that can be asked now, or all where none can."""
    able = [target for target in model.targets if _can(target.capability, *operations)]
    return [target for target in able if target.available] or able


def _values(parameters: Mapping[str, capability_pb2.Parameter], name: str) -> list[str]:
    return [value for value in parameters[name].values if value != "auto"] if name in parameters else []


def _sizes(rule: capability_pb2.SizeRule) -> Iterable[str]:
    match rule.WhichOneof("rule"):
        case "grid":
            most = rule.grid.max_ratio or 100.0
            return (f"{width}:{height}" for width, height in _SHAPES if max(width / height, height / width) <= most)
        case "exact":
            return (f"{size.width_px}x{size.height_px}" for size in rule.exact.sizes)
        case "shapes":
            return dict.fromkeys(f"{each.width_ratio}:{each.height_ratio}" for each in rule.shapes.ratios)
    return ()
