"""ByteDance's models that draw, at BytePlus ModelArk and at Volcengine Ark, with sizes and prices.

Source: ModelArk's image generation API by its own SDK (5.0.54, 2026-10-22), third parties' notes that mirror its rate
card (2026-07 to 2026-11-13); read 2026-11-22. What is not certain there is marked in README.md.
"""

from dataclasses import dataclass, field
from typing import Any

from heliostat.adapters.sdk import FollowsInput, InputLimits, Model, ModelTable, Parameter, Pixels
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("seedream")
JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"

MOST_SEED = 2**31 - 1
_SQUARE = (2048, 2048)
_MOST_PX, _LEAST_PX, _LEAST_2K_PX = 16_777_216, 921_600, 3_686_400
_RATIO = 16.0


def _grid(least: int, most: int) -> Pixels:
    """Any pixels within an area, a ratio of at most 16; a shape without a tier stands for 2K, as it does at Ark."""
    return Pixels(240, 16_384, 1, least, most, _RATIO, default=_SQUARE, tiers_default_px=2048)


_GRID_4 = _grid(_LEAST_PX, _MOST_PX)
_GRID_45 = _grid(_LEAST_2K_PX, _MOST_PX)
_GRID_5_LITE = _grid(_LEAST_2K_PX, 10_404_496)
# No area is published for what 2K is at most there; every size that is named stays within that of its square.
_GRID_5 = _grid(_LEAST_PX, 2048 * 2048)
_GRID_3 = Pixels(512, 2048, 1, default=(1024, 1024))

_DRAWS, _BOTH = ("text_to_image",), ("text_to_image", "edit")
_OLD_INPUTS = InputLimits((PNG, JPEG), 10_000_000, 36_000_000)
_INPUTS = InputLimits((PNG, JPEG, WEBP), 10_000_000, 36_000_000)


@dataclass(frozen=True, slots=True)
class Traits:
    """What the adapter's own code has to know of a model.

    `formats`: it may be told one; `adaptive`: its size is a word and follows the picture; `takes`: names of asked.py
    that it honours; `options`: names of provider_options that it takes; `modes`: words for how prompts are rewritten.
    """

    formats: bool = False
    adaptive: bool = False
    takes: frozenset[str] = field(default_factory=frozenset)
    options: frozenset[str] = frozenset({"watermark"})
    modes: tuple[str, ...] = ()


_NEWEST = Traits(formats=True, takes=frozenset({"background"}))
_NEW = Traits(formats=True)
_REWRITES = frozenset({"watermark", "optimize_prompt"})
_5_LITE = Traits(formats=True, options=_REWRITES, modes=("standard",))
_45 = Traits(options=_REWRITES, modes=("standard",))
_4 = Traits(options=_REWRITES, modes=("standard", "fast"))
_GUIDED = frozenset({"watermark", "guidance_scale"})
_3 = Traits(takes=frozenset({"seed"}), options=_GUIDED)
_SEEDEDIT = Traits(adaptive=True, takes=frozenset({"seed"}), options=_GUIDED)


def _model(name: str, *names: str, traits: Traits, parameters: tuple[Parameter, ...] = (), **facts: Any) -> Model:
    facts.setdefault("operations", _BOTH)
    facts.setdefault("inputs", _INPUTS)
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        media_types=(JPEG, PNG) if traits.formats else (JPEG,),
        ignores=tuple(sorted(NAMES - traits.takes - {"prompt"})),
        parameters=parameters,
        creator="ByteDance",
        retention_s=24 * 3600,
        facts=traits,
        **facts,
    )


def _seed(default: str) -> tuple[Parameter, ...]:
    return (Parameter("seed", "integer", 0, MOST_SEED), Parameter("guidance_scale", "number", 1, 10, default=default))


MODELS = ModelTable(
    _model(
        "seedream-5-5-261028",
        "seedream-5.5",
        traits=_NEWEST,
        sizes=_GRID_5,
        max_references=10,
        typical_seconds=15,
    ),
    _model("dola-seedream-5-0-pro-260628", "seedream-5-pro", traits=_NEW, sizes=_GRID_5, max_references=10),
    _model("seedream-5-0-260128", "seedream-5-lite", traits=_5_LITE, sizes=_GRID_5_LITE, max_references=10),
    _model("seedream-4-5-251128", "seedream-4.5", traits=_45, sizes=_GRID_45, max_references=10, typical_seconds=15),
    _model(
        "seedream-4-0-250828",
        "seedream-4",
        traits=_4,
        sizes=_GRID_4,
        max_references=10,
        inputs=_OLD_INPUTS,
        typical_seconds=12,
    ),
    _model(
        "seedream-3-0-t2i-250415",
        "seedream-3",
        traits=_3,
        sizes=_GRID_3,
        operations=_DRAWS,
        parameters=_seed("2.5"),
    ),
    _model(
        "seededit-3-0-i2i-250628",
        "seededit",
        traits=_SEEDEDIT,
        sizes=FollowsInput(),
        operations=("edit",),
        inputs=_OLD_INPUTS,
        parameters=_seed("5.5"),
    ),
)
"""At BytePlus ModelArk, in US dollars."""

MAINLAND = ModelTable(
    _model("doubao-seedream-5-0-pro-260628", "seedream-5-pro", traits=_NEW, sizes=_GRID_5, max_references=10),
    _model("doubao-seedream-5-0-260128", "seedream-5-lite", traits=_5_LITE, sizes=_GRID_5_LITE, max_references=10),
    _model("doubao-seedream-4-5-251128", "seedream-4.5", traits=_45, sizes=_GRID_45, max_references=10),
    _model(
        "doubao-seedream-4-0-250828",
        "seedream-4",
        traits=_4,
        sizes=_GRID_4,
        max_references=10,
        inputs=_OLD_INPUTS,
    ),
)
"""At Volcengine Ark in mainland China, in CNY: unknown in dollars unless a rate is configured."""
