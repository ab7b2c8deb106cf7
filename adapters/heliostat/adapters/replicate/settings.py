"""Settings of the Replicate adapter."""

from collections.abc import Mapping

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class ReplicateSettings(ProviderSettings):
    """Replicate's API, its token, and where its files are."""

    api_key: Secret | None = Field(
        Secret("env:REPLICATE_API_TOKEN"), description="Token of Replicate, env:NAME or file:PATH"
    )
    base_url: str = Field(
        "https://api.replicate.com/v1", description="Replicate's API; also what the token is good for"
    )
    media_hosts: tuple[str, ...] = Field(
        ("replicate.delivery", "*.replicate.delivery"),
        description="Hosts that pictures may be fetched from; *.name for any below",
    )
    webhook_secret: Secret | None = Field(
        Secret("env:REPLICATE_WEBHOOK_SECRET"),
        description="What Replicate signs its callbacks with (whsec_...), env:NAME or file:PATH",
    )
    inline_limit_bytes: int = Field(
        262_144,
        ge=0,
        le=1_048_576,
        description="Pictures up to so many bytes travel inside of the request; larger ones are uploaded first",
    )
    versions: Mapping[str, str] = Field(
        default_factory=dict,
        description="Community model to the version to run, 64 hexadecimal digits; the others run their newest one",
    )
