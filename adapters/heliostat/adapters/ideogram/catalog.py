"""The models of Ideogram that are offered, with sizes and prices.

Source: developer.ideogram.ai, ideogram.ai/features/api-pricing (2026-11-16) and quotes of 2026-10-10, read 2026-11-22.
What is not certain there is not offered, or marked: see README.md.
"""

from typing import Any

from heliostat.adapters.ideogram.endpoints import FAMILIES
from heliostat.adapters.ideogram.sizes import SHAPES, SIZES_3, SIZES_4, SIZES_4_5, SIZES_P
from heliostat.adapters.sdk import FollowsInput, Model, ModelTable
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("ideogram")
# Addresses of pictures are good for a day.
_RETENTION_S = 86_400
_OPERATIONS = ("text_to_image", "edit", "upscale", "remove_background", "outpaint")
_MOST_PROMPT_CHARS = 10_000
_MOST_IMAGES = 8


def _model(name: str, *names: str, **facts: Any) -> Model:
    family = FAMILIES[name]
    endpoints = family.endpoints
    masked = "masked" in endpoints
    draws = "text_to_image" in endpoints or "edit" in endpoints
    operations = {"edit" if key == "masked" else key for key in endpoints}
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        operations=tuple(one for one in _OPERATIONS if one in operations),
        operation_sizes={"outpaint": FollowsInput()} if "outpaint" in endpoints else {},
        max_images=_MOST_IMAGES if draws else 1,
        max_references=max(one.most for one in endpoints.values()),
        mask="exact" if masked else "",
        media_types=("image/png",),
        ignores=tuple(sorted(NAMES - family.honoured)),
        resumable=True,
        retention_s=_RETENTION_S,
        max_prompt_chars=_MOST_PROMPT_CHARS if draws else 0,
        creator="Topaz Labs" if name.startswith("upscale/") else "Ideogram",
        facts=family,
        **facts,
    )


MODELS = ModelTable(
    _model("ideogram-4-5", "ideogram-v4.5", sizes=SIZES_4_5, typical_seconds=15),
    _model("ideogram-4", "ideogram-v4", sizes=SIZES_4, typical_seconds=12),
    _model("ideogram-3", "ideogram-v3", sizes=SIZES_3, typical_seconds=10),
    _model("ideogram-3/turbo", "ideogram-v3-turbo", sizes=SIZES_3, typical_seconds=5),
    _model("ideogram-3/default", "ideogram-v3-balanced", sizes=SIZES_3, typical_seconds=10),
    _model("ideogram-3/quality", "ideogram-v3-quality", sizes=SIZES_3, typical_seconds=18),
    _model("ideogram-3-character", "ideogram-v3-character", sizes=SIZES_3, metadata={"reference_required": True}),
    _model("ideogram-3-transparent", "ideogram-v3-transparent", sizes=SHAPES),
    _model("p-image-ideogram", "p-image-ideogram", sizes=SIZES_P, typical_seconds=2),
    _model("replace-background", "ideogram-v3-replace-background"),
    _model("remove-background", "ideogram-remove-background"),
    _model("remove-object", "ideogram-remove-object", metadata={"mask_required": True}),
    _model("upscale/topaz-standard-2", "topaz-upscale"),
    _model("upscale/topaz-text-refine", "topaz-text-refine"),
    _model("upscale/topaz-wonder-3-5", "topaz-wonder-3.5"),
    _model("upscale/topaz-redefine", "topaz-redefine"),
    _model("upscale/topaz-bloom-2", "topaz-bloom-2"),
)
