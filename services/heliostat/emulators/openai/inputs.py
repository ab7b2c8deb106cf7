"""The pictures that come with an edit, from a form or from JSON, checked as OpenAI checks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.exchange import Refusal
from heliostat.emulators.openai.errors import bad_request
from heliostat.emulators.picture_headers import read_header
from heliostat.emulators.sources import SourceUnreadable, fetch

MAX_IMAGES = 16
MAX_IMAGE_BYTES = 50_000_000
MAX_MASK_BYTES = 4_000_000
MAX_URL_CHARACTERS = 20_971_520
ACCEPTED = frozenset({"image/png", "image/jpeg", "image/webp"})


@dataclass(frozen=True)
class Inputs:
    """Encoded pictures; the mask marks with transparency what is to be painted anew."""

    images: list[bytes]
    sizes: list[tuple[int, int]]
    mask: bytes | None


async def read_inputs(body: Body) -> Inputs:
    """Gather and check the pictures of an edit. Raises `Refusal`."""
    if body.is_form:
        name = "image"
        images = body.files.get("image", [])
        mask = next(iter(body.files.get("mask", [])), None)
    else:
        name = "images"
        images = [await _referred(entry, "images") for entry in _entries(body.fields.get("images"))]
        mask = None if body.fields.get("mask") is None else await _referred(body.fields["mask"], "mask")
    if not images:
        raise bad_request(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if len(images) > MAX_IMAGES:
        message = f"Invalid '{name}': array too long. Expected an array with maximum length {MAX_IMAGES}."
        raise bad_request(message, name, "array_above_max_length")
    sizes = [_checked(image, name) for image in images]
    if mask is not None:
        _check_mask(mask, sizes[0])
    return Inputs(images, sizes, mask)


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


async def _referred(entry: Any, param: str) -> bytes:
    if not isinstance(entry, Mapping) or len(entry.keys() & {"image_url", "file_id"}) != 1:
        message = "Each picture needs exactly one of 'image_url' and 'file_id'."
        raise bad_request(message, param, "invalid_value")
    address = entry.get("image_url")
    if not isinstance(address, str) or len(address) > MAX_URL_CHARACTERS:
        raise bad_request("The file could not be found or its URL is not valid.", param, "invalid_value")
    try:
        return await fetch(address)
    except SourceUnreadable as error:
        raise bad_request(f"Error while downloading the picture: {error}.", param, "invalid_image_url") from error


def _checked(image: bytes, param: str) -> tuple[int, int]:
    header = read_header(image)
    if header is None or header.media_type not in ACCEPTED or len(image) > MAX_IMAGE_BYTES:
        raise unreadable(param)
    return header.size


def _check_mask(mask: bytes, size: tuple[int, int]) -> None:
    header = read_header(mask)
    if header is None or header.media_type != "image/png" or len(mask) > MAX_MASK_BYTES or not header.has_alpha:
        message = "Invalid mask image: a PNG with an alpha channel below 4 MB is needed."
        raise bad_request(message, "mask", "invalid_image_file")
    if header.size != size:
        message = "Invalid mask image: its size does not match the size of the image."
        raise bad_request(message, "mask", "invalid_image_file")


def unreadable(param: str) -> Refusal:
    """Make the 400 for a picture that cannot be used."""
    return bad_request("Invalid image file or mode, please check your image file.", param, "invalid_image_file")
