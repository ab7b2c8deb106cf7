"""Settings of the Runware adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class RunwareSettings(ProviderSettings):
    """Runware's API, its key, and where its pictures are."""

    api_key: Secret | None = Field(Secret("env:RUNWARE_API_KEY"), description="Key of Runware, env:NAME or file:PATH")
    base_url: str = Field("https://api.runware.ai/v1", description="Runware's API, version included")
    media_hosts: tuple[str, ...] = Field(
        ("*.runware.ai",), description="Hosts that pictures may be fetched from; *.name for any below"
    )
