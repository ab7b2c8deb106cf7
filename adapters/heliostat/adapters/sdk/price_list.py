"""Price lists as data: one file per provider, with its version, its source and the day it was read.

The shipped list of a provider is `price_list.json` in its adapter's package, or `prices/<provider>.json` beside this
file for providers whose adapter has none of its own. An operator's own list, of the same shape in JSON or YAML,
replaces the prices of the models that it names. Nothing is ever fetched.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from heliostat.adapters.sdk.price_lines import ONE, Amount, Line
from heliostat.adapters.sdk.pricing import Tariff, unknown_price
from heliostat.adapters.sdk.token_counts import TokenCounts
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import Refusal, Section, fault, parse, read_text, tree_of

_FILE = "price_list.json"
_ANY = "*"


class ModelPrice(Section):
    """The prices of one model."""

    lines: tuple[Line, ...] = Field((), description="What is charged; of lines that count the same the first holds.")
    quote: tuple[Line, ...] = Field((), description="What estimates follow, where the provider quotes other prices.")
    tokens: TokenCounts = Field(TokenCounts(), description="What token prices are estimated from.")
    currency: str = Field("", description="Currency, where it is not the list's.")
    certain: bool = Field(True, description="False: thought to be right, not confirmed by the provider's own page.")
    as_of: date | None = Field(None, description="Day on which it was read, where it is not the list's.")
    note: str = Field("", description="What people should know of it.")


class PriceList(Section):
    """The prices of one provider."""

    provider: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Whose prices they are.")
    version: str = Field(min_length=1, max_length=100, description="Name of this state of the list.")
    source: str = Field(min_length=1, description="Where the prices were read.")
    as_of: date = Field(description="Day on which they were read.")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="Currency of all amounts, ISO 4217.")
    models: dict[str, ModelPrice] = Field(description="Prices by the provider's own model name; * is any other.")
    also: dict[str, str] = Field({}, description="Further names of models: name -> the name that has the prices.")

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> "PriceList":
        for name, known in self.also.items():
            if known not in self.models:
                raise fault(f"leads to {known}, which is not among the models", "also", name)
        return self

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        """All model names, further ones included."""
        yield from self.models
        yield from self.also

    def find(self, model: str) -> ModelPrice | None:
        """The prices of a model; None where the list has none."""
        return self.models.get(self.also.get(model, model)) or self.models.get(_ANY)

    def tariff(self, model: str, rates: Mapping[str, Decimal] | None = None) -> Tariff | None:
        """The tariff of a model; None where the list has none. `rates` are USD per unit of other currencies."""
        found = self.find(model)
        if found is None:
            return None
        currency = found.currency or self.currency
        rate = ONE if currency == "USD" else (rates or {}).get(currency)
        return Tariff(found.lines, found.quote, found.tokens, currency, rate, found.certain)

    def facts(self, model: str, rates: Mapping[str, Decimal] | None = None) -> dict[str, Any]:
        """What a `Model` says of its prices; they are unknown where the list has none."""
        tariff = self.tariff(model, rates)
        return {
            "price": tariff or unknown_price,
            "price_source": self.told_source(model) if tariff is not None else "",
            "price_version": f"{self.provider} {self.version}" if tariff is not None else "",
        }

    def told_source(self, model: str) -> str:
        """Version, source and day of a model's prices, in one line."""
        found = self.find(model)
        day = found.as_of if found is not None and found.as_of is not None else self.as_of
        return f"{self.provider} {self.version}: {self.source}, read {day.isoformat()}"


Rates = dict[str, Amount]


def shipped(provider: str) -> PriceList:
    """The list that is shipped for a provider. Raises INVALID_FIELD where there is none."""
    found = _shipped(provider)
    if found is None:
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"No prices of {provider} are shipped.", field="prices")
    return found


def provided(provider: str) -> bool:
    """Whether a list is shipped for a provider."""
    return _shipped(provider) is not None


@cache
def _shipped(provider: str) -> PriceList | None:
    spec = find_spec(f"heliostat.adapters.{provider}") if provider.isidentifier() else None
    places = [Path(folder) / _FILE for folder in (spec.submodule_search_locations or ())] if spec else []
    places.append(_folder() / f"{provider}.json")
    for place in places:
        if place.is_file():
            made: PriceList = PriceList.model_validate(json.loads(place.read_text("utf-8"), parse_float=Decimal))
            return made
    return None


def _folder() -> Path:
    return Path(str(resources.files("heliostat.adapters.sdk"))) / "prices"


def shipped_beside() -> list[str]:
    """Providers whose lists stand beside the kit."""
    return sorted(path.stem for path in _folder().glob("*.json"))


def read_price_list(path: str, provider: str = "") -> PriceList:
    """An operator's list. Raises INVALID_FIELD with the line of everything that is wrong, up to ten.

    `provider` is whose prices are wanted; another one's are refused.
    """
    text = read_text(path)
    try:
        made: PriceList = parse(PriceList, tree_of(text, path, {}), "")
    except Refusal as refusal:
        told = refusal.located(path, text).message.removeprefix("The configuration is refused. ")
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD, f"The price list is refused. {told}", field="prices"
        ) from None
    if provider and made.provider != provider:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"{path} holds prices of {made.provider}; give the adapter those of {provider}.",
            field="prices",
        )
    return made


def imported_path(state_dir: Path, provider: str) -> Path:
    """Where an imported list of a provider is kept."""
    return state_dir / "prices" / f"{provider}.json"
