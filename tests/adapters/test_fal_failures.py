"""What fal's errors and failed jobs mean. No sockets."""

import json
from typing import Any

import pytest

from heliostat.adapters.fal.failures import refusal
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from tests.adapters.fal_requests import call_of


def _model_error(kind: str, loc: str = "prompt") -> dict[str, Any]:
    return {"detail": [{"loc": ["body", loc], "msg": "No.", "type": kind, "input": "a red boat"}]}


def _queue_error(kind: str) -> dict[str, Any]:
    return {"detail": "No.", "error_type": kind}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (422, _model_error("missing"), "INVALID_FIELD"),
        (422, _model_error("literal_error", "image_size"), "INVALID_FIELD"),
        (422, _model_error("content_policy_violation"), "CONTENT_BLOCKED"),
        (422, _model_error("no_media_generated"), "CONTENT_BLOCKED"),
        (422, _model_error("image_too_small", "image_url"), "INPUT_UNREADABLE"),
        (422, _model_error("file_download_error", "image_url"), "INPUT_UNREADABLE"),
        (400, _queue_error("downstream_service_error"), "PROVIDER_UNAVAILABLE"),
        (500, _queue_error("internal_server_error"), "PROVIDER_UNAVAILABLE"),
        (502, _queue_error("runner_incomplete_response"), "PROVIDER_UNAVAILABLE"),
        (503, _queue_error("runner_scheduling_failure"), "PROVIDER_UNAVAILABLE"),
        (503, _queue_error("runner_connection_refused"), "PROVIDER_UNAVAILABLE"),
        (504, _queue_error("generation_timeout"), "PROVIDER_TIMEOUT"),
        (504, _queue_error("request_timeout"), "PROVIDER_TIMEOUT"),
        (499, _queue_error("client_cancelled"), "CANCELLED"),
        (200, {"status": "COMPLETED", "error": "No.", "error_type": "startup_timeout"}, "PROVIDER_TIMEOUT"),
    ],
)
def test_fals_types_of_errors_have_reasons(status: int, body: dict[str, Any], reason: str) -> None:
    """Both shapes of fal's errors are read."""
    error = refusal(Answer(status, {}, json.dumps(body).encode()))
    assert error is not None
    assert error.reason == reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"detail": "Not found"}', b'{"detail": []}'])
def test_what_is_not_fals_dialect_is_left_to_the_kit(body: bytes) -> None:
    """Authentication, rate limits, missing models and proxies' pages are read by the kit's own table."""
    assert refusal(Answer(404, {}, body)) is None


def test_a_refused_field_is_named_as_the_request_names_it() -> None:
    """fal's own words stand behind ours."""
    error = refusal(Answer(422, {}, json.dumps(_model_error("less_than_equal", "num_images")).encode()))
    assert error is not None
    assert (error.field, error.message.endswith("It said: No.")) == ("image_count", True)


def test_a_failed_job_is_told_without_the_prompt() -> None:
    """A provider that repeats the prompt does not put it into our errors."""
    call = call_of("fal-ai/flux/dev", prompt="the secret garden")
    body = {"detail": [{"loc": ["body", "prompt"], "msg": "not 'the secret garden'", "type": "value_error"}]}
    error = refusal(Answer(422, {}, json.dumps(body).encode()))
    assert error is not None
    told = error.of_job(call)
    assert "secret garden" not in told.message
    assert (told.field, told.reason) == ("prompt", reasons.ERROR_REASON_INVALID_FIELD)


def test_a_refusal_after_the_work_began_may_be_charged() -> None:
    """fal promises that 5xx are free; of a refused output it says nothing."""
    call = call_of("fal-ai/flux/dev")
    blocked = refusal(Answer(422, {}, json.dumps(_model_error("content_policy_violation")).encode()))
    broken = refusal(Answer(500, {}, json.dumps(_queue_error("internal_error")).encode()))
    assert blocked is not None
    assert broken is not None
    unsure, free = blocked.of_job(call).failure, broken.of_job(call).failure
    assert unsure is not None
    assert free is not None
    assert (unsure.outcome, unsure.billed) == (events.OUTCOME_ACCEPTED, events.BILLED_UNKNOWN)
    assert (free.outcome, free.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)


@pytest.mark.parametrize(
    ("status", "body", "billed"),
    [
        (500, _queue_error("internal_error"), events.BILLED_UNKNOWN),
        (504, _queue_error("request_timeout"), events.BILLED_UNKNOWN),
        (400, {"detail": "Request is still in progress"}, events.BILLED_UNKNOWN),
        (422, _model_error("value_error", "seed"), events.BILLED_UNKNOWN),
        (500, _model_error("content_policy_violation"), events.BILLED_NO),
    ],
)
def test_a_job_that_is_done_and_whose_result_cannot_be_had_may_be_charged(
    status: int, body: dict[str, Any], billed: "events.Billed"
) -> None:
    """Its status spoke of no error: a 5xx is free where the job itself failed, and only then."""
    error = refusal(Answer(status, {}, json.dumps(body).encode()))
    assert error is not None
    failure = error.of_job(call_of("fal-ai/flux/dev"), done=True).failure
    assert failure is not None
    assert failure.billed == billed
