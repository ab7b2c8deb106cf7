"""Settings of the Seedream adapter."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class SeedreamSettings(ProviderSettings):
    """ByteDance's Ark, its key, and where its pictures are."""

    api_key: Secret | None = Field(Secret("env:ARK_API_KEY"), description="Key of Ark, env:NAME or file:PATH")
    base_url: str = Field(
        "https://ark.ap-southeast.bytepluses.com/api/v3",
        pattern="^https?://",
        description="BytePlus ModelArk, version included; mainland China: https://ark.cn-beijing.volces.com/api/v3",
    )
    media_hosts: tuple[str, ...] = Field(
        ("*.volces.com", "*.bytepluses.com"),
        description="Hosts that pictures may be fetched from; *.name for any below",
    )
    region: Literal["", "international", "mainland"] = Field(
        "", description="Whose models and prices hold; empty: as base_url's host tells"
    )
    endpoints: dict[str, str] = Field(
        {}, description="Your own endpoints by model, such as {seedream-4-5-251128: ep-2026…}; sent instead of its name"
    )

    @property
    def mainland(self) -> bool:
        """Whether the models of mainland China are asked: other names, other prices, in CNY."""
        host = urlsplit(self.base_url).hostname or ""
        return self.region == "mainland" or (not self.region and host.endswith(".volces.com"))
