"""What somebody filled in, as a request of the contract. Pure; the ledger holds it to the contract once more."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from heliostat.api.image.v1 import media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.console.playground_models import FORMATS, OWN_SIZE, TIERS

CHAIN_ID = re.compile(r"play-[0-9a-f]{16}")
STEP_TAG, FROM_TAG = "playground.step", "playground.from"
_PAIR = re.compile(r"([1-9][0-9]{0,4})([x:])([1-9][0-9]{0,4})")
_TIERS = {word: tier for tier, word in TIERS.items()}
_MOST_PICTURES = 16
_MOST_LABELS = 16
_QUALITIES = {name.removeprefix("QUALITY_").lower(): value for name, value in request_pb2.Quality.items() if value}
_BACKGROUNDS = {
    name.removeprefix("BACKGROUND_").lower(): value for name, value in request_pb2.Background.items() if value
}
_INT64 = 2**63


class Form:
    """What was filled in: texts by the names of their fields. Every reader raises INVALID_FIELD with the field."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A text; empty where the field is."""
        value = self._values.get(name, "")
        if not isinstance(value, str):
            raise wrong(name, "is a text")
        # Half of a character that is none by itself cannot be sent on.
        return value.encode("utf-8", "replace").decode()

    def texts(self, name: str, most: int) -> list[str]:
        """A list of texts, at most so many."""
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise wrong(name, "is a list of texts")
        if len(value) > most:
            raise wrong(name, f"has at most {most} entries")
        return [each.encode("utf-8", "replace").decode() for each in value]

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A whole number; None where the field is empty."""
        text = self.text(name).strip()
        if not text:
            return None
        if not re.fullmatch(r"-?[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise wrong(name, f"is a whole number, {least:,} to {most:,}")
        return int(text)

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number; None where the field is empty."""
        text = self.text(name).strip()
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not least <= float(text) <= most:
            raise wrong(name, f"is a number, {least:g} to {most:g}")
        return float(text)

    def chosen(self, name: str, known: Mapping[str, int]) -> int:
        """One of a few words as its number; 0 where the field is empty."""
        word = self.text(name)
        if word and word not in known:
            raise wrong(name, f"is one of {', '.join(known)}")
        return known.get(word, 0)


def wrong(field: str, rule: str) -> MeshError:
    """What is said of a field that is not right; what stood there is not repeated."""
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{field} {rule}; correct it.", field=field)


def image_of(values: Mapping[str, Any]) -> request_pb2.ImageRequest:
    """The request. `operation` names the step; pictures are ids of files, the first of them is worked on.

    Raises INVALID_FIELD.
    """
    form = Form(values)
    image = request_pb2.ImageRequest(
        model=form.text("model"),
        prompt=form.text("prompt").strip(),
        negative_prompt=form.text("negative_prompt").strip(),
        style=form.text("style").strip(),
        image_count=form.whole("n", 1, 10) or 1,
    )
    seed = form.whole("seed", -_INT64, _INT64 - 1)
    if seed is not None:
        image.seed = seed
    _add_size(image, form)
    _add_output(image, form)
    pictures = [media_pb2.Media(file_id=each) for each in form.texts("images", _MOST_PICTURES)]
    step = form.text("operation") or ("edit" if pictures else "text_to_image")
    if step not in _STEPS:
        raise wrong("operation", f"is one of {', '.join(_STEPS)}")
    if step != "text_to_image" and not pictures:
        raise wrong("images", "has the picture to work on")
    _STEPS[step](image, form, pictures)
    return image


def tags_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What the ledger keeps with a step, so that its chain can be told later. Raises INVALID_FIELD."""
    form = Form(values)
    tags = {STEP_TAG: form.text("operation") or "text_to_image"}
    parent = form.text("parent")
    if parent:
        if not re.fullmatch(r"req_[a-z0-9]{24}", parent):
            raise wrong("parent", "is the id of a request")
        tags[FROM_TAG] = parent
    return tags


def _add_size(image: request_pb2.ImageRequest, form: Form) -> None:
    size, tier = form.text("size"), form.chosen("tier", _TIERS)
    if size == OWN_SIZE:
        width, height = form.whole("width", 1, 16_384), form.whole("height", 1, 16_384)
        if width is None or height is None:
            raise wrong("size", "of your own has a width and a height")
        image.size.pixels.width_px, image.size.pixels.height_px = width, height
        return
    pair = _PAIR.fullmatch(size)
    if size and pair is None:
        raise wrong("size", "is a shape such as 16:9, or so many pixels such as 1024x768")
    if pair is not None and pair[2] == "x":
        image.size.pixels.width_px, image.size.pixels.height_px = int(pair[1]), int(pair[3])
    elif pair is not None:
        image.size.aspect.width_ratio, image.size.aspect.height_ratio = int(pair[1]), int(pair[3])
    if tier and not image.size.HasField("pixels"):
        image.size.aspect.tier = tier  # type: ignore[assignment]


def _add_output(image: request_pb2.ImageRequest, form: Form) -> None:
    wanted = form.chosen("format", {name: index for index, name in enumerate(FORMATS, 1)})
    if wanted:
        image.output.media_type = f"image/{FORMATS[wanted - 1]}"
    quality, background = form.chosen("quality", _QUALITIES), form.chosen("background", _BACKGROUNDS)
    if quality:
        image.output.quality = quality  # type: ignore[assignment]
    if background:
        image.output.background = background  # type: ignore[assignment]


_Pictures = list[media_pb2.Media]


def _draw(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    if pictures:
        raise wrong("images", "stand with an edit only")
    image.text_to_image.SetInParent()


def _edit(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    image.edit.image.CopyFrom(pictures[0])
    for picture in pictures[1:]:
        image.references.add().image.CopyFrom(picture)
    mask = form.text("mask")
    if mask:
        image.edit.mask.file_id = mask
        image.edit.mask_mode = request_pb2.MASK_MODE_WHITE_REPAINTS
        image.edit.feather_px = form.whole("feather", 0, 1024) or 0


def _segment(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    image.segment.image.CopyFrom(pictures[0])
    image.segment.labels.extend(form.texts("labels", _MOST_LABELS))


def _cut_out(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    image.remove_background.image.CopyFrom(pictures[0])


def _upscale(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    image.upscale.image.CopyFrom(pictures[0])
    image.upscale.factor = form.number("factor", 1.01, 16) or 2


def _restyle(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    if not (image.prompt or image.style):
        raise wrong("prompt", "says in which style")
    image.style_transfer.image.CopyFrom(pictures[0])


def _outpaint(image: request_pb2.ImageRequest, form: Form, pictures: _Pictures) -> None:
    image.outpaint.image.CopyFrom(pictures[0])
    for side in ("left", "right", "top", "bottom"):
        setattr(image.outpaint, f"{side}_px", form.whole(side, 0, 16_384) or 0)


_STEPS: Mapping[str, Callable[[request_pb2.ImageRequest, Form, _Pictures], None]] = {
    "text_to_image": _draw,
    "edit": _edit,
    "segment": _segment,
    "remove_background": _cut_out,
    "upscale": _upscale,
    "style_transfer": _restyle,
    "outpaint": _outpaint,
}
