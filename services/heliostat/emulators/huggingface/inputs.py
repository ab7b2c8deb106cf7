"""What a call asks, whichever provider's words it is in, checked as that provider would."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.emulators.huggingface.catalogue import DRAW, SEGMENT, Served
from heliostat.emulators.huggingface.dialect import wrong_field
from heliostat.emulators.pictures import PictureRefused, header_of, seed_from
from heliostat.emulators.sources import SourceUnreadable, fetch

SHAPES = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "2:3": (832, 1216),
    "4:5": (896, 1088),
    "5:4": (1088, 896),
    "3:4": (896, 1152),
    "4:3": (1152, 896),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
FORMATS = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
USUAL_FORMAT = {"replicate": "image/webp", "hf-inference": "image/jpeg", "nscale": "image/png"}
COUNTS = ("n", "num_images", "num_outputs")
STEPS = ("steps", "num_inference_steps")
PICTURES = ("image_url", "input_image", "image", "image_urls", "input_images", "images", "reference_images")
MOST_IMAGES = 4

Size = tuple[int, int]


@dataclass(frozen=True)
class Order:
    """A checked call."""

    model: Served
    fields: Mapping[str, Any]
    picture: bytes | None = None
    size: Size = (1024, 1024)
    files: tuple[str, ...] = field(default=())

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt") or "")

    @property
    def count(self) -> int:
        """Give the number of pictures."""
        return int(next((self.fields[name] for name in COUNTS if self.fields.get(name)), 1))

    @property
    def steps(self) -> int:
        """Give the steps; 0 where none were asked for."""
        return int(next((self.fields[name] for name in STEPS if self.fields.get(name)), 0))

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        given = self.fields.get("seed")
        return int(given) if given is not None else seed_from(self.model.own_id, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the pictures."""
        usual = USUAL_FORMAT.get(self.model.provider, "image/jpeg")
        return FORMATS.get(str(self.fields.get("output_format")), usual)

    @property
    def unchecked(self) -> bool:
        """Tell whether the safety checker was switched off."""
        return self.fields.get("enable_safety_checker") is False or bool(self.fields.get("disable_safety_checker"))


async def read_order(model: Served, fields: Mapping[str, Any], picture: bytes | None = None) -> Order:
    """Check a call; `picture` is one that came beside the fields. Raises `Refusal`."""
    provider = model.provider
    if model.task != SEGMENT and not isinstance(fields.get("prompt"), str):
        raise wrong_field(provider, "prompt", "Field required")
    # Replicate passes over what a model has no use for; the official clients count on it.
    unknown = sorted(fields.keys() - model.fields - {"prompt"})
    if unknown and provider != "replicate":
        raise wrong_field(provider, unknown[0], "Extra inputs are not permitted")
    for name in (*COUNTS, *STEPS, "seed", "width", "height"):
        value = fields.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise wrong_field(provider, name, "Input should be a valid integer")
    for name in COUNTS:
        if fields.get(name) is not None and not 1 <= fields[name] <= MOST_IMAGES:
            raise wrong_field(provider, name, f"Input should be between 1 and {MOST_IMAGES}")
    if fields.get("output_format") is not None and fields["output_format"] not in FORMATS:
        raise wrong_field(provider, "output_format", "Unexpected value")
    if model.task != DRAW and picture is None:
        picture = await _picture(provider, fields)
    return Order(model, fields, picture, _size(provider, fields, picture))


async def _picture(provider: str, fields: Mapping[str, Any]) -> bytes:
    name = next((one for one in PICTURES if fields.get(one)), "")
    source = fields.get(name)
    if isinstance(source, list) and source:
        source = source[0]
    if not isinstance(source, str):
        raise wrong_field(provider, name or "image", "Field required")
    try:
        data = await fetch(source)
        header_of(data)
    except (SourceUnreadable, PictureRefused) as error:
        raise wrong_field(provider, name, f"Invalid image: {error}") from error
    return data


def _size(provider: str, fields: Mapping[str, Any], picture: bytes | None) -> Size:
    """The size in px; what is made of a picture has that one's where none is asked for."""
    usual = header_of(picture).size if picture is not None else (1024, 1024)
    shape, text = fields.get("aspect_ratio"), fields.get("size")
    if isinstance(shape, str):
        if shape not in SHAPES:
            raise wrong_field(provider, "aspect_ratio", "Unexpected value")
        return SHAPES[shape]
    if isinstance(text, str):
        edges = text.replace("*", "x").split("x")
        if len(edges) != 2 or not all(edge.isdecimal() for edge in edges):
            raise wrong_field(provider, "size", "Unexpected value")
        return _checked(provider, "size", int(edges[0]), int(edges[1]))
    given = fields.get("image_size") or fields.get("target_size") or fields
    if not isinstance(given, Mapping):
        raise wrong_field(provider, "image_size", "Unexpected value")
    width, height = given.get("width") or usual[0], given.get("height") or usual[1]
    if (width, height) == usual:
        return usual
    return _checked(provider, "width", width, height)


def _checked(provider: str, name: str, width: Any, height: Any) -> Size:
    if not all(isinstance(edge, int) and 64 <= edge <= 2048 for edge in (width, height)):
        raise wrong_field(provider, name, "Input should be between 64 and 2048")
    return width, height
