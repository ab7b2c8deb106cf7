"""The models of Fireworks AI that are offered, with sizes and prices.

Source: docs.fireworks.ai (2026), read 2026-11-22; prices as known in mid-2025, not confirmed since. The line is small
and ageing; what is not certain is marked in README.md.
"""

from typing import Any

from heliostat.adapters.fireworks.endpoints import BUCKETS, ENDPOINTS, KONTEXT_RATIOS, RATIOS, Dialect, Endpoint
from heliostat.adapters.sdk import Exact, FollowsInput, Model, ModelTable, Ratios
from heliostat.adapters.sdk.asked import NAMES
from heliostat.adapters.sdk.price_list import shipped
from heliostat.adapters.sdk.sizing import SizeRule

PRICES = shipped("fireworks")
# Kontext's addresses of pictures are good for ten minutes at its maker.
_RETENTION_S = 600
_BFL = "Black Forest Labs"
_SIZES: dict[Dialect, SizeRule] = {
    Dialect.WORKFLOW: Ratios(RATIOS, default="1:1"),
    Dialect.JOB: Ratios(KONTEXT_RATIOS),
    Dialect.LEGACY: Exact(BUCKETS, default=(1024, 1024)),
}


def _model(short: str, *names: str, **facts: Any) -> Model:
    name = f"accounts/fireworks/models/{short}"
    endpoint = ENDPOINTS[name]
    job = endpoint.dialect is Dialect.JOB
    if endpoint.repaints:
        facts["operation_sizes"] = {"edit": FollowsInput()}
    return Model(
        name,
        names=names,
        **PRICES.facts(name),
        operations=("text_to_image", "edit") if job or endpoint.repaints else ("text_to_image",),
        sizes=_SIZES[endpoint.dialect],
        media_types=tuple(endpoint.formats),
        ignores=tuple(sorted(NAMES - _honoured(endpoint))),
        resumable=job,
        retention_s=_RETENTION_S if job else 0,
        facts=endpoint,
        **facts,
    )


def _honoured(endpoint: Endpoint) -> frozenset[str]:
    """Names of asked.py that the endpoint honours."""
    return frozenset(endpoint.takes) | {"prompt"}


MODELS = ModelTable(
    _model("flux-1-schnell-fp8", "flux-schnell", "flux-1-schnell", creator=_BFL, typical_seconds=1),
    _model("flux-1-dev-fp8", "flux-dev", "flux-1-dev", creator=_BFL, typical_seconds=4),
    _model("flux-kontext-pro", "flux-kontext-pro", creator=_BFL, typical_seconds=8),
    _model("flux-kontext-max", "flux-kontext-max", creator=_BFL, typical_seconds=10),
    _model("stable-diffusion-xl-1024-v1-0", "sdxl", "stable-diffusion-xl", creator="Stability AI"),
    _model("SSD-1B", "ssd-1b", creator="Segmind"),
    _model("playground-v2-1024px-aesthetic", "playground-v2", creator="Playground"),
    _model("playground-v2-5-1024px-aesthetic", "playground-v2.5", creator="Playground"),
    _model("japanese-stable-diffusion-xl", "japanese-sdxl", creator="Stability AI"),
)
