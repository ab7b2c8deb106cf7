"""provider_options["replicate"]: what Replicate's models take beyond the normalized request."""

from typing import Literal

from pydantic import Field

from heliostat.adapters.sdk import Options


class ReplicateOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    go_fast: bool | None = Field(None, description="Faster, a little less good (FLUX, Qwen)")
    megapixels: Literal["1", "0.25"] | None = Field(None, description="Size of the picture (FLUX schnell, dev)")
    num_inference_steps: int | None = Field(None, ge=1, le=50, description="Steps of the sampler")
    steps: int | None = Field(None, ge=15, le=50, description="Steps of the sampler (FLUX fill)")
    guidance: float | None = Field(None, ge=0, le=100, description="How closely the prompt is followed")
    prompt_upsampling: bool | None = Field(None, description="Whether the prompt is rewritten (FLUX)")
    enhance_prompt: bool | None = Field(None, description="Whether the prompt is rewritten (Seedream)")
    safety_tolerance: int | None = Field(None, ge=0, le=6, description="0 strict to 6 lax (FLUX)")
    raw: bool | None = Field(None, description="Less processed pictures (FLUX ultra)")
    image_size: Literal["optimize_for_quality", "optimize_for_speed"] | None = Field(
        None, description="Pixels of a shape (Qwen)"
    )
    style_type: str | None = Field(None, max_length=100, description="Kind of style (Ideogram)")
    style_preset: str | None = Field(None, max_length=100, description="Preset (Ideogram)")
    magic_prompt_option: Literal["Auto", "On", "Off"] | None = Field(
        None, description="Whether the prompt is rewritten (Ideogram)"
    )
    resemblance: float | None = Field(None, ge=0, le=3, description="How close to stay (Clarity)")
    dynamic: float | None = Field(None, ge=1, le=50, description="Range of brightness (Clarity)")
    face_enhance: bool | None = Field(None, description="Whether faces are mended (ESRGAN)")
    threshold: float | None = Field(None, ge=0, le=1, description="Hardness of the cut, 0 soft (background-remover)")
    points_per_side: int | None = Field(None, ge=1, le=128, description="How densely things are looked for (SAM 2)")
    pred_iou_thresh: float | None = Field(None, ge=0, le=1, description="Least quality of a mask (SAM 2)")
    stability_score_thresh: float | None = Field(None, ge=0, le=1, description="Least stability of a mask (SAM 2)")
    use_m2m: bool | None = Field(None, description="Whether masks are refined (SAM 2)")
