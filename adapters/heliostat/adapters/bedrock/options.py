"""provider_options["bedrock"]: what the models take beyond the normalized request."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from heliostat.adapters.bedrock.catalog import Task
from heliostat.adapters.sdk import Options
from heliostat.adapters.sdk.stable_image import Endpoint, option_fields

Colour = Annotated[str, StringConstraints(pattern="^#[0-9A-Fa-f]{6}$")]


class BedrockOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    grow_mask: int | None = Field(None, ge=0, le=20, description="Pixels by which a mask is grown")
    creativity: float | None = Field(None, ge=0, le=1, description="How inventive what is outpainted is")
    search_prompt: str | None = Field(None, min_length=1, description="What is to be replaced, in words")
    select_prompt: str | None = Field(None, min_length=1, description="What is to be recoloured, in words")
    composition_fidelity: float | None = Field(None, ge=0, le=1, description="How much of the composition stays")
    change_strength: float | None = Field(None, ge=0.1, le=1, description="How far the picture may change")
    cfg_scale: float | None = Field(None, ge=1.1, le=10, description="How closely the prompt is followed (Amazon's)")
    mask_prompt: str | None = Field(
        None,
        min_length=1,
        max_length=1024,
        description="What is to be repainted, in words: no mask then (Amazon's)",
    )
    colors: tuple[Colour, ...] | None = Field(
        None, min_length=1, max_length=10, description="Colours to draw with, such as #ff8800 (Amazon's)"
    )

    def fields(self, model: str, facts: Endpoint | Task) -> dict[str, Any]:
        """The options as the model takes them. Raises INVALID_FIELD for a foreign or a missing one."""
        return option_fields(self, "bedrock", model, facts.options if isinstance(facts, Task) else facts)
