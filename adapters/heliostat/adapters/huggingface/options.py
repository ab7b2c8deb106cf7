"""provider_options["huggingface"]: what providers behind the router take beyond the normalized request."""

from typing import Any

from pydantic import Field

from heliostat.adapters.huggingface.endpoints import Endpoint
from heliostat.adapters.sdk import Options


class HuggingFaceOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    steps: int | None = Field(None, ge=1, le=100, description="Steps of the sampler; at Together more cost more")
    guidance_scale: float | None = Field(None, ge=0, le=30, description="How closely the prompt is followed")
    scheduler: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_]{1,64}$", description="Scheduler of the sampler (hf-inference)"
    )

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as fields of an endpoint. Raises INVALID_FIELD for one that it does not take."""
        given = self.given("huggingface", model, endpoint.options)
        return {endpoint.options[name]: value for name, value in given.items()}
