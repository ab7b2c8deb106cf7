"""A provider's picture on its way to the caller: checked, converted where that was asked for, and measured.

Bytes that nobody asked to have changed go out as they came, provenance and all.
"""

import asyncio
from dataclasses import dataclass, replace

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.convert import Converted, Darkroom
from heliostat.adapters.sdk.demands import told_conversion
from heliostat.adapters.sdk.models import operation_of
from heliostat.adapters.sdk.one_colour import may_have_one_colour
from heliostat.adapters.sdk.picture_metadata import Provenance, provenance
from heliostat.adapters.sdk.result import Picture
from heliostat.adapters.sdk.structure import Shape, check_sums, read_shape
from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

_COPIES = frozenset({"upscale", "remove_background", "segment"})
_AT_ONCE_BYTES = 2 * 1024 * 1024
# Formats that a packet of XMP can be written into here.
_TAKE_XMP = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})
_LOST = (
    "Converting the picture takes away what its file says of where it comes from; leave output_format and "
    "output_compression out to keep it."
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A picture as it is delivered. `shape` is None where only an address is; `provenance` is the contract's word."""

    picture: Picture
    shape: Shape | None = None
    provenance: "media_pb2.Provenance" = media_pb2.PROVENANCE_UNSPECIFIED
    one_colour: bool = False


async def finished(picture: Picture, call: Call, darkroom: Darkroom, *, look: bool = False) -> Finished:
    """The picture as the caller wants it; `look` asks whether it has one colour. Raises MEDIA_INVALID."""
    if not picture.data:
        if not picture.uri:
            raise _invalid(call, "The provider delivered an empty picture.")
        return Finished(picture)
    try:
        shape = read_shape(picture.data)
        if len(picture.data) <= _AT_ONCE_BYTES:
            check_sums(picture.data)
        else:
            await asyncio.to_thread(check_sums, picture.data)
    except ValueError as error:
        raise _invalid(call, f"The provider delivered bytes that are no sound picture: {error}.") from None
    found = Provenance() if picture.partial_index is not None else provenance(picture.data)
    look = look and _is_drawn(picture, call) and may_have_one_colour(picture.data, shape)
    wanted = call.request.output.media_type
    if not wanted or picture.role == media_pb2.MEDIA_ROLE_MASK or (wanted == shape.media_type and not call.packs):
        one_colour = look and await _has_one_colour(picture.data, call, darkroom)
        return Finished(picture, shape, _KEPT[bool(found)], one_colour)
    made = await _converted(picture.data, shape, found, call, darkroom, look=look)
    whole = replace(picture, data=made.data)
    return Finished(whole, read_shape(made.data), _after_converting(found, call), made.one_colour)


def _is_drawn(picture: Picture, call: Call) -> bool:
    """Whether the provider drew it: what is cut out or enlarged has the colours of what was given."""
    final = picture.partial_index is None and picture.role != media_pb2.MEDIA_ROLE_MASK
    return final and operation_of(call.request) not in _COPIES


async def _has_one_colour(data: bytes, call: Call, darkroom: Darkroom) -> bool:
    """Whether the picture has one colour. One that cannot be decoded has none: sound as it looks, it goes out."""
    with call.timing.convert():
        try:
            return await darkroom.has_one_colour(data)
        except ValueError:
            return False


_KEPT = {False: media_pb2.PROVENANCE_NONE, True: media_pb2.PROVENANCE_KEPT}


async def _converted(
    data: bytes, shape: Shape, found: Provenance, call: Call, darkroom: Darkroom, *, look: bool
) -> Converted:
    output = call.request.output
    percent = output.compression_percent if output.HasField("compression_percent") else None
    xmp = found.xmp if output.media_type in _TAKE_XMP else b""
    if output.media_type != shape.media_type:
        told_conversion(call, output.media_type, shape.media_type)
    with call.timing.convert():
        try:
            return await darkroom.convert(data, output.media_type, percent, xmp, look=look)
        except ValueError as error:
            message = f"The provider's picture cannot be converted: {error}."
            raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="convert") from None


def _after_converting(found: Provenance, call: Call) -> "media_pb2.Provenance":
    """A source type in XMP is written again; a manifest is bound to the very bytes, and is lost."""
    if not found:
        return media_pb2.PROVENANCE_NONE
    if not found.c2pa and call.request.output.media_type in _TAKE_XMP:
        return media_pb2.PROVENANCE_KEPT
    if not any(one.parameter == "provenance" for one in call.adjustments):
        call.adjustments.append(
            event_pb2.Adjustment(
                parameter="provenance", delivered="lost", reason=_LOST, mode=event_pb2.ADJUSTMENT_MODE_DROPPED
            )
        )
    return media_pb2.PROVENANCE_LOST


def _invalid(call: Call, message: str) -> MeshError:
    return call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download")
