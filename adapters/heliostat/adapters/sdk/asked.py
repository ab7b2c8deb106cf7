"""What a request asks beyond pictures and size, by the names that `ignores` and adjustments use. Pure.

Names are those of the REST face: prompt, negative_prompt, seed, style, quality, background, output_compression,
partial_images, moderation, user, strength, similarity, creativity, feather, reference_role, reference_weight.
"""

from collections.abc import Callable, Mapping

from heliostat.api.image.v1 import request_pb2

QUALITY_NAMES: Mapping[int, str] = {
    request_pb2.QUALITY_LOW: "low",
    request_pb2.QUALITY_MEDIUM: "medium",
    request_pb2.QUALITY_HIGH: "high",
    request_pb2.QUALITY_XHIGH: "xhigh",
    request_pb2.QUALITY_MAX: "max",
}
BACKGROUND_NAMES: Mapping[int, str] = {
    request_pb2.BACKGROUND_TRANSPARENT: "transparent",
    request_pb2.BACKGROUND_OPAQUE: "opaque",
}
MODERATION_NAMES: Mapping[int, str] = {request_pb2.MODERATION_AUTO: "auto", request_pb2.MODERATION_LOW: "low"}
_ROLE_NAMES: Mapping[int, str] = {
    request_pb2.REFERENCE_ROLE_SUBJECT: "subject",
    request_pb2.REFERENCE_ROLE_STYLE: "style",
    request_pb2.REFERENCE_ROLE_STRUCTURE: "structure",
}
HIDDEN = frozenset({"prompt", "negative_prompt", "user"})

_Request = request_pb2.ImageRequest


def _number(value: float) -> str:
    return f"{value:g}"


def _compression(request: _Request) -> str:
    output = request.output
    return str(output.compression_percent) if output.HasField("compression_percent") else ""


def _reference_weight(request: _Request) -> str:
    return next((_number(one.weight) for one in request.references if one.HasField("weight")), "")


def _strength(request: _Request) -> str:
    for part in (request.edit, request.style_transfer):
        if part.HasField("strength"):
            return _number(part.strength)
    return ""


Reader = Callable[[_Request], str]
"""Gives the asked value as text, empty where the request does not ask."""

_ASKED: Mapping[str, Reader] = {
    "prompt": lambda request: request.prompt,
    "negative_prompt": lambda request: request.negative_prompt,
    "seed": lambda request: str(request.seed) if request.HasField("seed") else "",
    "style": lambda request: request.style,
    "quality": lambda request: QUALITY_NAMES.get(request.output.quality, ""),
    "background": lambda request: BACKGROUND_NAMES.get(request.output.background, ""),
    "output_compression": _compression,
    "partial_images": lambda request: str(request.output.partial_image_count or ""),
    "moderation": lambda request: "low" if request.moderation == request_pb2.MODERATION_LOW else "",
    "user": lambda request: request.end_user_id,
    "strength": _strength,
    "similarity": lambda request: (
        _number(request.variation.similarity) if request.variation.HasField("similarity") else ""
    ),
    "creativity": lambda request: _number(request.upscale.creativity) if request.upscale.HasField("creativity") else "",
    "feather": lambda request: str(request.edit.feather_px or ""),
    "reference_role": lambda request: next((_ROLE_NAMES[one.role] for one in request.references if one.role), ""),
    "reference_weight": _reference_weight,
}
NAMES = frozenset(_ASKED)


def reader(name: str) -> Reader:
    """What reads the parameter `name` out of a request; KeyError for a name outside of NAMES."""
    return _ASKED[name]


def shown(name: str, value: str) -> str:
    """The value as an adjustment may show it: what holds a caller's own words is only counted."""
    return f"{len(value)} characters" if name in HIDDEN else value[:100]
