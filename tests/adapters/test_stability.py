"""Stability AI: what is sent, what comes back, what it costs, and what becomes of errors."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.sdk import Answer
from heliostat.adapters.sdk.stable_image import PRESETS, SHAPES, gather
from heliostat.adapters.stability.adapter import StabilityAdapter
from heliostat.adapters.stability.body import make_parts
from heliostat.adapters.stability.catalog import MODELS
from heliostat.adapters.stability.endpoints import ENDPOINTS, MOST_FILE_BYTES
from heliostat.adapters.stability.failures import refusal
from heliostat.adapters.stability.options import StabilityOptions
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.stability import catalogue, inputs
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain, wish

KEY = "sk-stability-secret-0123456789"
ULTRA, CORE, LARGE, CREATIVE = "stable-image-ultra", "stable-image-core", "sd3.5-large", "upscale/creative"
RELIGHT = "edit/replace-background-and-relight"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("STABILITY_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose jobs take no time."""
    async with running("stability", tmp_path, poll_s=0.01) as one:
        yield one


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def masked() -> dict[str, Any]:
    """The same with a mask."""
    return edit(mask=media(plain(colour="white")))


def upscale(**more: Any) -> dict[str, Any]:
    """An enlargement of a blue picture."""
    return {"upscale": requests.Upscale(image=media(plain()), **more)}


def reference(**more: Any) -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")), **more)


def restyle(**more: Any) -> dict[str, Any]:
    """A picture to be redrawn as another one."""
    pair = {"image": media(plain()), "style": media(plain(colour="red"))}
    return {"style_transfer": requests.StyleTransfer(**(pair | more))}


async def form_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, str]:
    """What is sent for a request; files by their type."""
    call = call_of(MODELS.get(model), **fields)
    endpoint = ENDPOINTS[model]
    parts = make_parts(
        endpoint, call, StabilityOptions(**(options or {})), await gather(endpoint, call, MOST_FILE_BYTES)
    )
    return {part.name: part.media_type or part.data.decode() for part in parts}


PNG = {"output_format": "png"}


@pytest.mark.parametrize(
    ("model", "options", "fields", "sent"),
    [
        (ULTRA, {}, {}, {"aspect_ratio": "1:1"}),
        (ULTRA, {}, {"size": pixels(1344, 768), "seed": 7}, {"aspect_ratio": "16:9", "seed": "7"}),
        (ULTRA, {}, edit(), {"image": "image/png", "strength": "0.6"}),
        (ULTRA, {}, edit(strength=0.25), {"image": "image/png", "strength": "0.25"}),
        (CORE, {}, {"style": "anime", "seed": 0}, {"aspect_ratio": "1:1", "style_preset": "anime", "seed": "1"}),
        (CORE, {}, {"style": "rococo", "seed": 2**33}, {"aspect_ratio": "1:1", "seed": "5"}),
        (LARGE, {"cfg_scale": 5}, {}, {"model": LARGE, "aspect_ratio": "1:1", "cfg_scale": "5.0"}),
        (
            LARGE,
            {},
            edit(strength=1),
            {"model": LARGE, "mode": "image-to-image", "image": "image/png", "strength": "1.0"},
        ),
        (
            "edit/inpaint",
            {},
            {**masked(), "negative_prompt": "cats"},
            {"image": "image/png", "mask": "image/png", "grow_mask": "0", "negative_prompt": "cats"},
        ),
        ("edit/inpaint", {"grow_mask": 7}, masked(), {"image": "image/png", "mask": "image/png", "grow_mask": "7"}),
        (
            "edit/outpaint",
            {"creativity": 0.2},
            {"outpaint": requests.Outpaint(image=media(plain()), left_px=10, bottom_px=4)},
            {"image": "image/png", "left": "10", "down": "4", "creativity": "0.2"},
        ),
        (
            "edit/search-and-replace",
            {"search_prompt": "cat"},
            edit(),
            {"image": "image/png", "search_prompt": "cat"},
        ),
        (CREATIVE, {}, upscale(creativity=0.9), {"image": "image/png", "creativity": "0.5"}),
        ("upscale/conservative", {}, upscale(creativity=0.3), {"image": "image/png", "creativity": "0.3"}),
        ("control/sketch", {}, edit(strength=0.25), {"image": "image/png", "control_strength": "0.75"}),
        (
            "control/style",
            {},
            {"references": [reference(weight=0.4)]},
            {"image": "image/png", "fidelity": "0.4", "aspect_ratio": "1:1"},
        ),
        (
            "control/style-transfer",
            {"change_strength": 0.5},
            restyle(strength=0.5),
            {"init_image": "image/png", "style_image": "image/png", "style_strength": "0.5", "change_strength": "0.5"},
        ),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_endpoint(
    model: str, options: dict[str, Any], fields: dict[str, Any], sent: dict[str, str]
) -> None:
    """Beside prompt and format nothing else is sent."""
    assert await form_of(model, options, **fields) == {"prompt": "a red boat", **PNG, **sent}


async def test_a_background_is_told_by_prompt_or_by_picture() -> None:
    """Under the endpoint's own names."""
    form = await form_of(RELIGHT, {"keep_original_background": True}, **edit(), references=[reference()])
    assert form == {
        "background_prompt": "a red boat",
        "subject_image": "image/png",
        "background_reference": "image/png",
        "keep_original_background": "true",
        **PNG,
    }


@pytest.mark.parametrize("model", sorted(ENDPOINTS))
def test_an_endpoint_takes_what_its_schema_has(model: str) -> None:
    """Every field and option of ours is one of the emulated endpoint's, which was written down apart."""
    endpoint = ENDPOINTS[model]
    theirs = catalogue.BY_PATH[endpoint.path.removeprefix("/")]
    named = {endpoint.prompt, endpoint.image, endpoint.reference, endpoint.style, endpoint.needs} - {""}
    ours = {*endpoint.takes.values(), *endpoint.options, *endpoint.constants, *endpoint.image_constants, *named}
    assert ours <= set(theirs.fields)
    assert ("mask" in theirs.fields, "aspect_ratio" in theirs.fields) == (endpoint.mask, endpoint.shaped)
    assert set(endpoint.formats.values()) == set(theirs.fields["output_format"].words)
    assert endpoint.queued == theirs.queued
    bounds = endpoint.limits
    assert (bounds.least_edge_px, bounds.most_edge_px, bounds.least_px, bounds.most_px, bounds.most_ratio) == (
        *(theirs.bounds.least_edge, theirs.bounds.most_edge, theirs.bounds.least, theirs.bounds.most),
        theirs.bounds.ratio,
    )


def test_words_and_shapes_are_the_apis() -> None:
    """Presets, shapes and their pixels; no option is offered that no endpoint knows, and none is missing."""
    assert set(catalogue.PRESETS) == PRESETS
    assert {name: size for size, name in SHAPES.items()} == inputs.SHAPES
    assert {name for one in ENDPOINTS.values() for name in one.options} == set(StabilityOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "options", "fields", "field"),
    [
        ("edit/inpaint", {}, edit(), "mask"),
        ("control/style", {}, {}, "references"),
        (
            "control/style-transfer",
            {},
            {"style_transfer": requests.StyleTransfer(image=media(plain()))},
            "style_transfer.style",
        ),
        ("edit/search-and-recolor", {}, edit(), "provider_options.stability.select_prompt"),
        (CORE, {"cfg_scale": 5}, {}, "provider_options.stability.cfg_scale"),
        ("edit/outpaint", {}, {"outpaint": requests.Outpaint(image=media(plain()), top_px=2001)}, "outpaint.top_px"),
        ("edit/outpaint", {}, {"outpaint": requests.Outpaint(image=media(plain()))}, "outpaint"),
        (ULTRA, {}, edit(63, 100), "image"),
        ("upscale/fast", {}, {"upscale": requests.Upscale(image=media(plain(1600, 100)))}, "image"),
        ("control/sketch", {}, edit(256, 100), "image"),
        (ULTRA, {}, {"prompt": "x" * 10_001}, "prompt"),
        (ULTRA, {}, {"prompt": ""}, "prompt"),
        (RELIGHT, {}, {**edit(), "prompt": ""}, "prompt"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_an_endpoint_would_refuse_is_refused_before_anything_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await form_of(model, options, **{"prompt": "a red boat", **fields})
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, "invalid_field")


async def test_a_picture_is_made_to_fit(provider: EmulatedProvider) -> None:
    """Of another type, or larger than the endpoint takes; what is to be enlarged is not made smaller first."""
    out = io.BytesIO()
    plain(64, 64).save(out, "GIF")
    gif = requests.Edit(image=media_pb2.Media(data=out.getvalue()))
    told = (await provider.room.ask(ULTRA, edit=gif)).adjusted("image")
    assert (told.requested, told.sent) == ("image/gif", "image/png")
    large = requests.RemoveBackground(image=media(plain(2400, 2000)))
    answer = await provider.room.ask("edit/remove-background", remove_background=large)
    assert opened(answer.pictures[0]).size == (2243, 1869)
    failure = (await provider.room.ask(CREATIVE, upscale=requests.Upscale(image=media(plain(1100, 1000))))).failure
    assert (reason_name(failure.reason), failure.field) == ("unsupported", "image")
    assert len(await provider.journal()) == 2


@pytest.mark.parametrize(
    ("fields", "model", "parameter", "sent"),
    [
        ({"seed": 0}, CORE, "seed", "1"),
        ({"style": "rococo"}, CORE, "style", ""),
        ({"size": pixels(1000, 1000)}, ULTRA, "size", "1024x1024"),
        (upscale(factor=2), "upscale/fast", "factor", "x4"),
        (upscale(size=requests.PixelSize(width_px=99, height_px=99)), "upscale/conservative", "size", "4 megapixels"),
        (upscale(creativity=0.01), "upscale/conservative", "creativity", "0.2"),
        ({"end_user_id": "ü\n"}, CORE, "user", ""),
    ],
)
async def test_what_is_not_honoured_is_told(
    provider: EmulatedProvider, fields: dict[str, Any], model: str, parameter: str, sent: str
) -> None:
    """And refused where the request is strict."""
    answer = await provider.room.ask(model, **fields)
    assert answer.adjusted(parameter).sent == sent
    strict = await provider.room.ask(model, **fields, strict=requests.STRICT_REFUSE)
    assert reason_name(strict.failure.reason) == "unsupported"
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    ("status", "name", "said", "reason", "field", "pause_s"),
    [
        (403, "content_moderation", "flagged", "content_blocked", "prompt", None),
        (403, "forbidden", "no", "provider_auth_failed", None, None),
        (422, "public_figure", "likeness", "content_blocked", "prompt", None),
        (422, "invalid_language", "English only", "invalid_field", "prompt", None),
        (400, "bad_request", "style_preset: must be one of", "invalid_field", "style", None),
        (400, "bad_request", "nothing of the kind", "invalid_field", None, None),
        (413, "payload_too_large", "10 MiB", "invalid_field", None, None),
        (402, "payment_required", "credits", "quota_exhausted", None, None),
        (429, "rate_limit_exceeded", "slow", "rate_limited", None, 60.0),
        (404, "not_found", "no", "provider_model_gone", None, None),
        (500, "internal_error", "oops", "provider_unavailable", None, None),
    ],
)
def test_a_refusal_has_its_reason(
    status: int, name: str, said: str, reason: str, field: str | None, pause_s: float | None
) -> None:
    """What is flagged is not a wrong key, though both are a 403."""
    body = json.dumps({"id": "0" * 32, "name": name, "errors": [said]}).encode()
    error = refusal(Answer(status, {}, body), "STABILITY_API_KEY")
    assert error is not None
    assert (reason_name(error.reason), error.field, error.retry_after_s) == (reason, field, pause_s)
    assert said in error.message


@pytest.mark.parametrize("body", [b"", b"[]", b'{"errors": 7, "name": []}', b'{"error": {"message": "bad"}}'])
def test_what_is_not_the_dialect_is_left_to_the_kit(body: bytes) -> None:
    """But a 429 without a word about a pause is one of a minute."""
    assert refusal(Answer(400, {}, body), "") is None
    error = refusal(Answer(429, {}, body), "")
    assert error is not None
    assert error.retry_after_s == 60.0


async def test_a_picture_comes_at_once(provider: EmulatedProvider) -> None:
    """One call; the cost is that of the list, and the provider's bill."""
    answer = await provider.room.ask(LARGE, size=pixels(1216, 832), seed=7, end_user_id="u-1")
    assert answer.kinds == ["media_started", "media_chunk", "media_ended", "completed"]
    assert [opened(data).size for data in answer.pictures] == [(1216, 832)]
    assert answer.of("media_ended")[0].seed == 7
    assert not answer.result.adjustments
    (entry,) = await provider.journal()
    assert (entry["model"], entry["cost_micros"]) == (LARGE, 65_000)
    assert (answer.result.cost.amount.nanos, answer.result.cost.source) == (65_000_000, events.COST_SOURCE_COMPUTED)


@pytest.mark.parametrize(
    ("model", "fields", "size", "micros"),
    [
        ("edit/erase", masked(), (64, 64), 50_000),
        (
            "edit/remove-background",
            {"remove_background": requests.RemoveBackground(image=media(plain()))},
            (64, 64),
            50_000,
        ),
        (
            "edit/outpaint",
            {"outpaint": requests.Outpaint(image=media(plain()), right_px=16, top_px=8)},
            (80, 72),
            40_000,
        ),
        ("upscale/fast", upscale(factor=4), (256, 256), 20_000),
        (CREATIVE, upscale(), (2048, 2048), 600_000),
        (RELIGHT, edit(), (64, 64), 80_000),
        ("control/style", {"references": [reference()]}, (1024, 1024), 50_000),
        ("control/style-transfer", restyle(), (64, 64), 80_000),
    ],
)
async def test_operations_come_out_for_their_price(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """At once or by a job."""
    answer = await provider.room.ask(model, **fields)
    assert [opened(data).size for data in answer.pictures] == [size]
    assert answer.result.cost.amount.nanos == 1_000 * micros
    assert [entry["cost_micros"] for entry in await provider.journal()] == [micros]


async def test_a_mask_is_white_where_the_picture_is_painted(provider: EmulatedProvider) -> None:
    """The caller's transparent hole reaches the provider as white; what lies outside of it stays."""
    mask = plain(64, 64, "black", "RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    change = requests.Edit(
        image=media(plain(colour="white")), mask=media(mask), mask_mode=requests.MASK_MODE_ALPHA_REPAINTS
    )
    (data,) = (await provider.room.ask("edit/inpaint", wish(edit=change))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


@pytest.mark.parametrize(
    ("prompt", "billed"),
    [("something nsfw", events.BILLED_NO), ("the president", events.BILLED_NO), ("much gore", events.BILLED_UNKNOWN)],
)
async def test_what_is_moderated_is_blocked(provider: EmulatedProvider, prompt: str, billed: "events.Billed") -> None:
    """Before the work for nothing; a blurred result may have been charged."""
    failure = (await provider.room.ask(CORE, wish(prompt))).failure
    assert failure.failure is not None
    assert reason_name(failure.reason) == "content_blocked"
    assert (failure.failure.outcome, failure.failure.billed) == (events.OUTCOME_REFUSED, billed)


@pytest.mark.parametrize(
    ("step", "reason", "billed"),
    [
        ({"status": 200, "body": {"image": "xx"}}, "provider_answer_invalid", events.BILLED_UNKNOWN),
        (
            {"status": 200, "headers": {"content-type": "image/png"}, "garbage": True},
            "media_invalid",
            events.BILLED_YES,
        ),
        ({"status": 422}, "invalid_field", events.BILLED_NO),
    ],
)
async def test_an_answer_that_is_no_picture(
    provider: EmulatedProvider, step: dict[str, Any], reason: str, billed: "events.Billed"
) -> None:
    """A picture that cannot be read was charged; anything else leaves it open."""
    await provider.script({"path": "submit", **step})
    failure = (await provider.room.ask(CORE)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, billed)
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    "answer", [{"status": 200, "body": {}}, {"body": {"id": "../../v1/user"}}, {"body": {"id": 7}}]
)
async def test_a_job_without_an_id_leaves_the_bill_open(provider: EmulatedProvider, answer: dict[str, Any]) -> None:
    """An id becomes part of a path, so it is looked at closely."""
    await provider.script({"path": "submit", **answer})
    failure = (await provider.room.ask(CREATIVE, **upscale())).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 404},
        {"status": 200, "body": {"status": "in-progress"}},
        {"status": 202, "body": {"status": "a word nobody knows"}},
        {"status": 200, "body": {"image": "no picture"}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_job(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    answer = await provider.room.ask(CREATIVE, **upscale())
    assert answer.result.image_count == 1
    assert answer.kinds[0] == "provider_accepted"
    assert (len(await provider.journal()), len(await provider.journal("status"))) == (1, 3)


async def test_a_job_that_is_flagged_is_over_and_free(provider: EmulatedProvider) -> None:
    """At the first look."""
    await provider.script({"path": "status", "match": {}, "status": 403})
    failure = (await provider.room.ask(CREATIVE, **upscale())).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_NO)
    assert len(await provider.journal("status")) == 1


async def test_a_job_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again; an id that is none of theirs is told."""
    first = (await provider.room.ask(CREATIVE, **upscale())).result
    again = (await provider.room.ask(CREATIVE, **upscale(), resume=first.provider_job_id)).result
    assert (again.cost.amount.nanos, len(await provider.journal())) == (600_000_000, 1)
    foreign = (await provider.room.ask(CREATIVE, **upscale(), resume="../../v1/user/balance")).failure
    assert reason_name(foreign.reason) == "resource_not_found"


async def test_a_cancel_finds_nothing(provider: EmulatedProvider) -> None:
    """There is none: the job goes on."""
    job = (await provider.room.ask(CREATIVE, **upscale())).result.provider_job_id
    assert not (await provider.room.cancel(CREATIVE, job)).found


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It segments nothing, and varies nothing without words."""
    offered = {operation for model in StabilityAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "upscale", "remove_background", "style_transfer", "outpaint"}
