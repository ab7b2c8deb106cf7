"""What a mapping file offers: models with their sizes and limits, and options. Data."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from heliostat.adapters.mapped.pieces import Piece
from heliostat.adapters.sdk import Exact, InputLimits, Pixels, Ratios
from heliostat.adapters.sdk.sizing import SizeRule
from heliostat.chassis.settings import fault

Operation = Literal[
    "text_to_image",
    "edit",
    "variation",
    "upscale",
    "remove_background",
    "style_transfer",
    "outpaint",
]
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_RATIO = re.compile(r"[1-9]\d{0,3}:[1-9]\d{0,3}")


def _size(value: Any) -> tuple[int, int]:
    found = _SIZE.fullmatch(str(value))
    if found is None:
        raise ValueError(f"{value!r} is no size; write width and height in px, such as 1024x768")
    return int(found[1]), int(found[2])


def _ratio(value: Any) -> str:
    if not isinstance(value, str) or not _RATIO.fullmatch(value):
        raise ValueError(f"{value!r} is no shape; write it in quotes, such as '16:9', for YAML reads 16:9 as a number")
    return value


SizeText = Annotated[tuple[int, int], PlainValidator(_size)]
RatioText = Annotated[str, PlainValidator(_ratio)]


class Grid(Piece):
    """Any size within bounds."""

    least: int = Field(ge=1, le=65536, description="Shortest edge in px.")
    most: int = Field(ge=1, le=65536, description="Longest edge in px.")
    step: int = Field(1, ge=1, le=1024, description="Edges are multiples of so many px.")
    least_area: int = Field(0, ge=0, description="Least width times height; 0: no bound.")
    most_area: int = Field(0, ge=0, description="Greatest width times height; 0: no bound.")
    most_ratio: float = Field(0, ge=0, description="Longer edge by shorter one at most; 0: no bound.")

    @model_validator(mode="after")
    def _has_room(self) -> "Grid":
        if self.least > self.most:
            raise fault(f"is more than most; write {self.most} or less", "least")
        return self


class Sizes(Piece):
    """The sizes of a model: a grid, a list, or shapes."""

    grid: Grid | None = Field(None, description="Any size within bounds.")
    listed: tuple[SizeText, ...] = Field((), alias="list", description="A list of sizes, such as 1024x1024.")
    shapes: tuple[RatioText, ...] = Field((), description="A list of shapes, such as '16:9'.")
    tiers: tuple[Literal["0.5K", "1K", "2K", "4K"], ...] = Field((), description="Tiers of the shapes.")
    default: str = Field("", description="What is sent without a wish: a size, or a shape.")

    @model_validator(mode="after")
    def _is_one_rule(self) -> "Sizes":
        told = [self.grid is not None, bool(self.listed), bool(self.shapes)]
        if sum(told) != 1:
            raise ValueError("sizes follow one rule; write grid: or list: or shapes:")
        if self.tiers and not self.shapes:
            raise fault("belong to shapes; leave them out", "tiers")
        if self.default and not self.shapes and not _SIZE.fullmatch(self.default):
            raise fault(f"{self.default!r} is no size; write such as 1024x1024", "default")
        if self.default and self.shapes and self.default not in self.shapes:
            raise fault(f"{self.default!r} is not among the shapes; write one of {', '.join(self.shapes)}", "default")
        grid, default = self.grid, self._default_px()
        if grid is not None and default is not None and not self._pixels(grid).legal(*default):
            raise fault(f"{self.default} is not on the grid; write a size that is", "default")
        return self

    def rule(self) -> SizeRule:
        """The kit's rule."""
        if self.grid is not None:
            return self._pixels(self.grid)
        if self.listed:
            return Exact(self.listed, default=self._default_px())
        return Ratios(self.shapes, self.tiers, self.default)

    def _default_px(self) -> tuple[int, int] | None:
        return _size(self.default) if self.default and not self.shapes else None

    def _pixels(self, grid: Grid) -> Pixels:
        return Pixels(
            grid.least,
            grid.most,
            grid.step,
            grid.least_area,
            grid.most_area,
            grid.most_ratio,
            default=self._default_px(),
        )


class Inputs(Piece):
    """What a model takes of one picture."""

    types: tuple[str, ...] = Field((), description="Types that it reads; empty: any. Others are converted.")
    bytes: int = Field(0, ge=0, description="Most bytes of one; 0: no bound.")
    pixels: int = Field(0, ge=0, description="Most pixels of one; 0: no bound.")

    def limits(self) -> InputLimits:
        """The kit's limits."""
        return InputLimits(self.types, self.bytes, self.pixels)


class Option(Piece):
    """One option of provider_options."""

    kind: Literal["whole", "number", "text", "yes_no", "word"] = Field(description="What it is.")
    least: float | None = Field(None, description="Least number.")
    most: float | None = Field(None, description="Greatest number; most characters of a text.")
    words: tuple[str, ...] = Field((), description="Words that a `word` may be.")
    about: str = Field(min_length=3, description="What it does, in one sentence.")
    prices: bool = Field(False, description="True: price lines name it in `when`.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Option":
        if (self.kind == "word") != bool(self.words):
            raise fault("kind: word and words: go together; write words: [soft, hard]", "kind")
        if self.kind in ("yes_no", "word") and (self.least is not None or self.most is not None):
            raise fault(f"a {self.kind} has no bounds; leave least and most out", "kind")
        if self.kind == "text" and self.least is not None:
            raise fault("a text has no least; leave it out", "least")
        return self


class Offer(Piece):
    """One model."""

    id: str = Field("", max_length=200, description="The provider's own name where it is not the key.")
    names: tuple[str, ...] = Field((), description="Public names under which it may be asked for.")
    creator: str = Field("", description="Who made it.")
    description: str = Field("", description="What people should know of it.")
    operations: dict[Operation, str] = Field(min_length=1, description="What it does, and the endpoint of each.")
    sizes: Sizes | None = Field(None, description="Its sizes; absent: the provider chooses, or the picture's own.")
    images: int = Field(1, ge=1, le=16, description="Most pictures of one call.")
    references: int = Field(0, ge=0, le=64, description="Most references.")
    mask: Literal["", "exact", "guidance"] = Field("", description="What it makes of a mask.")
    inputs: Inputs = Field(Inputs(), description="What it takes of a picture.")
    prompt_chars: int = Field(0, ge=0, description="Most characters of a prompt; 0: no bound.")
    steps: int = Field(0, ge=0, le=1000, description="Steps that it takes without an option, for prices.")
    seconds: float = Field(0, ge=0, le=3600, description="How long it usually takes.")


class Limits(Piece):
    """What the provider bears of one account."""

    requests_per_minute: int = Field(0, ge=0, description="Calls in a minute; 0: unknown.")
    at_once: int = Field(0, ge=0, description="Calls, or jobs, at the same time; 0: unknown.")


class Auth(Piece):
    """How the key travels."""

    header: str = Field("authorization", pattern=r"^[a-z][a-z0-9-]*$", description="The header, in lower case.")
    word: str = Field("", pattern=r"^[A-Za-z-]*$", description="The word before the key, such as Bearer.")
    key: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="The variable of the key, such as LUMA_API_KEY.")
