"""Amazon Bedrock: how answers are read, and what becomes of errors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pybase64
import pytest

from heliostat.adapters.bedrock.answers import read_answer
from heliostat.adapters.bedrock.failures import refusal
from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.media import read_json_pictures
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.errors import reason_name
from tests.adapters.bedrock_requests import (
    CORE,
    KEY,
)
from tests.adapters.emulated import EmulatedProvider, running


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API key where the settings look for it; no access key."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated runtime."""
    async with running("bedrock", tmp_path) as one:
        yield one


@pytest.mark.parametrize(
    ("prompt", "reason", "field"),
    [
        ("nsfw", "content_blocked", "prompt"),
        ("gore", "content_blocked", "prompt"),
        ("a crash", "provider_unavailable", None),
    ],
)
async def test_a_picture_that_is_none_comes_under_status_200(
    provider: EmulatedProvider, prompt: str, reason: str, field: str | None
) -> None:
    """Nobody says whether it is charged."""
    error = (await provider.room.ask(CORE, prompt=prompt)).failure
    assert (reason_name(error.reason), error.field) == (reason, field)
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_UNKNOWN)


PICTURE = pybase64.b64encode_as_string(b"x" * 3000)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b'{"images":7}', b'{"images":[7]}', b'{"images":[]}', b'{"images":[""]}'),
        b'{"images":null,"error":null}',
        b'{"images":["' + PICTURE.encode(),
    ],
)
def test_an_answer_that_is_none(body: bytes) -> None:
    """Neither a picture nor a reason."""
    with pytest.raises(ValueError, match=r"JSON|picture"):
        read_answer(body)


@pytest.mark.parametrize(
    ("value", "count", "seeds", "why"),
    [
        ({"images": [PICTURE], "seeds": [7], "finish_reasons": [None]}, 1, (7,), ""),
        ({"images": [PICTURE], "seeds": [True], "finish_reasons": "x"}, 1, (None,), ""),
        ({"images": [PICTURE], "seeds": [-1, 2**40]}, 1, (None,), ""),
        ({"images": [PICTURE, PICTURE], "error": "some were dropped"}, 2, (None, None), "some were dropped"),
        (
            {"images": [PICTURE], "finish_reasons": ["Filter reason: output image"]},
            0,
            (),
            "Filter reason: output image",
        ),
        ({"status": "Request Moderated", "details": {}}, 0, (), "filter reason: Request Moderated"),
    ],
)
def test_what_an_answer_says(value: dict[str, Any], count: int, seeds: tuple[int | None, ...], why: str) -> None:
    """Pictures by their places; odd seeds are none."""
    drawn = read_answer(json.dumps(value).encode())
    assert (len(drawn.places), drawn.seeds, drawn.why) == (count, seeds, why)
    assert all(drawn.picture(index) == b"x" * 3000 for index in range(count))


@pytest.mark.parametrize("body", ['{"images":["%s","%s"],"n":1}', '{ "images" : [ "%s" ,\n"%s" ], "images_more":"x"}'])
def test_lists_of_pictures_are_cut_out(body: str) -> None:
    """As single ones are: only what is left of the JSON is parsed."""
    found = read_json_pictures((body % (PICTURE, PICTURE)).encode(), "images")
    assert found.rest["images"] == ["\x000", "\x001"]
    assert [found.picture(place) for place in found.rest["images"]] == [b"x" * 3000] * 2


ERRORS = [
    (429, "ThrottlingException", "Too many requests", "rate_limited", "slow down"),
    (429, "ModelNotReadyException", "The model is not ready", "rate_limited", "slow down"),
    (400, "ServiceQuotaExceededException", "exceeds the quota", "quota_exhausted", "have it raised"),
    (400, "ValidationException", "Malformed input request: #/seed", "invalid_field", "Malformed"),
    (400, "ValidationException", "has been blocked by our content filters.", "content_blocked", "unsafe"),
    (400, "ValidationException", "The provided model identifier is invalid.", "provider_model_gone", "does not serve"),
    (
        *(400, "ValidationException", "with on-demand throughput isn\u2019t supported.", "provider_model_gone"),
        "adapters.bedrock.inference_profile",
    ),
    (404, "ResourceNotFoundException", "has reached the end of its life", "provider_model_gone", "may be gone"),
    (403, "AccessDeniedException", "You don't have access to the model", "provider_model_gone", "Bedrock's console"),
    (403, "AccessDeniedException", "AWS Marketplace subscription", "quota_exhausted", "Marketplace"),
    (
        *(403, "AccessDeniedException", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: bedrock"),
        *("provider_auth_failed", "bedrock:InvokeModel"),
    ),
    (403, "ExpiredTokenException", "The security token is expired", "provider_auth_failed", "renew it"),
    (408, "ModelTimeoutException", "too long", "provider_timeout", "ran out of time"),
    (424, "ModelErrorException", "failed", "provider_unavailable", "424"),
    (500, "InternalServerException", "oops", "provider_unavailable", "500"),
    (503, "ServiceUnavailableException", "later", "provider_unavailable", "503"),
]


@pytest.mark.parametrize(
    ("status", "kind", "said", "reason", "words"), ERRORS, ids=[f"{one[0]} {one[2]}" for one in ERRORS]
)
async def test_errors(provider: EmulatedProvider, status: int, kind: str, said: str, reason: str, words: str) -> None:
    """By their kind where the words do not tell more; nothing was bought. Account numbers are not passed on."""
    head = {"x-amzn-errortype": f"{kind}:http://internal.amazon.com/"}
    await provider.script({"status": status, "headers": head, "body": json.dumps({"message": said})})
    error = (await provider.room.ask(CORE)).failure
    assert reason_name(error.reason) == reason
    assert words in error.message
    assert "123456789012" not in error.message
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)
    assert error.metadata["provider_request_id"]


def test_the_kind_may_stand_in_the_body() -> None:
    """Behind a namespace."""
    body = json.dumps({"__type": "com.amazon.coral.service#ExpiredTokenException", "message": "x"}).encode()
    error = refusal(Answer(400, {}, body), "bedrock", "AWS_ACCESS_KEY_ID")
    assert error is not None
    assert reason_name(error.reason) == "provider_auth_failed"
    assert refusal(Answer(500, {}, b"<html>"), "bedrock", "X") is None
