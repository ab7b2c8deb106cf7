"""Settings of the Recraft adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class RecraftSettings(ProviderSettings):
    """Recraft's API, its token, and where its pictures are."""

    api_key: Secret | None = Field(
        Secret("env:RECRAFT_API_TOKEN"), description="Token of Recraft, env:NAME or file:PATH"
    )
    base_url: str = Field("https://external.api.recraft.ai/v1", description="Recraft's API, version included")
    media_hosts: tuple[str, ...] = Field(
        ("*.recraft.ai",), description="Hosts that pictures may be fetched from; *.name for any below"
    )
