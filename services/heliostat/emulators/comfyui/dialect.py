"""Errors of a ComfyUI server, as server.py and execution.py word them (2025-10, and of the second half of 2026)."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

SAID = {
    400: ("prompt_outputs_failed_validation", "Prompt outputs failed validation"),
    401: ("unauthorized", "The proxy asks for a password"),
    402: ("payment_required", "The proxy's account is empty"),
    404: ("not_found", "Not Found"),
    422: ("invalid_prompt", "Cannot execute this prompt"),
    429: ("too_many_requests", "The proxy asks to slow down"),
    500: ("server_error", "500 Internal Server Error"),
}


def error_body(kind: str, message: str, details: str = "", node_errors: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give the body of an error."""
    error = {"type": kind, "message": message, "details": details, "extra_info": {}}
    return {"error": error, "node_errors": node_errors or {}}


def refused(status: int, kind: str = "", message: str = "", details: str = "") -> Refusal:
    """Make an error in the server's shape."""
    usual = SAID.get(status, SAID[500 if status >= 500 else 400])
    return Refusal(json_reply(error_body(kind or usual[0], message or usual[1], details), status))


def check_proxy(header: str | None) -> None:
    """Raise `Refusal` for a password that a proxy before the server does not take: one that begins with `bad`.

    The server itself asks for none.
    """
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            raise refused(401) from None
    if text.startswith("bad"):
        raise refused(401)


class ComfyuiDialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make an id; the server itself gives none."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"server": "Python/3.12 aiohttp/3.11.8"}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
