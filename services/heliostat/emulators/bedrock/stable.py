"""Stability AI's models at Bedrock: a body checked as they check it, and the picture made."""

from __future__ import annotations

import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.bedrock.catalogue import Field, StableModel
from heliostat.emulators.bedrock.dialect import invalid
from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of, seed_from

SHAPES = {
    "1:1": (1024, 1024),
    "16:9": (1344, 768),
    "21:9": (1536, 640),
    "3:2": (1216, 832),
    "5:4": (1152, 896),
    "4:5": (896, 1152),
    "2:3": (832, 1216),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
MOST_CHARS = 10_000
FILTERS = {"nsfw": "Filter reason: prompt", "gore": "Filter reason: output image", "crash": "Inference error"}


@dataclass(frozen=True)
class StableOrder:
    """A checked body; pictures are bytes in it."""

    model: StableModel
    fields: Mapping[str, Any]

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("prompt") or "")

    @property
    def seed(self) -> int:
        """Give the seed; one of the order's own for 0."""
        return int(self.fields.get("seed") or 0) or 1 + seed_from(self.prompt)

    @property
    def main(self) -> bytes | None:
        """Give the picture to work on."""
        found = self.fields.get("image") or self.fields.get("init_image")
        return found if isinstance(found, bytes) else None


def read_order(model: StableModel, body: Mapping[str, Any]) -> StableOrder:
    """Check a body. Raises `Refusal`."""
    unknown = sorted(body.keys() - model.fields.keys())
    if unknown:
        raise invalid(f"#: extraneous key [{unknown[0]}] is not permitted")
    fields = {name: _read(name, model.fields[name], value) for name, value in body.items()}
    for name, field in model.fields.items():
        if field.required and not fields.get(name):
            raise invalid(f"#: required key [{name}] not found")
    order = StableOrder(model, fields)
    if "mode" in model.fields:
        changes = fields.get("mode") == "image-to-image"
        if changes != ("image" in fields) or ("strength" in fields and not changes):
            raise invalid("#: image and strength go with mode image-to-image, and only with it")
        if changes and "aspect_ratio" in fields:
            raise invalid("#: aspect_ratio goes with mode text-to-image")
    if model.work == "outpaint" and not any(fields.get(name) for name in ("left", "right", "up", "down")):
        raise invalid("#: one of left, right, up and down must be above 0")
    for name in ("image", "init_image", "style_image"):
        if isinstance(fields.get(name), bytes):
            _check_picture(name, fields[name], model.bounds)
    return order


def _read(name: str, field: Field, value: Any) -> Any:
    if field.kind == "picture":
        return picture_of(name, value)
    if field.kind == "text":
        if not isinstance(value, str) or len(value) > MOST_CHARS:
            raise invalid(f"#/{name}: expected type: String of at most {MOST_CHARS} letters")
        if field.words and value not in field.words:
            raise invalid(f"#/{name}: {value} is not a valid enum value")
        return value
    if isinstance(value, bool) or not isinstance(value, int if field.kind == "whole" else int | float):
        raise invalid(f"#/{name}: expected type: {'Integer' if field.kind == 'whole' else 'Number'}")
    if not (field.low or 0) <= value <= (field.high or math.inf):
        raise invalid(f"#/{name}: {value} is not between {field.low:g} and {field.high:g}")
    return value


def picture_of(name: str, value: Any) -> bytes:
    """Decode a picture. Raises `Refusal`: a data URI is none."""
    try:
        return pybase64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise invalid(f"#/{name}: is not base64") from None


def _check_picture(name: str, data: bytes, bounds: tuple[int, int, int, int]) -> None:
    try:
        header = header_of(data)
    except PictureRefused:
        raise invalid(f"#/{name}: is no picture") from None
    (short, long), area = sorted(header.size), header.size[0] * header.size[1]
    if short < bounds[0] or (bounds[1] and long > bounds[1]) or not bounds[2] <= area <= bounds[3]:
        raise invalid(f"#/{name}: {header.size[0]}x{header.size[1]} is not of a size that is taken")


async def draw_order(room: Room, order: StableOrder, entry: Entry) -> Reply:
    """Make the picture, or say why not: with status 200 as well. Raises `Refusal` for what cannot be read."""
    ending = next((told for word, told in FILTERS.items() if word in order.prompt.lower()), None)
    if ending is not None:
        return json_reply({"seeds": [order.seed], "finish_reasons": [ending], "images": [""]})
    try:
        image = await _made(room, order)
    except PictureRefused:
        raise invalid("#/image: is no picture") from None
    entry.bill(order.model.micros, [image])
    encoded = pybase64.b64encode_as_string(image)
    return json_reply({"seeds": [order.seed], "finish_reasons": [None], "images": [encoded]})


async def _made(room: Room, order: StableOrder) -> bytes:
    pictures, painter, main, fields = room.pictures, room.pictures.painter, order.main, order.fields
    seed, media_type, work = order.seed, f"image/{fields.get('output_format') or 'png'}", order.model.work
    if main is None or (work == "draw" and "fidelity" in order.model.fields):
        return await pictures.paint(
            order.prompt, *SHAPES[fields.get("aspect_ratio") or "1:1"], seed=seed, media_type=media_type
        )
    size = header_of(main).size
    if work == "cut":
        return await asked(painter.remove_background(main, media_type=media_type))
    if work == "enlarge":
        scale = math.sqrt(order.model.area_px / (size[0] * size[1])) if order.model.area_px else 4
        width, height = round(size[0] * scale), round(size[1] * scale)
        return await asked(painter.upscale(main, width=width, height=height, media_type=media_type))
    if work == "outpaint":
        names = {"left": "left", "right": "right", "up": "top", "down": "bottom"}
        sides = {ours: int(fields.get(name) or 0) for name, ours in names.items()}
        return await asked(painter.outpaint(main, **sides, prompt=order.prompt, seed=seed, media_type=media_type))
    mask = None
    if work == "inpaint":
        mask = fields.get("mask") or await asked(painter.alpha_to_mask(main))
    return await pictures.repaint(main, order.prompt, size=size, seed=seed, media_type=media_type, mask=mask)
