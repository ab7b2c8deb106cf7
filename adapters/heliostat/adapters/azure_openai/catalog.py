"""The image models that Azure OpenAI deploys.

Source: Microsoft's pages on image models in Foundry and the REST reference, read 2026-11-22. Prices are OpenAI's.
"""

from collections.abc import Mapping

from heliostat.adapters.sdk import Model, ModelTable
from heliostat.adapters.sdk.images_api import first_generation, second_generation
from heliostat.adapters.sdk.price_list import shipped

PRICES = shipped("azure_openai")
# One page lists no WebP for the first models; it is converted here.
_TYPES = ("image/png", "image/jpeg")


def _first(name: str, *, fidelity: bool = True) -> Model:
    return first_generation(name, PRICES.facts(name), fidelity=fidelity, media_types=_TYPES)


def _second(name: str) -> Model:
    return second_generation(name, PRICES.facts(name))


MODELS = ModelTable(
    _second("gpt-image-2.5-sunburst"),
    _second("gpt-image-2.5-flare"),
    _second("gpt-image-2"),
    _first("gpt-image-1.5"),
    _first("gpt-image-1-mini", fidelity=False),
    _first("gpt-image-1"),
)
NAMES = tuple(model.name for model in MODELS)


def models_of(deployments: Mapping[str, str]) -> ModelTable:
    """The models that are deployed; all of them where nothing is said of it."""
    return ModelTable(*(model for model in MODELS if not deployments or model.name in deployments))
