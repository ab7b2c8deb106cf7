"""The models of Stability AI that are offered, with sizes and prices.

Source: the v2beta OpenAPI document of api.stability.ai (2026) and the price list of 2025-08, still in force in copies
of 2026; read 2026-11-22. What is not certain is marked in README.md.
"""

from typing import Any

from heliostat.adapters.sdk import Exact, FollowsInput, InputLimits, Model, ModelTable, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.stable_image import JPEG, MOST_PROMPT_CHARS, PNG, SHAPES, WEBP, Endpoint
from heliostat.adapters.stability.endpoints import ENDPOINTS, MOST_FILE_BYTES

PRICES = shipped("stability")
_RETENTION_S = 24 * 3600
_EXACT = Exact(tuple(SHAPES), default=(1024, 1024))
_SHAPES = Ratios(tuple(SHAPES.values()), default="1:1")
_DRAW_AND_EDIT = ("text_to_image", "edit")


def _model(name: str, *names: str, **facts: Any) -> Model:
    endpoint = ENDPOINTS[name]
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        max_references=1 if endpoint.reference else 0,
        inputs=InputLimits((PNG, JPEG, WEBP), MOST_FILE_BYTES, endpoint.limits.most_px),
        mask="exact" if endpoint.mask else "",
        media_types=tuple(endpoint.formats),
        ignores=tuple(sorted(NAMES - _honoured(endpoint))),
        resumable=endpoint.queued,
        retention_s=_RETENTION_S if endpoint.queued else 0,
        max_prompt_chars=MOST_PROMPT_CHARS,
        creator="Stability AI",
        facts=endpoint,
        **facts,
    )


def _honoured(endpoint: Endpoint) -> frozenset[str]:
    """Names of asked.py that the endpoint honours; every call may name the caller's own user."""
    return endpoint.honoured | {"user"}


def _drawing(name: str, *names: str, **facts: Any) -> Model:
    return _model(
        name, *names, operations=_DRAW_AND_EDIT, sizes=_EXACT, operation_sizes={"edit": FollowsInput()}, **facts
    )


def _tool(name: str, *names: str, operation: str = "edit", **facts: Any) -> Model:
    return _model(name, *names, operations=(operation,), sizes=FollowsInput(), **facts)


MODELS = ModelTable(
    _drawing("stable-image-ultra", "stable-image-ultra", typical_seconds=8),
    _model("stable-image-core", "stable-image-core", sizes=_SHAPES, typical_seconds=4),
    _drawing("sd3.5-large", "sd-3.5-large", "stable-diffusion-3.5-large"),
    _drawing("sd3.5-large-turbo", "sd-3.5-large-turbo", "stable-diffusion-3.5-large-turbo"),
    _drawing("sd3.5-medium", "sd-3.5-medium", "stable-diffusion-3.5-medium"),
    _drawing("sd3.5-flash", "sd-3.5-flash"),
    _tool("edit/inpaint", "stability-inpaint", metadata={"mask_required": True}),
    _tool("edit/erase", "stability-erase", metadata={"mask_required": True}),
    _tool("edit/outpaint", "stability-outpaint", operation="outpaint"),
    _tool("edit/search-and-replace", "stability-search-and-replace"),
    _tool("edit/search-and-recolor", "stability-search-and-recolor"),
    _tool("edit/remove-background", "stability-remove-background", operation="remove_background"),
    _tool("edit/replace-background-and-relight", "stability-replace-background", typical_seconds=30),
    _tool("upscale/fast", "stability-upscale-fast", operation="upscale", typical_seconds=1),
    _tool("upscale/conservative", "stability-upscale-conservative", operation="upscale"),
    _tool("upscale/creative", "stability-upscale-creative", operation="upscale", typical_seconds=60),
    _tool("control/sketch", "stability-sketch"),
    _tool("control/structure", "stability-structure"),
    _model("control/style", "stability-style", sizes=_SHAPES, metadata={"reference_required": True}),
    _tool("control/style-transfer", "stability-style-transfer", operation="style_transfer"),
)
