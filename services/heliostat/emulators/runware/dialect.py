"""Runware's errors and keys (runware.ai/docs, errors, read to 2026-11)."""

from __future__ import annotations

import uuid
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

ERRORS = {
    400: ("invalidParameter", "Invalid parameter in the request."),
    401: ("invalidApiKey", "The API key is invalid."),
    402: ("insufficientCredits", "The balance is insufficient."),
    403: ("forbidden", "The API key lacks permission."),
    404: ("notFound", "Not found."),
    409: ("conflictTaskUUID", "A task with this taskUUID already exists."),
    422: ("invalidParameter", "Invalid parameter in the request."),
    429: ("rateLimitExceeded", "Too many requests. Retry with exponential backoff."),
    500: ("internalError", "Internal error."),
    502: ("providerError", "Bad gateway."),
    503: ("serviceUnavailable", "Service unavailable. Retry with exponential backoff."),
    504: ("timeoutProvider", "The provider ran out of time."),
}


def fault(code: str, message: str, parameter: str = "", **more: Any) -> dict[str, Any]:
    """Make one member of `errors`."""
    shown: dict[str, Any] = {"code": code, "message": message}
    if parameter:
        shown |= {"parameter": parameter, "documentation": "https://runware.ai/docs"}
    return shown | more


class TaskFault(Exception):
    """A task that is refused; other tasks of the same request are not."""

    def __init__(self, status: int, shown: dict[str, Any]) -> None:
        super().__init__(shown["code"])
        self.status = status
        self.shown = shown


def wrong(code: str, message: str, parameter: str = "", status: int = 400, **more: Any) -> TaskFault:
    """Make a refusal of one task."""
    return TaskFault(status, fault(code, message, parameter, **more))


def check_key(key: str) -> None:
    """Raise `Refusal`: 401 without a key or for one that begins with `bad`, 402 for `poor`, 403 for `other`."""
    if not key:
        shown = fault("missingApiKey", "No API key was given.", "apiKey")
        raise Refusal(json_reply({"errors": [shown]}, 401))
    for beginning, status in (("bad", 401), ("poor", 402), ("other", 403)):
        if key.startswith(beginning):
            raise Refusal(RunwareDialect().error(status))


class RunwareDialect:
    """Ids and usual errors. No header is its own."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        code, message = ERRORS.get(status, ERRORS[500 if status >= 500 else 400])
        return json_reply({"errors": [fault(code, message)]}, status)
