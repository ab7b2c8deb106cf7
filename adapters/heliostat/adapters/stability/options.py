"""provider_options["stability"]: what Stability AI's endpoints take beyond the normalized request."""

from typing import Any, Literal

from pydantic import Field

from heliostat.adapters.sdk import Options
from heliostat.adapters.sdk.stable_image import Endpoint, option_fields


class StabilityOptions(Options):
    """Each option goes to the endpoints that know it; to ask it of another one is an error."""

    cfg_scale: float | None = Field(None, ge=1, le=10, description="How closely the prompt is followed (SD 3.5)")
    grow_mask: int | None = Field(
        None, ge=0, le=100, description="Pixels by which a mask is grown; 20 at most to erase"
    )
    creativity: float | None = Field(None, ge=0, le=1, description="How inventive what is outpainted is")
    search_prompt: str | None = Field(None, min_length=1, description="What is to be replaced, in words")
    select_prompt: str | None = Field(None, min_length=1, description="What is to be recoloured, in words")
    foreground_prompt: str | None = Field(None, description="What the subject is, in words")
    preserve_original_subject: float | None = Field(None, ge=0, le=1, description="How much of the subject stays")
    original_background_depth: float | None = Field(None, ge=0, le=1, description="How much of the depth stays")
    keep_original_background: bool | None = Field(None, description="True: the light changes, the background stays")
    light_source_direction: Literal["left", "right", "above", "below"] | None = Field(
        None, description="Where the light comes from"
    )
    light_source_strength: float | None = Field(None, ge=0, le=1, description="How strong the light is")
    composition_fidelity: float | None = Field(None, ge=0, le=1, description="How much of the composition stays")
    change_strength: float | None = Field(None, ge=0.1, le=1, description="How far the picture may change")

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as form fields of an endpoint. Raises INVALID_FIELD for a foreign or a missing one."""
        return option_fields(self, "stability", model, endpoint)
