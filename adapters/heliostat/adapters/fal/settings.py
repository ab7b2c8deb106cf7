"""Settings of the fal adapter."""

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class FalSettings(ProviderSettings):
    """fal's queue, its key, and where its pictures are."""

    api_key: Secret | None = Field(Secret("env:FAL_KEY"), description="Key of fal, env:NAME or file:PATH")
    base_url: str = Field("https://queue.fal.run", description="fal's queue; also what the key is good for")
    media_hosts: tuple[str, ...] = Field(
        ("fal.media", "*.fal.media"), description="Hosts that pictures may be fetched from; *.name for any below"
    )
    media_lifetime_s: int = Field(
        3600, ge=60, le=31_536_000, description="How long fal keeps pictures that we copy, seconds"
    )
    webhook_keys_url: str = Field(
        "",
        pattern=r"^(https?://[^\s]+)?$",
        description="Where the keys are that callbacks are signed with; empty: fal's own, or below another base_url",
    )
