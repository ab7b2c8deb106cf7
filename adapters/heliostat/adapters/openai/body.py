"""Fields that are not those of GPT image models: of DALL-E, and of servers that are only compatible. Pure, but for the
adjustments that are reported.

Source: OpenAI's API reference, read 2026-11-22; LocalAI, vLLM-Omni and SGLang sources of 2026 for compatible servers.
"""

from collections.abc import Callable, Mapping
from typing import Any

from heliostat.adapters.openai.settings import OpenAISettings
from heliostat.adapters.sdk import Call
from heliostat.adapters.sdk.asked import BACKGROUND_NAMES, MODERATION_NAMES, QUALITY_NAMES
from heliostat.adapters.sdk.images_api import Fields, Traits, given
from heliostat.api.image.v1 import request_pb2


def dalle_fields(call: Call, traits: Traits) -> Fields:
    """What DALL-E takes beyond the usual."""
    request = call.request
    quality = QUALITY_NAMES.get(request.output.quality)
    if quality is not None and "hd" in traits.qualities:
        quality = "hd" if quality in {"high", "xhigh", "max"} else "standard"
    elif quality is not None:
        if quality != "medium":
            call.adjust("quality", quality, "standard", "The model knows one quality.")
        quality = "standard"
    fields = {"quality": quality, "style": request.style or None, "user": request.end_user_id or None}
    return {**given(fields), "response_format": "url" if call.passes_uris else "b64_json"}


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


def compatible_fields(call: Call, settings: OpenAISettings) -> Fields:
    """What a compatible server is said to take beyond the usual."""
    request = call.request
    fields = given({name: _EXTENSIONS[name](request) for name in settings.takes})
    wanted = "url" if call.passes_uris else settings.response_format
    return {**fields, "response_format": wanted} if wanted else fields
