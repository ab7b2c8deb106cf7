"""Settings of the ComfyUI adapter."""

from typing import ClassVar

from pydantic import Field

from heliostat.adapters.sdk import ProviderSettings
from heliostat.chassis.settings import Secret


class ComfyuiSettings(ProviderSettings):
    """A ComfyUI server of your own, its workflow templates, and what the GPU costs you."""

    address_variable: ClassVar[str] = "COMFYUI_URL"

    api_key: Secret | None = Field(
        Secret("env:COMFYUI_API_KEY"),
        description="Token, or user:password, of a proxy before the server, env:NAME or file:PATH; ComfyUI has no keys",
    )
    base_url: str = Field("http://127.0.0.1:8188", pattern="^https?://", description="The ComfyUI server")
    templates: str = Field(
        "",
        description="Folder with workflow templates of your own; one of a model and work that is shipped replaces it",
    )
    offered: tuple[str, ...] = Field(
        (), description="Models that are offered, those whose files the server has; empty: all that have a template"
    )
