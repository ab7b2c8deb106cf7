"""Pictures in Fireworks AI's answers, and its refusals. Pure.

Source: docs.fireworks.ai (2026), read 2026-11-22. A picture comes as bytes, with `finish-reason` and `seed` as headers;
as JSON with an array of data URIs, or of bare base64 in older examples; or in an array of such objects.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from heliostat.adapters.fireworks.outcomes import FILTERED, OUTCOMES
from heliostat.adapters.sdk import Answer, Call, MeshError, Picture, image, read_refusal
from heliostat.adapters.sdk.media import decode_base64
from heliostat.api.image.v1 import reason_pb2 as reasons

SUSPENDED = 412
_MOST_SEED = 2**63
_BLACKENED = "CONTENT_FILTERED"
_FIELD_OF: Mapping[str, str] = {
    "aspect_ratio": "size",
    "width": "size",
    "height": "size",
    "input_image": "image",
    "init_image": "image",
    "output_format": "output.media_type",
    "num_inference_steps": "provider_options.fireworks.steps",
    "steps": "provider_options.fireworks.steps",
    "cfg_scale": "provider_options.fireworks.guidance_scale",
    "guidance_scale": "provider_options.fireworks.guidance_scale",
}


def read_picture(answer: Answer, call: Call) -> Picture:
    """The picture of an answer. Raises PROVIDER_ANSWER_INVALID, CONTENT_BLOCKED for one that was blackened."""
    if answer.headers.get("content-type", "").strip().lower().startswith("image/"):
        _check_finish(answer.headers.get("finish-reason", ""), call)
        told = answer.headers.get("seed", "").strip()
        return image(answer.body, seed=_seed(int(told) if told.isdecimal() and len(told) < 20 else None))
    value = answer.json_or_none()
    one = value[0] if isinstance(value, list) and value else value
    encoded = one.get("base64") if isinstance(one, Mapping) else None
    if isinstance(encoded, list) and encoded:
        encoded = encoded[0]
    if not isinstance(one, Mapping) or not isinstance(encoded, str) or not encoded:
        message = "Fireworks AI answered without a picture; ask again later or elsewhere."
        raise call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message)
    _check_finish(one.get("finishReason"), call)
    try:
        return image(decode_base64(encoded.encode()), seed=_seed(one.get("seed")))
    except ValueError:
        message = "Fireworks AI delivered a picture that is no base64; ask again later or elsewhere."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None


def _check_finish(told: Any, call: Call) -> None:
    """Raises CONTENT_BLOCKED where the picture was blackened."""
    if not isinstance(told, str) or told.strip().upper() != _BLACKENED:
        return
    row = OUTCOMES.row("submit", FILTERED)
    message = "Fireworks AI blackened the result as unsafe; change the prompt."
    raise call.error(
        reasons.ERROR_REASON_CONTENT_BLOCKED, message, outcome=row.outcome, billed=row.billed, phase=row.phase
    )


def _seed(told: Any) -> int | None:
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < _MOST_SEED else None


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """What only Fireworks' answers tell; None leaves one to the kit's table."""
    if answer.status == SUSPENDED:
        return read_refusal(replace(answer, status=402), key_name)
    field = answer.error_field()
    if answer.status not in {400, 422} or field not in _FIELD_OF:
        return None
    error = read_refusal(answer, key_name)
    error.field = _FIELD_OF[field]
    return error
