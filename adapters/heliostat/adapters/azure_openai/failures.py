"""What only Azure's errors tell. Pure.

Source: Microsoft's REST reference and reports of answers as they were seen, read 2026-11-22; see README.md.
"""

from heliostat.adapters.azure_openai.outcomes import OUTCOMES, TIMED_OUT
from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.api.image.v1 import reason_pb2 as reasons

_BLOCKED_RESOURCE = "temporarily blocked"


def refusal(answer: Answer, name: str, key_name: str) -> MeshError | None:
    """The error of an answer; None for what OpenAI's dialect or any provider could say. `name` is the section's."""
    if answer.status == 403 and _BLOCKED_RESOURCE in answer.error_text().lower():
        error = read_refusal(answer, key_name)
        error.message = (
            "Azure has blocked this resource for what it was asked to draw; look into its notices, or ask Azure's "
            f"support. It said: {answer.error_text()}"
        )
        return error
    if answer.status not in {404, 408}:
        return None
    error = read_refusal(answer, key_name)
    if answer.status == 408:
        error.failure = OUTCOMES.failure("submit", TIMED_OUT)
        return error
    error.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
    if answer.error_code() == "deploymentnotfound":
        error.message = f"The resource has no such deployment; make one, or name it in adapters.{name}.deployments."
    else:
        error.message = (
            f"The resource knows no such address; check adapters.{name}.base_url, and api_version: GPT image models "
            "need 2025-04-01-preview or later, or none for the v1 API."
        )
    return error
