"""provider_options["dashscope"]: what DashScope's models take beyond the normalized request."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from heliostat.adapters.dashscope.endpoints import Endpoint
from heliostat.adapters.sdk import MeshError, Options
from heliostat.api.image.v1 import reason_pb2 as reasons

Edge = Annotated[int, Field(ge=0, le=8000)]
Function = Literal[
    "stylization_all",
    "stylization_local",
    "description_edit",
    "remove_watermark",
    "colorization",
    "doodle",
    "control_cartoon_feature",
]


class Colour(BaseModel):
    """One colour of a palette."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hex: str = Field(pattern="^#[0-9A-Fa-f]{6}$", description="Colour, such as #A1B2C3")
    ratio: float = Field(gt=0, le=100, description="Its part of the picture in per cent")


class DashScopeOptions(Options):
    """Each option goes to the models that know it; to ask it of another one is an error."""

    watermark: bool = Field(False, description="True: the picture carries a mark")
    prompt_extend: bool | None = Field(
        None,
        description="Whether the prompt is rewritten; usually so, and never by Z-Image, where it doubles the price",
    )
    thinking_mode: bool | None = Field(None, description="Whether Wan 2.7 thinks before it draws from words")
    bbox_list: tuple[Annotated[tuple[tuple[Edge, Edge, Edge, Edge], ...], Field(max_length=2)], ...] | None = Field(
        None,
        max_length=9,
        description="For each picture up to 2 boxes [left, top, right, bottom] in its pixels to work in (Wan 2.7)",
    )
    color_palette: tuple[Colour, ...] | None = Field(
        None, min_length=3, max_length=10, description="Colours whose parts add up to 100 (Wan 2.7)"
    )
    function: Function | None = Field(None, description="What an edit without a mask does (wanx2.1-imageedit)")
    is_sketch: bool | None = Field(None, description="True: the picture is a sketch already (function doodle)")

    def check(self, model: str, endpoint: Endpoint, pictures: int) -> None:
        """Raises INVALID_FIELD for an option that the model does not take, or not with so many pictures."""
        for name in sorted(self.model_dump(exclude_none=True).keys() - endpoint.options):
            known = ", ".join(sorted(endpoint.options))
            raise refused(name, f"{model} does not take provider_options.dashscope.{name}; it takes: {known}.")
        if self.thinking_mode is not None and pictures:
            raise refused("thinking_mode", f"{model} thinks only where it draws from words alone; leave it out.")
        if self.bbox_list is not None and len(self.bbox_list) != pictures:
            raise refused("bbox_list", f"Send one list of boxes for each of the {pictures} pictures.")
        if self.color_palette is not None and round(sum(one.ratio for one in self.color_palette), 2) != 100:
            raise refused("color_palette", "The ratios of a palette have to add up to 100.")

    def parameters(self) -> dict[str, Any]:
        """The options as members of `parameters`; `function` is none of them."""
        given = self.model_dump(exclude_none=True, exclude={"function", "is_sketch", "color_palette"})
        if self.color_palette is not None:
            given["color_palette"] = [{"hex": one.hex, "ratio": f"{one.ratio:.2f}%"} for one in self.color_palette]
        return given


def refused(option: str, message: str) -> MeshError:
    """The error about one option."""
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"provider_options.dashscope.{option}")
