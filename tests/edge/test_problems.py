"""Errors as callers see them: the table, and on a real socket."""

import math

import orjson
import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.edge.problems import KINDS, problem_of, retry_after_s
from tests.edge.conftest import Bench, OpenBench, raw_exchange
from tests.edge.scripted_ledger import fail

BODY = {"model": "flux-schnell", "prompt": "A sunset over mountains"}
LONG_KEY = {"authorization": "Bearer " + "k" * 4096}
EXPECTED = {
    "invalid_field": (400, "invalid_request_error", "invalid_field"),
    "input_unreadable": (400, "invalid_request_error", "input_unreadable"),
    "content_blocked": (400, "image_generation_user_error", "content_policy_violation"),
    "model_not_found": (404, "invalid_request_error", "model_not_found"),
    "caller_unknown": (401, "invalid_request_error", "invalid_api_key"),
    "caller_forbidden": (403, "permission_error", "caller_forbidden"),
    "unsupported": (400, "invalid_request_error", "unsupported"),
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "quota_exhausted": (503, "server_error", "quota_exhausted"),
    "provider_auth_failed": (502, "server_error", "provider_auth_failed"),
    "provider_model_gone": (502, "server_error", "provider_model_gone"),
    "provider_unavailable": (502, "server_error", "provider_unavailable"),
    "provider_answer_invalid": (502, "server_error", "provider_answer_invalid"),
    "media_invalid": (502, "server_error", "media_invalid"),
    "provider_timeout": (504, "server_error", "provider_timeout"),
    "internal": (500, "server_error", "internal"),
    "no_target": (503, "server_error", "no_target"),
    "overloaded": (429, "rate_limit_error", "overloaded"),
    "budget_exhausted": (402, "billing_error", "insufficient_quota"),
    "idempotency_conflict": (422, "invalid_request_error", "idempotency_conflict"),
    "resource_not_found": (404, "invalid_request_error", "resource_not_found"),
    "resource_gone": (410, "invalid_request_error", "resource_gone"),
    "cancelled": (409, "invalid_request_error", "cancelled"),
    "not_implemented": (501, "server_error", "not_implemented"),
    "mesh_unavailable": (503, "server_error", "mesh_unavailable"),
    "deadline_exceeded": (504, "server_error", "deadline_exceeded"),
    "unspecified": (500, "server_error", "internal"),
}


def test_every_reason_has_a_row() -> None:
    """The table is as complete as the contract's set."""
    assert set(KINDS) == set(reasons.ErrorReason.values())
    assert set(EXPECTED) == {reason_name(reason) for reason in reasons.ErrorReason.values()}


@pytest.mark.parametrize("reason", reasons.ErrorReason.values())
async def test_a_reason_on_the_wire(bench: Bench, reason: int) -> None:
    """Status, type and code come out as the table says; a provider's 401 is never a 401."""
    bench.ledger.script = fail(MeshError(reason, "Something is wrong; do something.", field="size"))
    answer = await bench.client.post("/v1/images/generations", json=BODY)
    status, kind, code = EXPECTED[reason_name(reason)]
    assert answer.status_code == status
    error = {"message": "Something is wrong; do something.", "type": kind, "param": "size", "code": code}
    assert answer.json()["error"] == error
    assert answer.headers["x-request-id"] == answer.headers["x-heliostat-request-id"]
    assert ("retry-after" in answer.headers) == (status in (429, 503))


@pytest.mark.parametrize(
    ("reason", "field", "param"),
    [
        (reasons.ERROR_REASON_NO_TARGET, "routing", "provider"),
        (reasons.ERROR_REASON_NOT_IMPLEMENTED, "routing.sort", "provider.sort"),
        (reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT, "idempotency_key", "Idempotency-Key"),
        (reasons.ERROR_REASON_INVALID_FIELD, "image_count", "n"),
    ],
)
async def test_a_field_is_named_as_rest_names_it(bench: Bench, reason: int, field: str, param: str) -> None:
    """`param` is a name of the body or of a header, whatever the contract calls the field."""
    bench.ledger.script = fail(MeshError(reason, "Something is wrong; do something.", field=field))
    answer = await bench.client.post("/v1/images/generations", json=BODY)
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("asked", "told"),
    [(None, 2), (0.0, 1), (-3.0, 1), (0.2, 1), (7.0, 7), (7.1, 8), (119.5, 120), (86_400.0, 120), (math.inf, 2)],
)
def test_retry_after_is_whole_and_bounded(asked: float | None, told: int) -> None:
    """1 to 120 seconds, rounded up: beyond 120 OpenAI's client does not retry at all."""
    assert retry_after_s(MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down.", retry_after_s=asked)) == told


@pytest.mark.parametrize(
    ("reason", "attempt", "told"),
    [
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {"outcome": "refused", "billed": "no"}, False),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {"outcome": "not_sent", "billed": ""}, False),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {"outcome": "accepted", "billed": "unknown"}, True),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {"outcome": "unknown", "billed": "unknown"}, True),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {"outcome": "refused", "billed": "yes"}, True),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, {}, True),
        (reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, None, False),
        (reasons.ERROR_REASON_PROVIDER_TIMEOUT, None, True),
        (reasons.ERROR_REASON_CONTENT_BLOCKED, {"outcome": "accepted", "billed": "yes"}, True),
        (reasons.ERROR_REASON_RATE_LIMITED, {"outcome": "accepted", "billed": "unknown"}, True),
        (reasons.ERROR_REASON_RATE_LIMITED, {"outcome": "refused", "billed": "no"}, False),
    ],
)
def test_nobody_is_told_to_buy_again(reason: int, attempt: dict[str, str] | None, told: bool) -> None:
    """An error after an attempt that may cost money says x-should-retry: false; the body names the attempts."""
    attempts = [] if attempt is None else [attempt]
    problem = problem_of(MeshError(reason, "It failed; see why.", attempts=orjson.dumps(attempts).decode()))
    assert (problem.headers.get("x-should-retry") == "false") is told
    assert orjson.loads(problem.body).get("metadata", {"attempts": []})["attempts"] == attempts


@pytest.mark.parametrize("attempts", ["", "nonsense", "{}", "7", "[1, null]"])
def test_odd_attempts_are_left_out(attempts: str) -> None:
    """Metadata that is not a list of attempts does no harm."""
    problem = problem_of(MeshError(reasons.ERROR_REASON_INTERNAL, "It failed; see the log.", attempts=attempts))
    assert set(orjson.loads(problem.body)) == {"error"}


def test_a_failure_that_may_cost_money_counts() -> None:
    """An AttemptFailure in the error is looked at as well; what it leaves out is unknown."""
    accepted = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_ACCEPTED)
    free = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
    reason = reasons.ERROR_REASON_MEDIA_INVALID
    assert problem_of(MeshError(reason, "Broken picture.", failure=accepted)).headers == {"x-should-retry": "false"}
    assert problem_of(MeshError(reason, "Broken picture.", failure=free)).headers == {}


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("GET", "/v1/nothing", {}, b"", 404),
        ("GET", "/v1/images/generations", {}, b"", 405),
        ("DELETE", "/v1/models", {}, b"", 405),
        ("POST", "/v1/images/generations", {"content-encoding": "gzip"}, b"{}", 415),
        ("POST", "/v1/images/generations", {"content-type": "image/png"}, b"{}", 415),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b"{", 400),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b"[]", 400),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b"\xff\xfe", 400),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b"[" * 100_000, 400),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b"", 400),
        ("POST", "/v1/images/generations", {"content-type": "application/json"}, b" " * 1_048_577, 413),
        ("POST", "/v1/images/generations", {"x-heliostat-strict": "very"}, b'{"model":"m","prompt":"p"}', 400),
        ("POST", "/v1/images/generations", {"prefer": "wait=soon"}, b'{"model":"m","prompt":"p"}', 400),
        ("POST", "/v1/images/generations", {"idempotency-key": "k" * 256}, b'{"model":"m","prompt":"p"}', 400),
        (
            "POST",
            "/v1/images/generations",
            LONG_KEY,
            b'{"model":"m","prompt":"p"}',
            401,
        ),
        ("GET", "/v1/models", {"x-long": "x" * 70_000}, b"", 431),
        ("GET", "/v1/models", {f"x-{number}": "1" for number in range(250)}, b"", 431),
    ],
)
async def test_http_itself_is_refused_in_the_same_form(
    bench: Bench, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Whatever is wrong, the answer is OpenAI's error object with a sentence and an id."""
    answer = await bench.client.request(method, path, headers=headers, content=body)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert error["message"]
    assert answer.headers["x-request-id"].startswith("req_")
    assert bench.ledger.asked == []


async def test_a_method_that_would_do_is_named(bench: Bench) -> None:
    """405 says which methods the address takes, in its header and in its sentence."""
    answer = await bench.client.get("/v1/images/generations")
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["message"] == "This address takes POST only."
    assert (await bench.client.post("/v1/models/flux")).headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "raw",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nx : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: a\x00b\r\n\r\n",
    ],
)
async def test_broken_http_is_answered_in_the_same_form(bench: Bench, raw: bytes) -> None:
    """What is not HTTP gets 400 with the error object, and the connection ends."""
    head, _, body = (await raw_exchange(bench, raw)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert orjson.loads(body)["error"]["code"] == "invalid_http"


async def test_a_head_without_end_is_cut(edge_with: OpenBench) -> None:
    """A head over the limit is refused before it ends; one that dawdles is refused at its time."""
    async with edge_with(max_head_bytes=2048, head_timeout_s=1) as bench:
        assert (await raw_exchange(bench, b"GET / HTTP/1.1\r\nx: " + b"y" * 4096)).startswith(b"HTTP/1.1 431 ")
        assert (await raw_exchange(bench, b"GET / HTTP/1.1\r\nx: y")).startswith(b"HTTP/1.1 408 ")
        assert await raw_exchange(bench, b"") == b""


async def test_a_declared_length_is_refused_before_reading(bench: Bench) -> None:
    """2 GiB announced are 413 at once; a chunked body is cut as soon as it is too long; a silent one at its time."""
    declared = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: 2147483648\r\n\r\n"
    assert (await raw_exchange(bench, declared)).startswith(b"HTTP/1.1 413 ")
    chunked = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    answer = await raw_exchange(bench, chunked + b"110000\r\n" + b"{" * 0x110000 + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_dawdles_is_refused(edge_with: OpenBench) -> None:
    """Half a body gets 408 after the configured silence."""
    async with edge_with(body_timeout_s=0.2) as bench:
        head = b"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"
        assert (await raw_exchange(bench, head)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("reason", [*reasons.ErrorReason.values(), 999])
@pytest.mark.parametrize("after_s", [None, 0.0, 0.3, 119.5, 86_400.0, float("inf"), float("nan"), -5.0])
def test_c5_whoever_is_to_wait_is_told_how_long_and_nobody_to_buy_again(reason: int, after_s: float | None) -> None:
    """Every 429 and 503 has a Retry-After of 1 to 120 s, which OpenAI's library obeys; every error after an attempt
    that may have been billed, seen by the edge or told by the ledger, says x-should-retry: false."""
    for error, bought in (
        (MeshError(reason, "It failed; see why.", retry_after_s=after_s), True),
        (MeshError(reason, "It failed; see why.", retry_after_s=after_s, attempts='[{"billed": "unknown"}]'), False),
        (MeshError(reason, "It failed; see why.", retry_after_s=after_s), False),
    ):
        problem = problem_of(error, possibly_bought=bought)
        if problem.status in (429, 503):
            assert 1 <= int(problem.headers["retry-after"]) <= 120
        if bought or "attempts" in error.metadata:
            assert problem.headers["x-should-retry"] == "false"


def test_an_error_with_attempts_names_its_job() -> None:
    """Where targets were asked there is a job to look at: its address and its id stand in the answer."""
    metadata = {"attempts": '[{"billed": "unknown", "provider_job_id": "job-7"}]', "request_id": "req_x"}
    problem = problem_of(MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "Too long; ask later.", **metadata))
    assert problem.headers["location"] == "/v1/jobs/req_x"
    told = orjson.loads(problem.body)["metadata"]
    assert (told["request_id"], told["attempts"][0]["provider_job_id"]) == ("req_x", "job-7")


def test_a_lost_ledger_is_not_a_purchase_of_every_call() -> None:
    """Only a request for pictures that was in its hands may have been bought; a look at a job was not."""
    lost = event_pb2.AttemptFailure(billed=event_pb2.BILLED_UNKNOWN, phase="mesh")
    error = MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "Lost.", failure=lost)
    assert "x-should-retry" not in problem_of(error).headers
    assert problem_of(error, possibly_bought=True).headers["x-should-retry"] == "false"
