"""DashScope: tasks, how answers are read, and what becomes of errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.dashscope.failures import refusal
from heliostat.adapters.dashscope.settings import DashScopeSettings
from heliostat.adapters.dashscope.tasks import Fault, Made, is_task, read_state, submitted_task
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from tests.adapters.dashscope_requests import KEY, QWEN_2, WAN_22, edit
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import opened, pixels, wish


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated API."""
    async with running("dashscope", tmp_path) as one:
        yield one


async def test_a_task_from_submit_to_file(provider: EmulatedProvider) -> None:
    """One submit; the prompt as it was rewritten is told."""
    answer = await provider.room.ask(WAN_22, size=pixels(1024, 768), seed=7)
    assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
    assert [opened(data).size for data in answer.pictures] == [(1024, 768)]
    assert answer.of("media_ended")[0].revised_prompt == "a red boat, in fine detail"
    (entry,) = await provider.journal()
    assert entry["request_id"] == answer.result.provider_job_id


async def test_a_workspace_is_named(tmp_path: Path) -> None:
    """In a header of its own, which takes no other letters."""
    async with running("dashscope", tmp_path, workspace="ws-1") as provider:
        assert (await provider.room.ask(WAN_22)).result.image_count == 1
    with pytest.raises(ValueError, match="workspace"):
        DashScopeSettings(workspace="a\r\nb")


@pytest.mark.parametrize("model", [WAN_22, QWEN_2])
@pytest.mark.parametrize("prompt", ["something nsfw here", "a lot of gore"])
async def test_what_is_moderated_is_blocked_and_free(provider: EmulatedProvider, model: str, prompt: str) -> None:
    """At once, or at the end of a task."""
    error = (await provider.room.ask(model, wish(prompt))).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.field) == ("content_blocked", "prompt")
    assert error.failure.billed == events.BILLED_NO
    assert "inappropriate content" in error.message


async def test_what_succeeds_of_several_is_delivered_and_paid(provider: EmulatedProvider) -> None:
    """Two of three; the third is told."""
    answer = await provider.room.ask(WAN_22, wish("some gore", image_count=3))
    result = answer.result
    assert (result.image_count, result.missing_image_count) == (2, 1)
    assert result.provider_metadata["failed_images"] == 1
    assert to_micros(result.cost.amount) == (await provider.journal())[0]["cost_micros"] == 50_000


@pytest.mark.parametrize(
    ("output", "reason", "billed"),
    [
        ({"task_status": "FAILED", "code": "InternalError.Algo", "message": "no"}, "provider_unavailable", "NO"),
        ({"task_status": "FAILED", "code": "InvalidParameter", "message": "no"}, "invalid_field", "NO"),
        ({"task_status": "FAILED", "code": "InvalidURL", "message": "no"}, "input_unreadable", "NO"),
        ({"task_status": "FAILED", "code": "Throttling", "message": "no"}, "rate_limited", "NO"),
        ({"task_status": "FAILED", "code": "Arrearage", "message": "no"}, "quota_exhausted", "NO"),
        ({"task_status": "FAILED"}, "provider_unavailable", "NO"),
        ({"task_status": "CANCELED"}, "provider_unavailable", "NO"),
        (
            {"task_status": "SUCCEEDED", "results": [{"code": "DataInspectionFailed", "message": "x"}]},
            "content_blocked",
            "NO",
        ),
        ({"task_status": "SUCCEEDED", "results": []}, "provider_answer_invalid", "UNKNOWN"),
        (
            {"task_status": "SUCCEEDED", "results": 7, "choices": [7, {"message": {"content": [7]}}]},
            "provider_answer_invalid",
            "UNKNOWN",
        ),
        (
            {"task_status": "SUCCEEDED", "results": [{"url": "https://169.254.169.254/a.png"}]},
            "provider_answer_invalid",
            "YES",
        ),
    ],
)
async def test_a_task_that_gives_nothing_is_an_error(
    provider: EmulatedProvider, output: dict[str, Any], reason: str, billed: str
) -> None:
    """What fails is free, what succeeded is not."""
    await provider.script({"path": "status", "match": {}, "status": 200, "body": {"output": output}})
    error = (await provider.room.ask(WAN_22)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"


@pytest.mark.parametrize(
    "body", [{"output": {"choices": []}}, {}, {"output": {"choices": [{"message": {"content": [{"image": 7}]}}]}}]
)
async def test_an_answer_without_a_picture_leaves_the_bill_open(provider: EmulatedProvider, body: Any) -> None:
    """Of a model that answers at once."""
    await provider.script({"status": 200, "body": body})
    error = (await provider.room.ask(QWEN_2)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 429},
        {"status": 200, "body": {"output": {"task_status": "UNKNOWN"}}},
        {"status": 200, "body": {"output": {"task_status": "SUSPENDED"}}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_task(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(WAN_22)).result.image_count == 1
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize("task", [None, "", 7, "../tasks", "a/b", "x" * 129])
async def test_a_submit_without_an_id_leaves_the_bill_open(provider: EmulatedProvider, task: Any) -> None:
    """An id never becomes another path."""
    await provider.script({"path": "submit", "status": 200, "body": {"output": {"task_id": task}}})
    error = (await provider.room.ask(WAN_22)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)
    assert submitted_task({"output": {"task_id": task}}) is None
    assert not is_task(task)


async def test_a_task_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again."""
    first = (await provider.room.ask(WAN_22, size=pixels(1024, 1024))).result
    again = (await provider.room.ask(WAN_22, size=pixels(1024, 1024), resume=first.provider_job_id)).result
    assert to_micros(again.cost.amount) == 25_000
    assert len(await provider.journal()) == 1
    assert reason_name((await provider.room.ask(WAN_22, resume="../x")).failure.reason) == "resource_not_found"


async def test_a_waiting_task_is_taken_back(tmp_path: Path) -> None:
    """For nothing; one that is over stays, one that nobody knows is not found."""
    async with running("dashscope", tmp_path, job_seconds=600) as provider:
        asked = asyncio.create_task(provider.room.ask(WAN_22))
        while not (submits := await provider.journal()):
            continue
        answer = await provider.room.cancel(WAN_22, submits[0]["request_id"])
        assert (answer.found, answer.free) == (True, True)
        error = (await asyncio.wait_for(asked, 60)).failure
        assert error.failure is not None
        assert error.failure.billed == events.BILLED_NO
    async with running("dashscope", tmp_path) as provider:
        job = (await provider.room.ask(WAN_22)).result.provider_job_id
        over = await provider.room.cancel(WAN_22, job)
        assert (over.found, over.free) == (True, False)
        assert not (await provider.room.cancel(WAN_22, "nobody")).found
        assert not (await provider.room.cancel(WAN_22, "../x")).found


@pytest.mark.parametrize(
    ("status", "code", "reason", "field"),
    [
        (400, "DataInspectionFailed", "content_blocked", "prompt"),
        (400, "IPInfringementSuspect", "content_blocked", "prompt"),
        (400, "Arrearage", "quota_exhausted", None),
        (403, "AllocationQuota.FreeTierOnly", "quota_exhausted", None),
        (403, "PostpaidBillOverdue", "quota_exhausted", None),
        (400, "InvalidURL", "input_unreadable", "image"),
        (400, "InvalidParameter.DataInspection", "input_unreadable", "image"),
    ],
)
def test_dashscopes_codes_have_their_reason(status: int, code: str, reason: str, field: str | None) -> None:
    """None of them is charged."""
    body = json.dumps({"code": code, "message": "said", "request_id": "r"}).encode()
    error = refusal(Answer(status, {}, body), "DASHSCOPE_API_KEY")
    assert error is not None
    assert error.failure is not None
    assert (reason_name(error.reason), error.field, error.failure.billed) == (reason, field, events.BILLED_NO)
    assert error.message.endswith("It said: said")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"code":7}', b'{"code":"InvalidParameter","message":[]}'])
@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
def test_an_odd_error_body_is_left_to_the_kit(status: int, body: bytes) -> None:
    """It names nothing that only DashScope says."""
    assert refusal(Answer(status, {}, body), "") is None


@pytest.mark.parametrize(
    ("secret", "reason"), [("bad-key-012345", "provider_auth_failed"), ("poor-key-012345", "quota_exhausted")]
)
async def test_a_key_that_will_not_do_is_told(
    provider: EmulatedProvider, monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    """Without the key itself."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", secret)
    error = (await provider.room.ask(WAN_22)).failure
    assert reason_name(error.reason) == reason
    assert secret not in error.message


def test_pictures_are_found_in_both_shapes() -> None:
    """Of several choices, of several parts of one, among results with errors."""
    content = [{"image": "https://a/1.png"}, {"image": "https://a/2.png"}, {"text": "rewritten"}]
    choices = [{"message": {"content": content}}, {"message": {"content": [{"image": "https://a/3.png"}]}}]
    state = read_state(Answer(200, {}, json.dumps({"output": {"choices": choices}}).encode()))
    assert state.made == (
        Made("https://a/1.png", "rewritten"),
        Made("https://a/2.png", "rewritten"),
        Made("https://a/3.png"),
    )
    results = [{"code": "DataInspectionFailed", "message": "no"}, {"url": "https://a/4.png", "actual_prompt": "p"}, 7]
    output = {"task_status": "SUCCEEDED", "results": results}
    state = read_state(Answer(200, {}, json.dumps({"output": output}).encode()))
    assert (state.made, state.faults) == (
        (Made("https://a/4.png", "p"),),
        (Fault("datainspectionfailed", "no"),),
    )


async def test_an_edit_of_several_sizes_keeps_its_own(provider: EmulatedProvider) -> None:
    """Without a wish nothing is asked for, and the picture put in decides."""
    (data,) = (await provider.room.ask(QWEN_2, **edit(640, 512))).pictures
    picture: Image.Image = opened(data)
    assert picture.size == (640, 512)
