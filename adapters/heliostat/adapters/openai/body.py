"""Normalized request -> fields of OpenAI's Images API. Pure, but for the adjustments that it reports.

Source: OpenAI's API reference, read 2026-11-22; LocalAI, vLLM-Omni and SGLang sources of 2026 for compatible servers.
"""

from collections.abc import Callable, Mapping
from typing import Any

from heliostat.adapters.openai.catalog import Traits
from heliostat.adapters.openai.settings import OpenAIOptions, OpenAISettings
from heliostat.adapters.sdk import Call, Options, operation_of
from heliostat.adapters.sdk.asked import BACKGROUND_NAMES, MODERATION_NAMES, QUALITY_NAMES
from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

Fields = dict[str, Any]

MANAGED = frozenset(
    {
        "model",
        "prompt",
        "n",
        "size",
        "quality",
        "background",
        "user",
        "output_format",
        "output_compression",
        "moderation",
        "stream",
        "partial_images",
        "response_format",
        "style",
        "seed",
        "negative_prompt",
        "strength",
        "image",
        "images",
        "image[]",
        "mask",
        "mask_image",
    }
)
"""What is filled here: the request has words for it."""

_LOSSY = frozenset({"image/jpeg", "image/webp"})
_RANKS = ("low", "medium", "high", "xhigh", "max")


def make_fields(call: Call, options: Options, settings: OpenAISettings) -> Fields:
    """All fields but pictures. Reports what is adjusted; raises UNSUPPORTED where the request is strict."""
    request = call.request
    size = call.size()
    fields: Fields = {**call.passed_on, "model": call.model.name, "prompt": request.prompt, "n": call.image_count}
    if operation_of(request) == "variation":
        del fields["prompt"]
    if size.width_px:
        fields["size"] = size.sent
    if settings.compatible:
        return {**fields, **_compatible(call, settings), **options.model_dump()}
    traits: Traits = call.model.facts
    return {**fields, **(_gpt(call, traits, options) if traits.gpt else _dalle(call, traits))}


def _gpt(call: Call, traits: Traits, options: Options) -> Fields:
    request = call.request
    fields: Fields = {
        "quality": _quality(call, traits),
        "background": BACKGROUND_NAMES.get(request.output.background),
        "user": request.end_user_id or None,
    }
    wanted = request.output.media_type
    if wanted in call.model.media_types:
        fields["output_format"] = wanted.removeprefix("image/")
    if request.output.HasField("compression_percent"):
        fields["output_compression"] = _compression(call, wanted)
    if request.moderation:
        fields["moderation"] = MODERATION_NAMES[request.moderation]
    if request.output.partial_image_count:
        fields |= {"stream": True, "partial_images": min(request.output.partial_image_count, 3)}
    if isinstance(options, OpenAIOptions):
        fields |= _options(call, traits, options)
    return _given(fields)


def _options(call: Call, traits: Traits, options: OpenAIOptions) -> Fields:
    """The options. Raises INVALID_FIELD for one that the model refuses anyway."""
    allowed = {"input_fidelity": traits.fidelity, "complexity": traits.complexity}
    given = options.model_dump(exclude_none=True)
    for name in given:
        if not allowed[name]:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                f"{call.model.name} takes no {name}; leave it out.",
                field=f"provider_options.openai.{name}",
            )
    return given


def _dalle(call: Call, traits: Traits) -> Fields:
    request = call.request
    quality = QUALITY_NAMES.get(request.output.quality)
    if quality is not None and "hd" in traits.qualities:
        quality = "hd" if quality in {"high", "xhigh", "max"} else "standard"
    elif quality is not None:
        if quality != "medium":
            call.adjust("quality", quality, "standard", "The model knows one quality.")
        quality = "standard"
    fields = {"quality": quality, "style": request.style or None, "user": request.end_user_id or None}
    return {**_given(fields), "response_format": "url" if call.passes_uris else "b64_json"}


_EXTENSIONS: Mapping[str, Callable[[request_pb2.ImageRequest], Any]] = {
    "seed": lambda request: request.seed if request.HasField("seed") else None,
    "negative_prompt": lambda request: request.negative_prompt or None,
    "quality": lambda request: QUALITY_NAMES.get(request.output.quality),
    "background": lambda request: BACKGROUND_NAMES.get(request.output.background),
    "style": lambda request: request.style or None,
    "user": lambda request: request.end_user_id or None,
    "moderation": lambda request: MODERATION_NAMES.get(request.moderation),
    "output_compression": lambda request: (
        request.output.compression_percent if request.output.HasField("compression_percent") else None
    ),
    "strength": lambda request: request.edit.strength if request.edit.HasField("strength") else None,
}


def _compatible(call: Call, settings: OpenAISettings) -> Fields:
    request = call.request
    fields = _given({name: _EXTENSIONS[name](request) for name in settings.takes})
    wanted = "url" if call.passes_uris else settings.response_format
    return {**fields, "response_format": wanted} if wanted else fields


def _quality(call: Call, traits: Traits) -> str | None:
    wanted = QUALITY_NAMES.get(call.request.output.quality)
    if wanted is None or wanted in traits.qualities:
        return wanted
    best = max(traits.qualities, key=_RANKS.index)
    call.adjust("quality", wanted, best, f"{call.model.name} knows none above {best}.")
    return best


def _compression(call: Call, wanted: str) -> int | None:
    if wanted in _LOSSY:
        return int(call.request.output.compression_percent)
    if not wanted or wanted in call.model.media_types:
        percent = str(call.request.output.compression_percent)
        reason = "Only JPEG and WebP are compressed so."
        call.adjust("output_compression", percent, "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
    return None


def _given(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def drop_for_forms(call: Call, fields: Fields) -> Fields:
    """The fields of a form: OpenAI's forms know no `moderation` (read 2026-11-22)."""
    if "moderation" not in fields:
        return fields
    if call.request.moderation == request_pb2.MODERATION_LOW:
        reason = "Edits take no such parameter."
        call.adjust("moderation", "low", "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
    return {name: value for name, value in fields.items() if name != "moderation"}
