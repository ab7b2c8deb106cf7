"""provider_options["recraft"]: what Recraft's endpoints take beyond the normalized request."""

from typing import Any, Literal

from pydantic import Field

from heliostat.adapters.recraft.endpoints import Endpoint
from heliostat.adapters.sdk import Options


class RecraftOptions(Options):
    """Each option goes to the endpoints that know it; to ask it of another one is an error."""

    style: str | None = Field(None, max_length=100, description="Any base style, whatever `style` says (2, 3)")
    substyle: str | None = Field(
        None, max_length=100, description="One of a hundred styles below the base style (2, 3)"
    )
    style_id: str | None = Field(
        None, pattern=r"^[0-9a-fA-F-]{36}$", description="A style of the account, a UUID (2, 3)"
    )
    style_match: Literal["regular", "precise", "flexible"] | None = Field(
        None, description="How closely a style of pictures is followed (2, 3)"
    )
    creativity: Literal["simple", "standard", "eccentric"] | None = Field(None, description="How odd it may be (4)")
    text_layout: list[dict[str, Any]] | None = Field(
        None, max_length=100, description="Texts and the four corners of each, 0 to 1 (3)"
    )
    controls: dict[str, Any] | None = Field(None, description="Colours, background colour, artistic level, no text")
    block_nsfw: bool | None = Field(None, description="Whether unsafe pictures are held back")
    calculate_features: bool | None = Field(None, description="Whether scores of the picture are told")
    upscale: Literal["upscale4mp", "upscale16mp"] | None = Field(None, description="Size that is enlarged to")

    def fields(self, model: str, endpoint: Endpoint) -> dict[str, Any]:
        """The options as body fields of an endpoint. Raises INVALID_FIELD for one that it does not take."""
        return self.given("recraft", model, endpoint.options)
