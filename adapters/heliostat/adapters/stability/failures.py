"""Stability AI's errors in the words of the mesh. Pure.

Source: the v2beta OpenAPI document (2026), read 2026-11-22. Errors are {"id", "name", "errors": ["field: sentence"]},
whatever type was asked for. A 403 is moderation as often as a key; a 429 stops a key for 60 s, and no header says so.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import orjson

from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import told_pause_s
from heliostat.api.image.v1 import reason_pb2 as reasons

PAUSE_S = 60.0
_BLOCKED = frozenset({"content_moderation", "public_figure"})
_FIELD = re.compile(r"([A-Za-z_-]{1,40}): ")
_FIELD_OF: Mapping[str, str] = {
    "aspect_ratio": "size",
    "subject_image": "image",
    "init_image": "image",
    "style_image": "style_transfer.style",
    "background_reference": "references",
    "background_prompt": "prompt",
    "style_preset": "style",
    "output_format": "output.media_type",
    "left": "outpaint.left_px",
    "right": "outpaint.right_px",
    "up": "outpaint.top_px",
    "down": "outpaint.bottom_px",
}


def refusal(answer: Answer, key_name: str) -> MeshError | None:
    """The error of an answer that speaks the API's dialect; None for what any provider could say."""
    value = answer.json_or_none()
    name, said = _told(value)
    if name or said:
        body = orjson.dumps({"error": {"message": said or name, "code": name}})
        answer = replace(answer, body=body)
    elif answer.status != 429:
        return None
    error = read_refusal(answer, key_name)
    if answer.status == 429 and told_pause_s(answer.headers) is None:
        error.retry_after_s = PAUSE_S
    if name in _BLOCKED and answer.status in {400, 403, 422}:
        error.reason, error.field = reasons.ERROR_REASON_CONTENT_BLOCKED, "prompt"
        error.message = f"Stability AI refused the request as unsafe; change it. It said: {said or name}"
    elif error.reason == reasons.ERROR_REASON_INVALID_FIELD:
        error.field = "prompt" if name == "invalid_language" else _blamed(said)
    return error


def _told(value: object) -> tuple[str, str]:
    """(name, sentences) of an error body."""
    if not isinstance(value, Mapping):
        return "", ""
    name, errors = value.get("name"), value.get("errors")
    texts = [one for one in errors[:3] if isinstance(one, str)] if isinstance(errors, list) else []
    return (name[:100].lower() if isinstance(name, str) else ""), "; ".join(texts)[:2000]


def _blamed(said: str) -> str | None:
    found = _FIELD.match(said)
    name = found.group(1).replace("-", "_") if found else ""
    return _FIELD_OF.get(name, name) or None
