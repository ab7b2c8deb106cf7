"""The models of Black Forest Labs that are offered, with sizes and prices.

Source: docs.bfl.ai (models and pricing, to 2026-11) and the OpenAPI document (2026-04-23), read 2026-11-22. What is not
certain there is not offered, or marked: see README.md.
"""

from typing import Any

from heliostat.adapters.bfl.endpoints import ENDPOINTS, JPEG, Endpoint
from heliostat.adapters.sdk import FollowsInput, InputLimits, Model, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("bfl")
# Addresses of pictures are good for ten minutes.
_RETENTION_S = 600
_FLUX_2_GRID = Pixels(64, 8192, 16, max_area_px=4_194_304, default=(1024, 1024))
_PRO_GRID = Pixels(256, 1440, 32, default=(1024, 768))
_ULTRA_RATIOS = Ratios(("21:9", "16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16", "9:21"))
_KONTEXT_RATIOS = Ratios(("7:3", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16", "3:7"))
_FLUX_3_RATIOS = Ratios(
    (
        *("21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "1:1"),
        *("4:5", "3:4", "5:7", "2:3", "9:16", "1:2", "9:21"),
    ),
    tiers=("1K", "2K", "4K"),
)


# 20 MB and 20 megapixels a picture (docs.bfl.ai, read 2026-11-22).
_INPUTS = InputLimits(("image/png", "image/jpeg", "image/webp"), 20_000_000, 20_000_000)


def _model(name: str, *names: str, **facts: Any) -> Model:
    endpoint = ENDPOINTS[name]
    gives = endpoint.numbered or endpoint.listed
    facts.setdefault("operations", ("text_to_image", "edit") if gives else ("text_to_image",))
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        max_references=endpoint.most or (1 if endpoint.prompted else 0),
        inputs=_INPUTS,
        mask="exact" if endpoint.mask else "",
        media_types=tuple(endpoint.formats) or (JPEG,),
        ignores=tuple(sorted(NAMES - _honoured(endpoint))),
        resumable=True,
        retention_s=_RETENTION_S,
        creator="Black Forest Labs",
        facts=endpoint,
        **facts,
    )


def _honoured(endpoint: Endpoint) -> frozenset[str]:
    """Names of asked.py that the endpoint honours."""
    return endpoint.takes | {"moderation"} | ({"feather"} if endpoint.mask else frozenset())


MODELS = ModelTable(
    _model("flux-3-image", "flux-3-image", sizes=_FLUX_3_RATIOS, typical_seconds=15),
    _model("flux-2-max", "flux-2-max", sizes=_FLUX_2_GRID, typical_seconds=20),
    _model("flux-2-pro", "flux-2-pro", sizes=_FLUX_2_GRID, typical_seconds=7),
    _model("flux-2-flex", "flux-2-flex", sizes=_FLUX_2_GRID, typical_seconds=20),
    _model("flux-2-klein-9b", "flux-2-klein-9b", sizes=_FLUX_2_GRID, typical_seconds=1),
    _model("flux-2-klein-4b", "flux-2-klein-4b", sizes=_FLUX_2_GRID, typical_seconds=1),
    _model("flux-kontext-max", "flux-kontext-max", sizes=_KONTEXT_RATIOS),
    _model("flux-kontext-pro", "flux-kontext-pro", sizes=_KONTEXT_RATIOS),
    _model("flux-pro-1.1-ultra", "flux-1.1-pro-ultra", "flux-pro-1.1-ultra", sizes=_ULTRA_RATIOS),
    _model("flux-pro-1.1", "flux-1.1-pro", "flux-pro-1.1", sizes=_PRO_GRID),
    _model("flux-dev", "flux-dev", "flux-1-dev", sizes=_PRO_GRID),
    _model(
        "flux-pro-1.0-fill",
        "flux-fill-pro",
        operations=("edit",),
        sizes=FollowsInput(),
        metadata={"mask_required": True},
    ),
    _model(
        "flux-tools/erase-v1",
        "flux-erase",
        operations=("edit",),
        sizes=FollowsInput(),
        metadata={"mask_required": True},
    ),
    _model("flux-pro-1.0-expand", "flux-expand-pro", operations=("outpaint",), sizes=FollowsInput()),
)
