"""Settings of the Stability AI adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class StabilitySettings(ProviderSettings):
    """Stability AI's API and its key. Pictures come in the answers themselves."""

    api_key: Secret | None = Field(
        Secret("env:STABILITY_API_KEY"), description="Key of Stability AI, env:NAME or file:PATH"
    )
    base_url: str = Field("https://api.stability.ai", description="Stability AI's API")
    poll_s: float = Field(
        10.0,
        ge=0.01,
        le=60,
        description="Seconds between two looks at a job; Stability asks for no less than 10 and offers no callback",
    )
