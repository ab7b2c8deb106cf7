"""Mapped providers: how answers and jobs are read, and what becomes of errors."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.mapped.answers import is_job, read_answer, read_look, read_reported
from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.failures import hidden_error, refusal
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.mapped.paths import Path as JsonPath
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from tests.adapters.emulated import call_of
from tests.adapters.mapped_requests import at, base


def answered(status: int = 200, content: Any = None, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content).encode()
    )


def cf(code: int, message: str = "AiError: so it is") -> dict[str, Any]:
    """A Cloudflare answer with a code."""
    return {"success": False, "errors": [{"code": code, "message": message}], "result": {}, "messages": []}


def novita(reason: str) -> dict[str, Any]:
    """A Novita answer with a reason."""
    return {"code": 400, "reason": reason, "message": "so it is", "metadata": {}}


@pytest.mark.parametrize(
    ("name", "status", "content", "reason"),
    [
        ("luma", 400, {"detail": "Insufficient credits"}, "quota_exhausted"),
        ("luma", 400, {"detail": "Prompt contains blacklisted words"}, "content_blocked"),
        ("luma", 422, {"detail": [{"loc": ["body", "aspect_ratio"], "msg": "no"}]}, "invalid_field"),
        ("leonardo", 400, {"error": "not enough api tokens", "code": "unexpected"}, "quota_exhausted"),
        ("leonardo", 403, {"error": "blocked by content moderation", "code": "x"}, "content_blocked"),
        ("leonardo", 403, {"error": "forbidden", "code": "x"}, "provider_auth_failed"),
        ("cloudflare", 429, cf(3036), "quota_exhausted"),
        ("cloudflare", 429, cf(3040), "rate_limited"),
        ("cloudflare", 400, cf(3030), "content_blocked"),
        ("cloudflare", 400, cf(5006, "AiError: Input prompt contains NSFW content"), "content_blocked"),
        ("cloudflare", 400, cf(5007), "provider_model_gone"),
        ("cloudflare", 400, cf(5006), "invalid_field"),
        ("cloudflare", 408, cf(3007), "provider_timeout"),
        ("cloudflare", 401, cf(10000), "provider_auth_failed"),
        ("deepinfra", 400, {"detail": {"error": "request_moderated"}}, "content_blocked"),
        ("deepinfra", 402, {"detail": {"error": "balance"}}, "quota_exhausted"),
        ("novita", 400, novita("ILLEGAL_PROMPT"), "content_blocked"),
        ("novita", 400, novita("BILLING_FAILED"), "quota_exhausted"),
        ("novita", 400, novita("MISSING_API_KEY"), "provider_auth_failed"),
        ("novita", 400, novita("INVALID_REQUEST_BODY"), "invalid_field"),
        ("novita", 429, novita("CONCURRENT_LIMIT_EXCEEDED"), "rate_limited"),
        ("segmind", 406, {"error": "no credits"}, "quota_exhausted"),
        ("cloudflare", 405, cf(5019), "invalid_field"),
        ("segmind", 422, {"error": "bad scheduler"}, "invalid_field"),
        ("segmind", 400, {"html-message": "NSFW content"}, "content_blocked"),
        ("segmind", 502, None, "provider_unavailable"),
        ("segmind", 504, None, "provider_timeout"),
        ("clipdrop", 402, {"error": "No remaining credits"}, "quota_exhausted"),
        ("clipdrop", 406, {"error": "Accept not supported"}, "provider_unavailable"),
        ("photoroom", 403, {"error": {"detail": "API credits exhausted."}}, "quota_exhausted"),
        ("photoroom", 403, {"error": {"message": "Unauthorized"}}, "provider_auth_failed"),
    ],
)
def test_an_error_is_read_in_the_providers_words(name: str, status: int, content: Any, reason: str) -> None:
    """Its sentence reaches the caller; nothing was bought."""
    error = refusal(shipped(name), answered(status, content))
    assert error is not None
    assert reason_name(error.reason) == reason
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)
    assert error.message.strip()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1002, "rate_limited"),
        (1039, "rate_limited"),
        (1004, "provider_auth_failed"),
        (2049, "provider_auth_failed"),
        (1008, "quota_exhausted"),
        (1026, "content_blocked"),
        (1027, "content_blocked"),
        (2013, "invalid_field"),
        (1001, "provider_timeout"),
        (1013, "provider_unavailable"),
        (9999, "provider_unavailable"),
    ],
)
def test_an_error_under_status_200_is_one(code: int, reason: str) -> None:
    """MiniMax's way; its own id of the exchange is kept, prompts and keys are not quoted."""
    call = call_of(models_of(shipped("minimax")).get("image-01"))
    content = base(code)
    content["base_resp"]["status_msg"] = "a red boat with key-123456"
    error = hidden_error(
        shipped("minimax"), answered(200, content, trace_id="t-1", retry_after="3"), call, ["key-123456"]
    )
    assert error is not None
    assert reason_name(error.reason) == reason
    assert "a red boat" not in error.message
    assert "key-123456" not in error.message
    assert error.metadata["provider_request_id"] == "t-1"
    assert error.retry_after_s == (3.0 if reason == "rate_limited" else None)


@pytest.mark.parametrize(
    ("word", "reason"), [("request_moderated", "content_blocked"), ("failed", "provider_unavailable")]
)
async def test_a_rule_may_name_an_error_under_status_200(
    word: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DeepInfra's way; whether it is charged is not said."""
    async with at("deepinfra", tmp_path, monkeypatch) as it:
        await it.script({"body": {"images": [], "inference_status": {"status": word}}})
        failure = (await it.room.ask("black-forest-labs/FLUX-1-dev")).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, events.BILLED_UNKNOWN)


async def test_an_answer_without_a_picture_costs_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The money is gone, and told."""
    async with at("deepinfra", tmp_path, monkeypatch) as it:
        await it.script({"body": {"images": [], "inference_status": {"status": "succeeded", "cost": 0.002}}})
        failure = (await it.room.ask("black-forest-labs/FLUX-1-dev")).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)
    assert to_micros(failure.failure.cost) == 2_000


@pytest.mark.parametrize("content", [base(0), {}, [], None])
def test_a_good_answer_holds_no_error(content: Any) -> None:
    """Nor does one that says nothing of it."""
    call = call_of(models_of(shipped("minimax")).get("image-01"))
    assert hidden_error(shipped("minimax"), answered(200, content), call, []) is None


async def test_a_picture_that_was_filtered_is_not_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniMax charges by picture: two of three came."""
    async with at("minimax", tmp_path, monkeypatch) as it:
        real = await it.room.ask("image-01", image_count=2)
        encoded = [base64.b64encode(one).decode() for one in real.pictures]
        await it.script({"body": {**base(0), "data": {"image_base64": encoded}}, "times": 1})
        answer = await it.room.ask("image-01", image_count=3)
    assert (answer.result.image_count, answer.result.missing_image_count) == (2, 1)
    assert to_micros(answer.result.cost.amount) == 7000


JOBS = [("luma", "photon-flash-1"), ("leonardo", "lucid-origin"), ("novita", "qwen-image-txt2img")]


@pytest.mark.parametrize(("name", "model"), JOBS)
async def test_a_job_is_gone_on_with_by_its_id(
    name: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not bought twice; an id that cannot be one is refused without asking."""
    async with at(name, tmp_path, monkeypatch) as it:
        first = await it.room.ask(model)
        again = await it.room.ask(model, resume=first.result.provider_job_id)
        foreign = await it.room.ask(model, resume="../../account")
        taken = await it.room.cancel(model, first.result.provider_job_id)
        submits = await it.journal()
    assert (len(again.pictures), len(submits)) == (1, 1)
    assert reason_name(foreign.failure.reason) == "resource_not_found"
    assert not taken.found


@pytest.mark.parametrize(("name", "model"), JOBS)
async def test_a_job_that_fails_leaves_its_cost_open(
    name: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of the three says whether it is charged."""
    async with at(name, tmp_path, monkeypatch) as it:
        await it.script({"path": "job", "status": 500})
        answer = await it.room.ask(model)
    assert answer.failure.failure is not None
    assert reason_name(answer.failure.reason) == "provider_unavailable"
    assert answer.failure.failure.billed == events.BILLED_UNKNOWN
    assert answer.failure.failure.provider_job_id


async def test_the_cost_of_a_job_is_that_of_its_submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leonardo tells it in dollars; in another unit it is not believed."""
    async with at("leonardo", tmp_path, monkeypatch) as it:
        answer = await it.room.ask("lucid-origin", image_count=3)
    assert to_micros(answer.result.cost.reported) == 3 * 14_700
    job = shipped("leonardo").endpoints["generate"].job
    assert job is not None
    told = {"sdGenerationJob": {"cost": {"amount": "12", "unit": "CREDITS"}}}
    assert read_reported(job.cost, answered(200, told), told).micros is None


DRAWN = shipped("deepinfra").endpoints["draw"].answer


@pytest.mark.parametrize(
    ("content", "pictures", "broken", "micros", "seed"),
    [
        ({"images": ["data:image/png;base64,QUJD"], "seed": 4, "inference_status": {"cost": 0.002}}, 1, False, 2000, 4),
        ({"images": ["QUJD", "###"], "seed": "4", "inference_status": {"cost": -1}}, 1, True, None, None),
        ({"images": [None, 3, {}], "seed": True, "inference_status": {"cost": True}}, 0, True, None, None),
        ({"images": "QUJD", "seed": 2**70, "inference_status": {"cost": "1e30"}}, 1, False, None, None),
        ({"images": ["QUJD"] * 500, "seed": -1, "inference_status": []}, 64, False, None, None),
        ({}, 0, False, None, None),
    ],
)
def test_what_an_answer_says_is_not_believed_blindly(
    content: Any, pictures: int, broken: bool, micros: int | None, seed: int | None
) -> None:
    """Numbers are bounded, what is no picture is none."""
    told = read_answer(DRAWN, answered(200, content))
    assert (len(told.pictures), told.broken, told.reported.micros, told.seed) == (pictures, broken, micros, seed)


@pytest.mark.parametrize(
    ("status", "state", "percent"),
    [("TASK_STATUS_SUCCEED", "done", 40.0), ("TASK_STATUS_NEW", "", 40.0), (7, "", None), (None, "", None)],
)
def test_a_word_that_nobody_knows_goes_on(status: Any, state: str, percent: float | None) -> None:
    """Percentages are 0 to 100 or absent."""
    job = shipped("novita").endpoints["qwen"].job
    assert job is not None
    told = {"task": {"status": status, "progress_percent": 40 if percent else 1e9}}
    look = read_look(job, answered(200, told))
    assert (look.state, look.percent) == (state, percent)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", [1]),
        ("list[*].url", ["x", "y"]),
        ("list[1].url", ["y"]),
        ("list[9].url", []),
        ("list.url", []),
        ("a[0]", []),
        ("flat", [1, 2]),
        ("nothing.at.all", []),
        ("deep[*][0]", [3, 4]),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(path: str, found: list[Any]) -> None:
    """Whatever shape the answer has."""
    value = {"a": {"b": 1}, "list": [{"url": "x"}, {"url": "y"}, {}], "flat": [1, None, 2], "deep": [[3], [4]]}
    assert JsonPath(path).all(value) == found
    assert JsonPath(path).all(None) == []


@pytest.mark.parametrize("text", ["", "a..b", "a[", "a[-1]", "a()", "a b", "a[0:1]", "a['b']", ".a", "a.", "a[1234]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    """There is nothing to compute in a path."""
    with pytest.raises(ValueError, match="is no path"):
        JsonPath(text)


@pytest.mark.parametrize(
    ("text", "good"), [("0a-B_1", True), ("a/b", False), ("..", False), ("", False), ("a" * 129, False)]
)
def test_an_id_becomes_part_of_a_path_only_where_it_can_be_one(text: str, good: bool) -> None:
    """Whoever names it."""
    assert is_job(text) is good
