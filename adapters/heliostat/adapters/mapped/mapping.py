"""A mapping file as data: one provider, its endpoints and its models."""

from typing import Any

from pydantic import Field, model_validator

from heliostat.adapters.mapped.endpoints import Endpoint
from heliostat.adapters.mapped.errors import Errors
from heliostat.adapters.mapped.offers import Auth, Limits, Offer, Option
from heliostat.adapters.mapped.pieces import Piece
from heliostat.adapters.sdk.price_list import PriceList

PLACE_OF_ACCOUNT = "{account}"


class Mapping(Piece):
    """One provider. The name of the file is its name."""

    provider: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="Its name: that of the file.")
    name: str = Field(min_length=1, max_length=100, description="Its name as people write it.")
    source: str = Field(min_length=10, description="Where its API was read about, and when.")
    base_url: str = Field(pattern=r"^https?://[^\s?#]+$", description="Where its API is; {account} stands for one.")
    hosts: dict[str, str] = Field({}, description="Other hosts of its API, by a name that endpoints use.")
    account: str = Field("", pattern=r"^([A-Z][A-Z0-9_]*)?$", description="The variable that {account} stands for.")
    auth: Auth = Field(description="How the key travels.")
    media_hosts: tuple[str, ...] = Field((), description="Hosts of pictures; *.name for any below.")
    limits: Limits = Field(Limits(), description="What it bears of one account.")
    options: dict[str, Option] = Field({}, description="Options of provider_options.")
    endpoints: dict[str, Endpoint] = Field(min_length=1, description="Its endpoints, by a name that models use.")
    models: dict[str, Offer] = Field(min_length=1, description="Its models, by the provider's own names.")
    errors: Errors = Field(Errors(), description="What its errors mean.")
    prices: PriceList | None = Field(None, description="Its prices; absent: the list that is shipped for it.")

    @model_validator(mode="before")
    @classmethod
    def _prices_are_its_own(cls, value: Any) -> Any:
        prices = value.get("prices") if isinstance(value, dict) else None
        if not isinstance(prices, dict) or "provider" in prices:
            return value
        return {**value, "prices": {"provider": value.get("provider"), **prices}}

    def endpoint_of(self, offer: Offer, operation: str) -> Endpoint:
        """The endpoint that does an operation of a model."""
        return self.endpoints[offer.operations[operation]]  # type: ignore[index]

    def endpoints_of(self, offer: Offer) -> list[Endpoint]:
        """The endpoints of a model, that of its first operation first."""
        return [self.endpoints[name] for name in dict.fromkeys(offer.operations.values())]
