"""A body of images/generations, checked as Ark checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.exchange import Refusal
from heliostat.emulators.picture_headers import read_header
from heliostat.emulators.pictures import seed_from
from heliostat.emulators.seedream.catalogue import BY_NAME, MOST_RATIO, SeedreamModel, Size, of_level
from heliostat.emulators.seedream.dialect import SeedreamDialect, invalid, refused
from heliostat.emulators.sources import SourceUnreadable, fetch

ENDPOINT = re.compile(r"ep-[0-9a-z-]+")
PIXELS = re.compile(r"(\d{1,5})x(\d{1,5})")
NUMBER = re.compile(r"\d+")
ACCEPTED = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
MOST_BYTES = 10 * 1_048_576
MOST_SET = 15
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "model": str,
    "prompt": str,
    "image": (str, list),
    "size": str,
    "response_format": str,
    "output_format": str,
    "watermark": bool,
    "sequential_image_generation": str,
    "sequential_image_generation_options": dict,
    "optimize_prompt_options": dict,
    "stream": bool,
    "background": str,
    "seed": int,
    "guidance_scale": (int, float),
}


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: SeedreamModel
    fields: Mapping[str, Any]
    images: tuple[bytes, ...] = ()

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields["prompt"])

    @property
    def seed(self) -> int:
        """Give the seed; models without one draw by the prompt."""
        given = self.fields.get("seed") if self.model.seeded else None
        return int(given) if given not in (None, -1) else seed_from(self.model.name, self.prompt)

    @property
    def media_type(self) -> str:
        """Give the type of the pictures."""
        return f"image/{self.fields.get('output_format') or 'jpeg'}"

    @property
    def transparent(self) -> bool:
        """Tell whether the ground is to be transparent."""
        return self.fields.get("background") == "transparent"

    @property
    def encoded(self) -> bool:
        """Tell whether pictures go into the answer; their addresses do otherwise."""
        return self.fields.get("response_format") == "b64_json"

    @property
    def streams(self) -> bool:
        """Tell whether pictures are told as they come."""
        return bool(self.fields.get("stream"))

    @property
    def count(self) -> int:
        """Give how many pictures it makes: in a set as many as the prompt names, within what was allowed."""
        if self.fields.get("sequential_image_generation") != "auto":
            return 1
        options = self.fields.get("sequential_image_generation_options") or {}
        named = NUMBER.search(self.prompt)
        return max(1, min(int(named[0]) if named else 1, int(options.get("max_images") or MOST_SET)))

    @property
    def size(self) -> Size:
        """Give the size in px."""
        word = str(self.fields.get("size") or self.model.usual)
        pixels = PIXELS.fullmatch(word)
        if pixels:
            return int(pixels[1]), int(pixels[2])
        header = read_header(self.images[0]) if self.images else None
        own = header.size if header is not None else (1, 1)
        return own if word == "adaptive" else of_level(word, own[0] / own[1])


async def read_order(body: Body) -> Order:
    """Check a body and fetch its pictures. Raises `Refusal`."""
    if body.is_form or body.fault:
        raise refused("InvalidParameter", f"The request body is not valid: {body.fault or 'it must be JSON'}.")
    fields = {name: value for name, value in body.fields.items() if value is not None}
    name = body.text("model")
    model = BY_NAME.get("seedream-4-5-251128" if ENDPOINT.fullmatch(name) else name)
    if not name:
        raise _missing("model")
    if model is None:
        raise Refusal(SeedreamDialect().error(404))
    if not body.text("prompt"):
        raise _missing("prompt")
    _check_kinds(fields)
    _check_words(model, fields)
    _check_size(model, fields)
    sources = fields.get("image") or []
    sources = [sources] if isinstance(sources, str) else sources
    _check_set(model, fields, len(sources))
    return Order(model, fields, tuple([await _picture(one) for one in sources]))


def _missing(param: str) -> Refusal:
    return refused("MissingParameter", f"The request is missing the parameter `{param}`.", param)


def _check_kinds(fields: Mapping[str, Any]) -> None:
    foreign = sorted(fields.keys() - KINDS.keys())
    if foreign:
        raise invalid(foreign[0], "it is not known")
    for name, value in fields.items():
        kind = KINDS[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise invalid(name, "it has the wrong type")


def _check_words(model: SeedreamModel, fields: Mapping[str, Any]) -> None:
    mode = fields.get("optimize_prompt_options", {}).get("mode")
    words = {
        "response_format": ("url", "b64_json"),
        "output_format": ("png", "jpeg") if model.formats else (),
        "background": ("transparent", "opaque") if model.transparent else (),
        "sequential_image_generation": ("auto", "disabled") if model.sequences else (),
    }
    for name, allowed in words.items():
        if name in fields and fields[name] not in allowed:
            raise invalid(name, f"the model takes {', '.join(allowed) or 'none'}")
    if mode is not None and mode not in model.modes:
        raise invalid("optimize_prompt_options", f"the model takes {', '.join(model.modes) or 'none'}")
    if fields.get("background") == "transparent" and fields.get("output_format") != "png":
        raise invalid("background", "transparent needs output_format png")
    if "guidance_scale" in fields and not (model.seeded and 1 <= fields["guidance_scale"] <= 10):
        raise invalid("guidance_scale", "the model takes none, or 1 to 10")
    if "seed" in fields and not -1 <= fields["seed"] < 2**31:
        raise invalid("seed", "it must be -1 to 2147483647")


def _check_size(model: SeedreamModel, fields: Mapping[str, Any]) -> None:
    word = str(fields.get("size") or model.usual)
    pixels = PIXELS.fullmatch(word)
    if word in model.levels:
        return
    if pixels is None or not model.most_px:
        raise invalid("size", f"the model takes {', '.join(model.levels) or 'pixels'}")
    width, height = int(pixels[1]), int(pixels[2])
    low, high = model.edges_px
    if not (low <= min(width, height) and max(width, height) <= high):
        raise invalid("size", f"edges must be {low} to {high} px")
    if not model.least_px <= width * height <= model.most_px:
        raise invalid("size", f"image size must be {model.least_px} to {model.most_px} pixels")
    if max(width, height) > MOST_RATIO * min(width, height):
        raise invalid("size", f"the ratio must be at most {MOST_RATIO}")


def _check_set(model: SeedreamModel, fields: Mapping[str, Any], images: int) -> None:
    if images > model.inputs:
        raise invalid("image", f"the model takes at most {model.inputs} images")
    if not model.draws and not images:
        raise _missing("image")
    most = fields.get("sequential_image_generation_options", {}).get("max_images", 1)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST_SET:
        raise invalid("sequential_image_generation_options.max_images", f"it must be 1 to {MOST_SET}")
    if images + most > MOST_SET and fields.get("sequential_image_generation") == "auto":
        raise invalid("sequential_image_generation_options.max_images", f"with images it must be at most {MOST_SET}")


async def _picture(source: Any) -> bytes:
    """The bytes of a picture that is sent or pointed at."""
    if not isinstance(source, str):
        raise invalid("image", "it has the wrong type")
    try:
        data = await fetch(source)
    except SourceUnreadable as error:
        raise refused("InvalidImageURL.InvalidFormat", f"The image cannot be read: {error}.", "image") from error
    header = read_header(data)
    if header is None or header.media_type not in ACCEPTED or len(data) > MOST_BYTES:
        raise refused("InvalidImageURL.InvalidFormat", "The image is of no supported format, or too large.", "image")
    return data
