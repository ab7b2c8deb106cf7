"""Fireworks AI's errors, headers and keys: docs.fireworks.ai (2026), read 2026-11-22."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

RATE_LIMIT = 600
ERRORS = {
    400: ("invalid_request_error", "Bad request"),
    401: ("authentication_error", "The API key you provided is invalid."),
    402: ("payment_required", "Your account has no credits left."),
    403: ("permission_error", "Forbidden"),
    404: ("not_found_error", "Model not found, inaccessible, and/or not deployed"),
    412: ("precondition_failed", "Account is suspended, possibly due to reaching the monthly spending limit."),
    422: ("invalid_request_error", "The request could not be processed"),
    429: ("rate_limit_error", "Rate limit exceeded"),
    500: ("internal_error", "Internal server error"),
    503: ("service_unavailable", "The service is overloaded"),
}


def refused(status: int, message: str = "", param: str | None = None) -> Refusal:
    """Make an error in the API's shape; the usual words of the status where none are given."""
    kind, usual = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])
    error = {"object": "error", "type": kind, "code": kind, "message": message or usual}
    return Refusal(json_reply({"error": error | ({"param": param} if param else {})}, status))


def check_key(header: str | None) -> None:
    """Raise `Refusal`: 401 without a key or for one that begins with `bad`, 412 for `poor`."""
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key or key.startswith("bad"):
        raise refused(401)
    if key.startswith("poor"):
        raise refused(412)


class FireworksDialect:
    """Ids, limits and usual errors."""

    def new_request_id(self) -> str:
        """Make an id."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {
            "x-request-id": entry.request_id,
            "x-ratelimit-limit-requests": str(RATE_LIMIT),
            "x-ratelimit-remaining-requests": str(max(0, RATE_LIMIT - entry.seq % RATE_LIMIT)),
        }

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
