"""Settings of the Together AI adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class TogetherSettings(ProviderSettings):
    """Together AI's API, its key, and where its pictures are."""

    api_key: Secret | None = Field(
        Secret("env:TOGETHER_API_KEY"), description="Key of Together AI, env:NAME or file:PATH"
    )
    base_url: str = Field("https://api.together.ai/v1", description="Together AI's API; api.together.xyz is the same")
    media_hosts: tuple[str, ...] = Field(
        ("*.together.ai", "*.together.xyz"),
        description="Hosts that pictures may be fetched from; *.name for any below",
    )
