"""A checked REST body as an ImageRequest. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.type.money_pb2 import Money

from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import to_duration
from heliostat.edge.schemas import PASSED_ON, GenerationBody, ImageBody, invalid
from heliostat.edge.sizes import size_of

QUALITIES: Mapping[str, request_pb2.Quality] = {
    "auto": request_pb2.QUALITY_UNSPECIFIED,
    "low": request_pb2.QUALITY_LOW,
    "medium": request_pb2.QUALITY_MEDIUM,
    "standard": request_pb2.QUALITY_MEDIUM,
    "high": request_pb2.QUALITY_HIGH,
    "hd": request_pb2.QUALITY_HIGH,
    "xhigh": request_pb2.QUALITY_XHIGH,
    "max": request_pb2.QUALITY_MAX,
}
BACKGROUNDS: Mapping[str, request_pb2.Background] = {
    "auto": request_pb2.BACKGROUND_UNSPECIFIED,
    "transparent": request_pb2.BACKGROUND_TRANSPARENT,
    "opaque": request_pb2.BACKGROUND_OPAQUE,
}
MODERATIONS: Mapping[str, request_pb2.Moderation] = {
    "auto": request_pb2.MODERATION_AUTO,
    "low": request_pb2.MODERATION_LOW,
}
STRICTNESS: Mapping[str, request_pb2.Strict] = {
    "off": request_pb2.STRICT_OFF,
    "report": request_pb2.STRICT_REPORT,
    "refuse": request_pb2.STRICT_REFUSE,
}
SORTS: Mapping[str, request_pb2.Sort] = {
    "price": request_pb2.SORT_PRICE,
    "latency": request_pb2.SORT_LATENCY,
}
ON_UNKNOWN: Mapping[str, request_pb2.OnUnknown] = {
    "next": request_pb2.ON_UNKNOWN_NEXT,
    "wait": request_pb2.ON_UNKNOWN_WAIT,
    "fail": request_pb2.ON_UNKNOWN_FAIL,
}
MASK_MODES: Mapping[str, request_pb2.MaskMode] = {
    "alpha": request_pb2.MASK_MODE_ALPHA_REPAINTS,
    "white": request_pb2.MASK_MODE_WHITE_REPAINTS,
    "black": request_pb2.MASK_MODE_BLACK_REPAINTS,
}
MEDIA_TYPES: Mapping[str, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
}

URL, B64_JSON, PICTURE = "url", "b64_json", "picture"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a call says outside of its body.

    `openai_base`: it came under /openai/v1. `wants_picture`: it accepts pictures and no JSON. `strict`: the word of
    the header x-heliostat-strict, or empty.
    """

    openai_base: bool = False
    wants_picture: bool = False
    strict: str = ""


def answer_form(body: ImageBody, wish: Wish) -> str:
    """`url`, `b64_json` or `picture` (the bytes themselves). Raises INVALID_FIELD where two fields disagree.

    A stream is base64 unless something else is asked for: OpenAI's events have no other form.
    """
    explicit = body.response_format
    by_delivery = None if body.delivery is None else (B64_JSON if body.delivery == "bytes" else URL)
    if explicit is not None:
        if by_delivery is not None and by_delivery != explicit:
            raise invalid("delivery", f"delivery and response_format disagree; response_format asks for {explicit}.")
        return explicit
    if wish.wants_picture and by_delivery in (None, B64_JSON):
        _check_one_picture(body)
        return PICTURE
    if by_delivery is not None:
        return by_delivery
    if body.stream:
        return B64_JSON
    if wish.openai_base:
        return URL
    name = body.model.partition("/")[2] or body.model
    return B64_JSON if name.startswith("gpt-image-") else URL


def _check_one_picture(body: ImageBody) -> None:
    """Raises INVALID_FIELD for what an answer that is a picture cannot hold."""
    if body.stream:
        raise invalid("stream", "A stream of events is no picture; leave stream out, or accept text/event-stream.")
    if (body.n or 1) > 1:
        raise invalid("n", "An answer that is a picture holds one; leave n out, or accept application/json.")


def generation_request(body: GenerationBody, wish: Wish) -> request_pb2.ImageRequest:
    """The normalized request behind POST /v1/images/generations. Raises INVALID_FIELD."""
    request = base_request(body, body.prompt, wish)
    request.text_to_image.SetInParent()
    return request


def base_request(body: ImageBody, prompt: str | None, wish: Wish) -> request_pb2.ImageRequest:
    """The part of a request that does not depend on its operation. Raises INVALID_FIELD."""
    strict = body.strict or wish.strict
    request = request_pb2.ImageRequest(
        model=body.model,
        prompt=prompt,
        negative_prompt=body.negative_prompt,
        image_count=body.n or 1,
        size=size_of(body.size, body.aspect_ratio, body.resolution),
        output=_output(body, answer_form(body, wish)),
        moderation=MODERATIONS[body.moderation] if body.moderation else None,
        strict=STRICTNESS[strict] if strict else None,
        end_user_id=body.safety_identifier or body.user,
        required_parameters=body.required_parameters,
        style=body.style,
        routing=_routing(body),
        session_id=body.session_id,
        tags=body.tags,
        seed=body.seed,
    )
    for provider, options in (body.provider_options or {}).items():
        request.provider_options[provider].update(options)
    extra = {name: value for name, value in (body.model_extra or {}).items() if value is not None}
    if extra:
        request.extra_fields.CopyFrom(_extra_fields(extra, strict))
    return request


def _output(body: ImageBody, form: str) -> request_pb2.Output:
    delivery = request_pb2.DELIVERY_STORED if form == URL else request_pb2.DELIVERY_BYTES
    if body.delivery == "provider_url":
        delivery = request_pb2.DELIVERY_PROVIDER_URI
    return request_pb2.Output(
        media_type=MEDIA_TYPES[body.output_format] if body.output_format else None,
        compression_percent=body.output_compression,
        quality=QUALITIES[body.quality] if body.quality else None,
        background=BACKGROUNDS[body.background] if body.background else None,
        delivery=delivery,
        partial_image_count=body.partial_images,
    )


def _routing(body: ImageBody) -> request_pb2.Routing | None:
    preferences = body.provider
    if all(wish is None for wish in (preferences, body.models, body.cohort, body.max_wait, body.on_unknown)):
        return None
    routing = request_pb2.Routing(
        fallback_models=body.models,
        max_wait=_duration(body.max_wait),
        on_unknown=ON_UNKNOWN[body.on_unknown] if body.on_unknown else None,
        cohort=body.cohort,
    )
    if preferences is not None:
        routing.order.extend(preferences.order or ())
        routing.only.extend(preferences.only or ())
        routing.ignore.extend(preferences.ignore or ())
        if preferences.sort is not None:
            routing.sort = SORTS[preferences.sort]
        if preferences.max_cost is not None:
            routing.max_cost.CopyFrom(_dollars(preferences.max_cost))
        if preferences.allow_fallbacks is not None:
            routing.allow_fallbacks = preferences.allow_fallbacks
    return routing


def _duration(seconds: float | None) -> Duration | None:
    return None if seconds is None else to_duration(seconds)


def _dollars(amount: float) -> Money:
    micros = round(amount * 1_000_000)
    return Money(currency_code="USD", units=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def _extra_fields(extra: Mapping[str, Any], strict: str) -> Struct:
    unknown = next((name for name in extra if name not in PASSED_ON), None)
    if strict == "refuse" and unknown is not None:
        shown = unknown[:64]
        raise invalid(shown, f"{shown} is not a field that is known here, and strict is refuse; leave it out.")
    struct = Struct()
    struct.update(extra)
    return struct
