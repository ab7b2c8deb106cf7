"""fal's errors, headers and keys (fal.ai/docs, model-apis/errors and queue pages, read to 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

RATE_LIMIT_SECONDS = 30
RETRYABLE = frozenset({429, 500, 502, 503, 504})
INFRASTRUCTURE = {
    429: ("Too many requests: the concurrency limit has been reached", "concurrency_limit"),
    499: ("Request was cancelled by the client", "client_cancelled"),
    500: ("Internal server error", "internal_server_error"),
    502: ("The runner sent an incomplete response", "runner_incomplete_response"),
    503: ("No runner could be scheduled", "runner_scheduling_failure"),
    504: ("The request timed out", "request_timeout"),
}
PLAIN = {
    400: "Bad request",
    401: "Cannot access application without valid credentials",
    403: "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.",
    404: "Not found",
}


def detail(status: int, text: str, error_type: str | None = None) -> Reply:
    """Answer with a request error: `{"detail": "…", "error_type": "…"}`."""
    content = {"detail": text} if error_type is None else {"detail": text, "error_type": error_type}
    reply = json_reply(content, status, _error_headers(status, error_type))
    if status == 429:
        reply.headers["retry-after"] = str(RATE_LIMIT_SECONDS)
    return reply


def fault(field: str, message: str, type_: str, **context: Any) -> Refusal:
    """Make the 422 about one input field, in the shape of pydantic's errors."""
    item: dict[str, Any] = {
        "loc": ["body", field],
        "msg": message,
        "type": type_,
        "url": f"https://docs.fal.ai/errors#{type_}",
    }
    if context:
        item["ctx"] = context
    return Refusal(json_reply({"detail": [item]}, 422, _error_headers(422, type_)))


def _error_headers(status: int, error_type: str | None) -> dict[str, str]:
    retryable = {"x-fal-retryable": "true" if status in RETRYABLE else "false"}
    return retryable if error_type is None else retryable | {"x-fal-error-type": error_type}


def check_key(authorization: str | None) -> None:
    """Raise `Refusal` without `Key …`, and for keys that begin with `bad` (401) or `locked` (403, no balance)."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "key" or not key or key.startswith("bad"):
        raise Refusal(detail(401, PLAIN[401]))
    if key.startswith("locked"):
        raise Refusal(detail(403, PLAIN[403]))


class FalDialect:
    """Ids, headers and usual errors."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-fal-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status; a 422 is one about the prompt."""
        if status == 422:
            return fault("prompt", "The content could not be processed.", "content_policy_violation").reply
        if status in INFRASTRUCTURE or status >= 500:
            return detail(status, *INFRASTRUCTURE.get(status, INFRASTRUCTURE[500]))
        return detail(status, PLAIN.get(status, PLAIN[400]))
