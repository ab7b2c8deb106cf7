"""xAI's models that draw, with sizes and prices.

Source: xai-proto (2026-05), xai-sdk-python (2026-08-18), docs.x.ai's price page (2026-07-09); read 2026-11-22.
"""

from dataclasses import dataclass
from typing import Any

from heliostat.adapters.sdk import InputLimits, Model, ModelTable, Parameter, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("xai")
JPEG = "image/jpeg"
# Shapes are whole numbers here; these two are xAI's 9:19.5 and 19.5:9.
RATIO_WORDS = {"18:39": "9:19.5", "39:18": "19.5:9"}

_RATIOS = Ratios(
    (
        *("1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2"),
        *("18:39", "39:18", "9:20", "20:9", "1:2", "2:1"),
    ),
    tiers=("1K", "2K"),
)
_INPUTS = InputLimits(("image/png", JPEG, "image/webp"), 10 * 1_048_576)


@dataclass(frozen=True, slots=True)
class Traits:
    """What the adapter's own code has to know: the words for quality, empty where there is no choice."""

    qualities: tuple[str, ...] = ()


def _model(name: str, *names: str, qualities: tuple[str, ...] = (), **facts: Any) -> Model:
    honoured = {"prompt", "user"} | ({"quality"} if qualities else set())
    quality = (Parameter("quality", "enum", values=qualities, default=qualities[0]),) if qualities else ()
    return Model(
        name,
        names=(name, *names),
        **PRICES.facts(name),
        operations=("text_to_image", "edit"),
        sizes=_RATIOS,
        max_images=10,
        inputs=_INPUTS,
        media_types=(JPEG,),
        ignores=tuple(sorted(NAMES - honoured)),
        parameters=(*quality, Parameter("n", "integer", 1, 10, default="1")),
        creator="xAI",
        facts=Traits(qualities),
        **facts,
    )


MODELS = ModelTable(
    _model("grok-imagine-image-2.0", qualities=("low", "medium"), max_references=3, typical_seconds=10),
    _model(
        "grok-imagine-image-quality",
        *("grok-imagine-image-quality-latest", "grok-imagine-image-quality-20260403"),
        max_references=2,
        typical_seconds=10,
    ),
    _model("grok-imagine-image", max_references=4, typical_seconds=6),
)
