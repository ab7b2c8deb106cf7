"""AWS's errors and headers as Bedrock's runtime gives them (API reference of InvokeModel, read 2026-11-22)."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping

from heliostat.emulators.exchange import Refusal, Reply, json_reply
from heliostat.emulators.journal import Entry

USUAL: Mapping[int, tuple[str, str]] = {
    400: ("ValidationException", "The input fails to satisfy the constraints specified by an AWS service."),
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    402: (
        "AccessDeniedException",
        "Model access is denied due to INVALID_PAYMENT_INSTRUMENT: A valid payment "
        "instrument must be provided. Your AWS Marketplace subscription for this model cannot be completed.",
    ),
    403: ("AccessDeniedException", "You don't have access to the model with the specified model ID."),
    404: ("ResourceNotFoundException", "The specified resource ARN was not found. Check the ARN and try again."),
    408: ("ModelTimeoutException", "The request took too long to process. Processing time exceeded the model timeout."),
    424: ("ModelErrorException", "The request failed due to an error while processing the model."),
    429: ("ThrottlingException", "Too many requests, please wait before trying again."),
    500: ("InternalServerException", "An internal server error occurred. Retry your request."),
    503: ("ServiceUnavailableException", "The service isn't currently available. Try again later."),
}
"""(kind, message) by status."""


def refused(status: int, kind: str = "", message: str = "") -> Refusal:
    """Make an error in AWS's shape; the usual words of the status where none are given. No pause is ever told."""
    usual = USUAL.get(status, USUAL[500 if status >= 500 else 400])
    told = {"x-amzn-errortype": f"{kind or usual[0]}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return Refusal(json_reply({"message": message or usual[1]}, status, told))


def invalid(message: str) -> Refusal:
    """Make the 400 about a body."""
    return refused(400, message=f"Malformed input request: {message}, please reformat your input and try again.")


class BedrockDialect:
    """Ids, headers and usual errors of the runtime."""

    def new_request_id(self) -> str:
        """Make a GUID."""
        return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))

    def headers(self, entry: Entry, elapsed_ms: int) -> dict[str, str]:
        """Give the headers that every answer carries."""
        return {"x-amzn-requestid": entry.request_id, "x-amzn-bedrock-invocation-latency": str(elapsed_ms)}

    def error(self, status: int) -> Reply:
        """Give the usual error for a status."""
        return refused(status).reply
