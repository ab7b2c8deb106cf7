"""Errors, headers and keys of Hugging Face's router, and the error shapes of the providers behind it.

Sources: huggingface.js (2026-08-21) and the providers' own error pages, read 2026-11-22.
"""

from __future__ import annotations

import uuid
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

MESSAGES = {
    400: "Bad Request: Invalid payload",
    401: "Invalid username or password.",
    402: "You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more.",
    403: "This authentication method does not have sufficient permissions to call Inference Providers",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests: you have reached your rate limit",
    500: "Internal Server Error",
    503: "Model is currently loading",
}
LOADING_S = 20.0


def refused(status: int, message: str = "") -> Refusal:
    """Make an error of the router's, or of hf-inference's."""
    content: dict[str, Any] = {"error": message or MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])}
    if status == 503:
        content["estimated_time"] = LOADING_S
    return Refusal(json_reply(content, status))


def wrong_field(provider: str, field: str, message: str) -> Refusal:
    """Make the error of a wrong field as this provider does."""
    if provider == "fal-ai":
        fault = {"loc": ["body", field], "msg": message, "type": "value_error"}
        return Refusal(json_reply({"detail": [fault]}, 422))
    if provider == "replicate":
        content = {"title": "Input validation failed", "detail": f"- input.{field}: {message}", "status": 422}
        return Refusal(json_reply(content, 422))
    if provider in {"together", "nscale"}:
        error = {"message": message, "type": "invalid_request_error", "param": field, "code": None}
        return Refusal(json_reply({"error": error}, 400))
    if provider == "wavespeed":
        return Refusal(json_reply({"code": 400, "message": f"{field}: {message}"}, 400))
    return refused(400, f"{field}: {message}")


def check_key(header: str | None) -> None:
    """Raise `Refusal`: 401 without a token or for one that begins with `bad`, 402 for `poor`."""
    scheme, _, key = (header or "").partition(" ")
    name = key.removeprefix("hf_")
    if scheme.lower() != "bearer" or not name or name.startswith("bad"):
        raise refused(401)
    if name.startswith("poor"):
        raise refused(402)


class HuggingFaceDialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make an id."""
        return f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}"

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
