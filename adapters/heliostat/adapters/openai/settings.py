"""Settings of the OpenAI adapter, and the options of compatible servers."""

from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from heliostat.adapters.sdk import Options, ProviderSettings
from heliostat.adapters.sdk.extra_fields import FIELD_NAME
from heliostat.chassis.settings import Secret

Extension = Literal[
    "seed", "negative_prompt", "quality", "background", "style", "user", "moderation", "output_compression", "strength"
]


class OpenAISettings(ProviderSettings):
    """`adapters.openai`, or any section with `kind: openai`: OpenAI itself or a server that speaks its Images API."""

    api_key: Secret | None = Secret("env:OPENAI_API_KEY")
    """Key of the provider; a compatible server has none unless this is set."""
    base_url: str = Field("https://api.openai.com/v1", pattern="^https?://")
    """Where the API is, version included."""
    media_hosts: tuple[str, ...] = ("*.blob.core.windows.net",)
    """Hosts that pictures may be fetched from beside base_url's own."""
    organization: str = ""
    """OpenAI organisation, sent as OpenAI-Organization."""
    project: str = ""
    """OpenAI project, sent as OpenAI-Project."""
    compatible: bool = False
    """True for another server: any model name passes, response_format is sent, no parameter is thought to be known."""
    response_format: Literal["b64_json", "url", ""] = "b64_json"
    """Compatible servers only: what is asked for; empty sends nothing."""
    white_mask: bool = False
    """Compatible servers only: masks are sent white where the picture is repainted, not transparent."""
    takes: tuple[Extension, ...] = ("seed", "negative_prompt")
    """Compatible servers only: parameters beyond prompt, n and size that the server takes."""
    operations: tuple[Literal["text_to_image", "edit", "variation"], ...] = ("text_to_image", "edit")
    """Compatible servers only: what the server can do."""
    size_step_px: int = Field(8, ge=1, le=256)
    """Compatible servers only: edges are multiples of it."""
    max_images: int = Field(10, ge=1, le=10)
    """Compatible servers only: most pictures of one call."""
    price_per_image_usd: Decimal = Field(Decimal(0), ge=0)
    """Compatible servers only: what one picture costs, in US dollars."""

    @model_validator(mode="before")
    @classmethod
    def _no_foreign_key(cls, tree: Any) -> Any:
        """OpenAI's key is never sent to somebody else's server because nobody said otherwise."""
        if isinstance(tree, dict) and tree.get("compatible") and "api_key" not in tree:
            return {**tree, "api_key": None}
        return tree


class CompatibleOptions(Options):
    """Whatever a compatible server takes: fields are sent as they are, under names that stay within a form's head."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="after")
    def _names_are_names(self) -> Self:
        for name in self.model_extra or {}:
            if not FIELD_NAME.fullmatch(name):
                raise ValueError(f"{name[:100]!r} is no name of a field; use letters, digits, _ . and -")
        return self
