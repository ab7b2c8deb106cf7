"""provider_options["fireworks"]: what Fireworks AI's models take beyond the normalized request."""

from typing import Any

from pydantic import Field

from heliostat.adapters.fireworks.endpoints import Endpoint
from heliostat.adapters.sdk import Options


class FireworksOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    steps: int | None = Field(None, ge=1, le=100, description="Steps of the sampler; each is charged")
    guidance_scale: float | None = Field(None, ge=0, le=100, description="How closely the prompt is followed")
    sampler: str | None = Field(None, pattern=r"^[A-Za-z0-9_]{1,40}$", description="Name of the sampler (SDXL and kin)")
    prompt_upsampling: bool | None = Field(None, description="Whether the prompt is rewritten (Kontext)")
    safety_tolerance: int | None = Field(None, ge=0, le=6, description="0 strict to 6 lax; 2 at most to edit (Kontext)")

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as body fields of a model. Raises INVALID_FIELD for one that it does not take."""
        given = self.given("fireworks", model, endpoint.options)
        return {endpoint.options[name]: value for name, value in given.items()}
