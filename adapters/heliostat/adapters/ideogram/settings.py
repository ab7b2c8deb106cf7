"""Settings of the Ideogram adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class IdeogramSettings(ProviderSettings):
    """Ideogram's API, its key, and where its pictures are."""

    api_key: Secret | None = Field(Secret("env:IDEOGRAM_API_KEY"), description="Key of Ideogram, env:NAME or file:PATH")
    base_url: str = Field("https://api.ideogram.ai", description="Ideogram's API")
    media_hosts: tuple[str, ...] = Field(
        ("ideogram.ai", "*.ideogram.ai"), description="Hosts that pictures may be fetched from; *.name for any below"
    )
