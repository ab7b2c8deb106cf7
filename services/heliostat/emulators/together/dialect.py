"""Together AI's errors, headers and keys: the OpenAPI document (2026-04-28) and docs.together.ai, read 2026-11-22."""

from __future__ import annotations

import secrets

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

RATE_LIMIT = 600
MESSAGES = {
    400: ("invalid_request_error", "Invalid request"),
    401: ("authentication_error", "Invalid API key provided."),
    402: ("credit_limit", "You have reached your spending limit. Please add credits to continue."),
    403: ("invalid_request_error", "Input is too large."),
    404: ("invalid_request_error", "Unable to access model. Please visit the models page to see the list of models."),
    422: ("invalid_request_error", "The request could not be processed: NSFW content was detected."),
    429: ("rate_limit", "Request was rejected due to request rate limiting."),
    500: ("server_error", "The server had an error while processing your request."),
    503: ("overloaded_error", "The engine is overloaded, please try again later."),
}


def refused(status: int, message: str = "", param: str | None = None) -> Refusal:
    """Make an error in the API's shape; the usual words of the status where none are given."""
    kind, usual = MESSAGES.get(status, MESSAGES[500 if status >= 500 else 400])
    error = {"message": message or usual, "type": kind, "param": param, "code": None}
    return Refusal(json_reply({"id": new_id(), "error": error}, status))


def new_id() -> str:
    """Make an id as the API does: letters, and the name of an airport."""
    return f"o{secrets.token_urlsafe(4)}-{secrets.token_hex(8)}-SJC"


def check_key(header: str | None) -> None:
    """Raise `Refusal`: 401 without a key or for one that begins with `bad`, 402 for `poor`."""
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key or key.startswith("bad"):
        raise refused(401)
    if key.startswith("poor"):
        raise refused(402)


class TogetherDialect:
    """Ids, limits and usual errors."""

    def new_request_id(self) -> str:
        """Make an id."""
        return new_id()

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        left = max(0, RATE_LIMIT - entry.seq % RATE_LIMIT)
        return {
            "x-request-id": entry.request_id,
            "x-ratelimit-limit": str(RATE_LIMIT),
            "x-ratelimit-remaining": str(left),
            "x-ratelimit-reset": "1",
        }

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
