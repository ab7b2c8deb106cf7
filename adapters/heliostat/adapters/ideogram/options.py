"""provider_options["ideogram"]: what Ideogram's endpoints take beyond the normalized request."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from heliostat.adapters.ideogram.endpoints import Endpoint
from heliostat.adapters.sdk import MeshError, Options
from heliostat.api.image.v1 import reason_pb2 as reasons

_Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{8}$")]


class IdeogramOptions(Options):
    """Each option goes to the endpoints that know it; to ask it of another one is an error."""

    magic_prompt: Literal["auto", "on", "off"] | None = Field(None, description="Whether the prompt is rewritten")
    private: bool | None = Field(None, description="Whether the pictures stay out of the public gallery")
    enable_copyright_detection: bool | None = Field(None, description="Whether results are looked through afterwards")
    style_type: Literal["auto", "general", "realistic", "design", "custom", "fiction", "stylized"] | None = Field(
        None, description="Kind of picture (3.0)"
    )
    style_preset: str | None = Field(None, max_length=100, description="Name of one of 62 styles (3.0)")
    style_codes: list[_Code] | None = Field(
        None, max_length=10, description="Styles as codes of eight hex digits (3.0)"
    )
    color_palette: dict[str, Any] | None = Field(None, description="Name or members of a palette (3.0)")
    context_window: str | None = Field(
        None,
        pattern=r"^(auto|\d{1,5},\d{1,5},\d{1,5},\d{1,5})$",
        description="What an edit with a mask looks at: auto, or y_min,x_min,y_max,x_max (4.5)",
    )

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as body fields of an endpoint. Raises INVALID_FIELD for one that it does not take."""
        given = self.given("ideogram", model, endpoint.options)
        if "style_preset" in given and "style_codes" in given:
            message = "A style_preset excludes style_codes; leave one of them out."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="provider_options.ideogram.style_codes")
        return given
