"""Black Forest Labs' errors, headers and keys (docs.bfl.ai, read to 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

DETAILS = {
    400: "Bad request",
    402: "Insufficient credits. Please add credits to your account.",
    403: "Not authenticated",
    404: "Not Found",
    429: "Too many active tasks. Please wait for a task to finish.",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
}


def fault(field: str, message: str, kind: str) -> Refusal:
    """Make the 422 about one field of the body."""
    return Refusal(json_reply({"detail": [{"loc": ["body", field], "msg": message, "type": kind}]}, 422))


def check_key(key: str | None) -> None:
    """Raise `Refusal`: 403 without a key or for one that begins with `bad`, 402 for `poor`, 422 with a blank."""
    if not key or key.startswith("bad"):
        raise Refusal(BflDialect().error(403))
    if " " in key:
        raise Refusal(json_reply({"detail": "Invalid API key format"}, 422))
    if key.startswith("poor"):
        raise Refusal(BflDialect().error(402))


class BflDialect:
    """Ids and usual errors. No header is its own."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        if status == 422:
            return fault("prompt", "Input should be a valid string", "string_type").reply
        detail: dict[str, Any] = {"detail": DETAILS.get(status, DETAILS[500 if status >= 500 else 400])}
        return json_reply(detail, status)
