"""One error for the whole mesh: a reason from a closed set, a sentence for people, metadata for machines.

    MeshError
      .reason       ErrorReason of the contract
      .retry_after_s, .field, .failure (how far an attempt came), .metadata

`to_status` and `from_status` are inverse: an error looks the same on both sides of a wire.
"""

import math
from collections.abc import Mapping

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons

DOMAIN = "heliostat"
_PREFIX = "ERROR_REASON_"

_Code = grpc.StatusCode

GRPC_CODE: Mapping[int, grpc.StatusCode] = {
    reasons.ERROR_REASON_UNSPECIFIED: _Code.UNKNOWN,
    reasons.ERROR_REASON_INVALID_FIELD: _Code.INVALID_ARGUMENT,
    reasons.ERROR_REASON_INPUT_UNREADABLE: _Code.INVALID_ARGUMENT,
    reasons.ERROR_REASON_CONTENT_BLOCKED: _Code.INVALID_ARGUMENT,
    reasons.ERROR_REASON_MODEL_NOT_FOUND: _Code.NOT_FOUND,
    reasons.ERROR_REASON_CALLER_UNKNOWN: _Code.UNAUTHENTICATED,
    reasons.ERROR_REASON_CALLER_FORBIDDEN: _Code.PERMISSION_DENIED,
    reasons.ERROR_REASON_UNSUPPORTED: _Code.UNIMPLEMENTED,
    reasons.ERROR_REASON_RATE_LIMITED: _Code.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_QUOTA_EXHAUSTED: _Code.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_PROVIDER_AUTH_FAILED: _Code.FAILED_PRECONDITION,
    reasons.ERROR_REASON_PROVIDER_MODEL_GONE: _Code.NOT_FOUND,
    reasons.ERROR_REASON_PROVIDER_UNAVAILABLE: _Code.UNAVAILABLE,
    reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID: _Code.UNKNOWN,
    reasons.ERROR_REASON_MEDIA_INVALID: _Code.DATA_LOSS,
    reasons.ERROR_REASON_PROVIDER_TIMEOUT: _Code.DEADLINE_EXCEEDED,
    reasons.ERROR_REASON_INTERNAL: _Code.INTERNAL,
    reasons.ERROR_REASON_NO_TARGET: _Code.UNAVAILABLE,
    reasons.ERROR_REASON_OVERLOADED: _Code.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_BUDGET_EXHAUSTED: _Code.RESOURCE_EXHAUSTED,
    reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT: _Code.ABORTED,
    reasons.ERROR_REASON_RESOURCE_NOT_FOUND: _Code.NOT_FOUND,
    reasons.ERROR_REASON_RESOURCE_GONE: _Code.NOT_FOUND,
    reasons.ERROR_REASON_CANCELLED: _Code.CANCELLED,
    reasons.ERROR_REASON_NOT_IMPLEMENTED: _Code.UNIMPLEMENTED,
    reasons.ERROR_REASON_MESH_UNAVAILABLE: _Code.UNAVAILABLE,
    reasons.ERROR_REASON_DEADLINE_EXCEEDED: _Code.DEADLINE_EXCEEDED,
}

# What a status without our ErrorInfo means: it comes from gRPC itself or from a foreign server.
_REASON_OF_BARE_CODE: Mapping[int, int] = {
    code_pb2.CANCELLED: reasons.ERROR_REASON_CANCELLED,
    code_pb2.INVALID_ARGUMENT: reasons.ERROR_REASON_INVALID_FIELD,
    code_pb2.DEADLINE_EXCEEDED: reasons.ERROR_REASON_DEADLINE_EXCEEDED,
    code_pb2.PERMISSION_DENIED: reasons.ERROR_REASON_CALLER_FORBIDDEN,
    code_pb2.UNAUTHENTICATED: reasons.ERROR_REASON_CALLER_UNKNOWN,
    code_pb2.RESOURCE_EXHAUSTED: reasons.ERROR_REASON_OVERLOADED,
    code_pb2.UNIMPLEMENTED: reasons.ERROR_REASON_NOT_IMPLEMENTED,
    code_pb2.UNAVAILABLE: reasons.ERROR_REASON_MESH_UNAVAILABLE,
}


class MeshError(Exception):
    """Something failed, for a reason of the closed set.

    `message` is a sentence for people that says what to do; it never holds a key, a prompt or picture bytes.
    `retry_after_s` is in seconds, `field` names the field of the request that is to blame, `failure` tells how far
    an attempt came (absent means unknown), `metadata` repeats every moving part of the message for machines.
    """

    def __init__(
        self,
        reason: int,
        message: str,
        *,
        retry_after_s: float | None = None,
        field: str | None = None,
        failure: event_pb2.AttemptFailure | None = None,
        **metadata: str,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s
        self.field = field
        self.failure = failure
        self.metadata = metadata

    def __repr__(self) -> str:
        return f"MeshError({reason_name(self.reason)}: {self.message})"


def reason_name(reason: int) -> str:
    """The reason in lower case, such as "rate_limited"; unknown numbers of a newer peer read "reason_NN"."""
    try:
        return reasons.ErrorReason.Name(reason).removeprefix(_PREFIX).lower()
    except ValueError:
        return f"reason_{reason}"


def reason_of(name: str) -> int:
    """The inverse of `reason_name`; a name that this version does not know reads as INTERNAL."""
    try:
        return int(reasons.ErrorReason.Value(_PREFIX + name.upper()))
    except ValueError:
        return reasons.ERROR_REASON_INTERNAL


def to_status(error: MeshError) -> status_pb2.Status:
    """The error as google.rpc.Status with ErrorInfo and, where set, RetryInfo, BadRequest and AttemptFailure."""
    code = GRPC_CODE.get(error.reason, _Code.UNKNOWN)
    status = status_pb2.Status(code=code.value[0], message=error.message)
    info = error_details_pb2.ErrorInfo(reason=reason_name(error.reason).upper(), domain=DOMAIN)
    for key, value in error.metadata.items():
        info.metadata[key] = value
    status.details.add().Pack(info)
    if error.retry_after_s is not None:
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=to_duration(error.retry_after_s)))
    if error.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.failure is not None:
        status.details.add().Pack(error.failure)
    return status


def from_status(status: status_pb2.Status) -> MeshError:
    """The error that a google.rpc.Status tells of."""
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    bad = error_details_pb2.BadRequest()
    failure = event_pb2.AttemptFailure()
    reason = _REASON_OF_BARE_CODE.get(status.code, reasons.ERROR_REASON_INTERNAL)
    error = MeshError(reason, status.message or "The call failed without saying why; look into the server's log.")
    for detail in status.details:
        if detail.Unpack(info):
            error.metadata = dict(info.metadata)
            if info.domain == DOMAIN:
                error.reason = reason_of(info.reason)
        elif detail.Unpack(retry):
            error.retry_after_s = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        elif detail.Unpack(bad) and bad.field_violations:
            error.field = bad.field_violations[0].field
        elif detail.Unpack(failure):
            error.failure = failure
    return error


def to_duration(seconds: float) -> Duration:
    """Seconds as a Duration, to the nearest nanosecond; negative and non-finite values read as 0."""
    if not math.isfinite(seconds) or seconds < 0:
        return Duration()
    nanos = round(seconds * 1e9)
    return Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)


def internal(error: BaseException) -> MeshError:
    """An unforeseen exception without its text: the text may hold a secret; its type and place go to the log."""
    del error
    return MeshError(
        reasons.ERROR_REASON_INTERNAL, "Something went wrong inside Heliostat; the log has it under the request id."
    )
