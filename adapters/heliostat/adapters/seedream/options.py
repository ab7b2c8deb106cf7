"""provider_options["seedream"]: what ByteDance's models take beyond the normalized request."""

from typing import Any, Literal

from pydantic import Field

from heliostat.adapters.sdk import MeshError, Options
from heliostat.adapters.seedream.catalog import Traits
from heliostat.api.image.v1 import reason_pb2 as reasons


class SeedreamOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    watermark: bool = Field(False, description="True: the picture carries ByteDance's mark")
    optimize_prompt: Literal["standard", "fast"] | None = Field(
        None, description="How the prompt is rewritten; fast is known to Seedream 4 only"
    )
    guidance_scale: float | None = Field(None, ge=1, le=10, description="How closely the prompt is followed (3.0)")

    def fields(self, model: str, traits: Traits) -> dict[str, Any]:
        """The options as body fields of a model. Raises INVALID_FIELD for one that it does not take."""
        given = self.model_dump(exclude_none=True)
        foreign = sorted(given.keys() - traits.options)
        if foreign:
            known = ", ".join(sorted(traits.options))
            raise _refused(
                foreign[0], f"{model} does not take provider_options.seedream.{foreign[0]}; it takes: {known}."
            )
        mode = given.pop("optimize_prompt", None)
        if mode is None:
            return given
        if mode not in traits.modes:
            raise _refused("optimize_prompt", f"{model} rewrites prompts by {', '.join(traits.modes)} only.")
        return given | {"optimize_prompt_options": {"mode": mode}}


def _refused(option: str, message: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"provider_options.seedream.{option}")
