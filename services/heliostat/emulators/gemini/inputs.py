"""A body of generateContent, checked as Google checks it."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.emulators.gemini.catalogue import GeminiModel
from heliostat.emulators.gemini.dialect import invalid
from heliostat.emulators.picture_headers import read_header
from heliostat.emulators.pictures import seed_from

ACCEPTED = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
BODY_FIELDS = frozenset({"contents", "generationConfig", "safetySettings", "systemInstruction"})
GENERATION = frozenset(
    {"responseModalities", "imageConfig", "seed", "candidateCount", "temperature", "topP", "thinkingConfig"}
)
IMAGE = frozenset({"aspectRatio", "imageSize"})
VERTEX_IMAGE = IMAGE | {"personGeneration", "prominentPeople", "imageOutputOptions"}
THRESHOLDS = frozenset({"BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"})
CATEGORIES = frozenset(
    f"HARM_CATEGORY_{name}" for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
)


@dataclass(frozen=True)
class Order:
    """A checked body. `ratio` is empty where the last picture, or else a square, decides."""

    model: GeminiModel
    prompt: str
    images: list[bytes]
    sizes: list[tuple[int, int]]
    ratio: str
    tier: str
    seed: int
    words: bool
    """Whether text may come with the picture."""

    @property
    def size(self) -> tuple[int, int]:
        """Give the size in px of the picture."""
        ratio = self.ratio or (self.model.nearest(self.sizes[-1]) if self.sizes else "1:1")
        return self.model.size(ratio, self.tier)


def canonical(value: Any) -> Any:
    """Give a body with its names in camel case: Google reads both spellings, and its own client sends both."""
    if isinstance(value, list):
        return [canonical(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {_camel(name): one if name == "labels" else canonical(one) for name, one in value.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def prompt_of(body: Mapping[str, Any]) -> str:
    """Give the text of a body, whatever else is wrong with it: for the journal."""
    contents = body.get("contents")
    found = [part.get("text") for part in _parts(contents)] if isinstance(contents, list) else []
    return " ".join(text for text in found if isinstance(text, str))


def _parts(contents: list[Any]) -> list[Mapping[str, Any]]:
    turns = [turn for turn in contents if isinstance(turn, Mapping)]
    return [part for turn in turns for part in turn.get("parts") or () if isinstance(part, Mapping)]


def read_order(model: GeminiModel, body: Mapping[str, Any], *, vertex: bool) -> Order:
    """Check a body. Raises `Refusal` with status 400."""
    _known(body, BODY_FIELDS | ({"labels"} if vertex else set()), "")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise invalid("* GenerateContentRequest.contents: contents is not specified", "contents")
    if vertex and any(turn.get("role") not in ("user", "model") for turn in contents if isinstance(turn, Mapping)):
        raise invalid("Please use a valid role: user, model.", "contents")
    generation = _object(body.get("generationConfig"), "generation_config")
    _known(generation, GENERATION, "generation_config")
    modalities = generation.get("responseModalities", ["TEXT", "IMAGE"])
    if not isinstance(modalities, list) or not set(modalities) <= {"TEXT", "IMAGE"}:
        raise invalid("Invalid value at 'generation_config.response_modalities'", "generation_config")
    _check_safety(body.get("safetySettings", []))
    _check_thinking(model, _object(generation.get("thinkingConfig"), "generation_config.thinking_config"))
    if generation.get("candidateCount", 1) != 1:
        raise invalid("Multiple candidates is not enabled for this model")
    images = [_picture(part["inlineData"]) for part in _parts(contents) if "inlineData" in part]
    if len(images) > model.references:
        raise invalid(f"The model takes at most {model.references} images.", "contents")
    ratio, tier = _image_config(model, _object(generation.get("imageConfig"), "generation_config.image_config"), vertex)
    prompt = prompt_of(body)
    return Order(
        model,
        prompt,
        images,
        [_size(image) for image in images],
        ratio,
        tier,
        _seed(generation, model, prompt),
        "TEXT" in modalities,
    )


def _known(value: Mapping[str, Any], fields: frozenset[str] | set[str], place: str) -> None:
    foreign = sorted(value.keys() - fields)
    if foreign:
        where = f" at '{place}'" if place else ""
        message = f'Invalid JSON payload received. Unknown name "{foreign[0]}"{where}: Cannot find field.'
        raise invalid(message, f"{place}.{foreign[0]}".lstrip("."))


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(f"Invalid value at '{place}'", place)
    return value


def _image_config(model: GeminiModel, config: Mapping[str, Any], vertex: bool) -> tuple[str, str]:
    place = "generation_config.image_config"
    _known(config, VERTEX_IMAGE if vertex else IMAGE, place)
    ratio, tier = config.get("aspectRatio") or "", config.get("imageSize")
    if ratio and ratio not in model.sizes:
        raise invalid(f"Invalid value at '{place}.aspect_ratio': {ratio}", f"{place}.aspect_ratio")
    if tier is not None and (not model.sized or tier not in model.tokens):
        raise invalid(f"Invalid value at '{place}.image_size': {tier}", f"{place}.image_size")
    return ratio, tier or "1K"


def _check_safety(settings: Any) -> None:
    for one in settings if isinstance(settings, list) else [None]:
        if not isinstance(one, Mapping) or one.get("category") not in CATEGORIES:
            raise invalid("Invalid value at 'safety_settings[0].category'", "safety_settings")
        if one.get("threshold") not in THRESHOLDS:
            raise invalid("Invalid value at 'safety_settings[0].threshold'", "safety_settings")


def _check_thinking(model: GeminiModel, config: Mapping[str, Any]) -> None:
    level = config.get("thinkingLevel")
    if level is not None and str(level).lower() not in model.levels:
        raise invalid(f"Thinking level {level} is not supported for this model.")


def _seed(generation: Mapping[str, Any], model: GeminiModel, prompt: str) -> int:
    seed = generation.get("seed")
    if seed is None:
        return seed_from(model.name, prompt)
    if not isinstance(seed, int) or isinstance(seed, bool) or not -(2**31) <= seed < 2**31:
        raise invalid("Invalid value at 'generation_config.seed' (TYPE_INT32)", "generation_config.seed")
    return abs(seed)


def _picture(inline: Any) -> bytes:
    place = "contents[0].parts[0].inline_data"
    if not isinstance(inline, Mapping) or inline.get("mimeType") not in ACCEPTED:
        raise invalid("Unsupported MIME type.", place)
    try:
        # Google takes both alphabets of base64, with or without its padding.
        text = str(inline.get("data", "")).translate(str.maketrans("-_", "+/")).rstrip("=")
        data = pybase64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        message = f"Invalid value at '{place}.data' (TYPE_BYTES), Base64 decoding failed"
        raise invalid(message, f"{place}.data") from error
    _size(data)
    return data


def _size(image: bytes) -> tuple[int, int]:
    header = read_header(image)
    if header is None:
        raise invalid("Unable to process input image. Please retry or report the problem.")
    return header.size
