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
STEP_WORDS: Mapping[str, str] = {step: word for step, (_, word) in STEPS.items()}
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


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as a line of a list that people choose from."""

    model: router_pb2.Model
    micros: int | None
    """What the target that would be asked first usually takes for a picture, in micro-dollars; None: nobody knows."""
    price: str
    """The same for people: "about $0.04 a picture", "free"; empty where nobody knows."""
    available: bool
    """Whether somebody can be asked for it now."""

    @property
    def short_price(self) -> str:
        """As short as on a button: "$0.04", "free"; empty where nobody knows."""
        return "" if self.micros is None else _rounded(self.micros) if self.micros else "free"


def offer(model: router_pb2.Model, *operations: int) -> Offer:
    """What a model takes for one of `operations`; none means drawing and editing."""
    able = [target for target in model.targets if _can(target.capability, *(operations or _BY_WORDS))]
    first = next((target for target in able if target.available), able[0] if able else None)
    micros, price = _price(first.capability) if first is not None else (None, "")
    return Offer(model, micros, price, any(target.available for target in model.targets))


def _price(capability: capability_pb2.Capability) -> tuple[int | None, str]:
    if capability.HasField("usual_price") and capability.usual_price.currency_code in ("", "USD"):
        micros = to_micros(capability.usual_price)
        return micros, f"about {_rounded(micros)} a picture" if micros else "free"
    told = (f"{money(price.amount)} {_PER[price.unit]}" for price in capability.prices if price.unit in _PER)
    return None, next(told, "")


def _rounded(micros: int) -> str:
    """An amount with three figures that count: more is known of no usual price."""
    step = 10 ** max(0, len(str(micros)) - 3)
    return money(round(micros / step) * step)


def abilities(model: router_pb2.Model) -> list[str]:
    """What it can do, in words."""
    known = {operation for target in model.targets for operation in target.capability.operations}
    return [word for operation, word in WORDS.items() if operation in known]


def drawing_offers(models: Iterable[router_pb2.Model]) -> dict[str, list[Offer]]:
    """Models that draw or edit by words, by whoever made them; the sandbox's own ones first."""
    grouped: dict[str, list[Offer]] = {}
    for model in models:
        if any(_can(target.capability, *_BY_WORDS) for target in model.targets):
            grouped.setdefault(model.creator or "others", []).append(offer(model))
    return dict(sorted(grouped.items(), key=lambda item: (item[0].casefold() != "heliostat", item[0].casefold())))


def step_offers(models: Iterable[router_pb2.Model], first: str) -> dict[str, list[Offer]]:
    """Step -> models that can do it: those that can be asked now, `first` and then the cheapest before the others."""
    able: dict[str, list[Offer]] = {step: [] for step in STEPS}
    for model in models:
        for step in _steps_of(model):
            able[step].append(offer(model, STEPS[step][0]))

    def place(each: Offer) -> tuple[bool, bool, bool, int, str]:
        return not each.available, each.model.name != first, each.micros is None, each.micros or 0, each.model.name

    return {step: sorted(offers, key=place) for step, offers in able.items()}


_DRAW, _EDIT = capability_pb2.OPERATION_TEXT_TO_IMAGE, capability_pb2.OPERATION_EDIT
_BY_WORDS = (_DRAW, _EDIT)


def _steps_of(model: router_pb2.Model) -> list[str]:
    """An edit is one with a mask: it wants a target that takes masks."""
    known = {operation for target in model.targets for operation in target.capability.operations}
    masks = any(target.capability.mask and _can(target.capability, _EDIT) for target in model.targets)
    return [step for step, (operation, _) in STEPS.items() if operation in known and (step != "edit" or masks)]


def _can(capability: capability_pb2.Capability, *operations: int) -> bool:
    return any(operation in capability.operations for operation in operations)


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
