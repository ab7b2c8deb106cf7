"""The ranges that the contract promises, held before anything is written or bought. Pure.

`request.proto` and `router.proto` state most of them. What they leave open is bounded here, so that a small message
cannot ask for much: a text such as the negative prompt has at most 32,000 characters; a name or an id (model, session,
end user, style, cohort, idempotency key, a stored input) has at most 255, all printable; a request has at most 16 tags
with names and values of at most 256 characters each; a mask is feathered by at most 1,024 pixels.

Every check raises INVALID_FIELD with the field's path in the message and a sentence that never repeats the value.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from heliostat.api.image.v1 import media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.ledger.normal_form import inputs_of, operation

MAX_PROMPT_CHARS = 32_000
MAX_NAME_CHARS = 255
MAX_IMAGES = 10
MAX_SIDE_PX = 16_384
MAX_TAGS, MAX_TAG_CHARS = 16, 256
MAX_INLINE_BYTES = 4 * 1024 * 1024
MAX_FEATHER_PX = 1024
MAX_FACTOR = 16
MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")

_MAX_DURATION_S = 315_576_000_000  # what google.protobuf.Duration allows
_NANOS = 1_000_000_000
_SHA256_BYTES = 32
_REQUEST_ID = re.compile(r"req_[a-z0-9]{24}")
_WORDS_NEEDED = frozenset({"text_to_image", "edit"})

_QUALITIES = frozenset(request_pb2.Quality.values())
_BACKGROUNDS = frozenset(request_pb2.Background.values())
_DELIVERIES = frozenset(request_pb2.Delivery.values())
_TIERS = frozenset(request_pb2.SizeTier.values())
_MODERATIONS = frozenset(request_pb2.Moderation.values())
_STRICTNESS = frozenset(request_pb2.Strict.values())
_SORTS = frozenset(request_pb2.Sort.values())
_ON_UNKNOWN = frozenset(request_pb2.OnUnknown.values())
_MASK_MODES = frozenset(request_pb2.MaskMode.values())
_ROLES = frozenset(request_pb2.ReferenceRole.values())


def check_generation(asked: router_pb2.GenerateRequest) -> None:
    """Holds a request for pictures, with what says how it is followed, to the contract."""
    if asked.request_id and not _REQUEST_ID.fullmatch(asked.request_id):
        raise _refused(
            "request_id",
            'is "req_" and 24 lower-case letters or digits; send one of that form, or none',
        )
    _name("idempotency_key", asked.idempotency_key)
    _name("answer_form", asked.answer_form)
    if asked.retry_count < 0:
        raise _refused("retry_count", "counts from 0; leave it out where it is not known")
    check_duration(asked, "wait")
    check_image(asked.image)


def check_image(image: request_pb2.ImageRequest) -> None:
    """Holds what is wanted to the contract."""
    what = operation(image)
    _check_words(image, needed=what in _WORDS_NEEDED)
    _range("image_count", image.image_count, 0, MAX_IMAGES)
    _known("moderation", image.moderation, _MODERATIONS)
    _known("strict", image.strict, _STRICTNESS)
    if image.HasField("size"):
        _check_size(image.size)
    if image.HasField("output"):
        _check_output(image.output)
    if image.HasField("routing"):
        _check_routing(image.routing)
    if image.tags:
        _check_tags(image.tags)
    check = _OPERATIONS.get(what)
    if check is not None:
        check(getattr(image, what))
    for reference in image.references:
        _known("references.role", reference.role, _ROLES)
        _share(reference, "references", "weight")
    if check is not None or image.references:
        _check_inputs(image)


def check_duration(message: Any, field: str, path: str = "") -> None:
    """Holds a Duration field to 0 or more; one that is absent is fine."""
    if not message.HasField(field):
        return
    duration = getattr(message, field)
    if not (0 <= duration.seconds <= _MAX_DURATION_S and 0 <= duration.nanos < _NANOS):
        raise _refused(path or field, "is a time of 0 seconds or more; send such a time, or leave it out")


def _check_words(image: request_pb2.ImageRequest, *, needed: bool) -> None:
    prompt = image.prompt
    if needed and not prompt.strip():
        raise _refused("prompt", "must not be empty; say in words what you want to see")
    _text("prompt", prompt)
    _text("negative_prompt", image.negative_prompt)
    _name("model", image.model)
    _name("style", image.style)
    _name("end_user_id", image.end_user_id)
    _name("session_id", image.session_id)


def _check_size(size: request_pb2.Size) -> None:
    kind = size.WhichOneof("kind")
    if kind == "pixels":
        _check_pixels("size.pixels", size.pixels)
    elif kind == "aspect":
        aspect = size.aspect
        ratio = aspect.width_ratio, aspect.height_ratio
        if ratio != (0, 0) and min(ratio) <= 0:
            raise _refused("size.aspect", "has two parts above 0, as in 16:9; send both, or neither for any shape")
        _known("size.aspect.tier", aspect.tier, _TIERS)


def _check_pixels(field: str, pixels: request_pb2.PixelSize) -> None:
    _range(f"{field}.width_px", pixels.width_px, 1, MAX_SIDE_PX)
    _range(f"{field}.height_px", pixels.height_px, 1, MAX_SIDE_PX)


def _check_output(output: request_pb2.Output) -> None:
    _media_type("output.media_type", output.media_type)
    _range("output.compression_percent", output.compression_percent, 0, 100)
    _known("output.quality", output.quality, _QUALITIES)
    _known("output.background", output.background, _BACKGROUNDS)
    _range("output.partial_image_count", output.partial_image_count, 0, 3)
    _known("output.delivery", output.delivery, _DELIVERIES)


def _check_routing(routing: request_pb2.Routing) -> None:
    _known("routing.sort", routing.sort, _SORTS)
    _known("routing.on_unknown", routing.on_unknown, _ON_UNKNOWN)
    _name("routing.cohort", routing.cohort)
    check_duration(routing, "max_wait", "routing.max_wait")
    most = routing.max_cost
    if most.units < 0 or most.nanos < 0 or most.currency_code not in ("", "USD"):
        raise _refused("routing.max_cost", "is an amount in USD of 0 or more; correct it, or leave it out")


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS or any(len(text) > MAX_TAG_CHARS for pair in tags.items() for text in pair):
        raise _refused(
            "tags",
            f"are at most {MAX_TAGS}, their names and values at most {MAX_TAG_CHARS} characters; shorten them",
        )


def _check_inputs(image: request_pb2.ImageRequest) -> None:
    for media in inputs_of(image):
        _media_type("media_type", media.media_type)
        _name("blob_id", media.blob_id)
        _name("file_id", media.file_id)
        if len(media.sha256) not in (0, _SHA256_BYTES):
            raise _refused("sha256", f"has {_SHA256_BYTES} bytes; send them, or leave it out")
    # Reading an input copies it: they are looked at one by one only where all of the message is too large.
    if image.ByteSize() > MAX_INLINE_BYTES and _inline_bytes(inputs_of(image)) > MAX_INLINE_BYTES:
        raise _refused("image", "holds over 4 MiB of pictures; send addresses in their place, or smaller files")


def _inline_bytes(inputs: Iterable[media_pb2.Media]) -> int:
    return sum(len(media.data) for media in inputs)


def _check_edit(edit: request_pb2.Edit) -> None:
    _share(edit, "edit", "strength")
    _known("edit.mask_mode", edit.mask_mode, _MASK_MODES)
    _range("edit.feather_px", edit.feather_px, 0, MAX_FEATHER_PX)


def _check_upscale(upscale: request_pb2.Upscale) -> None:
    kind = upscale.WhichOneof("target")
    if kind == "factor" and not 1 < upscale.factor <= MAX_FACTOR:
        raise _refused("upscale.factor", f"is more than 1 and up to {MAX_FACTOR}; send such a number")
    if kind == "size":
        _check_pixels("upscale.size", upscale.size)
    _share(upscale, "upscale", "creativity")


def _check_segment(segment: request_pb2.Segment) -> None:
    if any(min(point.x_px, point.y_px) < 0 for point in segment.points):
        raise _refused("segment.points", "lie in the picture, which begins at 0; correct them")
    for box in segment.boxes:
        if not (0 <= box.left_px < box.right_px and 0 <= box.top_px < box.bottom_px):
            raise _refused("segment.boxes", "begin at 0 or later and end after they begin; correct them")


def _check_outpaint(outpaint: request_pb2.Outpaint) -> None:
    for side in ("left_px", "right_px", "top_px", "bottom_px"):
        _range(f"outpaint.{side}", getattr(outpaint, side), 0, MAX_SIDE_PX)


_OPERATIONS: Mapping[str, Callable[[Any], None]] = {
    "edit": _check_edit,
    "variation": lambda variation: _share(variation, "variation", "similarity"),
    "upscale": _check_upscale,
    "remove_background": lambda _: None,
    "segment": _check_segment,
    "style_transfer": lambda transfer: _share(transfer, "style_transfer", "strength"),
    "outpaint": _check_outpaint,
}


def _range(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _refused(field, f"is {least:,} to {most:,}; send a number in that range")


def _share(message: Any, place: str, field: str) -> None:
    """0 to 1; what is not a number is outside of every range."""
    if not 0 <= getattr(message, field) <= 1:
        raise _refused(f"{place}.{field}", "is 0 to 1; send a number in that range, or leave it out")


def _known(field: str, value: int, values: frozenset[int]) -> None:
    if value not in values:
        raise _refused(field, "has a value that is not known here; send one of the contract's, or leave it out")


def _media_type(field: str, value: str) -> None:
    if value and value not in MEDIA_TYPES:
        raise _refused(field, f"is one of {', '.join(MEDIA_TYPES)}; send one of them, or leave it out")


def _text(field: str, value: str) -> None:
    if len(value) > MAX_PROMPT_CHARS:
        raise _refused(field, f"has at most {MAX_PROMPT_CHARS:,} characters; shorten it")


def _name(field: str, value: str) -> None:
    if len(value) > MAX_NAME_CHARS or not value.isprintable():
        raise _refused(field, f"has at most {MAX_NAME_CHARS} characters, all printable; shorten or correct it")


def _refused(field: str, sentence: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{field} {sentence}.", field=field)
