"""Bedrock's errors in the words of the mesh. Pure.

Source: the API reference of InvokeModel and AWS's common errors, read 2026-11-22. The kind of an error is the header
x-amzn-ErrorType; sentences about signatures repeat the request, its session token among it, and are never quoted.
"""

from heliostat.adapters.sdk import Answer, MeshError, read_refusal
from heliostat.api.image.v1 import reason_pb2 as reasons

_KEYS = {
    "expiredtokenexception": "the temporary access key is over; renew it",
    "invalidsignatureexception": "check its secret, and this machine's clock",
    "signaturedoesnotmatch": "check its secret, and this machine's clock",
    "requestexpired": "check this machine's clock",
    "unrecognizedclientexception": "check its id, its session token and the region",
    "invalidclienttokenid": "check its id",
    "missingauthenticationtokenexception": "set one",
    "missingauthenticationtoken": "set one",
    "incompletesignatureexception": "check its id",
}
_BLOCKED = ("content filter", "blocked by our", "responsible ai")
_GONE = ("end of its life", "model identifier is invalid", "marked by provider as legacy")


def kind_of(answer: Answer) -> str:
    """The kind of an error in lower case; empty where it is not told."""
    value = answer.json_or_none()
    body = value.get("__type") if isinstance(value, dict) else None
    told = answer.headers.get("x-amzn-errortype") or (body if isinstance(body, str) else "")
    return told.partition(":")[0].rpartition("#")[2].strip().lower()[:100]


def refusal(answer: Answer, name: str, key_name: str) -> MeshError | None:
    """The error of an answer in Bedrock's dialect; None for what any provider could say. `name` is the section's."""
    kind, said = kind_of(answer), answer.error_text()
    words = said.lower()
    error = read_refusal(answer, key_name)
    if kind in _KEYS:
        error.reason = reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
        error.message = f"AWS does not take the access key of {key_name}: {_KEYS[kind]}."
        error.retry_after_s = error.field = None
    elif answer.status == 403:
        return _forbidden(error, words, name)
    elif "on-demand throughput" in words:
        error.reason, error.field = reasons.ERROR_REASON_PROVIDER_MODEL_GONE, None
        error.message = f"The model is served by an inference profile only; set adapters.{name}.inference_profile."
    elif answer.status == 400 and any(one in words for one in _BLOCKED):
        error.reason, error.field = reasons.ERROR_REASON_CONTENT_BLOCKED, "prompt"
        error.message = f"The request was refused as unsafe; change it. It said: {said}"
    elif answer.status == 400 and any(one in words for one in _GONE):
        error.reason, error.field = reasons.ERROR_REASON_PROVIDER_MODEL_GONE, None
        error.message = f"Bedrock does not serve the model to this account, or not any more. It said: {said}"
    elif kind == "servicequotaexceededexception":
        error.reason, error.field = reasons.ERROR_REASON_QUOTA_EXHAUSTED, None
        error.message = f"A quota of the account is used up; have it raised. It said: {said}"
    else:
        return None
    return error


def _forbidden(error: MeshError, words: str, name: str) -> MeshError:
    """What IAM, the marketplace or the list of models refuses. Account numbers stand in AWS's own words."""
    if "marketplace" in words or "payment" in words or "subscri" in words:
        error.reason = reasons.ERROR_REASON_QUOTA_EXHAUSTED
        error.message = "The account has no valid subscription to the model; mend it in AWS Marketplace."
    elif "access to the model" in words:
        error.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        error.message = "The account has no access to the model; ask for it in Bedrock's console."
    elif "not authorized to perform" in words:
        error.message = f"IAM does not allow bedrock:InvokeModel to the key of adapters.{name}; allow it."
    return error
