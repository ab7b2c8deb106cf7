"""What provider_options may say where a GPT image model is asked through the Images API."""

from typing import Any, Literal

from heliostat.adapters.sdk.contract import Options
from heliostat.adapters.sdk.images_api.models import Traits
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError


class ImagesOptions(Options):
    """GPT image models only."""

    input_fidelity: Literal["low", "high"] | None = None
    """How closely inputs are kept; gpt-image-1 and 1.5 only."""
    complexity: Literal["low", "medium", "high"] | None = None
    """How busy the picture is; gpt-image-2.6 only."""

    def fields(self, provider: str, model: str, traits: Traits) -> dict[str, Any]:
        """The options as fields of the body. Raises INVALID_FIELD for one that the model refuses anyway."""
        allowed = {"input_fidelity": traits.fidelity, "complexity": traits.complexity}
        given = self.model_dump(exclude_none=True)
        for name in given:
            if not allowed[name]:
                raise MeshError(
                    reasons.ERROR_REASON_INVALID_FIELD,
                    f"{model} takes no {name}; leave it out.",
                    field=f"provider_options.{provider}.{name}",
                )
        return given
