"""A body of one of the four endpoints, checked as DashScope checks it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.bodies import Body
from heliostat.emulators.dashscope.catalogue import (
    BY_NAME,
    FUNCTIONS,
    IMAGE,
    IMAGE2IMAGE,
    LEVELS_PX,
    MULTIMODAL,
    DashModel,
    Size,
)
from heliostat.emulators.dashscope.dialect import DashScopeDialect, invalid, refused, unreadable
from heliostat.emulators.exchange import Refusal
from heliostat.emulators.picture_headers import read_header
from heliostat.emulators.pictures import PictureRefused, header_of, seed_from
from heliostat.emulators.sources import SourceUnreadable, fetch

PIXELS = re.compile(r"(\d{1,5})\*(\d{1,5})")
MOST_BYTES = 20 * 1_048_576
MOST_SET = 12
MOST_SEED = 2_147_483_647
BOOLEANS = ("prompt_extend", "watermark", "thinking_mode", "enable_sequential", "is_sketch")
SCALES = ("top_scale", "bottom_scale", "left_scale", "right_scale")
SENT_ALONG = frozenset({"is_async"})
"""What the maker's own client sends for nothing (2.0.2)."""
MESSAGED = frozenset({MULTIMODAL, IMAGE})


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: DashModel
    path: str
    prompt: str
    parameters: Mapping[str, Any]
    images: tuple[bytes, ...] = ()
    mask: bytes | None = None
    function: str = ""

    @property
    def count(self) -> int:
        """Give the number of pictures."""
        return int(self.parameters.get("n") or 1)

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        given = self.parameters.get("seed")
        return int(given) if given is not None else seed_from(self.model.name, self.prompt)

    @property
    def extended(self) -> bool:
        """Tell whether the prompt is rewritten."""
        return bool(self.parameters.get("prompt_extend", self.model.extends))

    @property
    def size(self) -> Size:
        """Give the size in px of each picture, where it is not a function's own."""
        own = header_of(self.images[-1]).size if self.images else (1, 1)
        word = str(self.parameters.get("size") or "")
        if word in LEVELS_PX:
            edge, root = LEVELS_PX[word], (own[0] / own[1]) ** 0.5
            return int(edge * root) // 16 * 16, int(edge / root) // 16 * 16
        if word:
            width, height = word.split("*")
            return int(width), int(height)
        rule = (self.model.beside if self.images else None) or self.model.sizes
        return rule.usual or own


async def read_order(path: str, body: Body, *, asynchronous: bool) -> Order:
    """Check a body and fetch its pictures. Raises `Refusal`."""
    if body.is_form or body.fault:
        raise refused(400, "BadRequest.IllegalInput", body.fault or "The body must be JSON.")
    model = BY_NAME.get(body.text("model"))
    if model is None:
        raise Refusal(DashScopeDialect().error(404))
    _check_way(model, path, asynchronous)
    given, parameters = body.fields.get("input"), body.fields.get("parameters") or {}
    if not isinstance(given, dict) or not isinstance(parameters, dict):
        raise invalid("input and parameters must be objects.")
    parameters = {name: value for name, value in parameters.items() if value is not None}
    prompt, avoided, sources, mask = _messages(given) if path in MESSAGED else _plain(path, given)
    function = _function(model, given, mask is not None)
    if avoided is not None:
        parameters = {**parameters, "negative_prompt": avoided}
    _check_parameters(model, parameters, function)
    low, high = model.inputs
    if not low <= len(sources) <= high:
        raise invalid(f"The model takes {low} to {high} images.")
    _check_size(model, parameters, bool(sources))
    _check_boxes(parameters, len(sources))
    images = tuple([await _picture(one) for one in sources])
    drawn = await _picture(mask) if mask is not None else None
    if drawn is not None and header_of(drawn).size != header_of(images[0]).size:
        raise invalid("The mask image must have the same size as the base image.")
    return Order(model, path, prompt, parameters, images, drawn, function)


def _check_way(model: DashModel, path: str, asynchronous: bool) -> None:
    if path not in model.paths:
        raise refused(400, "InvalidParameter", "url error, please check url!")
    if path != MULTIMODAL and not asynchronous:
        raise refused(403, "AccessDenied", "current user api does not support synchronous calls.")
    if path == MULTIMODAL and asynchronous:
        raise refused(403, "AccessDenied", "current user api does not support asynchronous calls.")


def _messages(given: Mapping[str, Any]) -> tuple[str, str | None, list[Any], Any]:
    messages = given.get("messages")
    message = messages[0] if isinstance(messages, list) and len(messages) == 1 else None
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "user" else None
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise invalid("messages must hold exactly one message of the user.")
    texts = [one["text"] for one in content if isinstance(one.get("text"), str)]
    sources = [one["image"] for one in content if "image" in one]
    if len(texts) != 1 or not texts[0] or "text" not in content[-1]:
        raise invalid("content must hold images and then exactly one text.")
    return texts[0], None, sources, None


def _plain(path: str, given: Mapping[str, Any]) -> tuple[str, str | None, list[Any], Any]:
    prompt, avoided = given.get("prompt"), given.get("negative_prompt")
    if not isinstance(prompt, str) or not prompt:
        raise invalid("prompt is required.")
    known = {"prompt", "negative_prompt"} | (
        {"images", "function", "base_image_url", "mask_image_url"} if path == IMAGE2IMAGE else set()
    )
    foreign = sorted(given.keys() - known)
    if foreign:
        raise invalid(f"input.{foreign[0]} is not known.")
    base, images = given.get("base_image_url"), given.get("images") or []
    if not isinstance(images, list):
        raise invalid("images must be a list.")
    return prompt, avoided, [base] if base else images, given.get("mask_image_url")


def _function(model: DashModel, given: Mapping[str, Any], masked: bool) -> str:
    if model.name != "wanx2.1-imageedit":
        if "function" in given or masked:
            raise invalid("The model has no functions and takes no mask.")
        return ""
    function = given.get("function")
    if function not in FUNCTIONS:
        raise invalid(f"function must be one of {', '.join(FUNCTIONS)}.")
    if masked != (function == "description_edit_with_mask"):
        raise invalid("mask_image_url goes with description_edit_with_mask, and only with it.")
    return str(function)


def _check_parameters(model: DashModel, parameters: Mapping[str, Any], function: str) -> None:
    known = model.parameters
    if function:
        known = frozenset({"n", "seed", "watermark"}) | FUNCTIONS[function]
    foreign = sorted(parameters.keys() - known - SENT_ALONG)
    if foreign:
        raise invalid(f"parameters.{foreign[0]} is not supported by {model.name}.")
    for name in BOOLEANS:
        if not isinstance(parameters.get(name, False), bool):
            raise invalid(f"{name} must be a boolean.")
    _check_number(parameters, "n", 1, MOST_SET if parameters.get("enable_sequential") else model.n)
    _check_number(parameters, "seed", 0, MOST_SEED)
    _check_number(parameters, "upscale_factor", 1, 4)
    for name in SCALES:
        _check_number(parameters, name, 1, 2, whole=False)
    _check_number(parameters, "strength", 0, 1, whole=False)
    _check_palette(parameters.get("color_palette"))


def _check_number(parameters: Mapping[str, Any], name: str, low: float, high: float, *, whole: bool = True) -> None:
    value = parameters.get(name, low)
    kind = int if whole else (int, float)
    if not isinstance(value, kind) or isinstance(value, bool) or not low <= value <= high:
        raise invalid(f"{name} must be {low:g} to {high:g}.")


def _check_palette(palette: Any) -> None:
    if palette is None:
        return
    if not isinstance(palette, list) or not 3 <= len(palette) <= 10:
        raise invalid("color_palette must hold 3 to 10 colours.")
    parts = [str(one.get("ratio")) if isinstance(one, dict) else "" for one in palette]
    if not all(re.fullmatch(r"\d{1,3}\.\d\d%", part) for part in parts):
        raise invalid("color_palette needs ratios with two decimals and a percent sign.")
    if sum(int(part[:-1].replace(".", "")) for part in parts) != 10_000:
        raise invalid("The ratios of color_palette must add up to 100.00%.")


def _check_size(model: DashModel, parameters: Mapping[str, Any], beside: bool) -> None:
    rule = (model.beside if beside else None) or model.sizes
    word = parameters.get("size")
    if word is None or word in rule.words:
        return
    pixels = PIXELS.fullmatch(str(word))
    if pixels is None or not rule.asked or not rule.takes((int(pixels[1]), int(pixels[2]))):
        raise invalid(f"size {word} is not supported by {model.name}.")


def _check_boxes(parameters: Mapping[str, Any], images: int) -> None:
    boxes = parameters.get("bbox_list")
    if boxes is None:
        return
    known = isinstance(boxes, list) and len(boxes) == images
    if not known or not all(isinstance(one, list) and len(one) <= 2 for one in boxes):
        raise invalid("bbox_list must hold one list of at most 2 boxes for each image.")
    if parameters.get("thinking_mode") is not None:
        raise invalid("thinking_mode is for text to image only.")


async def _picture(source: Any) -> bytes:
    """The bytes of a picture that is sent or pointed at."""
    if not isinstance(source, str):
        raise invalid("An image must be a text.")
    try:
        data = await fetch(source)
        header_of(data)
    except (SourceUnreadable, PictureRefused) as error:
        raise unreadable(str(error)) from error
    header = read_header(data)
    if header is None or len(data) > MOST_BYTES:
        raise unreadable("unsupported format or too large")
    return data
