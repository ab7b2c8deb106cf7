"""Fireworks AI: what is sent, what comes back, what it costs, and what becomes of errors."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.fireworks.adapter import FireworksAdapter
from heliostat.adapters.fireworks.answers import refusal
from heliostat.adapters.fireworks.body import gather, make_body
from heliostat.adapters.fireworks.catalog import MODELS
from heliostat.adapters.fireworks.endpoints import BUCKETS, ENDPOINTS, RATIOS, Dialect
from heliostat.adapters.fireworks.options import FireworksOptions
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.fireworks import catalogue
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain
from tests.emulators.conftest import picture

KEY = "fw-secret-0123456789"
SCHNELL, DEV, KONTEXT, MAX, SDXL, SSD = (
    f"accounts/fireworks/models/{name}"
    for name in (
        *("flux-1-schnell-fp8", "flux-1-dev-fp8", "flux-kontext-pro", "flux-kontext-max"),
        *("stable-diffusion-xl-1024-v1-0", "SSD-1B"),
    )
)
LOW = {"moderation": requests.MODERATION_LOW}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("FIREWORKS_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose jobs take no time."""
    async with running("fireworks", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def option(**fields: Any) -> dict[str, Any]:
    """Options of the provider, as a request has them."""
    struct = Struct()
    struct.update(fields)
    return {"provider_options": {"fireworks": struct}}


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; a picture is cut to its first letters."""
    call = call_of(MODELS.get(model), **fields)
    body = make_body(ENDPOINTS[model], call, FireworksOptions(**(options or {})), await gather(call))
    marked = "data:image/png;base64,iVBORw0KGgo"
    return {name: "PNG" if str(value).startswith(marked) else value for name, value in body.items()}


def ratio(width: int, height: int) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height))


@pytest.mark.parametrize(("model", "sent"), [(SCHNELL, 1), (SDXL, 1), (KONTEXT, 0)])
async def test_a_seed_that_means_any_is_another_one_and_told(model: str, sent: int) -> None:
    """0 draws with a seed of Fireworks' own choice, but at Kontext."""
    call = call_of(MODELS.get(model), seed=0)
    assert make_body(ENDPOINTS[model], call, FireworksOptions(), None)["seed"] == sent
    assert [(one.parameter, one.sent) for one in call.adjustments] == ([("seed", "1")] if sent else [])


@pytest.mark.parametrize(
    ("model", "options", "fields", "sent"),
    [
        (SCHNELL, {}, {}, {"num_inference_steps": 4, "aspect_ratio": "1:1"}),
        (
            DEV,
            {"steps": 28, "guidance_scale": 2.5},
            {"size": ratio(16, 9), "seed": 7},
            {"num_inference_steps": 28, "guidance_scale": 2.5, "aspect_ratio": "16:9", "seed": 7},
        ),
        (KONTEXT, {}, {}, {"output_format": "jpeg"}),
        (
            KONTEXT,
            {},
            {"size": ratio(21, 9), **LOW},
            {"output_format": "jpeg", "aspect_ratio": "7:3", "safety_tolerance": 6},
        ),
        (
            KONTEXT,
            {"prompt_upsampling": True},
            {**edit(128, 64), **LOW},
            {
                "output_format": "jpeg",
                "aspect_ratio": "16:9",
                "input_image": "PNG",
                "safety_tolerance": 2,
                "prompt_upsampling": True,
            },
        ),
        (
            KONTEXT,
            {},
            {**edit(), "size": ratio(3, 2), "output": requests.Output(media_type="image/webp")},
            {"output_format": "png", "aspect_ratio": "3:2", "input_image": "PNG"},
        ),
        (
            SSD,
            {"sampler": "euler", "guidance_scale": 5},
            {"size": pixels(1216, 832), "negative_prompt": "cats", **LOW},
            {
                "steps": 30,
                "width": 1216,
                "height": 832,
                "negative_prompt": "cats",
                "safety_check": False,
                "sampler": "euler",
                "cfg_scale": 5,
            },
        ),
        (SDXL, {}, edit(strength=0.25), {"steps": 30, "image_strength": 0.75}),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_dialect(
    model: str, options: dict[str, Any], fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Beside the prompt nothing else is sent, and nothing that the model does not know."""
    body = await body_of(model, options, **fields)
    assert set(body) <= set(catalogue.BY_NAME[model.rpartition("/")[2]].fields)
    assert body == {"prompt": "a red boat", **sent}


@pytest.mark.parametrize("model", sorted(ENDPOINTS))
def test_a_model_takes_what_its_schema_has(model: str) -> None:
    """Fields, usual steps, dialect and price of the emulated model, which was written down apart."""
    endpoint, theirs = ENDPOINTS[model], catalogue.BY_NAME[model.rpartition("/")[2]]
    assert {*endpoint.takes.values(), *endpoint.options.values()} <= set(theirs.fields)
    assert (endpoint.steps, endpoint.repaints) == (theirs.steps, theirs.repaints)
    words = {Dialect.WORKFLOW: "workflow", Dialect.JOB: "job", Dialect.LEGACY: "legacy"}
    assert words[endpoint.dialect] == theirs.dialect


def test_nothing_is_forgotten() -> None:
    """Models, shapes, sizes and options."""
    assert {name.rpartition("/")[2] for name in ENDPOINTS} == set(catalogue.BY_NAME)
    assert set(RATIOS) == set(catalogue.RATIOS)
    assert set(BUCKETS) == set(catalogue.BUCKETS)
    assert {name for one in ENDPOINTS.values() for name in one.options} == set(FireworksOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "options", "fields", "field"),
    [
        (SCHNELL, {}, {"prompt": ""}, "prompt"),
        (SCHNELL, {"sampler": "euler"}, {}, "provider_options.fireworks.sampler"),
        (KONTEXT, {"steps": 4}, {}, "provider_options.fireworks.steps"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, options, **{"prompt": "a red boat", **fields})
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, "invalid_field")


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (SCHNELL, {}, 1_400),
        (SCHNELL, option(steps=1), 350),
        (DEV, option(steps=28), 14_000),
        (DEV, {}, 15_000),
        (SSD, {}, 3_900),
        (SDXL, {**edit(), **option(steps=10)}, 1_300),
        (KONTEXT, edit(), 40_000),
        (MAX, {}, 80_000),
    ],
)
async def test_an_estimate_is_the_bill(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """The examples of the price list among them; told before, computed after, billed by the provider."""
    assert (await provider.room.estimate(model, **fields)).cost.amount.nanos == 1_000 * micros
    answer = await provider.room.ask(model, **fields)
    assert answer.result.cost.amount.nanos == 1_000 * micros
    assert [entry["cost_micros"] for entry in await provider.journal()] == [micros]


@pytest.mark.parametrize(
    ("status", "error", "reason", "field"),
    [
        (412, {"message": "suspended"}, "quota_exhausted", None),
        (422, {"message": "no", "param": "aspect_ratio"}, "invalid_field", "size"),
        (400, {"message": "no", "param": "steps"}, "invalid_field", "provider_options.fireworks.steps"),
    ],
)
def test_a_refusal_has_its_reason(status: int, error: dict[str, Any], reason: str, field: str | None) -> None:
    """A 412 is an account that is suspended."""
    told = refusal(Answer(status, {}, json.dumps({"error": error}).encode()), "FIREWORKS_API_KEY")
    assert told is not None
    assert (reason_name(told.reason), told.field) == (reason, field)


def test_what_is_no_dialect_is_left_to_the_kit() -> None:
    """Whatever the status."""
    for status, body in ((400, b'{"error":{"message":"bad"}}'), (422, b"x"), (429, b"{}"), (500, b"")):
        assert refusal(Answer(status, {}, body), "") is None


PNG = base64.b64encode(picture((8, 8))).decode()


@pytest.mark.parametrize(
    "body",
    [
        {"base64": [f"data:image/png;base64,{PNG}"], "finishReason": "SUCCESS", "seed": 7},
        {"base64": [PNG], "seed": 7},
        {"base64": PNG, "seed": 7, "finishReason": None},
        [{"base64": PNG, "seed": 7, "finishReason": "SUCCESS"}],
    ],
    ids=["data URI", "bare", "text", "array"],
)
async def test_a_picture_is_read_in_every_shape_that_was_seen(provider: EmulatedProvider, body: Any) -> None:
    """The pages do not agree."""
    await provider.script({"path": "submit", "body": body})
    answer = await provider.room.ask(SCHNELL)
    assert opened(answer.pictures[0]).size == (8, 8)
    assert answer.of("media_ended")[0].seed == 7


@pytest.mark.parametrize(
    ("step", "reason", "billed"),
    [
        ({"body": {"base64": []}}, "provider_answer_invalid", events.BILLED_UNKNOWN),
        ({"body": {"base64": [7]}}, "provider_answer_invalid", events.BILLED_UNKNOWN),
        ({"body": {"base64": ["???"]}}, "media_invalid", events.BILLED_UNKNOWN),
        ({"body": []}, "provider_answer_invalid", events.BILLED_UNKNOWN),
        ({"body": {"base64": [PNG], "finishReason": "CONTENT_FILTERED"}}, "content_blocked", events.BILLED_UNKNOWN),
        ({"status": 412}, "quota_exhausted", events.BILLED_NO),
    ],
)
async def test_a_failure_has_its_reason_and_its_bill(
    provider: EmulatedProvider, step: dict[str, Any], reason: str, billed: "events.Billed"
) -> None:
    """Asked once, never again."""
    await provider.script({"path": "submit", **step})
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, billed)
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize("model", [SCHNELL, SDXL])
async def test_a_blackened_picture_is_blocked(provider: EmulatedProvider, model: str) -> None:
    """By JSON or by a header; whether it is charged nobody says."""
    failure = (await provider.room.ask(model, prompt="something nsfw")).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_UNKNOWN)


async def test_a_picture_comes_at_once_in_the_wanted_format(provider: EmulatedProvider) -> None:
    """The older API makes it itself, a workflow's is converted."""
    jpeg = requests.Output(media_type="image/jpeg")
    older = await provider.room.ask(SDXL, output=jpeg, size=pixels(640, 1536), seed=3)
    assert (opened(older.pictures[0]).format, opened(older.pictures[0]).size) == ("JPEG", (640, 1536))
    assert (older.of("media_ended")[0].seed, len(older.result.adjustments)) == (3, 0)
    flux = await provider.room.ask(SCHNELL, output=jpeg)
    assert opened(flux.pictures[0]).format == "JPEG"
    assert flux.adjusted("output_format").sent == "image/png"


async def test_a_job_comes_from_submit_to_file(provider: EmulatedProvider) -> None:
    """One submit, its id told before any wait."""
    answer = await provider.room.ask(KONTEXT, **edit(640, 360), seed=5)
    assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
    assert opened(answer.pictures[0]).size == (1360, 768)
    (entry,) = await provider.journal()
    assert entry["request_id"] == answer.result.provider_job_id


@pytest.mark.parametrize(
    ("prompt", "step", "reason"),
    [
        ("nsfw", None, "content_blocked"),
        ("gore", None, "content_blocked"),
        ("x", {"path": "job", "status": 500}, "provider_unavailable"),
        ("x", {"path": "status", "match": {}, "body": {"status": "Failed"}}, "provider_unavailable"),
    ],
)
async def test_a_job_that_gives_nothing_is_free(
    provider: EmulatedProvider, prompt: str, step: dict[str, Any] | None, reason: str
) -> None:
    """Moderated or failed."""
    await provider.script(*([step] if step else []))
    failure = (await provider.room.ask(KONTEXT, prompt=prompt)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, events.BILLED_NO)


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 404},
        {"body": {"status": "Task not found"}},
        {"body": {"status": "A Word Nobody Knows", "progress": True}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_job(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(KONTEXT)).result.image_count == 1
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({}, "provider_answer_invalid"),
        ({"sample": "https://evil.example/x.png"}, "provider_answer_invalid"),
        ({"sample": "http://169.254.169.254/latest"}, "provider_answer_invalid"),
    ],
)
async def test_a_result_that_cannot_be_had_is_charged(
    provider: EmulatedProvider, result: dict[str, Any], reason: str
) -> None:
    """What is ready costs; foreign hosts are not asked."""
    await provider.script({"path": "job", "body": {"status": "Ready", "result": result}})
    failure = (await provider.room.ask(KONTEXT)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, events.BILLED_YES)
    assert failure.failure.cost.nanos == 40_000_000


async def test_a_job_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again; an id that is none of theirs is told."""
    first = (await provider.room.ask(KONTEXT)).result
    again = (await provider.room.ask(KONTEXT, resume=first.provider_job_id)).result
    assert (again.cost.amount.nanos, len(await provider.journal())) == (40_000_000, 1)
    assert reason_name((await provider.room.ask(KONTEXT, resume="a/b")).failure.reason) == "resource_not_found"


@pytest.mark.parametrize("body", [{}, {"request_id": 7}, {"request_id": "a/b"}])
async def test_a_job_without_an_id_leaves_the_bill_open(provider: EmulatedProvider, body: dict[str, Any]) -> None:
    """Nobody can look it up."""
    await provider.script({"path": "submit", "body": body})
    failure = (await provider.room.ask(KONTEXT)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It has no masks and no tools."""
    assert {operation for model in FireworksAdapter.models for operation in model.operations} == {
        "text_to_image",
        "edit",
    }
