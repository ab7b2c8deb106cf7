"""A request's parameters, checked as OpenAI checks them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.emulators.exchange import Refusal
from heliostat.emulators.openai.catalogue import ImageModel
from heliostat.emulators.openai.errors import bad_request, error_reply, model_not_found

FORMATS = ("png", "jpeg", "webp")
EDGE_STEP_PX = 16
MAX_EDGE_PX = 3840
MAX_ASPECT = 3
MIN_PIXELS = 655_360
MAX_PIXELS = 8_294_400


@dataclass(frozen=True)
class Order:
    """What is to be painted: everything resolved, nothing `auto`."""

    model: ImageModel
    prompt: str
    n: int
    size: tuple[int, int] | None
    """None: `auto`, for the endpoint to resolve."""
    quality: str
    background: str
    output_format: str
    compression: int | None
    stream: bool
    partial_images: int
    response_format: str

    @property
    def media_type(self) -> str:
        """Give the content type of the pictures."""
        return f"image/{self.output_format}"


def read_order(
    fields: Mapping[str, Any], models: Mapping[str, ImageModel], *, extra: frozenset[str] = frozenset()
) -> Order:
    """Check the fields of a generation, or of an edit with its `extra` fields. Raises `Refusal`."""
    model_id = _required(fields, "model")
    prompt = _required(fields, "prompt")
    model = models.get(model_id)
    if model is None:
        raise model_not_found(model_id)
    known = model.fields | extra
    for name in fields:
        if name not in known:
            raise bad_request(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if len(prompt) > model.max_prompt:
        message = f"Invalid 'prompt': string too long. Expected a string with maximum length {model.max_prompt}."
        raise bad_request(message, "prompt", "string_above_max_length")
    order = Order(
        model=model,
        prompt=prompt,
        n=whole(fields, "n", 1, 1, model.max_n),
        size=_size(fields.get("size"), model),
        quality=_quality(fields, model),
        background=one_of(fields, "background", ("auto", "transparent", "opaque")).replace("auto", "opaque"),
        output_format=one_of(fields, "output_format", FORMATS),
        compression=None
        if fields.get("output_compression") is None
        else whole(fields, "output_compression", 0, 0, 100),
        stream=truth(fields, "stream"),
        partial_images=whole(fields, "partial_images", 0, 0, 3),
        response_format=one_of(fields, "response_format", ("url", "b64_json")),
    )
    one_of(fields, "moderation", ("auto", "low"))
    one_of(fields, "complexity", ("high", "medium", "low"))
    _check_together(order)
    return order


def _check_together(order: Order) -> None:
    if order.background == "transparent" and not order.model.transparent:
        message = "Transparent background is not supported for this model."
        raise Refusal(error_reply(400, message, type_="image_generation_user_error", param="background"))
    if order.background == "transparent" and order.output_format == "jpeg":
        message = "Transparent background is not supported for output format 'jpeg'."
        raise bad_request(message, "background", "invalid_value")
    if order.compression not in (None, 100) and order.output_format == "png":
        message = "Compression less than 100 is not supported for PNG output format."
        raise bad_request(message, "output_compression", "invalid_value")
    if order.partial_images and not order.stream:
        raise bad_request("'partial_images' is only supported with 'stream'.", "partial_images", "invalid_value")


def _required(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None or value == "":
        raise bad_request(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")
    if not isinstance(value, str):
        raise _wrong_type(name, "a string")
    return value


def whole(fields: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """Read a whole number (as text in forms). Raises `Refusal` outside low..high."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(name, "an integer")
    if value < low:
        message = f"Invalid '{name}': integer below minimum value. Expected a value >= {low}, but got {value} instead."
        raise bad_request(message, name, "integer_below_min_value")
    if value > high:
        message = f"Invalid '{name}': integer above maximum value. Expected a value <= {high}, but got {value} instead."
        raise bad_request(message, name, "integer_above_max_value")
    return value


def truth(fields: Mapping[str, Any], name: str) -> bool:
    """Read a boolean (as text in forms), false by default. Raises `Refusal`."""
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise _wrong_type(name, "a boolean")


def one_of(fields: Mapping[str, Any], name: str, allowed: Sequence[str]) -> str:
    """Read one of the allowed words, the first by default. Raises `Refusal`."""
    value = fields.get(name)
    if value is None:
        return allowed[0]
    if value not in allowed:
        raise _invalid(name, value, allowed)
    return str(value)


def _quality(fields: Mapping[str, Any], model: ImageModel) -> str:
    usual = "medium" if model.is_gpt else "standard"
    asked = one_of(fields, "quality", ("auto", *model.qualities))
    return usual if asked == "auto" else asked


def _size(value: Any, model: ImageModel) -> tuple[int, int] | None:
    if value is None or (value == "auto" and model.is_gpt):
        return None
    size = _pair(value)
    if model.sizes is not None:
        if size not in model.sizes:
            raise _invalid("size", value, [f"{width}x{height}" for width, height in model.sizes])
        return size
    fault = "use WIDTHxHEIGHT or 'auto'" if size is None else size_fault(size)
    if fault:
        raise bad_request(f"Invalid value: '{value}'. The size is not supported: {fault}.", "size", "invalid_value")
    return size


def _pair(value: Any) -> tuple[int, int] | None:
    width, _, height = str(value).partition("x")
    return (int(width), int(height)) if width.isdecimal() and height.isdecimal() else None


def size_fault(size: tuple[int, int]) -> str:
    """Say why the 2.x models do not paint this size; empty when they do."""
    short, long = min(size), max(size)
    if short % EDGE_STEP_PX or long % EDGE_STEP_PX or not short:
        return f"both edges must be multiples of {EDGE_STEP_PX}"
    if long > MAX_EDGE_PX:
        return f"no edge may exceed {MAX_EDGE_PX} pixels"
    if long > MAX_ASPECT * short:
        return f"the long edge may be at most {MAX_ASPECT} times the short one"
    if not MIN_PIXELS <= short * long <= MAX_PIXELS:
        return f"the pixel count must be {MIN_PIXELS} to {MAX_PIXELS}"
    return ""


def fits(size: tuple[int, int], model: ImageModel) -> bool:
    """Tell whether the model paints this size."""
    return size in model.sizes if model.sizes is not None else not size_fault(size)


def _invalid(name: str, value: Any, allowed: Sequence[str]) -> Refusal:
    words = [f"'{word}'" for word in allowed]
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, and {words[-1]}"
    return bad_request(f"Invalid value: '{value}'. Supported values are: {listed}.", name, "invalid_value")


def _wrong_type(name: str, expected: str) -> Refusal:
    return bad_request(f"Invalid type for '{name}': expected {expected}.", name, "invalid_type")
