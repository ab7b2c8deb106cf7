"""A provider's error answer becomes an error of ours that tells no secret."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from heliostat.adapters.sdk import Answer, read_refusal
from heliostat.adapters.sdk.images_api.answers import refusal as openai_refusal
from heliostat.adapters.sdk.refusals import clean, pause_s, told_pause_s
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import reason_name

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer; underscores in header names stand for hyphens."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def openai_error(message: str = "no", **more: Any) -> dict[str, Any]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, openai_error(), "invalid_field"),
        (422, {"detail": [{"loc": ["body", "n"], "msg": "too many"}]}, "invalid_field"),
        (413, None, "invalid_field"),
        (401, openai_error(code="invalid_api_key"), "provider_auth_failed"),
        (403, {"detail": "Forbidden"}, "provider_auth_failed"),
        (403, {"detail": "User is locked. Reason: Exhausted balance."}, "quota_exhausted"),
        (402, None, "quota_exhausted"),
        (429, openai_error(code="insufficient_quota"), "quota_exhausted"),
        (429, openai_error(code="credit_balance_exhausted"), "quota_exhausted"),
        (400, openai_error(code="billing_hard_limit_reached"), "quota_exhausted"),
        (400, {"error": "Your credit balance is too low"}, "quota_exhausted"),
        (429, openai_error(code="rate_limit_exceeded"), "rate_limited"),
        (429, openai_error(code="slow_down", type="rate_limit_error"), "rate_limited"),
        (404, openai_error(code="model_not_found"), "provider_model_gone"),
        (410, None, "provider_model_gone"),
        (408, None, "provider_timeout"),
        (504, {"detail": "generation_timeout"}, "provider_timeout"),
        (500, openai_error(type="server_error"), "provider_unavailable"),
        (502, {"detail": "x"}, "provider_unavailable"),
        (503, openai_error(code="server_is_overloaded"), "provider_unavailable"),
        (302, None, "provider_unavailable"),
        (418, b"\xff\xfe", "provider_unavailable"),
    ],
)
def test_a_status_has_a_reason(status: int, body: Any, reason: str) -> None:
    """Money before limits, limits before keys; the provider refused, so nothing was bought."""
    error = read_refusal(answer(status, body))
    assert reason_name(error.reason) == reason
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_NO) or (
        status == 504 and body is None
    )


@pytest.mark.parametrize("status", [502, 503, 504, 520, 522, 524, 527])
def test_an_answer_that_a_proxy_made_leaves_the_purchase_open(status: int) -> None:
    """HTML without the provider's request id says nothing of what the provider did."""
    error = read_refusal(answer(status, b"<html><h1>Bad gateway</h1></html>"))
    assert error.failure is not None
    assert error.failure.outcome == event_pb2.OUTCOME_UNSPECIFIED
    assert error.failure.billed == event_pb2.BILLED_UNKNOWN


@pytest.mark.parametrize("status", [502, 503, 504, 520, 522, 524, 527])
def test_the_same_status_with_a_request_id_is_the_providers_own(status: int) -> None:
    """Then nothing was bought."""
    error = read_refusal(answer(status, b"<html>", x_request_id="r1"))
    assert error.failure is not None
    assert error.failure.outcome == event_pb2.OUTCOME_REFUSED


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "2"}, 2.0),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "350"}, 0.35),
        ({"retry_after_ms": "350", "retry_after": "9"}, 0.35),
        ({"retry_after": "Sun, 22 Nov 2026 12:00:07 GMT"}, 7.0),
        ({"retry_after": "Sunday, 22-Nov-26 12:00:07 GMT"}, 7.0),
        ({"retry_after": "Sun Nov 22 12:00:07 2026"}, 7.0),
        ({"retry_after": "Sun, 22 Nov 2020 12:00:07 GMT"}, 0.0),
        ({"retry_after": "86400"}, 60.0),
        ({"retry_after": "-5"}, 1.0),
        ({"retry_after": "1e309"}, 60.0),
        ({"retry_after": "nan"}, 1.0),
        ({"retry_after": "soon"}, 1.0),
        ({"retry_after": ""}, 1.0),
        ({}, 1.0),
        ({"x_ratelimit_reset_requests": "6m0s", "x_ratelimit_remaining_requests": "0"}, 60.0),
        ({"x_ratelimit_reset_requests": "1s"}, 1.0),
        ({"x_ratelimit_reset_tokens": "20ms", "x_ratelimit_remaining_tokens": "0"}, 0.02),
        (
            {
                "x_ratelimit_reset_requests": "9s",
                "x_ratelimit_remaining_requests": "3",
                "x_ratelimit_reset_tokens": "2s",
                "x_ratelimit_remaining_tokens": "0",
            },
            2.0,
        ),
        ({"retry_after": "3", "x_ratelimit_reset_requests": "6m0s"}, 3.0),
    ],
)
def test_a_pause_is_read_from_any_header(headers: dict[str, str], seconds: float) -> None:
    """Milliseconds win, then Retry-After, then the reset; never more than a minute, never a crash."""
    assert pause_s({name.replace("_", "-"): value for name, value in headers.items()}, NOW) == pytest.approx(seconds)


def test_u11_without_a_header_nobody_says_how_long_to_wait() -> None:
    """A time that is still far from used up says nothing either; what cannot be read means one second."""
    assert told_pause_s({}) is None
    assert told_pause_s({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "5"}) is None
    assert told_pause_s({"retry-after": "soon"}) == 1.0
    assert told_pause_s({"x-ratelimit-reset-requests": "2s"}) == 2.0


def test_the_field_that_the_provider_blames_is_named() -> None:
    """In OpenAI's words and in pydantic's."""
    assert read_refusal(answer(400, openai_error(param="size"))).field == "size"
    assert read_refusal(answer(422, {"detail": [{"loc": ["body", "n"], "msg": "x"}]})).field == "n"


def test_an_operator_reads_which_variable_to_mend() -> None:
    """The message of a refused key names it."""
    assert "OPENAI_API_KEY" in read_refusal(answer(401, openai_error()), "OPENAI_API_KEY").message


@pytest.mark.parametrize(
    "said",
    [
        "Incorrect API key provided: sk-abcdefghijklmnop. Find yours",
        "Authorization: Bearer abc.def-ghi_jklmnop refused",
        "Key 0a1b2c3d:secretsecretsecret is bad",
        "token AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIII",
        "you sent hunter22 as key",
        "prompt 'a cat that wears a hat and reads the evening news aloud' was refused",
        "prompt 'a cat that wears a hat and reads the eve…' was refused",
        r"prompt '\na cat that wears a hat and reads the evening news aloud' was refused",
        "提示赤い船に乗る猫被拒绝",
    ],
)
def test_keys_and_prompts_are_masked(said: str) -> None:
    """Whether we know the secret, or it only looks like one."""
    prompt = "a cat that wears a hat and reads the evening news aloud"
    cleaned = clean(said, [prompt, "赤い船に乗る猫"], ["Bearer hunter22", "hunter22"])
    for secret in (
        "赤い船",
        "abcdefghijklmnop",
        "abc.def-ghi",
        "secretsecret",
        "AAAABBBB",
        "hunter22",
        "hat and reads",
    ):
        assert secret not in cleaned


@pytest.mark.parametrize(
    "said",
    [
        "fal refused the prompt or the picture as unsafe; change it.",
        "Fal refused a field of the request; change it. It said: Field required",
        "The key provided is wrong; key refused.",
        "Missing Bearer authentication; send a Bearer token.",
        "It said: content_policy_violation_in_the_output_image",
        "The model stable-diffusion-for-interior-design-large is gone.",
        "A boathouse is no boat.",
    ],
)
def test_plain_words_are_left_alone(said: str) -> None:
    """A caller reads why the provider refused, whole."""
    assert clean(said, ["house", "oats"], ["Zm9vYmFy"]) == said


def test_a_message_is_one_short_line() -> None:
    """Control characters and length are the provider's, not ours."""
    cleaned = clean("a\x1b[31mred\r\n" + "word " * 200)
    assert len(cleaned) <= 300
    assert cleaned.isprintable()


@pytest.mark.parametrize(
    ("body", "reason", "billed"),
    [
        (openai_error(code="moderation_blocked", type="image_generation_user_error"), "content_blocked", "BILLED_NO"),
        (openai_error(code="content_policy_violation"), "content_blocked", "BILLED_NO"),
        (
            openai_error(code="moderation_blocked", moderation_details={"moderation_stage": "output"}),
            "content_blocked",
            "BILLED_UNKNOWN",
        ),
        (openai_error(code="invalid_image_file", param="image"), "input_unreadable", "BILLED_NO"),
    ],
)
def test_openais_codes_tell_more_than_its_statuses(body: Any, reason: str, billed: str) -> None:
    """All of these are 400s."""
    error = openai_refusal(answer(400, body), "OPENAI_API_KEY")
    assert error is not None
    assert error.failure is not None
    assert (reason_name(error.reason), event_pb2.Billed.Name(error.failure.billed)) == (reason, billed)


def test_openais_other_answers_are_left_to_the_kit() -> None:
    """The table for everybody is good enough."""
    assert openai_refusal(answer(400, openai_error(code="invalid_value")), "") is None
    assert openai_refusal(answer(500, openai_error()), "") is None
    assert read_refusal(answer(500, openai_error())).reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE
