"""Size words of a REST body as a Size of the contract. Pure.

`size` as WxH fixes shape and scale, and the other two are not looked at. `size` as W:H is the same as `aspect_ratio`
and stands above it. `aspect_ratio` fixes the shape, `resolution` the scale. Nothing, or "auto", leaves the size unset.
"""

import math
import re
from collections.abc import Mapping
from fractions import Fraction

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError

MAX_EDGE_PX = 16_384
MAX_RATIO_PART = 10_000

TIERS: Mapping[str, request_pb2.SizeTier] = {
    "0.5k": request_pb2.SIZE_TIER_HALF_K,
    "1k": request_pb2.SIZE_TIER_1K,
    "2k": request_pb2.SIZE_TIER_2K,
    "4k": request_pb2.SIZE_TIER_4K,
}

_PIXELS = re.compile(r"([0-9]{1,6})\s*[xX×*]\s*([0-9]{1,6})", re.ASCII)
_RATIO = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?)\s*:\s*([0-9]{1,5}(?:\.[0-9]{1,3})?)", re.ASCII)


def size_of(size: str | None, aspect_ratio: str | None, resolution: str | None) -> request_pb2.Size | None:
    """The wanted size; None means the provider's default. Raises INVALID_FIELD."""
    size, aspect_ratio, resolution = _word(size), _word(aspect_ratio), _word(resolution)
    if size is not None and (pixels := _PIXELS.fullmatch(size)):
        return request_pb2.Size(pixels=_pixels(int(pixels[1]), int(pixels[2])))
    shape: tuple[int, int] | None = None
    if size is not None:
        shape = _ratio(
            "size", size, 'Give size as "WIDTHxHEIGHT" such as "1024x1024", as a ratio such as "16:9", or "auto".'
        )
    elif aspect_ratio is not None:
        shape = _ratio("aspect_ratio", aspect_ratio, 'Give aspect_ratio as "W:H", such as "16:9".')
    tier = _tier(resolution) if resolution is not None else request_pb2.SIZE_TIER_UNSPECIFIED
    if shape is None and tier == request_pb2.SIZE_TIER_UNSPECIFIED:
        return None
    width, height = shape or (0, 0)
    return request_pb2.Size(aspect=request_pb2.AspectSize(width_ratio=width, height_ratio=height, tier=tier))


def _word(text: str | None) -> str | None:
    if text is None:
        return None
    text = text.strip()
    return None if not text or text.lower() == "auto" else text


def _pixels(width: int, height: int) -> request_pb2.PixelSize:
    for edge in (width, height):
        if not 1 <= edge <= MAX_EDGE_PX:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"Each edge of size must be 1 to {MAX_EDGE_PX} pixels; ask for a smaller or larger one.",
                field="size",
            )
    return request_pb2.PixelSize(width_px=width, height_px=height)


def _ratio(name: str, text: str, advice: str) -> tuple[int, int]:
    match = _RATIO.fullmatch(text)
    if match is None:
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, advice, field=name)
    whole = (int(match[1]), int(match[2])) if "." not in text else _whole_parts(match[1], match[2])
    if not all(1 <= part <= MAX_RATIO_PART for part in whole):
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            f"Each part of {name} must be more than 0 and at most {MAX_RATIO_PART}, such as 16:9.",
            field=name,
        )
    return whole


def _whole_parts(width: str, height: str) -> tuple[int, int]:
    """1.91:1 has no whole parts of its own; both parts times 100 do."""
    parts = Fraction(width), Fraction(height)
    scale = math.lcm(parts[0].denominator, parts[1].denominator)
    return int(parts[0] * scale), int(parts[1] * scale)


def _tier(text: str) -> request_pb2.SizeTier:
    tier = TIERS.get(text.lower())
    if tier is None:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            'Give resolution as one of "auto", "0.5K", "1K", "2K", "4K".',
            field="resolution",
        )
    return tier
