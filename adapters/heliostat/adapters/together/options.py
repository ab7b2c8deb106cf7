"""provider_options["together"]: what Together AI's endpoint takes beyond the normalized request."""

from pydantic import BaseModel, ConfigDict, Field

from heliostat.adapters.sdk import Options


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
