"""One task, checked against its model. Fields that a task does not know are ignored."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from heliostat.emulators.pictures import PictureRefused, header_of, seed_from
from heliostat.emulators.runware.catalogue import MEBIPIXEL, MODELS, RunwareModel
from heliostat.emulators.runware.dialect import wrong
from heliostat.emulators.sources import SourceUnreadable, fetch

MEDIA_TYPES = {"JPG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
NUMBERS: Mapping[str, tuple[float, float]] = {
    "steps": (1, 100),
    "CFGScale": (0, 50),
    "strength": (0, 1),
    "seed": (1, 2**63),
    "maskMargin": (32, 128),
    "outputQuality": (20, 99),
    "confidence": (0, 1),
    "maxDetections": (1, 20),
}
WORDS: Mapping[str, tuple[str, ...]] = {
    "outputType": ("URL", "base64Data", "dataURI"),
    "outputFormat": tuple(MEDIA_TYPES),
    "deliveryMethod": ("sync", "async"),
    "acceleration": ("none", "low", "medium", "high"),
}
SIDES = ("top", "right", "bottom", "left")


@dataclass(frozen=True)
class Order:
    """A checked task. Sizes are (width, height) in px."""

    name: str
    model: RunwareModel
    fields: Mapping[str, Any]
    inputs: tuple[bytes, ...] = ()
    mask: bytes | None = None

    @property
    def prompt(self) -> str:
        """Give the prompt."""
        return str(self.fields.get("positivePrompt", ""))

    @property
    def count(self) -> int:
        """Give how many results there are."""
        return int(self.fields.get("numberResults", 1))

    @property
    def seed(self) -> int:
        """Give the seed, one of the order's own where none was asked for."""
        return int(self.fields.get("seed", 1 + seed_from(self.name, self.prompt)))

    @property
    def media_type(self) -> str:
        """Give the type of the pictures put out."""
        return MEDIA_TYPES[self.fields.get("outputFormat", "JPG")]

    @property
    def sides(self) -> dict[str, int]:
        """Give what is added on each side in px."""
        given = self.fields.get("outpaint") or {}
        return {side: int(given.get(side, 0)) for side in SIDES}

    @property
    def size(self) -> tuple[int, int]:
        """Give the size of each picture."""
        own = header_of(self.inputs[0]).size if self.inputs else (1024, 1024)
        if self.model.task == "imageUpscale":
            factor = int(self.fields.get("upscaleFactor", 2))
            return own[0] * factor, own[1] * factor
        return self.fields.get("width", own[0]), self.fields.get("height", own[1])

    @property
    def cost_micros(self) -> int:
        """Price one picture in micro-USD: by the size, but for models of partners and for tools."""
        if self.model.fixed or self.model.task != "imageInference":
            return self.model.micros
        width, height = self.size
        return max(1, round(self.model.micros * width * height / MEBIPIXEL))


def check_uuid(task: Mapping[str, Any]) -> str:
    """Give a task's id. Raises `TaskFault` for anything but a UUID of version 4."""
    try:
        found = uuid.UUID(str(task.get("taskUUID")))
    except ValueError:
        found = uuid.NAMESPACE_URL
    if found.version != 4:
        raise wrong("invalidTaskUUID", "taskUUID must be a UUIDv4.", "taskUUID")
    return str(found)


def read_tasks(body: bytes) -> list[dict[str, Any]] | None:
    """Read the tasks of a body or of a message; None where it is no array of objects."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    good = isinstance(found, list) and found and all(isinstance(task, dict) for task in found)
    return found if good else None


async def read_order(task: Mapping[str, Any]) -> Order:
    """Check a task. Raises `TaskFault`."""
    name = task.get("model")
    model = MODELS.get(name) if isinstance(name, str) else None
    if model is None or model.task != task.get("taskType"):
        raise wrong("invalidModel", "The model is not supported for this task.", "model")
    for field, (low, high) in NUMBERS.items():
        value = task.get(field)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise wrong(f"invalid{field[0].upper()}{field[1:]}", f"{field} must be {low:g} to {high:g}.", field)
    for field, words in WORDS.items():
        if field in task and task[field] not in words:
            shown = list(words)
            raise wrong(f"invalid{field[0].upper()}{field[1:]}", f"{field} is not known.", field, allowedValues=shown)
    count = task.get("numberResults", 1)
    if not isinstance(count, int) or not 1 <= count <= model.most:
        raise wrong("invalidNumberResults", f"numberResults must be 1 to {model.most}.", "numberResults")
    if model.task != "imageInference":
        if task.get("upscaleFactor", 2) not in model.factors:
            raise wrong("invalidUpscaleFactor", "upscaleFactor is not supported.", "upscaleFactor")
        image = await _picture(task.get("inputImage"), "inputImage")
        return Order(str(name), model, task, (image,))
    return await _inference(str(name), model, task)


async def _inference(name: str, model: RunwareModel, task: Mapping[str, Any]) -> Order:
    prompt = task.get("positivePrompt")
    if not isinstance(prompt, str) or not 2 <= len(prompt) <= 3000:
        raise wrong("invalidPositivePrompt", "positivePrompt must have 2 to 3000 characters.", "positivePrompt")
    if "negativePrompt" in task and not model.negative:
        raise wrong("unsupportedParameter", "negativePrompt is not supported by this model.", "negativePrompt")
    inputs = await _inputs(model, task)
    if not inputs and not model.draws:
        raise wrong("missingReferenceImages", "referenceImages is required.", "referenceImages")
    mask = await _picture(task["maskImage"], "maskImage") if task.get("maskImage") else None
    if mask is not None and not task.get("seedImage"):
        raise wrong("missingSeedImage", "maskImage needs a seedImage.", "seedImage")
    _check_size(model, task, given=bool(inputs))
    order = Order(name, model, task, tuple(inputs), mask)
    _check_sides(order)
    return order


async def _inputs(model: RunwareModel, task: Mapping[str, Any]) -> list[bytes]:
    """The pictures that go in, from where the model looks for them."""
    if task.get("seedImage"):
        if not model.starts:
            raise wrong("unsupportedParameter", "seedImage is not supported by this model.", "seedImage")
        return [await _picture(task["seedImage"], "seedImage")]
    place = task.get("inputs") or {}
    given = {"top": task.get("referenceImages"), "inputs": place.get("referenceImages")}
    for looks, found in given.items():
        if found and looks != model.looks:
            raise wrong("unsupportedParameter", "referenceImages is not supported here.", "referenceImages")
    return [await _picture(one, "referenceImages") for one in given.get(model.looks) or []]


def _check_size(model: RunwareModel, task: Mapping[str, Any], *, given: bool) -> None:
    width, height = task.get("width"), task.get("height")
    if width is None and height is None and given:
        return
    if model.sizes:
        if f"{width}x{height}" not in model.sizes:
            raise wrong("unsupportedDimensions", "width and height are not supported.", "width")
        return
    least, most, step = model.grid
    for name, edge in (("width", width), ("height", height)):
        if not isinstance(edge, int) or not least <= edge <= most or edge % step:
            message = f"{name} must be {least} to {most}, a multiple of {step}."
            raise wrong(f"invalid{name.capitalize()}", message, name)


def _check_sides(order: Order) -> None:
    if "outpaint" not in order.fields:
        return
    if not order.model.starts or not order.inputs:
        raise wrong("unsupportedParameter", "outpaint needs a seedImage.", "outpaint")
    if any(pixels % 64 or pixels < 0 for pixels in order.sides.values()):
        raise wrong("invalidOutpaint", "Sides must be multiples of 64.", "outpaint")


async def _picture(source: Any, parameter: str) -> bytes:
    """The bytes behind a data URI or a loopback address. Raises `TaskFault`."""
    code = f"invalid{parameter[0].upper()}{parameter[1:]}"
    if not isinstance(source, str) or not source:
        raise wrong(code.replace("invalid", "missing"), f"{parameter} is required.", parameter)
    try:
        data = await fetch(source)
        header_of(data)
    except (SourceUnreadable, PictureRefused) as error:
        raise wrong(code, f"{parameter}: {error}.", parameter) from error
    return data
