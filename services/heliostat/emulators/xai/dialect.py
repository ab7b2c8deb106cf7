"""xAI's errors, headers and keys (REST, as of 2026-11-22)."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

INVALID = "Client specified an invalid argument"
USUAL = {
    400: (INVALID, "Invalid request content."),
    401: ("The caller does not have valid authentication credentials", "No API key provided."),
    402: ("The caller does not have permission to execute the specified operation", "The team has no credits left."),
    403: ("The caller does not have permission to execute the specified operation", "The key may not use this."),
    404: ("Some requested entity was not found", "The model does not exist or your team does not have access to it."),
    422: (INVALID, "Failed to deserialize the JSON body into the target type."),
    429: ("Some resource has been exhausted", "Too many requests for the team, try again later."),
    500: ("Internal error", "An internal error occurred."),
    503: ("The service is currently unavailable", "The model is at capacity, try again later."),
}
"""(code, error) by HTTP status."""


def invalid(message: str) -> Refusal:
    """Make a 400."""
    return Refusal(json_reply({"code": INVALID, "error": message}, 400))


def check_key(authorization: str | None) -> None:
    """Raise `Refusal` unless the key will do: `bad` is wrong (a 400), `poor` has no credits (a 403)."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Refusal(XaiDialect().error(401))
    if key.startswith("bad"):
        raise invalid("Incorrect API key provided: ba***. You can obtain an API key from the console.")
    if key.startswith("poor"):
        message = "Your team has used all available credits or reached its monthly spending limit."
        raise Refusal(json_reply({"code": USUAL[403][0], "error": message}, 403))


class XaiDialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries; none tells of limits."""
        return {"x-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        code, message = USUAL.get(status, USUAL[500 if status >= 500 else 400])
        return json_reply({"code": code, "error": message}, status)
