"""Ideogram's errors, ids and keys (developer.ideogram.ai, errors and rate limits, read to 2026-11)."""

from __future__ import annotations

import secrets
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

MAX_INFLIGHT = 10
ERRORS = {
    400: "Invalid input.",
    401: "Unauthorized: missing or invalid API key.",
    402: "Your balance is insufficient for this request.",
    403: "Not authorized to use this endpoint.",
    404: "Not found.",
    413: "The uploaded file is too large.",
    422: "Prompt provided failed safety check due to the inclusion of prohibited content.",
    429: "Too many requests in flight.",
    500: "Internal error.",
    502: "Bad gateway.",
    503: "Service unavailable.",
}


def new_id() -> str:
    """Make an id as generations have it."""
    return secrets.token_urlsafe(16)


def wrong(message: str, status: int = 400) -> Refusal:
    """Make a refusal with words of its own."""
    return Refusal(json_reply({"error": message}, status))


def check_key(key: str | None) -> None:
    """Raise `Refusal`: 401 without a key or for one that begins with `bad`, 402 for `poor`, 403 for `other`."""
    if not key or key.startswith("bad"):
        raise Refusal(IdeogramDialect().error(401))
    if key.startswith("poor"):
        raise Refusal(IdeogramDialect().error(402))
    if key.startswith("other"):
        raise Refusal(IdeogramDialect().error(403))


class IdeogramDialect:
    """Ids and usual errors. No header is its own."""

    def new_request_id(self) -> str:
        """Make an id."""
        return new_id()

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status; those of balance and limits say their reason apart."""
        content: dict[str, Any] = {"error": ERRORS.get(status, ERRORS[500 if status >= 500 else 400])}
        if status == 402:
            content["reject_reason"] = "insufficient_funds"
        if status == 429:
            content |= {
                "reject_reason": "inflight_limit",
                "max_inflight_requests": MAX_INFLIGHT,
                "task_completion_speed": 0.1,
            }
        return json_reply(content, status)
