"""A caller's pictures as a provider takes them: upright, without metadata, of a type and a size that it reads.

What has nothing to change stays byte for byte as it came. Metadata is taken out without touching a pixel; only what
lies on its side, is too large or of another type is encoded anew, in a worker.
"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pybase64

from heliostat.adapters.sdk.convert import ENCODABLE, opened
from heliostat.adapters.sdk.picture_metadata import UPRIGHT, has_metadata, orientation, without_metadata
from heliostat.adapters.sdk.structure import Shape, read_shape
from heliostat.api.image.v1 import event_pb2

if TYPE_CHECKING:
    from PIL import Image

PNG, JPEG = "image/png", "image/jpeg"
_TRIES = 12
_SHRINK = 0.8
_QUALITY = {"JPEG": 95, "WEBP": 95, "AVIF": 90}


@dataclass(frozen=True, slots=True)
class Input:
    """A picture of the caller: the encoded file and what its head says."""

    data: bytes
    shape: Shape

    @property
    def media_type(self) -> str:
        """IANA media type read from the bytes."""
        return self.shape.media_type

    @property
    def data_uri(self) -> str:
        """The file as a text that stands for an address."""
        return data_uri(self.media_type, self.data)


@dataclass(frozen=True, slots=True)
class InputLimits:
    """What a provider takes of one picture: its types (empty: any), and the most bytes and pixels (0: no bound)."""

    types: tuple[str, ...] = ()
    max_bytes: int = 0
    max_pixels: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to change of a picture: how it is held (1: nothing), its metadata, its size in px, its type.

    `size` and `media_type` are those that are sent. `max_bytes` as in `InputLimits`.
    """

    turned: int
    stripped: bool
    size: tuple[int, int]
    media_type: str
    max_bytes: int = 0


def data_uri(media_type: str, data: bytes) -> str:
    """A picture's file as a text that stands for an address."""
    return f"data:{media_type};base64,{pybase64.b64encode_as_string(data)}"


def changes_of(given: Input, limits: InputLimits) -> Changes:
    """What has to change of a picture so that it is within `limits`. Pure."""
    shape = given.shape
    width, height = shape.width_px, shape.height_px
    held = orientation(given.data)
    if held > 4:
        width, height = height, width
    if limits.max_pixels and width * height > limits.max_pixels:
        scale = math.sqrt(limits.max_pixels / (width * height))
        width, height = max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
    return Changes(
        held, has_metadata(given.data), (width, height), _type_for(shape.media_type, limits.types), limits.max_bytes
    )


def _type_for(media_type: str, types: tuple[str, ...]) -> str:
    if not types or media_type in types:
        return media_type
    return PNG if PNG in types else types[0]


def is_recoded(given: Input, changes: Changes) -> bool:
    """Whether pixels have to be decoded. Pure."""
    shape = given.shape
    resized = sorted(changes.size) != sorted((shape.width_px, shape.height_px))
    heavy = bool(changes.max_bytes) and len(given.data) > changes.max_bytes
    return changes.turned != UPRIGHT or resized or heavy or changes.media_type != shape.media_type


def changed(data: bytes, changes: Changes) -> bytes:
    """The picture with `changes` made; runs in a worker. Raises ValueError where it cannot be read or made to fit."""
    from PIL import Image, ImageOps

    stripped = without_metadata(data)
    shape = read_shape(stripped)
    plain = changes.turned == UPRIGHT and (shape.width_px, shape.height_px) == changes.size
    if plain and shape.media_type == changes.media_type and _fits(stripped, changes):
        return stripped
    picture = ImageOps.exif_transpose(opened(data))
    if picture.size != changes.size:
        picture = picture.resize(changes.size, Image.Resampling.LANCZOS)
    media_type = changes.media_type
    for _ in range(_TRIES):
        encoded = _encoded(picture, media_type)
        if _fits(encoded, changes):
            return encoded
        if media_type == PNG and not _has_alpha(picture):
            media_type = JPEG
            continue
        smaller = (max(1, int(picture.width * _SHRINK)), max(1, int(picture.height * _SHRINK)))
        picture = picture.resize(smaller, Image.Resampling.LANCZOS)
    raise ValueError(f"it cannot be made to fit in {changes.max_bytes} bytes")


def _fits(data: bytes, changes: Changes) -> bool:
    return not changes.max_bytes or len(data) <= changes.max_bytes


def _has_alpha(picture: "Image.Image") -> bool:
    return picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info


def _encoded(picture: "Image.Image", media_type: str) -> bytes:
    """The file with its colour profile and without any other metadata."""
    from PIL import Image

    name = ENCODABLE[media_type]
    profile = picture.info.get("icc_profile")
    if name == "JPEG" and picture.mode not in {"RGB", "L", "CMYK"}:
        picture = picture.convert("RGB")
    elif picture.mode not in {"RGB", "RGBA", "L", "LA", "CMYK"}:
        picture = picture.convert("RGBA" if _has_alpha(picture) else "RGB")
    if picture.mode == "CMYK" and name != "JPEG":
        # The profile is one of four inks.
        picture, profile = picture.convert("RGB"), None
    options: dict[str, object] = {"icc_profile": profile} if profile else {}
    if name in _QUALITY:
        options["quality"] = _QUALITY[name]
    if name == "PNG":
        options["compress_level"] = 3
    target = io.BytesIO()
    Image.init()
    picture.save(target, format=name, **options)
    return target.getvalue()


def told_of(
    field: str, given: Input, made: Input, changes: Changes
) -> Iterator[tuple[str, str, str, str, "event_pb2.AdjustmentMode"]]:
    """What the caller is to hear of a picture, as arguments of `Call.adjust`. Pure."""
    emulated = event_pb2.ADJUSTMENT_MODE_EMULATED
    if changes.turned != UPRIGHT:
        reason = "The picture is turned upright, as its Exif orientation says."
        yield field, f"orientation {changes.turned}", "upright", reason, emulated
    elif changes.stripped:
        yield field, "metadata", "", "Metadata of pictures is not given to providers.", emulated
    if made.media_type != given.media_type:
        reason = "The provider does not take the picture as it came; it is encoded anew here."
        yield field, given.media_type, made.media_type, reason, emulated
    was, now = given.shape, made.shape
    if was.width_px * was.height_px != now.width_px * now.height_px:
        large, small = (f"{shape.width_px}x{shape.height_px}" for shape in (was, now))
        reason = "The picture is larger than the provider takes; it is scaled down here."
        yield field, large, small, reason, event_pb2.ADJUSTMENT_MODE_CONVERTED
