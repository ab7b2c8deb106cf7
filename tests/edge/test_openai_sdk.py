"""The stock OpenAI client against the edge: pictures in every form, and the right exception for every failure."""

import base64
from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from tests.edge.conftest import Bench
from tests.edge.scripted_ledger import PNG, detach, fail


@pytest_asyncio.fixture(loop_scope="module")
async def client(bench: Bench) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client that asks once."""
    async with openai.AsyncOpenAI(api_key="good", base_url=f"{bench.url}/v1", max_retries=0) as opened:
        yield opened


async def test_base64(client: openai.AsyncOpenAI) -> None:
    """gpt-image-* answers with base64, as at OpenAI, and with usage."""
    answer = await client.images.generate(model="gpt-image-2", prompt="A lighthouse")
    assert answer.data is not None
    assert answer.usage is not None
    assert base64.b64decode(answer.data[0].b64_json or "") == PNG
    assert answer.usage.total_tokens == 1780
    assert answer.output_format == "png"


async def test_url_and_several(client: openai.AsyncOpenAI, bench: Bench) -> None:
    """n=3 gives three links of ours."""
    answer = await client.images.generate(model="flux-schnell", prompt="A lighthouse", n=3, response_format="url")
    assert answer.data is not None
    assert len({item.url for item in answer.data}) == 3
    assert all((item.url or "").startswith(bench.url) for item in answer.data)


async def test_every_documented_parameter_is_taken(client: openai.AsyncOpenAI, bench: Bench) -> None:
    """What the client can send, the edge reads."""
    await client.images.generate(
        model="gpt-image-2.6-flare",
        prompt="A lighthouse",
        background="transparent",
        complexity="low",
        frame_count=4,
        frame_duration_ms=100,
        moderation="low",
        n=1,
        output_compression=80,
        output_format="webp",
        quality="xhigh",
        safety_identifier="user-1",
        size="1024x1536",
        style="vivid",
        extra_body={"seed": 7, "negative_prompt": "people"},
    )
    image = bench.ledger.asked[0].image
    assert (image.seed, image.negative_prompt, image.end_user_id) == (7, "people", "user-1")
    assert dict(image.extra_fields) == {"complexity": "low", "frame_count": 4, "frame_duration_ms": 100}


async def test_edit(client: openai.AsyncOpenAI, bench: Bench) -> None:
    """Two pictures and a mask, as the client's multipart sends them."""
    await client.images.edit(
        model="gpt-image-2", image=[("a.png", PNG), ("b.png", PNG + b"b")], mask=("m.png", PNG + b"m"), prompt="Snow"
    )
    image = bench.ledger.asked[0].image
    assert (image.edit.image.data, image.edit.mask.data) == (PNG, PNG + b"m")
    assert [reference.image.data for reference in image.references] == [PNG + b"b"]


async def test_models(client: openai.AsyncOpenAI) -> None:
    """The list, and one of them."""
    assert [model.id async for model in client.models.list()] == ["flux-schnell"]
    assert (await client.models.retrieve("flux-schnell")).owned_by == "heliostat"


@pytest.mark.parametrize(
    ("reason", "kind", "code"),
    [
        (reasons.ERROR_REASON_INVALID_FIELD, openai.BadRequestError, "invalid_field"),
        (reasons.ERROR_REASON_CONTENT_BLOCKED, openai.BadRequestError, "content_policy_violation"),
        (reasons.ERROR_REASON_MODEL_NOT_FOUND, openai.NotFoundError, "model_not_found"),
        (reasons.ERROR_REASON_CALLER_UNKNOWN, openai.AuthenticationError, "invalid_api_key"),
        (reasons.ERROR_REASON_CALLER_FORBIDDEN, openai.PermissionDeniedError, "caller_forbidden"),
        (reasons.ERROR_REASON_RATE_LIMITED, openai.RateLimitError, "rate_limit_exceeded"),
        (reasons.ERROR_REASON_OVERLOADED, openai.RateLimitError, "overloaded"),
        (reasons.ERROR_REASON_BUDGET_EXHAUSTED, openai.APIStatusError, "insufficient_quota"),
        (reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT, openai.UnprocessableEntityError, "idempotency_conflict"),
        (reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, openai.InternalServerError, "provider_auth_failed"),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, openai.InternalServerError, "provider_unavailable"),
        (reasons.ERROR_REASON_NO_TARGET, openai.InternalServerError, "no_target"),
        (reasons.ERROR_REASON_PROVIDER_TIMEOUT, openai.InternalServerError, "provider_timeout"),
        (reasons.ERROR_REASON_INTERNAL, openai.InternalServerError, "internal"),
    ],
)
async def test_the_right_exception(
    client: openai.AsyncOpenAI, bench: Bench, reason: int, kind: type[openai.APIStatusError], code: str
) -> None:
    """Each failure raises the class that its handlers wait for, with code and request id."""
    bench.ledger.script = fail(MeshError(reason, "Something is wrong; do something."))
    with pytest.raises(kind) as caught:
        await client.images.generate(model="flux-schnell", prompt="A lighthouse")
    assert caught.value.code == code
    assert (caught.value.request_id or "").startswith("req_")


async def test_a_bad_size_is_a_bad_request(client: openai.AsyncOpenAI) -> None:
    """The field is named."""
    with pytest.raises(openai.BadRequestError) as caught:
        await client.images.generate(model="flux-schnell", prompt="A lighthouse", size="huge")
    assert caught.value.param == "size"


async def test_a_wrong_key_is_an_authentication_error(client: openai.AsyncOpenAI) -> None:
    """Before anything else is looked at by the ledger."""
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="bad").images.generate(model="flux-schnell", prompt="A lighthouse")


async def test_retries_go_as_far_as_money_allows(client: openai.AsyncOpenAI, bench: Bench) -> None:
    """The client repeats what costs nothing, and counts; it does not repeat what may have been bought."""
    again = client.with_options(max_retries=1)
    bench.ledger.script = fail(MeshError(reasons.ERROR_REASON_NO_TARGET, "Nobody is there; wait.", retry_after_s=0.01))
    with pytest.raises(openai.InternalServerError):
        await again.images.generate(model="flux-schnell", prompt="A lighthouse")
    assert [ask.retry_count for ask in bench.ledger.asked] == [0, 1]
    bench.ledger.reset()
    bench.ledger.script = fail(MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "It took too long; see the job."))
    with pytest.raises(openai.InternalServerError):
        await again.images.generate(model="flux-schnell", prompt="A lighthouse")
    assert len(bench.ledger.asked) == 1


async def test_a_job_is_no_reason_to_ask_again(client: openai.AsyncOpenAI, bench: Bench) -> None:
    """At the end of its patience the client gets 504 once, with the job's address."""
    bench.ledger.script = detach()
    with pytest.raises(openai.InternalServerError) as caught:
        await client.with_options(max_retries=2).images.generate(model="flux-schnell", prompt="A lighthouse")
    assert len(bench.ledger.asked) == 1
    assert caught.value.response.headers["location"] == f"/v1/jobs/{bench.ledger.asked[0].request_id}"
