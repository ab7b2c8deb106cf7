"""Azure's errors, headers and ways in (REST reference of Azure OpenAI, and answers as they were seen; 2026-11-22)."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

PAUSE_S = 27
TENANT = "contoso.example"
ISSUED = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.emulated-entra-token"
SCOPE = "https://cognitiveservices.azure.com/.default"
USUAL: Mapping[int, tuple[str, str]] = {
    400: ("BadRequest", "The request is invalid."),
    401: (
        "401",
        "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
        "active subscription and use a correct regional API endpoint for your resource.",
    ),
    403: ("403", "Access denied due to Virtual Network/Firewall rules."),
    404: ("404", "Resource not found"),
    408: ("Timeout", "The operation was timeout."),
    429: (
        "RateLimitReached",
        "Requests to the ImageGenerations_Create Operation under Azure OpenAI API have exceeded call rate limit of "
        f"your current OpenAI S0 pricing tier. Please retry after {PAUSE_S} seconds.",
    ),
    500: ("InternalServerError", "The server had an error while processing your request. Sorry about that!"),
    503: ("ServiceUnavailable", "The service is temporarily unable to process your request."),
}
"""(code, message) by status."""
SAFE = {"filtered": False, "severity": "safe"}
PROMPT_SAFE = {"filtered": False, "detected": False}
RESULT_FILTERS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
PROMPT_FILTERS = {**RESULT_FILTERS, "profanity": PROMPT_SAFE, "jailbreak": PROMPT_SAFE}


def refused(status: int, code: str = "", message: str = "", /, **more: Any) -> Refusal:
    """Make an error in Azure's shape; the usual words of the status where none are given."""
    usual = USUAL.get(status, USUAL[500 if status >= 500 else 400])
    error = {"code": code or usual[0], "message": message or usual[1], **more}
    return Refusal(json_reply({"error": error}, status, {"retry-after": str(PAUSE_S)} if status == 429 else None))


def no_deployment() -> Refusal:
    """Make the 404 of a deployment that is not there."""
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    )
    return refused(404, "DeploymentNotFound", message)


def check_words(prompt: str) -> None:
    """Raise `Refusal` for what the filters stop, in the shapes that are in the wild."""
    words = prompt.lower()
    if "nsfw" in words:
        message = (
            "Your request was rejected by the safety system. If you believe this is an error, contact Azure support "
            "ticket and include the request ID. safety_violations=[sexual]."
        )
        raise refused(400, "moderation_blocked", message, type="image_generation_user_error", param=None)
    if "gore" in words:
        filters = {**RESULT_FILTERS, "violence": {"filtered": True, "severity": "medium"}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_results": filters}
        message = "Your request was rejected as a result of our safety system."
        details: dict[str, Any] = {"type": "invalid_request_error", "param": "prompt", "status": 400}
        raise refused(400, "content_policy_violation", message, **details, inner_error=inner)
    if "jailbreak" in words:
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"jailbreak": {"filtered": True}}}
        message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
        raise refused(400, "content_filter", message, param="prompt", status=400, innererror=inner)


def check_key(headers: Mapping[str, str]) -> None:
    """Raise `Refusal` unless the key, or the token of Entra ID, will do. Keys: `bad…`, `blocked…`, `broke…` do not."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("api-key", "")
    if key and token:
        raise refused(400, "BadRequest", "Send an api-key or a bearer token, not both.")
    if token:
        if scheme.lower() != "bearer" or token != ISSUED:
            raise refused(401, "PermissionDenied", "Principal does not have access to API/Operation.")
        return
    if not key or key.startswith("bad"):
        raise refused(401)
    if key.startswith("blocked"):
        message = (
            "Your resource has been temporarily blocked because we detected behavior that may violate our content "
            "policy."
        )
        raise refused(403, "Forbidden", message)
    if key.startswith("broke"):
        raise refused(429, "insufficient_quota", "You exceeded your current quota, please check your plan.")


def granted(form: Mapping[str, str]) -> Reply:
    """Answer as Entra ID's token host does. Raises `Refusal`."""
    if form.get("grant_type") != "client_credentials":
        raise _no_token("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
    if form.get("scope") != SCOPE:
        raise _no_token("invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is invalid.")
    if not form.get("client_id") or form.get("client_secret", "bad").startswith("bad"):
        raise _no_token("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)
    return json_reply({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": ISSUED})


def _no_token(error: str, description: str, status: int = 400) -> Refusal:
    return Refusal(json_reply({"error": error, "error_description": description, "error_codes": []}, status))


class AzureDialect:
    """Ids, headers and usual errors of a resource."""

    def new_request_id(self) -> str:
        """Make a GUID."""
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {
            "x-request-id": entry.request_id,
            "apim-request-id": entry.request_id,
            "x-ms-region": "Sweden Central",
            "x-ratelimit-remaining-requests": "8",
            "x-ratelimit-reset-requests": "6",
        }

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
