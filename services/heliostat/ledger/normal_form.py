"""The normalized request: what is hashed, and kept for a resume. Inputs stand in it as blobs, never as bytes."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from heliostat.api.image.v1 import media_pb2, request_pb2

HASH_VERSION = "1"
INPUTS_FOLDER = "inputs/"
FILES_FOLDER = "inputs/files/"
_LARGE_BYTES = 512 * 1024
_OPERATION_MEDIA: Mapping[str, tuple[str, ...]] = {
    "edit": ("image", "mask"),
    "variation": ("image",),
    "upscale": ("image",),
    "remove_background": ("image",),
    "segment": ("image",),
    "style_transfer": ("image", "style"),
    "outpaint": ("image",),
}


@dataclass(frozen=True, slots=True)
class NormalForm:
    """`payload`: the request as bytes; `hash`: "<version>:<hex>"; `inputs`: blob key -> the bytes behind it.

    `stored` are the keys of inputs that the edge has put into the blobs already; files of callers are not among them.
    """

    payload: bytes
    hash: str
    inputs: Mapping[str, bytes] = field(default_factory=dict)
    stored: frozenset[str] = frozenset()


async def normal_form(request: request_pb2.ImageRequest) -> NormalForm:
    """The request's normal form; the work of large inputs is done in a thread."""
    if request.WhichOneof("operation") in (None, "text_to_image") and not request.references:
        return _formed(request, {})
    if request.ByteSize() < _LARGE_BYTES:
        return _with_inputs(request)
    return await asyncio.to_thread(_with_inputs, request)


def input_key(sha256: bytes) -> str:
    """The blob key of an input picture. Pure."""
    return f"{INPUTS_FOLDER}{sha256.hex()}"


def operation(request: request_pb2.ImageRequest) -> str:
    """What is asked for, such as "text_to_image". Pure."""
    return request.WhichOneof("operation") or "text_to_image"


def inputs_of(request: request_pb2.ImageRequest) -> Iterator[media_pb2.Media]:
    """The pictures that the request holds. Pure."""
    name = operation(request)
    asked = getattr(request, name)
    for part in _OPERATION_MEDIA.get(name, ()):
        if asked.HasField(part):
            yield getattr(asked, part)
    for reference in request.references:
        if reference.HasField("image"):
            yield reference.image


def _formed(
    request: request_pb2.ImageRequest, inputs: Mapping[str, bytes], stored: frozenset[str] = frozenset()
) -> NormalForm:
    payload = request.SerializeToString(deterministic=True)
    return NormalForm(payload, f"{HASH_VERSION}:{hashlib.sha256(payload).hexdigest()}", inputs, stored)


def _with_inputs(request: request_pb2.ImageRequest) -> NormalForm:
    copy = request_pb2.ImageRequest()
    copy.CopyFrom(request)
    inputs: dict[str, bytes] = {}
    stored: set[str] = set()
    for media in inputs_of(copy):
        if _is_input(media.blob_id):
            stored.add(media.blob_id)
        if media.WhichOneof("source") == "data":
            data = media.data
            media.sha256 = hashlib.sha256(data).digest()
            media.blob_id = input_key(media.sha256)
            inputs[media.blob_id] = data
    return _formed(copy, inputs, frozenset(stored - inputs.keys()))


def _is_input(blob_id: str) -> bool:
    return blob_id.startswith(INPUTS_FOLDER) and not blob_id.startswith(FILES_FOLDER)
