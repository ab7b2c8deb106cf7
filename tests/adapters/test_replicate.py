"""Replicate: what is sent, what comes back, what it costs, and what becomes of errors."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.replicate.adapter import ReplicateAdapter
from heliostat.adapters.replicate.body import Sent, gather, make_input, picture_fields
from heliostat.adapters.replicate.catalog import MODELS
from heliostat.adapters.replicate.failures import refusal
from heliostat.adapters.replicate.options import ReplicateOptions
from heliostat.adapters.replicate.orders import order_of
from heliostat.adapters.replicate.predictions import prediction_id, read_prediction
from heliostat.adapters.replicate.schemas import SCHEMAS
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.replicate.catalogue import BY_ID
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, ball, media, opened, pixels, plain, wish

TOKEN = "r8_secret0123456789"
FLUX = "black-forest-labs/flux-"
SCHNELL, DEV, FLUX_2 = FLUX + "schnell", FLUX + "dev", FLUX + "2-pro"
ESRGAN, SAM = "nightmareai/real-esrgan", "meta/sam-2"
LOW = {"moderation": requests.MODERATION_LOW}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token where the settings look for it."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", TOKEN)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose jobs take no time."""
    async with running("replicate", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def reference(**more: Any) -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")), **more)


def ratio(width: int, height: int) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height))


async def input_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request, its pictures as "image", "reference" and "mask"."""
    call = call_of(MODELS.get(model), **fields)
    schema = SCHEMAS[model]
    pictures = await gather(schema, call)
    given = make_input(schema, call, ReplicateOptions(**(options or {})), pictures)
    sent = Sent(
        "image" if pictures.image else "", ("reference",) * len(pictures.references), "mask" if pictures.mask else ""
    )
    return given | picture_fields(schema, sent)


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (SCHNELL, {}, {"aspect_ratio": "1:1"}),
        (SCHNELL, {"size": pixels(1344, 768)}, {"aspect_ratio": "16:9"}),
        (
            SCHNELL,
            {"size": ratio(9, 21), "seed": 0, "image_count": 3},
            {"aspect_ratio": "9:21", "seed": 0, "num_outputs": 3},
        ),
        (SCHNELL, LOW, {"aspect_ratio": "1:1", "disable_safety_checker": True}),
        (DEV, edit(strength=0.3), {"image": "image", "prompt_strength": 0.3}),
        (FLUX + "1.1-pro", {"size": pixels(1440, 256)}, {"aspect_ratio": "custom", "width": 1440, "height": 256}),
        (
            FLUX + "1.1-pro-ultra",
            {"references": [reference(weight=0.4)]},
            {"image_prompt": "reference", "image_prompt_strength": 0.4},
        ),
        (FLUX + "kontext-pro", {"size": ratio(7, 3), **LOW}, {"aspect_ratio": "21:9", "safety_tolerance": 6}),
        (
            FLUX + "kontext-pro",
            {**edit(), **LOW},
            {"aspect_ratio": "match_input_image", "input_image": "image", "safety_tolerance": 2},
        ),
        (
            FLUX_2,
            {**edit(), "references": [reference()]},
            {"aspect_ratio": "match_input_image", "input_images": ["image", "reference"]},
        ),
        (FLUX_2, {"size": pixels(1920, 1088)}, {"aspect_ratio": "custom", "width": 1920, "height": 1088}),
        ("google/nano-banana", {"references": [reference()]}, {"image_input": ["reference"]}),
        ("bytedance/seedream-4", {}, {"size": "custom", "width": 2048, "height": 2048}),
        ("qwen/qwen-image", {"negative_prompt": "fog"}, {"negative_prompt": "fog"}),
        (
            "recraft-ai/recraft-v3",
            {"size": pixels(1365, 1024), "style": "realistic_image"},
            {"size": "1365x1024", "style": "realistic_image"},
        ),
        ("ideogram-ai/ideogram-v3-turbo", {"references": [reference()]}, {"style_reference_images": ["reference"]}),
        (
            "bria/eraser",
            edit(mask=media(plain(mode="L", colour="white"))),
            {"image": "image", "mask": "mask", "mask_type": "manual"},
        ),
        (
            "bria/expand-image",
            {"outpaint": requests.Outpaint(image=media(plain()), left_px=10, bottom_px=6)},
            {
                "image": "image",
                "canvas_size": [74, 70],
                "original_image_size": [64, 64],
                "original_image_location": [10, 0],
            },
        ),
        (ESRGAN, {"upscale": requests.Upscale(image=media(plain()), factor=3)}, {"image": "image", "scale": 3.0}),
        (
            "philz1337x/clarity-upscaler",
            {"upscale": requests.Upscale(image=media(plain()), factor=9, creativity=0.5)},
            {"image": "image", "scale_factor": 4, "creativity": 0.5},
        ),
        (
            "bria/remove-background",
            {"remove_background": requests.RemoveBackground(image=media(plain()))},
            {"image": "image"},
        ),
        (SAM, {"segment": requests.Segment(image=media(plain()))}, {"image": "image"}),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_model(
    model: str, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Beside the prompt nothing else is sent, and nothing that the model does not know."""
    given = await input_of(model, **fields)
    assert set(given) <= set(BY_ID[model].fields)
    prompted = {"prompt": "a red boat"} if "prompt" in SCHEMAS[model].takes else {}
    assert given == {**prompted, **sent}


@pytest.mark.parametrize("model", sorted(SCHEMAS))
def test_a_model_takes_what_its_schema_has(model: str) -> None:
    """Every field and option of ours is one of the emulated model's, which was written down apart."""
    schema, known = SCHEMAS[model], BY_ID[model]
    named = {schema.image, schema.images, schema.reference, schema.mask, *([schema.lax[0]] if schema.lax else [])}
    assert {*schema.takes.values(), *schema.options, *schema.constants, *(named - {""})} <= set(known.fields)
    assert schema.official is known.official
    if schema.formats:
        assert set(schema.formats.values()) <= set(known.fields["output_format"].words)


@pytest.mark.parametrize(
    ("model", "fields", "field", "reason"),
    [
        (FLUX + "fill-pro", edit(), "mask", "invalid_field"),
        (SAM, {"segment": requests.Segment(image=media(plain()), labels=["boat"])}, "labels", "unsupported"),
        ("google/nano-banana", {**edit(), "references": [reference()] * 3}, "references", "unsupported"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await input_of(model, **fields)
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


async def test_an_option_of_another_model_is_an_error() -> None:
    """Its schema would refuse or ignore it."""
    assert (await input_of(SCHNELL, {"go_fast": True}))["go_fast"] is True
    with pytest.raises(MeshError) as caught:
        await input_of(SCHNELL, {"raw": True})
    assert caught.value.field == "provider_options.replicate.raw"


def test_options_are_those_that_some_model_takes() -> None:
    """Nothing is offered that no model knows, and nothing that a model knows is missing."""
    assert {name for schema in SCHEMAS.values() for name in schema.options} == set(ReplicateOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (SCHNELL, {"image_count": 4}, 12_000),
        (FLUX_2, {"size": pixels(1024, 1024)}, 30_000),
        (FLUX_2, {"size": pixels(1024, 1024), "references": [reference()]}, 45_000),
        (FLUX_2, {"size": pixels(2048, 2048)}, 75_000),
        (FLUX_2, edit(2048, 1024), 60_000),
        ("recraft-ai/recraft-crisp-upscale", {"upscale": requests.Upscale(image=media(plain()))}, 6_000),
        (ESRGAN, {"upscale": requests.Upscale(image=media(plain()))}, 2_000),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int) -> None:
    """The worked examples of the pricing page among them."""
    request, known = wish(**fields), MODELS.get(model)
    assert known.price.estimate(order_of(request, known.sizes.choose(request.size))) == micros


@pytest.mark.parametrize(
    ("output", "masks", "files"),
    [
        ("https://x/a", False, ("https://x/a",)),
        (["https://x/a", "https://x/b"], False, ("https://x/a", "https://x/b")),
        ({"combined_mask": "c", "individual_masks": ["a", "b"]}, True, ("a", "b")),
        ({"combined_mask": "c", "individual_masks": []}, True, ("c",)),
        ({"image": "i", "nested": {"deep": ["d"]}}, False, ("i", "d")),
        (None, False, ()),
        (["", None, 7], False, ()),
    ],
)
def test_outputs_of_every_shape_are_read(output: Any, masks: bool, files: tuple[str, ...]) -> None:
    """An address, a list, an object."""
    answer = Answer(200, {}, json.dumps({"status": "succeeded", "output": output}).encode())
    assert read_prediction(answer, masks=masks).files == files


@pytest.mark.parametrize("seconds", [None, -1, "2", 1e30, True, {"x": 1}])
def test_a_time_that_cannot_be_is_none(seconds: Any) -> None:
    """It would become a cost."""
    body = json.dumps({"status": "succeeded", "metrics": {"predict_time": seconds}}).encode()
    assert read_prediction(Answer(200, {}, body), masks=False).seconds in {0.0, 1.0 if seconds is True else 0.0}


@pytest.mark.parametrize("given", ["", "a/b", "../x", "a?b", None, 7, "x" * 65])
def test_an_id_never_becomes_another_path(given: Any) -> None:
    """Only letters and digits are an id."""
    assert not prediction_id(given)


@pytest.mark.parametrize(
    ("headers", "body", "pause"),
    [
        ({"retry-after": "3"}, {"retry_after": 30}, 3.0),
        ({}, {"detail": "Request was throttled.", "retry_after": 30}, 30.0),
        ({}, {"detail": "Request was throttled. Your rate limit resets in ~7s."}, 7.0),
        ({}, {"detail": "Request was throttled."}, None),
    ],
)
def test_a_pause_is_read_wherever_it_is_told(
    headers: dict[str, str], body: dict[str, Any], pause: float | None
) -> None:
    """Header, body, words, in this order."""
    error = refusal(Answer(429, headers, json.dumps(body).encode()))
    assert error is not None
    assert (reason_name(error.reason), error.retry_after_s) == ("rate_limited", pause)


@pytest.mark.parametrize(
    ("fault", "reason", "field"),
    [
        (
            {"invalid_fields": [{"field": "input.num_outputs", "description": "too many"}]},
            "invalid_field",
            "image_count",
        ),
        ({"detail": "- input: prompt is required"}, "invalid_field", None),
        (
            {"detail": "- input.prompt: no version of it", "invalid_fields": [{"field": "input.prompt"}]},
            "invalid_field",
            "prompt",
        ),
        (
            {"title": "Invalid version or not permitted", "detail": "The specified version does not exist"},
            "provider_model_gone",
            None,
        ),
    ],
)
def test_a_refused_input_is_named_as_the_request_names_it(
    fault: dict[str, Any], reason: str, field: str | None
) -> None:
    """And a version that is gone is not the caller's mistake."""
    error = refusal(Answer(422, {}, json.dumps(fault).encode()))
    assert error is not None
    assert (reason_name(error.reason), error.field) == (reason, field)


async def test_a_picture_comes_from_submit_to_file(provider: EmulatedProvider) -> None:
    """One submit; the cost is the provider's bill."""
    answer = await provider.room.ask(DEV, size=pixels(1216, 832), image_count=2, seed=7)
    result = answer.result
    picture = ["media_started", "media_chunk", "media_ended"]
    assert answer.kinds == ["provider_accepted", *picture, *picture, "completed"]
    assert [opened(data).size for data in answer.pictures] == [(1216, 832)] * 2
    assert [ended.seed for ended in answer.of("media_ended")] == [7, 7]
    assert not result.adjustments
    (entry,) = await provider.journal()
    assert (entry["attempt_id"], entry["cost_micros"], entry["request_id"]) == (ATTEMPT, 50_000, result.provider_job_id)
    assert (result.cost.amount.nanos, result.cost.source) == (50_000_000, events.COST_SOURCE_COMPUTED)


async def test_a_community_model_runs_by_its_version_and_costs_its_time(provider: EmulatedProvider) -> None:
    """The version is asked for once; the bill is seconds times hardware, to the millionth."""
    for _ in range(2):
        request = wish("", upscale=requests.Upscale(image=media(ball()), factor=3))
        answer = await provider.room.ask(ESRGAN, request)
        assert [opened(data).size for data in answer.pictures] == [(384, 384)]
    assert (answer.result.usage.compute_seconds, answer.result.cost.amount.nanos) == (2.0, 450_000)
    assert [entry["cost_micros"] for entry in await provider.journal()] == [450, 450]
    assert len(await provider.journal("models")) == 1


async def test_a_pinned_version_is_not_asked_for(tmp_path: Path) -> None:
    """An operator may hold a community model still."""
    versions = {ESRGAN: BY_ID[ESRGAN].version}
    async with running("replicate", tmp_path, versions=versions) as provider:
        request = wish("", upscale=requests.Upscale(image=media(ball()), factor=2))
        assert (await provider.room.ask(ESRGAN, request)).result.image_count == 1
        assert not await provider.journal("models")


async def test_segments_are_masks(provider: EmulatedProvider) -> None:
    """Single masks, and not the combined one."""
    answer = await provider.room.ask(SAM, wish("", segment=requests.Segment(image=media(ball()))))
    assert [started.role for started in answer.of("media_started")] == [medias.MEDIA_ROLE_MASK]


async def test_a_mask_is_white_where_the_picture_is_changed(provider: EmulatedProvider) -> None:
    """The caller's transparent hole reaches Replicate as white; what lies outside of it stays."""
    mask = plain(64, 64, "black", "RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    masked = requests.Edit(
        image=media(plain(colour="white")), mask=media(mask), mask_mode=requests.MASK_MODE_ALPHA_REPAINTS
    )
    png = requests.Output(media_type="image/png")
    (data,) = (await provider.room.ask(FLUX + "fill-pro", wish(edit=masked, output=png))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


async def test_a_picture_is_outpainted_by_pixels(provider: EmulatedProvider) -> None:
    """On each side as many as were asked for."""
    request = wish(outpaint=requests.Outpaint(image=media(plain(64, 64, "white")), left_px=16, top_px=8))
    (data,) = (await provider.room.ask("bria/expand-image", request)).pictures
    picture = opened(data)
    assert (picture.size, picture.getpixel((8, 40)), picture.getpixel((40, 40))) == (
        (80, 72),
        (0, 0, 0),
        (255, 255, 255),
    )


async def test_large_pictures_are_uploaded_first(tmp_path: Path) -> None:
    """Small ones travel inside of the request. An upload that fails has bought nothing."""
    async with running("replicate", tmp_path, inline_limit_bytes=100) as provider:
        assert (await provider.room.ask(DEV, **edit())).result.image_count == 1
        assert len(await provider.journal("upload")) == 1
        await provider.script({"path": "upload", "status": 503})
        failure = (await provider.room.ask(DEV, **edit())).failure
        assert failure.failure is not None
        assert (reason_name(failure.reason), failure.failure.billed) == ("provider_unavailable", events.BILLED_NO)
        assert len(await provider.journal()) == 1


async def test_a_refused_request_uploads_nothing(tmp_path: Path) -> None:
    """What cannot be honoured is found out first."""
    async with running("replicate", tmp_path, inline_limit_bytes=0) as provider:
        answer = await provider.room.ask(DEV, **edit(), size=pixels(512, 512), strict=requests.STRICT_REFUSE)
        assert answer.failure.field == "size"
        assert not await provider.journal("upload")


async def test_a_data_url_is_a_picture(provider: EmulatedProvider) -> None:
    """Small outputs may come inside of the answer."""
    url = "data:image/png;base64," + base64.b64encode(media(plain(8, 8)).data).decode()
    await provider.script({"path": "job", "body": {"output": url}})
    (data,) = (await provider.room.ask(SCHNELL)).pictures
    assert opened(data).size == (8, 8)
    await provider.script({"path": "job", "body": {"output": "data:image/png;base64,????"}})
    assert reason_name((await provider.room.ask(SCHNELL)).failure.reason) == "media_invalid"


@pytest.mark.parametrize(
    ("model", "error", "reason", "billed"),
    [
        (SCHNELL, "NSFW content detected. Try again.", "content_blocked", events.BILLED_NO),
        (SCHNELL, "The input was flagged as sensitive (E005)", "content_blocked", events.BILLED_NO),
        (SCHNELL, "Request Moderated", "content_blocked", events.BILLED_NO),
        (SCHNELL, "Prediction interrupted; please retry (code: PA)", "provider_unavailable", events.BILLED_NO),
        (SCHNELL, "cannot identify image file", "input_unreadable", events.BILLED_NO),
        (ESRGAN, "CUDA out of memory", "provider_unavailable", events.BILLED_UNKNOWN),
    ],
)
async def test_a_failed_prediction_has_its_reason(
    provider: EmulatedProvider, model: str, error: str, reason: str, billed: int
) -> None:
    """Models that cost by the picture are free then; for those that cost by the second nobody promises it."""
    await provider.script({"path": "job", "status": 500, "body": {"error": error}})
    fields: dict[str, Any] = {"upscale": requests.Upscale(image=media(plain()))} if model == ESRGAN else {}
    failure = (await provider.room.ask(model, **fields)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, billed)
    assert failure.failure.provider_job_id


async def test_a_prompt_that_a_model_repeats_is_masked(provider: EmulatedProvider) -> None:
    """Neither callers' logs nor ours get to see it."""
    await provider.script({"path": "job", "status": 500, "body": {"error": "no: a very secret garden"}})
    assert "secret garden" not in (await provider.room.ask(SCHNELL, wish("a very secret garden"))).failure.message


async def test_a_result_that_was_deleted_is_gone(provider: EmulatedProvider) -> None:
    """And was charged."""
    await provider.script({"path": "job", "body": {"output": None, "data_removed": True}})
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("resource_gone", events.BILLED_YES)
    assert failure.failure.cost.nanos == 3_000_000


@pytest.mark.parametrize(
    "step", [{"status": 500}, {"status": 404}, {"status": 429, "headers": {"retry-after-ms": "100"}}, {"garbage": True}]
)
async def test_a_look_that_fails_does_not_end_the_job(provider: EmulatedProvider, step: dict[str, Any]) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(SCHNELL)).result.image_count == 1
    assert len(await provider.journal()) == 1


async def test_a_job_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again; an id of nobody's is told as such."""
    first = (await provider.room.ask(SCHNELL)).result
    again = (await provider.room.ask(SCHNELL, resume=first.provider_job_id)).result
    assert (again.provider_job_id, again.cost.amount.nanos) == (first.provider_job_id, 3_000_000)
    assert len(await provider.journal()) == 1
    wrong = (await provider.room.ask(SCHNELL, resume="../account")).failure
    assert wrong.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND


async def test_a_job_can_be_taken_back(tmp_path: Path) -> None:
    """Free while it waits; one that nobody knows is not found."""
    async with running("replicate", tmp_path, job_seconds=600) as provider:
        body = {"input": {"prompt": "x"}}
        headers = {"authorization": f"Bearer {TOKEN}"}
        made = await provider.http.post(f"/replicate/v1/models/{SCHNELL}/predictions", json=body, headers=headers)
        answer = await provider.room.cancel(SCHNELL, made.json()["id"])
        assert (answer.found, answer.free) == (True, True)
        assert not (await provider.room.cancel(SCHNELL, "unknown")).found


async def test_the_deadline_travels_with_the_submit(tmp_path: Path) -> None:
    """Replicate takes back by itself what nobody waits for any more."""
    async with running("replicate", tmp_path, job_seconds=600) as provider:
        failure = (await provider.room.ask(SCHNELL, timeout_s=2)).failure
        assert reason_name(failure.reason) in {"provider_timeout", "deadline_exceeded"}
        (job,) = await provider.journal()
        headers = {"authorization": f"Bearer {TOKEN}"}
        shown = (await provider.http.get(f"/replicate/v1/predictions/{job['request_id']}", headers=headers)).json()
        assert "deadline" in shown


async def test_a_callback_wakes_the_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is believed with its signature only, and changes nothing but when the job is looked at."""
    async with running("replicate", tmp_path, callbacks=True) as provider:
        headers = {"authorization": f"Bearer {TOKEN}"}
        secret = (await provider.http.get("/replicate/v1/webhooks/default/secret", headers=headers)).json()["key"]
        held = {"path": "status", "match": {}, "status": 200, "body": {"status": "processing"}}
        await provider.script(held)
        asked = asyncio.create_task(provider.room.ask(SCHNELL))
        told, body = await asyncio.wait_for(provider.taken.get(), 30)
        assert await provider.deliver(told, body) == "caller_unknown"
        monkeypatch.setenv("REPLICATE_WEBHOOK_SECRET", secret)
        assert await provider.deliver({**told, "webhook-timestamp": "1"}, body) == "caller_unknown"
        assert await provider.deliver(told, body + b" ") == "caller_unknown"
        await provider.script()
        assert await provider.deliver(told, body) == "found"
        answer = await asyncio.wait_for(asked, 60)
        assert answer.result.provider_job_id == json.loads(body)["id"]
        assert await provider.deliver(told, body) == "not found"
        assert len(await provider.journal()) == 1


async def test_nothing_depends_on_a_callback(provider: EmulatedProvider) -> None:
    """Without an address of the edge none is asked for."""
    await provider.room.ask(SCHNELL)
    assert not await provider.journal("webhook")


def test_the_adapter_offers_every_operation_that_replicate_has() -> None:
    """Each by some model."""
    offered = {operation for model in ReplicateAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "upscale", "remove_background", "segment", "outpaint"}
