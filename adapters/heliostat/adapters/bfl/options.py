"""provider_options["bfl"]: what Black Forest Labs' endpoints take beyond the normalized request."""

from pydantic import Field

from heliostat.adapters.sdk import Options


class BflOptions(Options):
    """Each option goes to the endpoints that know it; to ask it of another one is an error."""

    safety_tolerance: int | None = Field(None, ge=0, le=6, description="0 strict to 6 lax; newer models stop before")
    prompt_upsampling: bool | None = Field(None, description="Whether the prompt is rewritten")
    disable_pup: bool | None = Field(None, description="True: the prompt is not rewritten (FLUX.2)")
    grounding: bool | None = Field(None, description="Whether the model may look things up (FLUX.3)")
    raw: bool | None = Field(None, description="Less processed pictures (ultra)")
    dilate_pixels: int | None = Field(None, ge=0, le=25, description="Pixels by which a mask is grown (Erase)")
    steps: int | None = Field(None, ge=1, le=50, description="Steps of the sampler")
    guidance: float | None = Field(None, ge=1.5, le=100, description="How closely the prompt is followed")
