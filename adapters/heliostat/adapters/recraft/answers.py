"""Recraft's answers: pictures and what they cost, and errors. Pure.

Source: recraft.ai/docs (errors) and the OpenAPI document (2026-08-22), read 2026-11-22. Errors are plain text or JSON,
and only their status is to be relied on; X-Recraft-Requestid names the exchange.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.adapters.sdk.costing import Reported, read_cost
from heliostat.api.image.v1 import reason_pb2 as reasons

UNITS_PER_USD = "0.001"
_UUID = re.compile(r"[0-9a-fA-F-]{36}")
_REQUEST_ID = "x-recraft-requestid"
_UNSAFE = ("nsfw", "safety", "moderat", "prohibited")
_UNPAID = ("credit", "units", "balance")
_MOST = 64
_MOST_SAID = 1_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture: its address, and the prompt where Recraft rewrote it."""

    url: str
    revised_prompt: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """What an answer holds: pictures, their cost, the style that was made of references."""

    drawn: tuple[Drawn, ...]
    reported: Reported
    style_id: str = ""


def read_pictures(answer: Answer) -> Pictures:
    """The pictures of either shape of answer. Raises PROVIDER_ANSWER_INVALID for what is no JSON object."""
    value = answer.json()
    data, one = value.get("data"), value.get("image")
    items = data[:_MOST] if isinstance(data, list) else [one]
    style = value.get("style_id")
    return Pictures(
        drawn=tuple(_drawn(item) for item in items if isinstance(item, Mapping) and _text(item, "url")),
        reported=read_cost(value.get("credits"), unit=UNITS_PER_USD),
        style_id=style if isinstance(style, str) and _UUID.fullmatch(style) else "",
    )


def _drawn(item: Mapping[str, Any]) -> Drawn:
    return Drawn(_text(item, "url"), _text(item, "revised_prompt"))


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _as_json(answer: Answer) -> Answer:
    """A plain sentence in the shape of the other errors."""
    if not answer.headers.get("content-type", "").startswith("text/plain"):
        return answer
    return replace(answer, body=orjson.dumps({"message": answer.body[:_MOST_SAID].decode("utf-8", "replace").strip()}))


def refusal(answer: Answer, key_name: str) -> MeshError:
    """The error behind an answer of status 400 and up, by the kit's table, with Recraft's own id of the exchange."""
    told = _as_json(answer)
    error, said = read_refusal(told, key_name), told.error_text()
    if answer.status in {400, 422} and any(word in said.lower() for word in _UNSAFE):
        error.reason = reasons.ERROR_REASON_CONTENT_BLOCKED
        error.message = f"Recraft refused the prompt or a picture as unsafe; change it. It said: {said}"
        error.field = None
    elif answer.status == 403 and any(word in said.lower() for word in _UNPAID):
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED
        error.message = f"Too few API units are left at Recraft; buy some. It said: {said}"
    if _REQUEST_ID in answer.headers:
        error.metadata["provider_request_id"] = answer.headers[_REQUEST_ID][:200]
    return error
