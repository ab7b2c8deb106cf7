"""Ark's errors, headers and keys (ModelArk, notes to 2026-11-13)."""

from __future__ import annotations

import uuid

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

USUAL = {
    400: ("InvalidParameter", "A parameter specified in the request is not valid."),
    401: ("AuthenticationError", "The API key in the request is missing or invalid."),
    403: ("AccessDenied", "The request failed because you do not have access to the requested resource."),
    404: ("InvalidEndpointOrModel.NotFound", "The model or endpoint does not exist or you do not have access to it."),
    429: ("RateLimitExceeded.EndpointRPMExceeded", "The requests per minute limit of the endpoint is exceeded."),
    500: ("InternalServiceError", "The service encountered an unexpected internal error."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
}
"""(code, message) by HTTP status."""
TYPES = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 429: "TooManyRequests"}


def refused(code: str, message: str, param: str = "", status: int = 400) -> Refusal:
    """Make an error in Ark's shape."""
    kind = TYPES.get(status, "BadRequest" if status < 500 else "InternalServerError")
    return Refusal(json_reply({"error": {"code": code, "message": message, "param": param, "type": kind}}, status))


def invalid(param: str, said: str) -> Refusal:
    """Make the 400 about one field."""
    return refused("InvalidParameter", f"The parameter `{param}` specified in the request is not valid: {said}.", param)


def check_key(authorization: str | None) -> None:
    """Raise `Refusal` unless the key will do: `bad` is wrong (401), `poor` has unpaid bills (403)."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key or key.startswith("bad"):
        raise Refusal(SeedreamDialect().error(401))
    if key.startswith("poor"):
        message = "The request failed because your account has an overdue balance."
        raise refused("AccountOverdueError", message, status=403)


class SeedreamDialect:
    """Ids and usual errors."""

    def new_request_id(self) -> str:
        """Make an id: a time and hexadecimal digits."""
        return f"02{uuid.uuid4().hex}{uuid.uuid4().hex[:16]}"

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries; none tells of limits."""
        return {"x-request-id": entry.request_id}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        code, message = USUAL.get(status, USUAL[500 if status >= 500 else 400])
        return refused(code, message, status=status).reply
