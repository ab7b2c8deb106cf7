"""Recraft's errors, headers and tokens (recraft.ai/docs, errors, read to 2026-11)."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

PLAIN = {401: b"request unauthorized", 404: b"404 page not found"}
CODES = {
    400: ("invalid_request", "The request is invalid."),
    402: ("not_enough_credits", "Not enough API units left."),
    403: ("forbidden", "Access denied."),
    413: ("too_large", "The file is too large."),
    422: ("content_policy", "The request was rejected by the safety system."),
    429: ("rate_limited", "Too many requests."),
    500: ("internal", "Internal error."),
    502: ("bad_gateway", "Bad gateway."),
    503: ("unavailable", "Service unavailable."),
}


def wrong(message: str, code: str = "invalid_request", status: int = 400) -> Refusal:
    """Make a refusal with words of its own."""
    return Refusal(json_reply({"code": code, "message": message}, status))


def check_token(authorization: str | None) -> None:
    """Raise `Refusal`: 401 without `Bearer …` or for tokens that begin with `bad`, 402 for `poor`."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme != "Bearer" or not token or token.startswith("bad"):
        raise Refusal(RecraftDialect().error(401))
    if token.startswith("poor"):
        raise Refusal(RecraftDialect().error(402))


class RecraftDialect:
    """Ids, headers and usual errors."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-recraft-requestid": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status: plain text for two, JSON for the rest."""
        if status in PLAIN:
            return Reply(status, PLAIN[status], "text/plain; charset=utf-8")
        code, message = CODES.get(status, CODES[500 if status >= 500 else 400])
        return json_reply({"code": code, "message": message}, status)
