"""The models of Replicate that are offered, with sizes and prices.

Source: Replicate's pricing and model pages, the models' schemas (2025-12), read 2026-11-22. What is not certain there
is not offered, or marked: see README.md.
"""

from typing import Any

from heliostat.adapters.replicate.schemas import FLUX_SHAPES, PNG, SCHEMAS, Schema, SizeField
from heliostat.adapters.sdk import Exact, FollowsInput, InputLimits, Model, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("replicate")
# Inputs, outputs and logs of a prediction are deleted an hour after its end.
_RETENTION_S = 3600
_RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "9:21")
_KONTEXT_RATIOS = (*_RATIOS, "2:1", "1:2")
_BANANA_RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
_QWEN_RATIOS = ("16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16")
_IDEOGRAM_RATIOS = (*_BANANA_RATIOS[1:], "3:1", "2:1", "16:10", "10:16", "1:2", "1:3")
_FLUX_SIZES = Exact(tuple(FLUX_SHAPES), default=(1024, 1024))
_PRO_GRID = Pixels(256, 1440, 32, default=(1024, 1024))
_FLUX_2_GRID = Pixels(256, 2048, 16, max_area_px=4_194_304, default=(1024, 1024))
_SEEDREAM_GRID = Pixels(1024, 4096, 1, default=(2048, 2048), tiers_default_px=2048)
_RECRAFT_SIZES = Exact(
    (
        *((1024, 1024), (1365, 1024), (1024, 1365), (1536, 1024), (1024, 1536), (1820, 1024), (1024, 1820)),
        *((1024, 2048), (2048, 1024), (1434, 1024), (1024, 1434), (1024, 1280), (1280, 1024), (1024, 1707)),
        (1707, 1024),
    ),
    default=(1024, 1024),
)
_DRAWS, _EDITS = ("text_to_image",), ("text_to_image", "edit")
_FLUX, _OPEN_FLUX = "black-forest-labs/", "Black Forest Labs"


# The types that the models' schemas name; no limit is documented but that of a file (100 MB, read 2026-11-22).
_INPUTS = InputLimits(("image/png", "image/jpeg", "image/webp"), 100_000_000)


def _model(name: str, *names: str, **facts: Any) -> Model:
    schema = SCHEMAS[name]
    if schema.image and schema.size is SizeField.FLUX_SHAPE:
        facts.setdefault("operation_sizes", {"edit": FollowsInput()})
    facts.setdefault("media_types", tuple(schema.formats) or (PNG,))
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        max_images=4 if "image_count" in schema.takes else 1,
        ignores=tuple(sorted(NAMES - _honoured(schema))),
        inputs=_INPUTS,
        mask="exact" if schema.mask else "",
        metadata={"mask_required": True} if schema.mask else {},
        cancel_effective=True,
        resumable=True,
        retention_s=_RETENTION_S,
        facts=schema,
        **facts,
    )


def _honoured(schema: Schema) -> set[str]:
    """Names of asked.py that the model honours."""
    return set(schema.takes) | ({"moderation"} if schema.lax else set()) | ({"feather"} if schema.mask else set())


def _tool(name: str, *names: str, operation: str, **facts: Any) -> Model:
    return _model(
        name, *names, operations=(operation,), sizes=FollowsInput(), counts_images=operation != "segment", **facts
    )


MODELS = ModelTable(
    _model(_FLUX + "flux-schnell", "flux-schnell", "flux-1-schnell", sizes=_FLUX_SIZES, creator=_OPEN_FLUX),
    _model(_FLUX + "flux-dev", "flux-dev", "flux-1-dev", operations=_EDITS, sizes=_FLUX_SIZES, creator=_OPEN_FLUX),
    _model(_FLUX + "flux-1.1-pro", "flux-1.1-pro", sizes=_PRO_GRID, max_references=1, creator=_OPEN_FLUX),
    _model(
        _FLUX + "flux-1.1-pro-ultra",
        "flux-1.1-pro-ultra",
        sizes=Ratios(_RATIOS),
        max_references=1,
        creator=_OPEN_FLUX,
    ),
    *(
        _model(
            f"{_FLUX}flux-kontext-{tier}",
            f"flux-kontext-{tier}",
            operations=_EDITS,
            sizes=Ratios(_KONTEXT_RATIOS),
            creator=_OPEN_FLUX,
        )
        for tier in ("pro", "max")
    ),
    _model(_FLUX + "flux-fill-pro", "flux-fill-pro", operations=("edit",), creator=_OPEN_FLUX),
    _model(_FLUX + "flux-fill-dev", "flux-fill-dev", operations=("edit",), creator=_OPEN_FLUX),
    _model(
        _FLUX + "flux-2-pro",
        "flux-2-pro",
        operations=_EDITS,
        sizes=_FLUX_2_GRID,
        max_references=8,
        creator=_OPEN_FLUX,
    ),
    _model(
        "google/nano-banana",
        "nano-banana",
        operations=_EDITS,
        sizes=Ratios(_BANANA_RATIOS),
        max_references=3,
        creator="Google",
        media_types=("image/jpeg", PNG),
    ),
    _model(
        "bytedance/seedream-4",
        "seedream-4",
        operations=_EDITS,
        sizes=_SEEDREAM_GRID,
        max_references=10,
        creator="ByteDance",
    ),
    _model("qwen/qwen-image", "qwen-image", sizes=Ratios(_QWEN_RATIOS), creator="Alibaba"),
    *(
        _model(
            f"ideogram-ai/ideogram-v3-{tier}",
            f"ideogram-v3-{tier}",
            sizes=Ratios(_IDEOGRAM_RATIOS),
            max_references=3,
            creator="Ideogram",
        )
        for tier in ("turbo", "balanced", "quality")
    ),
    _model("recraft-ai/recraft-v3", "recraft-v3", sizes=_RECRAFT_SIZES, creator="Recraft", media_types=("image/webp",)),
    _model("bria/genfill", "bria-genfill", operations=("edit",), creator="Bria"),
    _model("bria/eraser", "bria-eraser", operations=("edit",), creator="Bria"),
    _tool("bria/expand-image", "bria-expand", operation="outpaint", creator="Bria"),
    _tool("bria/remove-background", "bria-rmbg", operation="remove_background", creator="Bria"),
    _tool("851-labs/background-remover", "background-remover", operation="remove_background"),
    _tool("recraft-ai/recraft-crisp-upscale", "recraft-crisp-upscale", operation="upscale", creator="Recraft"),
    _tool("philz1337x/clarity-upscaler", "clarity-upscaler", operation="upscale"),
    _tool("nightmareai/real-esrgan", "real-esrgan", "esrgan", operation="upscale"),
    _tool("meta/sam-2", "sam2", operation="segment", creator="Meta"),
)
