"""Stability AI's errors, headers and keys: the v2beta reference (2026), read 2026-11-22."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

ERRORS = {
    400: ("bad_request", "some-field: is required"),
    401: ("unauthorized", "missing or invalid authorization header value"),
    402: ("payment_required", "You lack sufficient credits to make this request. Please purchase more credits."),
    403: (
        "content_moderation",
        "Your request was flagged by our content moderation system, as a result your request was denied and you were "
        "not charged.",
    ),
    404: ("not_found", "The specified resource was not found."),
    413: ("payload_too_large", "request body size exceeds the limit of 10 MiB"),
    422: ("invalid_language", "English is the only supported language for this service."),
    429: ("rate_limit_exceeded", "You have exceeded the rate limit of 150 requests within a 10 second period."),
    500: ("internal_error", "An unexpected server error has occurred, please try again later."),
}


def refused(status: int, name: str = "", *errors: str) -> Refusal:
    """Make an error in the API's shape; the usual words of the status where none are given."""
    usual = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])
    content = {"id": uuid.uuid4().hex, "name": name or usual[0], "errors": list(errors) or [usual[1]]}
    return Refusal(json_reply(content, status))


def check_key(header: str | None) -> None:
    """Raise `Refusal`: 401 without a key or for one that begins with `bad`, 402 for `poor`."""
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key or key.startswith("bad"):
        raise refused(401)
    if key.startswith("poor"):
        raise refused(402)


class StabilityDialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make 32 hexadecimal digits."""
        return uuid.uuid4().hex

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
