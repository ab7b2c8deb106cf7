"""Runware: what is sent, what comes back, what it costs, and what becomes of errors."""

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.runware.adapter import RunwareAdapter
from heliostat.adapters.runware.body import gather, make_task
from heliostat.adapters.runware.catalog import MODELS
from heliostat.adapters.runware.endpoints import ENDPOINTS
from heliostat.adapters.runware.failures import refusal
from heliostat.adapters.runware.options import RunwareOptions
from heliostat.adapters.runware.tasks import known_task, read_standing, task_id
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.runware.catalogue import MODELS as EMULATED
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "runware-secret-0123456789"
SCHNELL, DEV, SDXL, KONTEXT, PRO = "runware:100@1", "runware:101@1", "civitai:101055@128078", "runware:106@1", "bfl:5@1"
GPT, UPSCALE, CUT_OUT, FACES = "openai:4@1", "runware:500@1", "runware:110@1", "runware:35@1"
TASK = "7f5ce04c-d690-4c0c-9499-210d7f5ce049"
HIGHEST = requests.Output(quality=requests.QUALITY_MAX)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("RUNWARE_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose tasks take no time."""
    async with running("runware", tmp_path) as one:
        yield one


def edit(**more: Any) -> dict[str, Any]:
    """An edit of a white picture."""
    return {"edit": requests.Edit(image=media(plain(colour="white")), **more)}


def masked() -> dict[str, Any]:
    """An edit whose left half is to be painted anew."""
    mask = plain(64, 64, "white", "L")
    mask.paste(0, (0, 0, 32, 64))
    return edit(mask=media(mask), mask_mode=requests.MASK_MODE_BLACK_REPAINTS)


def outpaint(width: int = 128, **sides: int) -> dict[str, Any]:
    """A picture to add to."""
    return {"outpaint": requests.Outpaint(image=media(plain(width, 128)), **sides)}


def upscale(**more: Any) -> dict[str, Any]:
    """A picture to enlarge."""
    return {"upscale": requests.Upscale(image=media(plain()), **more)}


def segment(**more: Any) -> dict[str, Any]:
    """A picture to look for faces in."""
    return {"segment": requests.Segment(image=media(plain()), **more)}


def reference() -> requests.Reference:
    """A picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


async def task_for(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The task of a request, without what is the same in all; pictures are cut to their first letters."""
    known = MODELS.get(model)
    call = call_of(known, **fields)
    pictures = await gather(known.facts, call)
    task = make_task(known.facts, call, RunwareOptions(**(options or {})), pictures, TASK)
    same = {"taskUUID": TASK, "model": model, "includeCost": True, "outputType": "URL", "deliveryMethod": "async"}
    assert task.items() >= same.items()
    return {name: _short(value) for name, value in task.items() if name not in same}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_short(one) for one in value]
    return "PNG" if isinstance(value, str) and value.startswith("data:image/png;base64,") else value


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (SCHNELL, {}, {"width": 1024, "height": 1024}),
        (
            SCHNELL,
            {"size": pixels(1344, 768), "seed": 7, "image_count": 20},
            {"width": 1344, "height": 768, "seed": 7, "numberResults": 20},
        ),
        (SDXL, {"negative_prompt": "cats"}, {"width": 1024, "height": 1024, "negativePrompt": "cats"}),
        (DEV, edit(strength=0.3), {"seedImage": "PNG", "strength": 0.3}),
        (DEV, {**edit(), "size": pixels(512, 512)}, {"seedImage": "PNG", "width": 512, "height": 512}),
        (DEV, masked(), {"seedImage": "PNG", "maskImage": "PNG"}),
        (
            DEV,
            outpaint(left_px=64, top_px=60),
            {"seedImage": "PNG", "outpaint": {"left": 64, "top": 64}, "width": 192, "height": 192},
        ),
        (KONTEXT, {**edit(), "references": [reference()]}, {"referenceImages": ["PNG", "PNG"]}),
        (PRO, edit(), {"inputs": {"referenceImages": ["PNG"]}}),
        (
            PRO,
            {"references": [reference()]},
            {"inputs": {"referenceImages": ["PNG"]}, "width": 1024, "height": 1024},
        ),
        (
            GPT,
            {"output": HIGHEST},
            {"width": 1024, "height": 1024, "providerSettings": {"openai": {"quality": "high"}}},
        ),
        (
            SCHNELL,
            {"output": requests.Output(media_type="image/webp", compression_percent=100)},
            {"width": 1024, "height": 1024, "outputFormat": "WEBP", "outputQuality": 99},
        ),
    ],
)
async def test_a_picture_is_asked_for_in_the_words_of_the_task(
    model: str, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Nothing else is sent."""
    usual = {"taskType": "imageInference", "positivePrompt": "a red boat", "outputFormat": "PNG"}
    assert await task_for(model, **fields) == usual | sent


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (UPSCALE, upscale(), {"taskType": "imageUpscale", "upscaleFactor": 2}),
        (
            "runware:503@1",
            upscale(size=requests.PixelSize(width_px=256, height_px=256)),
            {"taskType": "imageUpscale", "upscaleFactor": 4},
        ),
        (
            CUT_OUT,
            {"remove_background": requests.RemoveBackground(image=media(plain()))},
            {"taskType": "imageBackgroundRemoval"},
        ),
        (FACES, segment(labels=["Face"]), {"taskType": "imageMasking"}),
    ],
)
async def test_a_tool_works_on_a_picture(model: str, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """Without words."""
    assert await task_for(model, **fields) == {"inputImage": "PNG", "outputFormat": "PNG", **sent}


@pytest.mark.parametrize("model", sorted(ENDPOINTS))
def test_a_model_takes_what_the_provider_says(model: str) -> None:
    """Task, pictures and sizes are those of the emulated model, which was written down apart."""
    endpoint, known, offered = ENDPOINTS[model], EMULATED[model], MODELS.get(model)
    places = {"": "", "referenceImages": "top", "inputs.referenceImages": "inputs"}
    assert (endpoint.task, places[endpoint.references], endpoint.seed_image) == (known.task, known.looks, known.starts)
    assert ("text_to_image" in offered.operations) == (known.draws and known.task == "imageInference")
    assert offered.max_images <= known.most
    assert ("negative_prompt" in endpoint.takes) == known.negative
    if known.task == "imageInference":
        rule = offered.sizes.rule()
        listed = {f"{one.width_px}x{one.height_px}" for one in rule.exact.sizes}
        grid = (rule.grid.min_px, rule.grid.max_px, rule.grid.step_px)
        assert listed == known.sizes
        assert listed or grid == known.grid


@pytest.mark.parametrize(
    ("model", "fields", "field", "reason"),
    [
        (KONTEXT, {**edit(), "references": [reference()] * 2}, "references", "unsupported"),
        (DEV, outpaint(width=2048, left_px=64), "outpaint", "invalid_field"),
        (DEV, {"outpaint": requests.Outpaint(image=media(plain()), left_px=64)}, "outpaint", "invalid_field"),
        (DEV, {**outpaint(left_px=60), "strict": requests.STRICT_REFUSE}, "outpaint", "unsupported"),
        (SCHNELL, {"seed": 0, "strict": requests.STRICT_REFUSE}, "seed", "unsupported"),
        (GPT, {"output": HIGHEST, "strict": requests.STRICT_REFUSE}, "quality", "unsupported"),
        (UPSCALE, {**upscale(factor=4), "strict": requests.STRICT_REFUSE}, "factor", "unsupported"),
        (FACES, segment(labels=["boat"]), "labels", "unsupported"),
        (FACES, segment(points=[requests.Point(x_px=1, y_px=1)]), "points", "unsupported"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await task_for(model, **fields)
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


async def test_an_option_of_another_model_is_an_error() -> None:
    """Models of partners have no sampler."""
    assert (await task_for(SCHNELL, {"steps": 4}))["steps"] == 4
    with pytest.raises(MeshError) as caught:
        await task_for(PRO, {"steps": 4})
    assert caught.value.field == "provider_options.runware.steps"


def test_options_are_those_that_some_model_takes() -> None:
    """Nothing is offered that no model knows, and nothing that a model knows is missing."""
    assert {name for endpoint in ENDPOINTS.values() for name in endpoint.options} == set(RunwareOptions.model_fields)


def test_an_attempt_has_one_id_for_ever() -> None:
    """A UUID of version 4, as Runware wants it; attempts without a name have one each."""
    assert task_id("req/0/1") == task_id("req/0/1") != task_id("req/0/2")
    assert uuid.UUID(task_id("req/0/1")).version == uuid.UUID(task_id("")).version == 4
    assert task_id("") != task_id("")


@pytest.mark.parametrize("job_id", ["", "x", "../x", TASK + "/x", TASK[:-1]])
def test_an_id_that_is_no_uuid_is_no_task(job_id: str) -> None:
    """Whoever gave it."""
    assert (known_task(job_id), known_task(TASK)) == ("", TASK)


async def test_pictures_come_with_what_they_cost(provider: EmulatedProvider) -> None:
    """The sum of their costs, which is what was billed."""
    answer = await provider.room.ask(SCHNELL, size=pixels(1024, 1024), seed=7, image_count=4)
    result = answer.result
    assert answer.kinds[0] == "provider_accepted"
    assert [ended.seed for ended in answer.of("media_ended")] == [7, 8, 9, 10]
    (entry,) = await provider.journal()
    assert (entry["attempt_id"], entry["cost_micros"], entry["request_id"]) == (ATTEMPT, 5_200, result.provider_job_id)
    assert (result.cost.amount.nanos, result.cost.source) == (5_200_000, events.COST_SOURCE_REPORTED)
    assert result.provider_job_id == task_id(ATTEMPT)


async def test_an_attempt_that_is_sent_again_is_gone_on_with(provider: EmulatedProvider) -> None:
    """The second submit is refused as known, and the picture of the first is fetched: nothing is bought twice."""
    for _ in range(2):
        assert (await provider.room.ask(SCHNELL, size=pixels(1024, 1024))).result.image_count == 1
    assert [entry["status"] for entry in await provider.journal()] == [200, 409]
    assert [entry["billed"] for entry in await provider.journal()] == [True, False]


async def test_a_conflict_under_a_good_status_is_one_as_well(provider: EmulatedProvider) -> None:
    """The code counts, for its status is not documented."""
    await provider.room.ask(SCHNELL)
    body = {"errors": [{"code": "conflictTaskUUID", "message": "exists", "taskUUID": task_id(ATTEMPT)}]}
    await provider.script({"path": "submit", "body": body})
    assert (await provider.room.ask(SCHNELL)).result.image_count == 1


async def test_a_mask_is_white_where_the_picture_is_painted(provider: EmulatedProvider) -> None:
    """The caller's black half, said to be painted, reaches the provider as white; what lies outside of it stays."""
    (data,) = (await provider.room.ask(DEV, wish(**masked()))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


@pytest.mark.parametrize(
    ("model", "fields", "size", "micros"),
    [
        (DEV, outpaint(right_px=64), (192, 128), 89),
        (UPSCALE, upscale(), (128, 128), 3_800),
        (CUT_OUT, {"remove_background": requests.RemoveBackground(image=media(plain()))}, (64, 64), 600),
        (FACES, segment(), (64, 64), 600),
        (KONTEXT, edit(), (64, 64), 41),
        (PRO, {**edit(), "size": pixels(512, 256)}, (512, 256), 30_000),
    ],
)
async def test_an_operation_gives_its_picture(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """For what the provider says that it costs."""
    answer = await provider.room.ask(model, wish(**fields))
    assert [opened(data).size for data in answer.pictures] == [size]
    assert answer.result.cost.amount.nanos == 1_000 * micros
    assert [entry["cost_micros"] for entry in await provider.journal()] == [micros]
    role = answer.of("media_started")[0].role
    assert (role == medias.MEDIA_ROLE_MASK) == (model == FACES)


def result(**more: Any) -> dict[str, Any]:
    """A result of a task as a look tells it."""
    return {"taskType": "imageInference", "status": "success", "cost": 0.0013, **more}


async def test_a_batch_is_waited_for_until_it_is_whole(provider: EmulatedProvider) -> None:
    """Some may be there before others: a look that tells of fewer does not end it."""
    task = task_id(ATTEMPT)
    few = {"data": [result(taskUUID=task, imageURL="https://im.runware.ai/a.png")]}
    late = {"data": [*few["data"], {"taskUUID": task, "status": "processing"}]}
    for body in (few, late):
        await provider.script({"path": "status", "match": {}, "times": 1, "status": 200, "body": body})
        assert (await provider.room.ask(SCHNELL, image_count=2)).result.image_count == 2
    assert len([entry for entry in await provider.journal() if entry["billed"]]) == 1


async def test_what_came_of_a_batch_is_delivered(provider: EmulatedProvider) -> None:
    """With an error in the place of the rest."""
    made = await provider.room.ask(SCHNELL, attempt_id="req_other/0/1")
    assert made.error is None
    task = task_id(ATTEMPT)
    look = [{"taskType": "getResponse", "taskUUID": task_id("req_other/0/1")}]
    told = (await provider.http.post("/runware/v1", json=look, headers={"authorization": f"Bearer {KEY}"})).json()
    body = {
        "data": [told["data"][0] | {"taskUUID": task}],
        "errors": [{"code": "providerError", "message": "no", "taskUUID": task, "status": "error"}],
    }
    await provider.script({"path": "status", "match": {}, "status": 200, "body": body})
    answer = (await provider.room.ask(SCHNELL, image_count=3)).result
    assert (answer.image_count, answer.missing_image_count, answer.cost.amount.nanos) == (1, 2, 1_300_000)


async def test_unsafe_contents(provider: EmulatedProvider) -> None:
    """Refused by a partner, or found in the picture where somebody asked to look: that is charged."""
    failure = (await provider.room.ask(SCHNELL, wish("something nsfw here"))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_UNKNOWN)
    looked = wish("gore", image_count=1)
    looked.provider_options["runware"].update({"safety": {"checkContent": True}})
    failure = (await provider.room.ask(SCHNELL, looked, attempt_id="req_test/0/2")).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_YES)
    assert failure.failure.cost.nanos == 1_300_000


@pytest.mark.parametrize("status", [200, 400])
async def test_a_task_that_fails_leaves_the_bill_open(provider: EmulatedProvider, status: int) -> None:
    """Under whatever status it is told; it is not looked at again."""
    error = {"code": "timeoutProvider", "message": "late", "taskUUID": task_id(ATTEMPT), "status": "error"}
    await provider.script({"path": "status", "match": {}, "status": status, "body": {"errors": [error]}})
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_timeout", events.BILLED_UNKNOWN)
    assert len(await provider.journal("status")) == 1


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 503, "body": {"errors": [{"code": "serviceUnavailable", "message": "later"}]}},
        {"status": 404, "body": {"errors": [{"code": "taskNotFound", "message": "none"}]}},
        {"status": 200, "body": {"data": []}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_task(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(SCHNELL)).result.image_count == 1
    assert len(await provider.journal()) == 1


async def test_a_submit_that_is_refused_under_a_good_status_is_free(provider: EmulatedProvider) -> None:
    """Nothing of it ran."""
    error = {"code": "invalidWidth", "message": "no", "parameter": ["width"], "taskUUID": task_id(ATTEMPT)}
    await provider.script({"path": "submit", "body": {"errors": [error]}})
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.field) == ("invalid_field", "size")
    assert (failure.failure.outcome, failure.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)


async def test_an_answer_about_another_task_is_an_error(provider: EmulatedProvider) -> None:
    """What became of ours nobody knows."""
    await provider.script({"path": "submit", "body": {"data": [{"taskUUID": TASK, "imageURL": "x"}]}})
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


async def test_a_task_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again, and the cost is told again."""
    first = (await provider.room.ask(SCHNELL, size=pixels(1024, 1024))).result
    again = (await provider.room.ask(SCHNELL, attempt_id="req_test/0/2", resume=first.provider_job_id)).result
    assert (again.cost.amount.nanos, again.cost.source) == (1_300_000, events.COST_SOURCE_REPORTED)
    assert len(await provider.journal()) == 1
    unknown = (await provider.room.ask(SCHNELL, attempt_id="req_test/0/3", resume="../x")).failure
    assert reason_name(unknown.reason) == "resource_not_found"


@pytest.mark.parametrize(
    ("status", "error", "reason", "field"),
    [
        (401, {"code": "invalidApiKey", "message": "no"}, "provider_auth_failed", None),
        (400, {"code": "missingApiKey", "message": "no"}, "provider_auth_failed", None),
        (402, {"code": "x", "message": "no"}, "quota_exhausted", None),
        (400, {"code": "insufficientCredits", "message": "no"}, "quota_exhausted", None),
        (400, {"code": "invalidModel", "message": "no", "parameter": "model"}, "provider_model_gone", None),
        (400, {"code": "invalidSeedImage", "message": "no", "parameter": "seedImage"}, "invalid_field", "image"),
        (400, {"code": "providerError", "message": "x", "responseContent": "NSFW"}, "content_blocked", None),
        (400, {"code": "aWordNobodyKnows", "message": "x"}, "provider_unavailable", None),
        (429, {"code": "x", "message": "slow"}, "rate_limited", None),
        (503, {"code": "x", "message": "later"}, "provider_unavailable", None),
        (400, 7, None, None),
    ],
)
def test_a_refusal_has_its_reason(status: int, error: Any, reason: str | None, field: str | None) -> None:
    """By code where it is known, else by status; what is no error of the dialect is left to the kit."""
    found = refusal(Answer(status, {}, json.dumps({"errors": [error]}).encode()), "RUNWARE_API_KEY")
    assert (reason_name(found.reason) if found else None, found.field if found else None) == (reason, field)


@pytest.mark.parametrize(
    ("costs", "micros", "doubtful"),
    [
        ([0.0013, 0.0013], 2_600, False),
        ([None, None], None, False),
        ([0.0013, None], None, True),
        ([-1.0], None, True),
        ([True], None, True),
    ],
)
def test_a_cost_is_read_or_not_believed(costs: list[Any], micros: int | None, doubtful: bool) -> None:
    """A sum of some of the costs would be too small."""
    data = [{"taskUUID": TASK, "imageURL": "u", "cost": cost} for cost in costs]
    told = read_standing(Answer(200, {}, json.dumps({"data": data}).encode()), TASK).reported
    assert (told.micros, bool(told.doubt)) == (micros, doubtful)


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """Variations and transfers of style are edits by other names there."""
    offered = {operation for model in RunwareAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "outpaint", "upscale", "remove_background", "segment"}
