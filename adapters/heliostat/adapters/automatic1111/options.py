"""provider_options["automatic1111"]: what the web UI's endpoints take beyond the normalized request."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from heliostat.adapters.automatic1111.catalog import Engine, Work
from heliostat.adapters.sdk import MeshError, Model, Options
from heliostat.api.image.v1 import reason_pb2 as reasons

# Option -> field of txt2img and img2img.
_DRAWN: Mapping[str, str] = {
    "steps": "steps",
    "guidance": "cfg_scale",
    "distilled_guidance": "distilled_cfg_scale",
    "sampler": "sampler_name",
    "scheduler": "scheduler",
    "styles": "styles",
    "restore_faces": "restore_faces",
    "tiling": "tiling",
}
_PLAIN: Mapping[str, str] = {
    "hires_scale": "hr_scale",
    "hires_upscaler": "hr_upscaler",
    "hires_strength": "denoising_strength",
}
_MASKED: Mapping[str, str] = {
    "mask_blur": "mask_blur",
    "mask_content": "inpainting_fill",
    "only_masked": "inpaint_full_res",
}
_ENLARGED: Mapping[str, str] = {"codeformer": "codeformer_visibility", "gfpgan": "gfpgan_visibility"}
_CONTENTS = ("fill", "original", "latent_noise", "latent_nothing")


class Automatic1111Options(Options):
    """Each option goes to the work that knows it; to ask it of another one is an error."""

    steps: int | None = Field(None, ge=1, le=150, description="Steps of the sampler")
    guidance: float | None = Field(None, ge=0, le=30, description="How closely the prompt is followed")
    distilled_guidance: float | None = Field(None, ge=0, le=30, description="The same of FLUX (Forge)")
    sampler: str | None = Field(None, max_length=100, description="Name of the sampler, such as Euler a")
    scheduler: str | None = Field(None, max_length=100, description="Name of the scheduler, such as Karras")
    styles: list[str] | None = Field(None, max_length=20, description="Saved styles by their names")
    restore_faces: bool | None = Field(None, description="Whether faces are mended")
    tiling: bool | None = Field(None, description="Whether the picture can be laid side by side")
    hires_scale: float | None = Field(None, gt=1, le=4, description="Drawn, then enlarged so much and drawn over")
    hires_upscaler: str | None = Field(None, max_length=100, description="What enlarges it then")
    hires_strength: float | None = Field(None, ge=0, le=1, description="How far it may change then")
    mask_blur: int | None = Field(None, ge=0, le=64, description="Pixels by which a mask's border is softened there")
    mask_content: str | None = Field(
        None, pattern="^(fill|original|latent_noise|latent_nothing)$", description="What the masked part begins with"
    )
    only_masked: bool | None = Field(None, description="Whether the masked part is drawn large, and scaled down")
    codeformer: float | None = Field(None, ge=0, le=1, description="How much CodeFormer mends faces")
    gfpgan: float | None = Field(None, ge=0, le=1, description="How much GFPGAN mends faces")

    def fields(self, model: Model, *, drawn: bool, masked: bool) -> dict[str, Any]:
        """The options as fields of the endpoint. Raises INVALID_FIELD for one that it does not take."""
        given = self.model_dump(exclude_none=True)
        taken = taken_by(model.facts, drawn=drawn, masked=masked)
        foreign = sorted(given.keys() - taken.keys())
        if foreign:
            where = f"provider_options.automatic1111.{foreign[0]}"
            known = ", ".join(sorted(taken)) or "none"
            message = f"{model.name} does not take {where} for this work; it takes: {known}."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=where)
        if "hires_scale" not in given and given.keys() & _PLAIN.keys():
            where = "provider_options.automatic1111.hires_scale"
            message = "Options of the second, larger drawing go with hires_scale; send it, or leave them out."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=where)
        fields = {taken[name]: value for name, value in given.items()}
        if "inpainting_fill" in fields:
            fields["inpainting_fill"] = _CONTENTS.index(fields["inpainting_fill"])
        if "hr_scale" in fields:
            fields["enable_hr"] = True
        return fields


def taken_by(engine: Engine, *, drawn: bool, masked: bool) -> Mapping[str, str]:
    """Option -> field, for one kind of work."""
    if engine.work is Work.CUT:
        return {}
    if engine.work is Work.ENLARGE:
        return _ENLARGED
    return {**_DRAWN, **(_PLAIN if drawn else {}), **(_MASKED if masked else {})}


def names_for(engine: Engine) -> frozenset[str]:
    """The options that a model takes for any of its work."""
    return frozenset(taken_by(engine, drawn=True, masked=True))
