"""Settings of the Hugging Face adapter."""

from typing import Annotated

from pydantic import Field

from heliostat.adapters.huggingface.endpoints import PROVIDERS
from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret

ROUTER, HUB = "https://router.huggingface.co", "https://huggingface.co"
FURTHER = rf"^({'|'.join(PROVIDERS)})/[A-Za-z0-9][A-Za-z0-9_.-]{{0,95}}/[A-Za-z0-9][A-Za-z0-9_.-]{{0,95}}$"


class HuggingFaceSettings(ProviderSettings):
    """Hugging Face's router and Hub, the token, and where the pictures of the providers behind it are."""

    api_key: Secret | None = Field(
        Secret("env:HF_TOKEN"),
        description="Token that may call inference providers, env:NAME or file:PATH; it starts with hf_",
    )
    base_url: str = Field(ROUTER, pattern="^https?://", description="Hugging Face's router")
    hub_url: str = Field(
        "",
        pattern="^(https?://.*)?$",
        description="The Hub, which knows what providers call a model. Empty: huggingface.co for the router's own "
        "address, otherwise base_url",
    )
    api_hosts: tuple[str, ...] = Field(
        ("huggingface.co",), description="Further hosts of Hugging Face's API, which get the token: that of the Hub"
    )
    bill_to: str = Field(
        "", pattern=r"^[A-Za-z0-9._-]{0,96}$", description="Organisation that pays; empty: the owner of the token"
    )
    names_s: float = Field(
        3600.0, ge=0, le=604_800, description="Seconds for which the Hub's answer about a model is believed"
    )
    further_models: tuple[Annotated[str, Field(pattern=FURTHER)], ...] = Field(
        (),
        description="More models that draw from words, each as provider/owner/model, such as "
        "fal-ai/owner/model; their prices are unknown until `prices` names them",
    )
    media_hosts: tuple[str, ...] = Field(
        (
            *("fal.media", "*.fal.media", "replicate.delivery", "*.replicate.delivery", "*.together.ai"),
            *("*.wavespeed.ai", "d1q70pf5vjeyhc.cloudfront.net"),
        ),
        description="Hosts that pictures may be fetched from; *.name for any below",
    )

    @property
    def hub(self) -> str:
        """The Hub's address."""
        own = HUB if self.base_url.rstrip("/") == ROUTER else self.base_url
        return (self.hub_url or own).rstrip("/")
