"""provider_options["together"]: what Together AI's endpoint takes beyond the normalized request."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from heliostat.adapters.sdk import MeshError, Options
from heliostat.adapters.together.traits import Traits
from heliostat.api.image.v1 import reason_pb2 as reasons


class Lora(BaseModel):
    """A LoRA to draw with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(min_length=1, max_length=2000, description="Address of the LoRA")
    scale: float = Field(1.0, ge=-10, le=10, description="How strong it is")


class TogetherOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    steps: int | None = Field(
        None, ge=1, le=100, description="Steps of the sampler; more than the model's usual ones cost more"
    )
    guidance_scale: float | None = Field(None, ge=0, le=100, description="How closely the prompt is followed")
    image_loras: tuple[Lora, ...] | None = Field(None, max_length=8, description="LoRAs to draw with (FLUX.1 dev LoRA)")

    def fields(self, model: str, traits: Traits) -> dict[str, Any]:
        """The options as body fields of a model. Raises INVALID_FIELD for one that it does not take."""
        given = self.model_dump(exclude_none=True)
        foreign = sorted(given.keys() - traits.options)
        if foreign:
            known = ", ".join(sorted(traits.options)) or "none"
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"{model} does not take provider_options.together.{foreign[0]}; it takes: {known}.",
                field=f"provider_options.together.{foreign[0]}",
            )
        return given
