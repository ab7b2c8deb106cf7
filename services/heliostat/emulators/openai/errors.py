"""OpenAI's error bodies and answer headers (spec 2.3.0 of 2026-08-21 and the error code guide of 2026-11)."""

from __future__ import annotations

import secrets

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

LIMIT_REQUESTS_PER_MINUTE = 5000
LIMIT_INPUT_IMAGES_PER_MINUTE = 250
RATE_LIMIT_SECONDS = 30

USUAL = {
    400: ("invalid_request_error", "invalid_value", "Invalid value."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "Your organization must be verified to use this model."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for images per minute. Please try again in 30s."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    503: ("service_unavailable_error", "server_is_overloaded", "The server is currently overloaded."),
}
"""(type, code, message) by status."""


def error_reply(status: int, message: str, *, type_: str, param: str | None = None, code: str | None = None) -> Reply:
    """Answer with OpenAI's error object."""
    error = {"message": message, "type": type_, "param": param, "code": code}
    return json_reply({"error": error}, status, {"retry-after": str(RATE_LIMIT_SECONDS)} if status == 429 else None)


def bad_request(message: str, param: str | None, code: str) -> Refusal:
    """Make a 400 about one parameter."""
    return Refusal(error_reply(400, message, type_="invalid_request_error", param=param, code=code))


def model_not_found(model: str) -> Refusal:
    """Make the 404 for an unknown or retired model."""
    message = f"The model '{model}' does not exist or you do not have access to it."
    return Refusal(error_reply(404, message, type_="invalid_request_error", code="model_not_found"))


def check_key(authorization: str | None) -> None:
    """Raise `Refusal` unless the key will do.

    Any key does, but for these beginnings: `bad` is wrong (401), `locked` may not buy (403), `broke` has no credit
    (429 insufficient_quota, which is how OpenAI says it).
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Refusal(error_reply(401, "You didn't provide an API key.", type_="invalid_request_error"))
    if key.startswith("bad"):
        message = "Incorrect API key provided: bad*****. Check it in your API keys page."
        raise Refusal(error_reply(401, message, type_="invalid_request_error", code="invalid_api_key"))
    if key.startswith("locked"):
        message = "Billing hard limit has been reached."
        raise Refusal(error_reply(403, message, type_="billing_limit_user_error", code="billing_hard_limit_reached"))
    if key.startswith("broke"):
        message = "You exceeded your current quota, please check your plan and billing details."
        raise Refusal(error_reply(429, message, type_="insufficient_quota", code="insufficient_quota"))


class OpenAIDialect:
    """Ids, headers and usual errors of api.openai.com."""

    def new_request_id(self) -> str:
        """Make an id such as `req_0f3c…`."""
        return f"req_{secrets.token_hex(16)}"

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {
            "x-request-id": entry.request_id,
            "openai-processing-ms": str(elapsed_ms),
            "openai-organization": "org-emulated",
            "openai-version": "2020-10-01",
            "x-ratelimit-limit-requests": str(LIMIT_REQUESTS_PER_MINUTE),
            "x-ratelimit-remaining-requests": str(LIMIT_REQUESTS_PER_MINUTE - 1),
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-limit-input-images": str(LIMIT_INPUT_IMAGES_PER_MINUTE),
            "x-ratelimit-remaining-input-images": str(LIMIT_INPUT_IMAGES_PER_MINUTE - 1),
            "x-ratelimit-reset-input-images": "240ms",
        }

    def error(self, status: int) -> Reply:
        """Give the usual error for a status; one that is not in the table reads like its class."""
        type_, code, message = USUAL.get(status) or USUAL[500 if status >= 500 else 400]
        return error_reply(status, message, type_=type_, code=code)
