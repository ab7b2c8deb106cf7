"""provider_options["fal"]: what fal's endpoints take beyond the normalized request."""

from typing import Any, Literal

from pydantic import Field, field_validator

from heliostat.adapters.fal.endpoints import Endpoint
from heliostat.adapters.sdk import Options

# Options whose name at fal means something else on another endpoint.
_SENT_AS = {"esrgan_model": "model", "topaz_model": "model", "birefnet_model": "model"}
# Options that travel in a head of the submit, for every endpoint.
_OF_THE_QUEUE = frozenset({"queue_priority"})


class FalOptions(Options):
    """Each option goes to the endpoints that know it; to ask it of another one is an error, for fal would ignore it."""

    queue_priority: Literal["normal", "low"] | None = Field(None, description="Place in fal's queue")
    num_inference_steps: int | None = Field(None, ge=1, le=50, description="Steps of the sampler")
    guidance_scale: float | None = Field(None, ge=0, le=20, description="How closely the prompt is followed")
    acceleration: Literal["none", "regular", "high"] | None = Field(None, description="Speed against quality")
    enable_safety_checker: bool | None = Field(None, description="Whether pictures are checked")
    safety_tolerance: Literal["1", "2", "3", "4", "5", "6"] | None = Field(None, description="1 strict to 6 lax")
    enhance_prompt: bool | None = Field(None, description="Whether the prompt is rewritten")
    expand_prompt: bool | None = Field(None, description="Whether the prompt is rewritten (Ideogram)")
    raw: bool | None = Field(None, description="Less processed pictures (FLUX ultra)")
    system_prompt: str | None = Field(None, max_length=32_000, description="Standing instructions (Nano Banana)")
    limit_generations: bool | None = Field(None, description="One picture per round (Nano Banana)")
    enable_web_search: bool | None = Field(None, description="Whether the model may search (Nano Banana)")
    style: str | None = Field(None, max_length=100, description="Raster style (Recraft, Ideogram)")
    style_preset: str | None = Field(None, max_length=100, description="Preset (Ideogram)")
    style_id: str | None = Field(None, max_length=100, description="Own style (Recraft)")
    colors: list[dict[str, int]] | None = Field(None, max_length=16, description="Colours as {r, g, b} (Recraft)")
    dilate_pixels: int | None = Field(None, ge=0, le=100, description="Pixels by which a mask is grown (FLUX erase)")
    preserve_alpha: bool | None = Field(None, description="Whether what is transparent stays so (Bria's eraser)")
    resemblance: float | None = Field(None, ge=0, le=1, description="How close to stay (Clarity)")
    face: bool | None = Field(None, description="Whether faces are mended (ESRGAN)")
    tile: int | None = Field(None, ge=0, le=4096, description="Tile in px, 0 none (ESRGAN)")
    esrgan_model: str | None = Field(None, max_length=100, description="Weights, such as RealESRGAN_x4plus")
    topaz_model: str | None = Field(None, max_length=100, description="Enhancement, such as High Fidelity V2")
    birefnet_model: str | None = Field(None, max_length=100, description="Weights, such as Portrait")
    operating_resolution: Literal["1024x1024", "2048x2048", "2304x2304"] | None = Field(
        None, description="Resolution of the cut (BiRefNet)"
    )
    refine_foreground: bool | None = Field(None, description="Whether edges are refined (BiRefNet)")

    @field_validator("style")
    @classmethod
    def _raster(cls, style: str | None) -> str | None:
        if style is not None and style.startswith("vector"):
            raise ValueError("vector styles give SVG, which is not delivered; choose a raster style")
        return style

    def fields(self, endpoint: Endpoint) -> dict[str, Any]:
        """The options as body fields of an endpoint. Raises INVALID_FIELD for one that it does not take."""
        given = self.given("fal", endpoint.path, endpoint.options | _OF_THE_QUEUE)
        return {_SENT_AS.get(name, name): value for name, value in given.items() if name not in _OF_THE_QUEUE}
