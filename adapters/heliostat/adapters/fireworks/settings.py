"""Settings of the Fireworks AI adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class FireworksSettings(ProviderSettings):
    """Fireworks AI's API, its key, and where Kontext's pictures are."""

    api_key: Secret | None = Field(
        Secret("env:FIREWORKS_API_KEY"), description="Key of Fireworks AI, env:NAME or file:PATH"
    )
    base_url: str = Field("https://api.fireworks.ai/inference/v1", description="Fireworks AI's API")
    media_hosts: tuple[str, ...] = Field(
        ("*.fireworks.ai", "*.bfl.ai"),
        description="Hosts that pictures may be fetched from; *.name for any below",
    )
