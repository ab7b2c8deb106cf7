"""Settings of the AUTOMATIC1111 adapter."""

from typing import ClassVar

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class Automatic1111Settings(ProviderSettings):
    """A web UI of your own, AUTOMATIC1111's or Forge, started with --api, and which of its models are offered."""

    address_variable: ClassVar[str] = "AUTOMATIC1111_URL"

    api_key: Secret | None = Field(
        Secret("env:AUTOMATIC1111_AUTH"),
        description="user:password of --api-auth, or a token of a proxy, env:NAME or file:PATH; mostly none",
    )
    base_url: str = Field(
        "http://127.0.0.1:7860", pattern="^https?://", description="The web UI's server; 7861 with --nowebui"
    )
    checkpoints: dict[str, str] = Field(
        {"sdxl": "sd_xl_base_1.0.safetensors", "sd-1.5": "v1-5-pruned-emaonly.safetensors"},
        description="Model that is offered -> its file on the server, as the web UI's list shows it",
    )
    upscalers: dict[str, str] = Field(
        {"real-esrgan": "R-ESRGAN 4x+"}, description="Upscaler that is offered -> its name on the server"
    )
    rembg: bool = Field(False, description="True: the extension rembg is installed, and backgrounds can be removed")
    interrupts: bool = Field(
        False,
        description="True: work that nobody waits for is interrupted, where it is the only one from here. The server "
        "interrupts whatever runs, so say it only if nobody else uses the server",
    )
    progress_s: float = Field(
        1.0, ge=0, le=60, description="Seconds between two looks at the progress of the work; 0: none"
    )
    answer_timeout_s: float = Field(
        600.0,
        gt=0,
        le=3600,
        description="Longest wait for an answer, in seconds: the server does one request at a time",
    )
