"""Words of the routes that work on pictures. Their pictures come beside them, as files or by name.

*Source*: OpenAI's Images API reference (variations), read 2026-11; the other routes are Heliostat's own.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from heliostat.edge.schemas import ImageBody, Name, Share, Whole

MAX_SIDE_PX = 16_384
_MAX_MARKS = 64

Pixel = Annotated[int, Field(ge=0, le=MAX_SIDE_PX), Whole]


def _named(*names: str) -> BeforeValidator:
    """Lets a list of numbers stand for an object: [10, 20] for {"x": 10, "y": 20}."""

    def named(value: Any) -> Any:
        if isinstance(value, list) and len(value) == len(names):
            return dict(zip(names, value, strict=True))
        return value

    return BeforeValidator(named)


class PointBody(BaseModel):
    """A point in the picture, in pixels from its left and top; [x, y] says the same."""

    model_config = ConfigDict(extra="forbid")

    x: Pixel
    y: Pixel
    exclude: bool = Field(False, description="True: the point is not on the thing.")


class BoxBody(BaseModel):
    """A box in the picture, right and bottom exclusive; [left, top, right, bottom] says the same."""

    model_config = ConfigDict(extra="forbid")

    left: Pixel
    top: Pixel
    right: Pixel
    bottom: Pixel


class VariationBody(ImageBody):
    """Words of POST /v1/images/variations."""

    similarity: Share | None = Field(None, description="Ours: how close to stay, 0 free to 1 same.")


class UpscaleBody(ImageBody):
    """Words of POST /v1/images/upscales, and of POST /v1/images/edits with a scale_factor."""

    scale_factor: Annotated[float, Field(gt=1, le=16, allow_inf_nan=False), Whole] | None = Field(
        None, description="How many times as wide and high, more than 1 and up to 16; absent: the model's own."
    )
    creativity: Share | None = Field(None, description="How much detail may be invented, 0 none to 1 much.")


class BackgroundBody(ImageBody):
    """Words of POST /v1/images/backgrounds."""


class SegmentBody(ImageBody):
    """Words of POST /v1/images/segments. Nothing named means everything."""

    labels: Annotated[list[Name], Field(max_length=_MAX_MARKS)] | None = Field(
        None, description="What to find, in words; prompt is read as one more of them."
    )
    points: Annotated[list[Annotated[PointBody, _named("x", "y")]], Field(max_length=_MAX_MARKS)] | None = Field(
        None, description="Points on the thing to find."
    )
    boxes: (
        Annotated[
            list[Annotated[BoxBody, _named("left", "top", "right", "bottom")]],
            Field(max_length=_MAX_MARKS),
        ]
        | None
    ) = Field(None, description="Boxes around the things to find.")


class StyleBody(ImageBody):
    """Words of POST /v1/images/styles."""

    strength: Share | None = Field(None, description="How strong the style is, 0 keep to 1 change.")


class OutpaintBody(ImageBody):
    """Words of POST /v1/images/outpaints."""

    left: Pixel | None = Field(None, description="Pixels to add on the left.")
    right: Pixel | None = Field(None, description="Pixels to add on the right.")
    top: Pixel | None = Field(None, description="Pixels to add on top.")
    bottom: Pixel | None = Field(None, description="Pixels to add below.")
