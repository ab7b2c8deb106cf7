"""A caller's mask as one channel, 255 = repaint, and as each provider reads it. Decodes: runs in a worker of the pool.

What a mask means is said by `mask_mode`. Without it an alpha channel that has anything transparent in it counts (its
transparent part is repainted, as at OpenAI), else brightness (white is repainted); where a mask can be read in two ways
`doubt` says so.
"""

import enum
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heliostat.adapters.sdk.convert import opened
from heliostat.adapters.sdk.sizing import same_shape
from heliostat.api.image.v1 import event_pb2, request_pb2

if TYPE_CHECKING:
    from PIL import Image

ALPHA, WHITE, BLACK = "alpha", "white", "black"
_MODES: Mapping[int, str] = {
    request_pb2.MASK_MODE_ALPHA_REPAINTS: ALPHA,
    request_pb2.MASK_MODE_WHITE_REPAINTS: WHITE,
    request_pb2.MASK_MODE_BLACK_REPAINTS: BLACK,
}
_OPAQUE = "The mask has an alpha channel and nothing transparent in it: its white part is repainted."
_BOTH = "The mask is black and white and has transparent parts as well: its transparent part is repainted."
_PARTS = {ALPHA: "transparent", WHITE: "white", BLACK: "black"}
# How far from black or white a pixel of a drawn mask may be, in levels.
_NEAR = 8


class MaskForm(enum.Enum):
    """How a provider reads a mask."""

    WHITE_REPAINTS = "white"
    """One channel, 255 = repaint: the convention inside the mesh."""
    BLACK_REPAINTS = "black"
    """One channel, 0 = repaint."""
    ALPHA_REPAINTS = "alpha"
    """RGBA, alpha 0 = repaint."""
    HARD_WHITE_REPAINTS = "hard white"
    """One channel, 255 = repaint and 0 = keep, with nothing between: no border is softened."""
    HARD_BLACK_REPAINTS = "hard black"
    """The same the other way: 0 = repaint and 255 = keep."""


_HARD = frozenset({MaskForm.HARD_WHITE_REPAINTS, MaskForm.HARD_BLACK_REPAINTS})


class MaskMisfit(ValueError):
    """The mask has another shape than the picture; the text tells both."""


@dataclass(frozen=True, slots=True)
class MaskOrder:
    """What is asked of a mask: how to read it, how to soften it, the picture's size in px, the provider's form."""

    mode: int
    feather_px: int
    width_px: int
    height_px: int
    form: MaskForm


@dataclass(frozen=True, slots=True)
class ShapedMask:
    """A mask as the provider reads it, a PNG of the picture's size, and how the caller's was understood.

    `read_as`: "alpha", "white" or "black", what is repainted. `doubt`: a sentence where the mask can be read otherwise
    too. `given_size`: the caller's size in px. `repainted`: share of the picture that is repainted, 0..1.
    """

    data: bytes
    read_as: str
    doubt: str
    given_size: tuple[int, int]
    repainted: float


def shape_mask(mask: bytes, order: MaskOrder) -> ShapedMask:
    """Carries `order` out. Raises ValueError for a mask that cannot be read, MaskMisfit for one of another shape."""
    from PIL import ImageFilter, ImageOps, ImageStat

    picture = ImageOps.exif_transpose(opened(mask))
    size = (order.width_px, order.height_px)
    if not same_shape(*picture.size, *size):
        raise MaskMisfit(f"{picture.width}x{picture.height} px, the image {size[0]}x{size[1]} px")
    repaint, read_as, doubt = understood(picture, order.mode)
    repaint = _stretched(repaint, size)
    share = ImageStat.Stat(repaint).mean[0] / 255
    if order.feather_px > 0 and order.form not in _HARD:
        repaint = repaint.filter(ImageFilter.GaussianBlur(order.feather_px))
    target = io.BytesIO()
    in_form(repaint, order.form).save(target, format="PNG", compress_level=3)
    return ShapedMask(target.getvalue(), read_as, doubt, picture.size, share)


def told_of(order: MaskOrder, shaped: ShapedMask) -> Iterator[tuple[str, str, str, str, "event_pb2.AdjustmentMode"]]:
    """What the caller is to hear of a mask, as arguments of `Call.adjust`. Pure."""
    size = (order.width_px, order.height_px)
    if shaped.doubt:
        reason = f"{shaped.doubt} Say so with mask_mode."
        yield "mask_mode", "auto", shaped.read_as, reason, event_pb2.ADJUSTMENT_MODE_CONVERTED
    if shaped.given_size != size:
        given, sent = (f"{width}x{height}" for width, height in (shaped.given_size, size))
        yield "mask", given, sent, "The mask is stretched to the image's size.", event_pb2.ADJUSTMENT_MODE_CONVERTED
    if not shaped.repainted:
        reason = f"The mask marks nothing: no part of it is {_PARTS[shaped.read_as]}."
        yield "mask", shaped.read_as, "nothing", reason, event_pb2.ADJUSTMENT_MODE_CONVERTED
    if order.feather_px > 0 and order.form not in _HARD:
        reason = "The mask's border is softened here."
        yield "mask_feather", str(order.feather_px), "", reason, event_pb2.ADJUSTMENT_MODE_EMULATED


def understood(picture: "Image.Image", mode: int) -> tuple["Image.Image", str, str]:
    """(one channel with 255 = repaint, what is repainted, doubt), whatever the caller's convention was."""
    from PIL import ImageChops

    read_as, doubt = _MODES.get(mode, ""), ""
    alpha = _alpha(picture)
    if not read_as:
        read_as, doubt = _guessed(picture, alpha)
    if read_as == ALPHA:
        given = alpha if alpha is not None else picture.convert("RGBA").getchannel("A")
        return ImageChops.invert(given), read_as, doubt
    brightness = _brightness(picture)
    return (ImageChops.invert(brightness) if read_as == BLACK else brightness), read_as, doubt


def in_form(repaint: "Image.Image", form: MaskForm) -> "Image.Image":
    """One channel with 255 = repaint, in a provider's form. Exact, but for a hard one: `understood` gives it back."""
    from PIL import Image, ImageChops

    if form in _HARD:
        repaint = repaint.point(lambda level: 255 if level >= 128 else 0)
    if form in {MaskForm.WHITE_REPAINTS, MaskForm.HARD_WHITE_REPAINTS}:
        return repaint
    kept = ImageChops.invert(repaint)
    return Image.merge("RGBA", (kept, kept, kept, kept)) if form is MaskForm.ALPHA_REPAINTS else kept


def _guessed(picture: "Image.Image", alpha: "Image.Image | None") -> tuple[str, str]:
    if alpha is None:
        return WHITE, ""
    least, _ = alpha.getextrema()
    if least == 255:
        return WHITE, _OPAQUE
    return ALPHA, _BOTH if _is_drawn(picture, alpha) else ""


def _is_drawn(picture: "Image.Image", alpha: "Image.Image") -> bool:
    """Whether the opaque part is a mask of its own: black and white, both of it, and nothing between."""
    counts = _brightness(picture).histogram(alpha.point(lambda level: 255 if level == 255 else 0))
    black, white = sum(counts[: _NEAR + 1]), sum(counts[-_NEAR - 1 :])
    return bool(black and white and black + white == sum(counts))


def _alpha(picture: "Image.Image") -> "Image.Image | None":
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        return picture.convert("RGBA").getchannel("A")
    return None


def _brightness(picture: "Image.Image") -> "Image.Image":
    """One channel of 8 bits; 16 bits are brought down, for Pillow would clip them."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda level: level * (1 / 257) + 0.5).convert("L")
    return picture.convert("RGB").convert("L") if picture.mode in {"P", "PA"} else picture.convert("L")


def _stretched(repaint: "Image.Image", size: tuple[int, int]) -> "Image.Image":
    """The channel at the picture's size: hard borders stay hard, soft ones stay soft."""
    from PIL import Image

    if repaint.size == size:
        return repaint
    levels = repaint.histogram()
    hard = levels[0] + levels[255] == repaint.width * repaint.height
    return repaint.resize(size, Image.Resampling.NEAREST if hard else Image.Resampling.BILINEAR)
