"""Replicate's errors, headers, ids and tokens (HTTP API and rate limit pages, read to 2026-11)."""

from __future__ import annotations

import secrets
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

RATE_LIMIT_SECONDS = 30
CREATES_PER_MINUTE = 600
ID_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
TITLES = {
    400: ("Bad request", "The request is malformed."),
    401: ("Unauthenticated", "You did not pass an authentication token"),
    402: (
        "Insufficient credit",
        "You have insufficient credit to run this model. Go to replicate.com/account/billing.",
    ),
    403: ("Forbidden", "You do not have permission to perform this action."),
    404: ("Not found", "The requested resource could not be found."),
    413: ("Payload too large", "The file is too large."),
    422: ("Input validation failed", "- input: prompt is not acceptable\n"),
    500: ("Internal server error", "Something went wrong."),
    502: ("Bad gateway", "The upstream did not answer."),
    503: ("Service unavailable", "Replicate is temporarily unavailable."),
    504: ("Gateway timeout", "The upstream did not answer in time."),
}


def new_id() -> str:
    """Make an id as predictions have it: 26 letters and digits."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(26))


def problem(status: int, title: str, detail: str, **more: Any) -> Reply:
    """Answer with an error in Replicate's shape."""
    kind = title.lower().replace(" ", "-")
    content = {"type": f"https://replicate.com/docs/errors#{kind}", "title": title, "status": status, "detail": detail}
    return json_reply(content | more, status)


def invalid(*faults: tuple[str, str, str]) -> Refusal:
    """Make the 422 about input fields, each given as (field, type, words)."""
    fields = [{"type": kind, "field": field, "description": words} for field, kind, words in faults]
    detail = "".join(f"- {field}: {words}\n" for field, _, words in faults)
    return Refusal(problem(422, "Input validation failed", detail, invalid_fields=fields))


def check_token(authorization: str | None) -> None:
    """Raise `Refusal` without `Bearer …` (or `Token …`), and for tokens that begin with `bad` (401) or `poor` (402)."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() not in {"bearer", "token"} or not token or token.startswith("bad"):
        raise Refusal(ReplicateDialect().error(401))
    if token.startswith("poor"):
        raise Refusal(ReplicateDialect().error(402))


class ReplicateDialect:
    """Ids, headers and usual errors."""

    def new_request_id(self) -> str:
        """Make an id."""
        return new_id()

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers of an answer: creates tell what is left of the limit."""
        if entry.kind != "submit":
            return {}
        return {"ratelimit-remaining": str(CREATES_PER_MINUTE - 1), "ratelimit-reset": "60"}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status. A 429 is bare, and tells its pause in the body and in words."""
        if status == 429:
            detail = f"Request was throttled. Your rate limit resets in ~{RATE_LIMIT_SECONDS}s."
            reply = json_reply({"detail": detail, "status": 429, "retry_after": RATE_LIMIT_SECONDS}, 429)
            reply.headers |= {"ratelimit-remaining": "0", "ratelimit-reset": str(RATE_LIMIT_SECONDS)}
            return reply
        return problem(status, *TITLES.get(status, TITLES[500 if status >= 500 else 400]))
