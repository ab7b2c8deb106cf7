"""Google's errors, headers and keys (google.rpc.Status in JSON, as of 2026-11-22)."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

PAUSE_S = 34.4
DOMAIN = "googleapis.com"
USUAL = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token."),
    402: ("FAILED_PRECONDITION", "Billing is not enabled."),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "The model is not found for API version v1beta, or is not supported for generateContent."),
    422: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."),
    500: ("INTERNAL", "An internal error has occurred. Please retry."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
"""(status, message) by HTTP status."""
RPC = "type.googleapis.com/google.rpc."


def error_reply(code: int, status: str, message: str, *details: dict[str, Any]) -> Reply:
    """Answer with Google's error object."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return json_reply({"error": error}, code)


def invalid(message: str, field: str = "") -> Refusal:
    """Make the 400 about a field."""
    violation = {"field": field, "description": message}
    details = [{"@type": f"{RPC}BadRequest", "fieldViolations": [violation]}] if field else []
    return Refusal(error_reply(400, "INVALID_ARGUMENT", message, *details))


def quota_reply(quota: str, message: str = USUAL[429][1]) -> Reply:
    """Answer that a quota is used up, with the pause in the body: no header tells it."""
    violation = {"quotaMetric": f"generativelanguage.{DOMAIN}/generate_requests_per_model", "quotaId": quota}
    return error_reply(
        429,
        "RESOURCE_EXHAUSTED",
        message,
        {"@type": f"{RPC}QuotaFailure", "violations": [violation]},
        {"@type": f"{RPC}RetryInfo", "retryDelay": f"{PAUSE_S}s"},
    )


def _told(reason: str) -> dict[str, Any]:
    return {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": DOMAIN}


def check_key(request: Request) -> None:
    """Raise `Refusal` unless the Gemini API's key will do: `bad` is wrong (a 400), `poor` has no quota left."""
    key = request.headers.get("x-goog-api-key") or request.query_params.get("key")
    if not key:
        message = "Method doesn't allow unregistered callers (callers without established identity)."
        raise Refusal(error_reply(403, "PERMISSION_DENIED", message))
    if key.startswith("bad"):
        message = "API key not valid. Please pass a valid API key."
        raise Refusal(error_reply(400, "INVALID_ARGUMENT", message, _told("API_KEY_INVALID")))
    if key.startswith("poor"):
        raise Refusal(quota_reply("GenerateRequestsPerDayPerProjectPerModel"))


def check_token(request: Request) -> None:
    """Raise `Refusal` unless Vertex AI's access token will do: `bad` is expired, `poor` has no billing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token or token.startswith("bad"):
        reason = "ACCESS_TOKEN_EXPIRED" if token else "CREDENTIALS_MISSING"
        raise Refusal(error_reply(401, *USUAL[401], _told(reason)))
    if token.startswith("poor"):
        message = "This API method requires billing to be enabled."
        raise Refusal(error_reply(403, "PERMISSION_DENIED", message, _told("BILLING_DISABLED")))


class GeminiDialect:
    """Ids, headers and usual errors."""

    def new_request_id(self) -> str:
        """Make a response id."""
        return secrets.token_urlsafe(16)

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries; none tells of limits."""
        return {"server": "scaffolding on HTTPServer2", "server-timing": f"gfet4t7; dur={elapsed_ms}"}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        if status == 429:
            return quota_reply("GenerateRequestsPerMinutePerProjectPerModel")
        word, message = USUAL.get(status, USUAL[500 if status >= 500 else 400])
        return error_reply(status, word, message)
