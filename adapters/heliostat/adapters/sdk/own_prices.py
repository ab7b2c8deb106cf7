"""An operator's own prices and rates, put in the place of the shipped ones when an adapter starts."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from heliostat.adapters.sdk.models import ModelTable
from heliostat.adapters.sdk.price_list import PriceList, imported_path, read_price_list
from heliostat.adapters.sdk.pricing import Tariff
from heliostat.adapters.sdk.settings import AdapterSettings


def with_prices(models: ModelTable, provider: str, settings: AdapterSettings, state_dir: Path) -> ModelTable:
    """The models with the prices of `settings.prices`, or of an imported list, where there is one.

    Raises INVALID_FIELD with the line of everything that is wrong with the file.
    """
    own = _own_list(provider, settings, state_dir)
    if own is None and not settings.usd_rates:
        return models
    rates = settings.usd_rates

    def facts(name: str) -> Mapping[str, Any]:
        return own.facts(name, rates) if own is not None and own.find(name) is not None else {}

    priced = models.priced(facts)
    return priced.priced(lambda name: _rated(priced, name, settings)) if rates else priced


def _own_list(provider: str, settings: AdapterSettings, state_dir: Path) -> PriceList | None:
    if settings.prices:
        return read_price_list(settings.prices, provider)
    imported = imported_path(state_dir, provider)
    return read_price_list(str(imported), provider) if imported.is_file() else None


def _rated(models: ModelTable, name: str, settings: AdapterSettings) -> Mapping[str, Any]:
    """The price of a model with the configured rate of its currency."""
    price = models.get(name).price
    if not isinstance(price, Tariff) or price.currency == "USD":
        return {}
    return {"price": replace(price, usd_rate=settings.usd_rates.get(price.currency))}
