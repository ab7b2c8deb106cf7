"""Nova Canvas and Titan: a task checked as they check it, and the pictures made.

INPAINTING changes the black part of a mask, OUTPAINTING the white one (Amazon's user guide, read 2026-11-22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.bedrock.catalogue import AmazonModel
from heliostat.emulators.bedrock.dialect import invalid, refused
from heliostat.emulators.bedrock.stable import picture_of
from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.ideogram.masks import white_for_black
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of

PARAMS = {
    "TEXT_IMAGE": (
        "textToImageParams",
        {"text", "negativeText", "style", "conditionImage", "controlMode", "controlStrength"},
    ),
    "COLOR_GUIDED_GENERATION": ("colorGuidedGenerationParams", {"colors", "referenceImage", "text", "negativeText"}),
    "IMAGE_VARIATION": ("imageVariationParams", {"images", "similarityStrength", "text", "negativeText"}),
    "INPAINTING": ("inPaintingParams", {"image", "maskPrompt", "maskImage", "text", "negativeText"}),
    "OUTPAINTING": (
        "outPaintingParams",
        {"image", "maskPrompt", "maskImage", "text", "negativeText", "outPaintingMode"},
    ),
    "BACKGROUND_REMOVAL": ("backgroundRemovalParams", {"image"}),
}
CONFIG = frozenset({"numberOfImages", "width", "height", "quality", "cfgScale", "seed"})
BLOCKED = "This request has been blocked by our content filters. Please adjust the text prompt to submit a new request."
DROPPED = "Some of the images were removed: they conflict with our AUP or AWS Responsible AI Policy."
USUAL_SEED = 12


@dataclass(frozen=True)
class AmazonOrder:
    """A checked task; pictures are bytes in `params`."""

    model: AmazonModel
    task: str
    params: Mapping[str, Any]
    count: int
    size: tuple[int, int]
    quality: str
    seed: int

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.params.get("text") or "")


def read_task(model: AmazonModel, body: Mapping[str, Any]) -> AmazonOrder:
    """Check a body. Raises `Refusal`."""
    task = body.get("taskType")
    if task not in PARAMS:
        raise invalid(f"#/taskType: {task} is not a valid enum value")
    place, known = PARAMS[task]
    unknown = sorted(body.keys() - {"taskType", place, "imageGenerationConfig"})
    params = body.get(place)
    if unknown or not isinstance(params, Mapping) or params.keys() - known:
        raise invalid(f"#: {task} takes {place} and imageGenerationConfig, with {', '.join(sorted(known))}")
    params = _decoded(params)
    for name in ("text", "negativeText"):
        text = params.get(name)
        if text is not None and (not isinstance(text, str) or not 1 <= len(text) <= model.most_chars):
            raise invalid(f"#/{place}/{name}: expected 1 to {model.most_chars} letters")
    _check_task(task, params)
    config = body.get("imageGenerationConfig") or {}
    if task == "BACKGROUND_REMOVAL" and config:
        raise invalid("#/imageGenerationConfig: is not taken by BACKGROUND_REMOVAL")
    return _configured(model, task, params, config)


def _decoded(params: Mapping[str, Any]) -> dict[str, Any]:
    read = dict(params)
    for name in ("image", "maskImage", "referenceImage", "conditionImage"):
        if name in read:
            read[name] = picture_of(name, read[name])
    if "images" in read:
        if not isinstance(read["images"], Sequence) or not 1 <= len(read["images"]) <= 5:
            raise invalid("#/imageVariationParams/images: expected 1 to 5 pictures")
        read["images"] = [picture_of("images", one) for one in read["images"]]
    return read


def _check_task(task: str, params: Mapping[str, Any]) -> None:
    if task in ("TEXT_IMAGE", "COLOR_GUIDED_GENERATION") and not params.get("text"):
        raise invalid("#: required key [text] not found")
    if task in ("INPAINTING", "OUTPAINTING"):
        if ("maskImage" in params) == ("maskPrompt" in params) or "image" not in params:
            raise invalid("#: image, and one of maskImage and maskPrompt, are needed")
        if "maskImage" in params and header_of(params["maskImage"]).size != header_of(params["image"]).size:
            raise refused(400, message="The mask image must have the same size as the image.")
    if task == "COLOR_GUIDED_GENERATION" and not 1 <= len(params.get("colors") or ()) <= 10:
        raise invalid("#/colorGuidedGenerationParams/colors: expected 1 to 10 colors")
    similar = params.get("similarityStrength", 0.7)
    if not isinstance(similar, int | float) or not 0.2 <= similar <= 1:
        raise invalid("#/imageVariationParams/similarityStrength: is not between 0.2 and 1.0")


def _configured(model: AmazonModel, task: str, params: Mapping[str, Any], config: Mapping[str, Any]) -> AmazonOrder:
    if not isinstance(config, Mapping) or config.keys() - CONFIG:
        raise invalid(f"#/imageGenerationConfig: takes {', '.join(sorted(CONFIG))}")
    count = _whole(config, "numberOfImages", 1, 1, 5)
    seed = _whole(config, "seed", USUAL_SEED, 0, model.most_seed)
    quality = config.get("quality", "standard")
    scale = config.get("cfgScale", 6.5)
    if quality not in ("standard", "premium") or not isinstance(scale, int | float) or not 1.1 <= scale <= 10:
        raise invalid("#/imageGenerationConfig: quality or cfgScale is out of its bounds")
    size = (_whole(config, "width", 1024, 320, 4096), _whole(config, "height", 1024, 320, 4096))
    short, long = sorted(size)
    fits = size in model.sizes if model.sizes else not (short % 16 or long % 16 or long > 4 * short)
    if not fits or short * long > 4_194_304:
        raise invalid(f"#/imageGenerationConfig: {size[0]}x{size[1]} is not a supported size")
    main = params.get("image") or next(iter(params.get("images") or ()), None)
    if main is not None and "width" not in config:
        size = header_of(main).size
    return AmazonOrder(model, task, params, count, size, quality, seed)


def _whole(config: Mapping[str, Any], name: str, usual: int, low: int, high: int) -> int:
    value = config.get(name, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise invalid(f"#/imageGenerationConfig/{name}: is not between {low} and {high}")
    return value


async def draw_task(room: Room, order: AmazonOrder, entry: Entry) -> Reply:
    """Make the pictures; the last one is lost to moderation where the prompt says `gore`. Raises `Refusal`."""
    words = order.prompt.lower()
    if "nsfw" in words:
        raise refused(400, message=BLOCKED)
    dropped = 1 if "gore" in words else 0
    try:
        images = [await _made(room, order, index) for index in range(order.count - dropped)]
    except PictureRefused:
        raise invalid("#: a picture cannot be read") from None
    if images:
        entry.bill(len(images) * order.model.price(order.size, order.quality), images)
    encoded = [pybase64.b64encode_as_string(image) for image in images]
    return json_reply({"images": encoded, "error": DROPPED if dropped else None})


async def _made(room: Room, order: AmazonOrder, index: int) -> bytes:
    pictures, painter, params, seed = room.pictures, room.pictures.painter, order.params, order.seed + index
    main = params.get("image") or next(iter(params.get("images") or ()), None)
    if main is None:
        return await pictures.paint(order.prompt, *order.size, seed=seed, media_type="image/png")
    if order.task == "BACKGROUND_REMOVAL":
        return await asked(painter.remove_background(main, media_type="image/png"))
    mask = params.get("maskImage")
    if mask is not None and order.task == "INPAINTING":
        mask = await white_for_black(painter, mask)
    return await pictures.repaint(main, order.prompt, size=order.size, seed=seed, media_type="image/png", mask=mask)
