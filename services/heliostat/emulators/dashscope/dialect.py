"""DashScope's errors, headers and keys (Model Studio's error codes, to 2026-03)."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

USUAL = {
    400: ("InvalidParameter", "Required parameter(s) missing or invalid, please check the request parameters."),
    401: ("InvalidApiKey", "Invalid API-key provided."),
    403: ("AccessDenied", "Access denied."),
    404: ("ModelNotFound", "Model not exist."),
    429: ("Throttling.RateQuota", "Requests rate limit exceeded, please try again later."),
    500: ("InternalError", "An internal error has occured, please try again later or contact service support."),
    503: ("ModelUnavailable", "The model is not available for now, please try again later."),
}
"""(code, message) by HTTP status."""
BLOCKED = "DataInspectionFailed"
BLOCKED_INPUT = "Input text data may contain inappropriate content."
BLOCKED_OUTPUT = "Output data may contain inappropriate content."
BEIJING_KEY = "cn-"
"""Keys that begin so are of an account in Beijing."""


def refused(status: int, code: str, message: str) -> Refusal:
    """Make an error in DashScope's shape."""
    return Refusal(json_reply({"code": code, "message": message, "request_id": str(uuid.uuid4())}, status))


def invalid(message: str) -> Refusal:
    """Make the 400 about a parameter."""
    return refused(400, "InvalidParameter", message)


def unreadable(message: str) -> Refusal:
    """Make the 400 about a picture."""
    return refused(400, "InvalidParameter.DataInspection", f"Unable to download the media resource: {message}.")


def read_key(authorization: str | None) -> str:
    """Give the key. Raises `Refusal`: `bad` is wrong (401), `poor` owes money (400)."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key or key.startswith("bad"):
        raise Refusal(DashScopeDialect().error(401))
    if key.startswith("poor"):
        message = "Access denied, please make sure your account is in good standing."
        raise refused(400, "Arrearage", message)
    return key


class DashScopeDialect:
    """Ids and usual errors. No header tells of ids or limits."""

    def new_request_id(self) -> str:
        """Make a UUID."""
        return str(uuid.uuid4())

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        code, message = USUAL.get(status, USUAL[500 if status >= 500 else 400])
        return refused(status, code, message).reply
