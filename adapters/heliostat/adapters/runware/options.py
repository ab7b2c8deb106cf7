"""provider_options["runware"]: what Runware's tasks take beyond the normalized request."""

from typing import Any, Literal

from pydantic import Field

from heliostat.adapters.runware.endpoints import Endpoint
from heliostat.adapters.sdk import Options


class RunwareOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    steps: int | None = Field(None, ge=1, le=100, description="Steps of the sampler")
    CFGScale: float | None = Field(None, ge=0, le=50, description="How closely the prompt is followed")
    scheduler: str | None = Field(None, max_length=100, description="Name of the sampler's scheduler")
    acceleration: Literal["none", "low", "medium", "high"] | None = Field(None, description="Speed over quality")
    clipSkip: int | None = Field(None, ge=0, le=2, description="Layers of CLIP that are left out (Stable Diffusion)")
    vae: str | None = Field(None, max_length=200, description="AIR id of another VAE (Stable Diffusion)")
    lora: list[dict[str, Any]] | None = Field(None, max_length=5, description="LoRAs: model, weight from -4 to 4")
    maskMargin: int | None = Field(None, ge=32, le=128, description="Pixels around a mask that are looked at")
    safety: dict[str, Any] | None = Field(None, description="What is looked through: checkContent, checkInputs, mode")
    settings: dict[str, Any] | None = Field(None, description="Of background removal, such as rgba or alphaMatting")
    confidence: float | None = Field(None, ge=0, le=1, description="How sure a find must be")
    maxDetections: int | None = Field(None, ge=1, le=20, description="Most finds")
    maskPadding: int | None = Field(None, ge=0, le=512, description="Pixels that a find's mask grows by")
    maskBlur: int | None = Field(None, ge=0, le=512, description="Pixels over which a find's mask is softened")

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as fields of a task. Raises INVALID_FIELD for one that the model does not take."""
        return self.given("runware", model, endpoint.options)
