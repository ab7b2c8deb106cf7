"""Errors of the web UI's API: FastAPI's own, and those of AUTOMATIC1111's middleware (modules/api, 2025-06).

Forge has no such middleware: there an exception is the plain text "Internal Server Error". Scripts can say that.
"""

from __future__ import annotations

import base64
import binascii
import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

SAID = {
    400: "Sampler not found",
    401: "Incorrect username or password",
    402: "The proxy's account is empty",
    404: "Not Found",
    422: "Script 'x' not found",
    429: "The proxy asks to slow down",
}


def told(status: int, detail: str = "") -> Refusal:
    """Make FastAPI's error."""
    return Refusal(json_reply({"detail": detail or SAID.get(status, "Internal Server Error")}, status))


def raised(kind: str, sentence: str, status: int = 500, detail: str = "") -> Refusal:
    """Make the error of an exception, as the middleware tells it."""
    return Refusal(json_reply({"error": kind, "detail": detail, "body": "", "errors": sentence}, status))


def wrong_field(name: str, sentence: str, kind: str) -> Refusal:
    """Make pydantic's error of one field."""
    return Refusal(json_reply({"detail": [{"loc": ["body", name], "msg": sentence, "type": kind}]}, 422))


def check_password(header: str | None) -> None:
    """Raise `Refusal` for a password that begins with `bad`; the server was started without --api-auth otherwise."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            text = "bad"
    if text.startswith("bad"):
        refusal = told(401)
        refusal.reply.headers["www-authenticate"] = "Basic"
        raise refusal


class Automatic1111Dialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make an id; the server itself gives none."""
        return uuid.uuid4().hex

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"server": "uvicorn", "x-process-time": f"{elapsed_ms / 1000:.4f}"}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return told(status).reply if status < 500 else raised("RuntimeError", "Something went wrong", status).reply
