"""Normalized request -> fields of the Images API. Pure, but for the adjustments that it reports.

Source: OpenAI's API reference, read 2026-11-22.
"""

from typing import Any

from heliostat.adapters.sdk.asked import BACKGROUND_NAMES, MODERATION_NAMES, QUALITY_NAMES
from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.images_api.models import Traits
from heliostat.adapters.sdk.models import operation_of
from heliostat.api.image.v1 import event_pb2, request_pb2

Fields = dict[str, Any]

MANAGED = frozenset(
    {
        *("model", "prompt", "n", "size", "quality", "background", "user", "output_format", "output_compression"),
        *("moderation", "stream", "partial_images", "response_format", "style", "seed", "negative_prompt", "strength"),
        *("image", "images", "image[]", "mask", "mask_image"),
    }
)
"""What is filled here: the request has words for it."""

_LOSSY = frozenset({"image/jpeg", "image/webp"})
_RANKS = ("low", "medium", "high", "xhigh", "max")


def usual_fields(call: Call) -> Fields:
    """Model, prompt, number and size, which every server takes. Reports a changed size."""
    request = call.request
    size = call.size()
    fields: Fields = {**call.passed_on, "model": call.model.name, "prompt": request.prompt, "n": call.image_count}
    if operation_of(request) == "variation":
        tell_dropped(call, ["prompt"], "A variation is made of the picture alone.")
        del fields["prompt"]
    if size.width_px:
        fields["size"] = size.sent
    return fields


def gpt_fields(call: Call, traits: Traits) -> Fields:
    """What only GPT image models take. Reports what is adjusted; raises UNSUPPORTED where the request is strict."""
    request = call.request
    fields: Fields = {
        "quality": _quality(call, traits),
        "background": _background(call, traits),
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
    return given(fields)


def _quality(call: Call, traits: Traits) -> str | None:
    wanted = QUALITY_NAMES.get(call.request.output.quality)
    if wanted is None or wanted in traits.qualities:
        return wanted
    best = max(traits.qualities, key=_RANKS.index)
    call.adjust("quality", wanted, best, f"{call.model.name} knows none above {best}.")
    return best


def _background(call: Call, traits: Traits) -> str | None:
    wanted = BACKGROUND_NAMES.get(call.request.output.background)
    if wanted != "transparent" or traits.transparent:
        return wanted
    reason = f"{call.model.name} draws no transparent background."
    call.adjust("background", wanted, "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
    return None


def _compression(call: Call, wanted: str) -> int | None:
    percent, native = call.request.output.compression_percent, wanted in call.model.media_types
    if wanted in _LOSSY and native:
        return int(percent)
    if wanted in _LOSSY and not call.passes_uris:
        call.packs = True
        reason = "The provider does not deliver the format; the picture is converted and compressed here."
        call.adjust("output_compression", str(percent), "", reason, event_pb2.ADJUSTMENT_MODE_EMULATED)
    elif not wanted or native:
        reason = "Only JPEG and WebP are compressed so."
        call.adjust("output_compression", str(percent), "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
    return None


def given(fields: Fields) -> Fields:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def drop_for_forms(call: Call, fields: Fields) -> Fields:
    """The fields of a form: OpenAI's forms know no `moderation` (read 2026-11-22)."""
    if "moderation" not in fields:
        return fields
    if call.request.moderation == request_pb2.MODERATION_LOW:
        reason = "Edits take no such parameter."
        call.adjust("moderation", "low", "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)
    return {name: value for name, value in fields.items() if name != "moderation"}
