"""Settings of the xAI adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class XaiSettings(ProviderSettings):
    """xAI's API, its key, and where its pictures are."""

    api_key: Secret | None = Field(Secret("env:XAI_API_KEY"), description="Key of xAI, env:NAME or file:PATH")
    base_url: str = Field("https://api.x.ai/v1", pattern="^https?://", description="xAI's API, version included")
    media_hosts: tuple[str, ...] = Field(
        ("*.x.ai",), description="Hosts that pictures may be fetched from; *.name for any below"
    )
