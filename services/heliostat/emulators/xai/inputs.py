"""A body of generations or edits, checked as xAI checks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.exchange import Refusal
from heliostat.emulators.picture_headers import read_header
from heliostat.emulators.sources import SourceUnreadable, fetch
from heliostat.emulators.xai.catalogue import BY_NAME, RATIOS, XaiModel, size_of
from heliostat.emulators.xai.dialect import XaiDialect, invalid

FIELDS = frozenset({"model", "prompt", "n", "response_format", "aspect_ratio", "resolution", "quality", "user"})
PICTURES = frozenset({"image", "images"})
ACCEPTED = frozenset({"image/png", "image/jpeg", "image/webp"})
MOST_BYTES = 10 * 1_048_576
MOST_IMAGES = 10


@dataclass(frozen=True)
class Order:
    """A checked body."""

    model: XaiModel
    prompt: str
    n: int
    encoded: bool
    """Whether pictures go into the answer; their addresses do otherwise."""
    ratio: str
    resolution: str
    quality: str
    images: tuple[bytes, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Give the size in px: that of the asked shape, or of the one picture put in."""
        header = read_header(self.images[0]) if len(self.images) == 1 and not self.ratio else None
        return header.size if header is not None else size_of(self.ratio or "1:1", self.resolution)

    def cost_micros(self, delivered: int) -> int:
        """Price the call: each picture delivered, and each picture put in."""
        each = self.model.prices[self.quality, self.resolution]
        return delivered * each + len(self.images) * self.model.input_micros


def read_order(fields: Mapping[str, Any], *, edits: bool) -> Order:
    """Check everything but the pictures. Raises `Refusal`."""
    model = BY_NAME.get(str(fields.get("model")))
    if model is None:
        raise Refusal(XaiDialect().error(404))
    known = FIELDS | (PICTURES if edits else frozenset())
    foreign = sorted(fields.keys() - known) + (["quality"] if "quality" in fields and not model.qualities else [])
    if foreign:
        raise invalid(f"Argument not supported: {foreign[0]}")
    prompt, n = fields.get("prompt"), fields.get("n", 1)
    if not isinstance(prompt, str) or not prompt:
        raise Refusal(XaiDialect().error(422))
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MOST_IMAGES:
        raise invalid(f"n must be between 1 and {MOST_IMAGES}.")
    ratio = fields.get("aspect_ratio")
    if ratio is not None and ratio not in RATIOS:
        raise invalid(f"Invalid aspect_ratio: {ratio}.")
    return Order(
        model,
        prompt,
        n,
        _word(fields, "response_format", ("url", "b64_json")) == "b64_json",
        ratio or "",
        _word(fields, "resolution", ("1k", *sorted(model.resolutions - {"1k"}))),
        _word(fields, "quality", model.qualities) if model.qualities else "",
    )


def _word(fields: Mapping[str, Any], name: str, words: tuple[str, ...]) -> str:
    word = fields.get(name, words[0])
    if word not in words:
        raise invalid(f"Invalid {name}: {word}. It must be one of {', '.join(words)}.")
    return str(word)


async def read_pictures(fields: Mapping[str, Any], model: XaiModel) -> tuple[bytes, ...]:
    """Fetch and check the pictures of an edit. Raises `Refusal`."""
    given = [name for name in ("image", "images") if fields.get(name)]
    if len(given) != 1:
        raise invalid("Exactly one of image and images must be set.")
    referred = fields["images"] if given == ["images"] else [fields["image"]]
    if not isinstance(referred, list) or len(referred) > model.references:
        raise invalid(f"At most {model.references} images are supported.")
    return tuple([await _picture(one) for one in referred])


async def _picture(one: Any) -> bytes:
    if not isinstance(one, Mapping) or not isinstance(one.get("url"), str):
        raise Refusal(XaiDialect().error(422))
    try:
        data = await fetch(one["url"])
    except SourceUnreadable as error:
        raise invalid(f"Failed to download the image: {error}.") from error
    header = read_header(data)
    if header is None or header.media_type not in ACCEPTED or len(data) > MOST_BYTES:
        raise invalid("Failed to decode image: unsupported image.")
    return data
