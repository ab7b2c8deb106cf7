"""What goes into a provider's body: each of its fields, and where its value comes from. Data of a mapping file.

The sources and the changes that can be made to a value are closed sets. Nothing here runs what a file says.
"""

from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from heliostat.adapters.mapped.pieces import Piece
from heliostat.chassis.settings import fault

Source = Literal[
    "model",
    "prompt",
    "negative_prompt",
    "seed",
    "count",
    "width",
    "height",
    "size",
    "ratio",
    "tier",
    "format",
    "image",
    "mask",
    "style_image",
    "references",
    "strength",
    "similarity",
    "creativity",
    "factor",
    "target_width",
    "target_height",
    "left",
    "right",
    "top",
    "bottom",
    "style",
    "quality",
    "background",
    "moderation",
    "compression",
    "user",
]
PICTURES = frozenset({"image", "mask", "style_image", "references"})
SIZES = frozenset({"width", "height", "size", "ratio", "tier"})
SHARES = frozenset({"strength", "similarity", "creativity"})
SIDES = frozenset({"left", "right", "top", "bottom"})
TARGETS = frozenset({"target_width", "target_height"})
_COUNTED = frozenset({"seed", "count", "factor", *SIDES, *TARGETS, "compression", *SHARES})
Form = Literal["file", "base64", "data_uri", "address", "bytes"]
Role = Literal["unspecified", "subject", "style", "structure"]
ROLES: tuple[str, ...] = get_args(Role)
MaskWord = Literal["white", "black", "alpha", "hard white"]
_OPTION = "option "


class Each(Piece):
    """How one picture of a list is written where it is more than the picture."""

    picture: str = Field(min_length=1, description="The key that holds the picture.")
    weight: str = Field("", description="The key that holds its weight, 0 to 1, where the caller gives one.")
    fixed: dict[str, Any] = Field({}, description="Keys that are always the same.")


class BodyField(Piece):
    """One field of a provider's body: a `value` of its own, an `option`, or what the request says (`from`)."""

    source: Source | None = Field(None, alias="from", description="What of the request it holds.")
    option: str = Field("", description="The option of provider_options that it holds.")
    value: Any = Field(None, description="What it always holds.")
    default: Any = Field(None, description="What it holds where the request says nothing of it.")
    required: bool = Field(False, description="True: a request without it is refused before anything is sent.")
    words: dict[str, Any] = Field({}, description="The provider's words for ours.")
    span: tuple[float, float] | None = Field(None, alias="range", description="What 0 and 1 of ours are there.")
    whole: bool = Field(False, description="True: a number is rounded to a whole one.")
    at_least: float | None = Field(None, description="Least number that the provider takes.")
    at_most: float | None = Field(None, description="Greatest number that it takes; a seed is brought below it.")
    between: str = Field("x", max_length=3, description="What stands between width and height of a `size`.")
    form: Form = Field("base64", alias="as", description="How a picture travels.")
    mask: MaskWord = Field("white", description="Which part of a mask is painted anew.")
    roles: tuple[Role, ...] = Field((), description="Which references it holds; empty: those of no other field.")
    each: Each | None = Field(None, description="How one of several references is written.")
    most: int = Field(0, ge=0, le=64, description="Most pictures of a list; 0: as many as the model takes.")

    @model_validator(mode="before")
    @classmethod
    def _text_is_a_source(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.startswith(_OPTION):
            return {"option": value.removeprefix(_OPTION).strip()}
        return {"from": value}

    @model_validator(mode="after")
    def _holds_one_thing(self) -> "BodyField":
        told = [self.source is not None, bool(self.option), self.value is not None]
        if sum(told) != 1:
            raise ValueError("a field holds one thing; write from: prompt, or option: steps, or value: true")
        if self.span is not None and self.source not in SHARES:
            raise fault(f"is for what goes from 0 to 1; write it beside from: {', '.join(sorted(SHARES))}", "range")
        for name in ("at_least", "at_most"):
            if getattr(self, name) is not None and self.source not in _COUNTED:
                raise fault(f"is for numbers; write it beside from: {', '.join(sorted(_COUNTED))}", name)
        if (self.each is not None or self.roles or self.most) and self.source != "references":
            raise fault("each, roles and most are for several pictures; write them beside from: references")
        if self.form in ("file", "address", "bytes") and self.source not in PICTURES:
            raise fault(f"is for pictures; write it beside from: {', '.join(sorted(PICTURES))}", "as")
        return self
