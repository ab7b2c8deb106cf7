"""The models of Recraft that are offered, with sizes and prices.

Source: recraft.ai/docs (pricing, appendix, 2026-11) and the OpenAPI document (2026-08-22), read 2026-11-22. Models that
draw vectors are not offered: see README.md.
"""

from typing import Any

from heliostat.adapters.recraft.endpoints import FAMILIES, PNG, WEBP
from heliostat.adapters.sdk import Exact, FollowsInput, Model, ModelTable
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("recraft")
# Files behind addresses are kept for about a day.
_RETENTION_S = 86_400
_MOST_IMAGES = 6
_MOST_REFERENCES = 5

_SHAPES_4 = (
    *((1024, 1024), (1536, 768), (768, 1536), (1280, 832), (832, 1280), (1216, 896), (896, 1216)),
    *((1152, 896), (896, 1152), (832, 1344), (1280, 896), (896, 1280), (1344, 768), (768, 1344)),
)
SIZES_4 = Exact(_SHAPES_4, default=(1024, 1024))
SIZES_4_PRO = Exact(tuple((2 * width, 2 * height) for width, height in _SHAPES_4), default=(2048, 2048))
SIZES_3 = Exact(
    (
        *((1024, 1024), (2048, 1024), (1024, 2048), (1536, 1024), (1024, 1536), (1365, 1024), (1024, 1365)),
        *((1280, 1024), (1024, 1280), (1024, 1707), (1707, 1024), (1434, 1024), (1024, 1434)),
        *((1820, 1024), (1024, 1820)),
    ),
    default=(1024, 1024),
)
_OPERATIONS = ("text_to_image", "edit", "variation", "upscale", "remove_background", "outpaint")


def _model(name: str, *names: str, **facts: Any) -> Model:
    family = FAMILIES[name]
    operations = {"edit" if key == "masked" else key for key in family.endpoints}
    followed = [key for key, one in family.endpoints.items() if "size" not in one.takes and key != "masked"]
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        operations=tuple(one for one in _OPERATIONS if one in operations),
        operation_sizes={key: FollowsInput() for key in followed},
        max_images=_MOST_IMAGES if any("n" in one.takes for one in family.endpoints.values()) else 1,
        max_references=_MOST_REFERENCES if any(one.references for one in family.endpoints.values()) else 0,
        mask="exact" if "masked" in family.endpoints else "",
        media_types=(PNG, WEBP),
        ignores=tuple(sorted(NAMES - family.honoured)),
        retention_s=_RETENTION_S,
        creator="Recraft",
        metadata={"mask_required": True} if set(family.endpoints) == {"masked"} else {},
        facts=family,
        **facts,
    )


MODELS = ModelTable(
    _model("recraftv4_1", "recraft-v4.1", sizes=SIZES_4, max_prompt_chars=10_000),
    _model("recraftv4_1_pro", "recraft-v4.1-pro", sizes=SIZES_4_PRO, max_prompt_chars=10_000),
    _model("recraftv4_1_utility", "recraft-v4.1-utility", sizes=SIZES_4, max_prompt_chars=10_000),
    _model("recraftv4_1_utility_pro", "recraft-v4.1-utility-pro", sizes=SIZES_4_PRO, max_prompt_chars=10_000),
    _model("recraftv4", "recraft-v4", sizes=SIZES_4, max_prompt_chars=10_000),
    _model("recraftv4_pro", "recraft-v4-pro", sizes=SIZES_4_PRO, max_prompt_chars=10_000),
    _model("recraftv3", "recraft-v3", sizes=SIZES_3, max_prompt_chars=1_000),
    _model("recraftv2", "recraft-v2", sizes=SIZES_3, max_prompt_chars=1_000),
    _model("replaceBackground", "recraft-replace-background", max_prompt_chars=1_000),
    _model("removeBackground", "recraft-remove-background"),
    _model("crispUpscale", "recraft-crisp-upscale"),
    _model("creativeUpscale", "recraft-creative-upscale"),
    _model("eraseRegion", "recraft-eraser"),
)
