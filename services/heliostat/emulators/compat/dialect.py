"""Errors and headers of a self-hosted server built on FastAPI, as vLLM-Omni and SGLang are (sources read 2026)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

RATE_LIMIT_SECONDS = 30
PHRASES = {status.value: status.phrase for status in HTTPStatus}


def detail(status: int, text: str) -> Reply:
    """Answer `{"detail": "…"}`."""
    return json_reply({"detail": text}, status, {"retry-after": str(RATE_LIMIT_SECONDS)} if status == 429 else None)


def invalid(field: str, message: str, type_: str) -> Refusal:
    """Make the 422 about one field."""
    fault: dict[str, Any] = {"type": type_, "loc": ["body", field], "msg": message}
    return Refusal(json_reply({"detail": [fault]}, 422))


def check_key(authorization: str | None) -> None:
    """Raise `Refusal` without a key, and for keys that begin with `bad` (401) or `locked` (403)."""
    key = (authorization or "").removeprefix("Bearer ")
    if not key or key.startswith("bad"):
        raise Refusal(detail(401, "Unauthorized"))
    if key.startswith("locked"):
        raise Refusal(detail(403, "Billing is locked for this key"))


class CompatDialect:
    """Plain answers, with a request id."""

    def new_request_id(self) -> str:
        """Make an id."""
        return uuid.uuid4().hex

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status: its phrase."""
        return detail(status, PHRASES.get(status, "Error"))
