"""Replicate's errors in the words of the mesh. Pure.

Source: Replicate's HTTP API (2026), rate limit pages and error texts of its models, read 2026-11-22. An error answer is
{"title", "detail", "status"}; 422 adds "invalid_fields"; a 429 says its pause in a header, a field or in words only.
"""

import re
from collections.abc import Mapping
from typing import Any

from heliostat.adapters.replicate.outcomes import FAILED, FAILED_TIMED, OUTCOMES
from heliostat.adapters.replicate.predictions import Prediction
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import LONGEST_PAUSE_S, clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_BLOCKED = ("nsfw", "flagged as sensitive", "e005", "content moderated", "request moderated", "safety filter")
_UNREADABLE = ("cannot identify image", "invalid image", "unsupported image")
_RESETS = re.compile(r"resets in ~?(\d+(?:\.\d+)?)\s*s")
_FIELD_OF: Mapping[str, str] = {
    "aspect_ratio": "size",
    "width": "size",
    "height": "size",
    "megapixels": "size",
    "num_outputs": "image_count",
    "input_image": "image",
    "input_images": "references",
    "image_input": "references",
    "image_prompt": "references",
    "style_reference_images": "references",
    "output_format": "output.media_type",
    "output_quality": "output.compression_percent",
    "prompt_strength": "strength",
    "scale": "upscale.factor",
    "scale_factor": "upscale.factor",
}


def refusal(answer: Answer) -> MeshError | None:
    """The error of an answer that speaks Replicate's dialect; None for what any provider could say."""
    value = answer.json_or_none()
    if not isinstance(value, Mapping):
        return None
    if answer.status == 429:
        error = read_refusal(answer)
        if error.retry_after_s is None and error.reason == reasons.ERROR_REASON_RATE_LIMITED:
            error.retry_after_s = _pause_s(value)
        return error
    if answer.status == 422:
        return _wrong_input(answer, value)
    return None


def ended_badly(call: Call, prediction: Prediction, *, timed: bool) -> MeshError:
    """Why a prediction gave nothing; `timed` models charge for the time that they ran, others for success only."""
    ran = timed and (prediction.status != "aborted")
    row = OUTCOMES.row("poll", FAILED_TIMED if ran else FAILED)
    reason, message = _of_state(prediction)
    said = clean(prediction.error, (call.request.prompt, call.request.negative_prompt))
    return call.error(
        reason,
        f"{message} It said: {said}" if said else message,
        outcome=row.outcome,
        billed=row.billed,
        phase=row.phase,
    )


def nothing_to_show(call: Call, prediction: Prediction) -> MeshError:
    """The error of a prediction that succeeded without a file, or whose files are deleted. It was charged."""
    if prediction.removed:
        message = "Replicate has deleted the result, an hour after the job's end; ask for the picture again."
        return call.error(reasons.ERROR_REASON_RESOURCE_GONE, message, phase="poll")
    message = "Replicate's result holds no picture; ask again later or elsewhere."
    return call.error(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, message, phase="poll")


def _of_state(prediction: Prediction) -> tuple[int, str]:
    if prediction.status == "canceled":
        return reasons.ERROR_REASON_CANCELLED, "The job was cancelled at Replicate."
    if prediction.status == "aborted":
        return reasons.ERROR_REASON_PROVIDER_TIMEOUT, "Replicate did not begin the job in time; ask again or elsewhere."
    said = prediction.error.lower()
    if any(word in said for word in _BLOCKED):
        return reasons.ERROR_REASON_CONTENT_BLOCKED, "The model refused the prompt or the picture as unsafe; change it."
    if any(word in said for word in _UNREADABLE):
        return reasons.ERROR_REASON_INPUT_UNREADABLE, "The model cannot use a picture of the request; send another one."
    return reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "The model failed at Replicate; ask again later or elsewhere."


def _wrong_input(answer: Answer, value: Mapping[str, Any]) -> MeshError:
    error = read_refusal(answer)
    fields = value.get("invalid_fields")
    if not fields and "version" in error.message.lower():
        error.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        error.message = f"Replicate does not run this version of the model. It said: {error.message}"
        return error
    first = fields[0] if isinstance(fields, list) and fields else None
    if isinstance(first, Mapping) and isinstance(first.get("field"), str):
        name = first["field"].removeprefix("input.")[:100]
        error.field = _FIELD_OF.get(name, name)
    return error


def _pause_s(value: Mapping[str, Any]) -> float | None:
    """Seconds of a pause that only the body tells of; None where it does not."""
    told = value.get("retry_after")
    if not isinstance(told, int | float):
        found = _RESETS.search(str(value.get("detail", "")))
        if found is None:
            return None
        told = float(found[1])
    return min(max(float(told), 0.0), LONGEST_PAUSE_S)
