"""Ideogram: what is sent, what comes back, what it costs, and what becomes of errors."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.ideogram.adapter import IdeogramAdapter
from heliostat.adapters.ideogram.body import gather, make_fields, make_parts
from heliostat.adapters.ideogram.catalog import MODELS
from heliostat.adapters.ideogram.endpoints import FAMILIES
from heliostat.adapters.ideogram.failures import refusal
from heliostat.adapters.ideogram.generations import generation_id, read_generation
from heliostat.adapters.ideogram.options import IdeogramOptions
from heliostat.adapters.ideogram.orders import order_of
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.ideogram.catalogue import BY_PATH
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "ideogram-secret-0123456789"
THREE, TURBO, CHARACTER, PRECISE = "ideogram-3", "ideogram-3/turbo", "ideogram-3-character", "ideogram-4-5"
UPSCALE, CUT_OUT = "upscale/topaz-standard-2", "remove-background"
LOW, MAX = requests.Output(quality=requests.QUALITY_LOW), requests.Output(quality=requests.QUALITY_MAX)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("IDEOGRAM_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose generations take no time."""
    async with running("ideogram", tmp_path) as one:
        yield one


def edit(**more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain()), **more)}


def masked() -> dict[str, Any]:
    """An edit whose left half is to be painted anew."""
    mask = plain(64, 64, "black", "L")
    mask.paste(255, (0, 0, 32, 64))
    return edit(mask=media(mask), mask_mode=requests.MASK_MODE_WHITE_REPAINTS)


def outpaint(**sides: int) -> dict[str, Any]:
    """A blue picture to add to."""
    return {"outpaint": requests.Outpaint(image=media(plain()), **sides)}


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


async def sent_for(model: str, options: dict[str, Any] | None = None, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The endpoint and what is sent to it; files are told by their number."""
    known = MODELS.get(model)
    call = call_of(known, **fields)
    endpoint = known.facts.choose(call.request)
    pictures = await gather(known.facts, endpoint, call)
    body = make_fields(known.facts, endpoint, call, IdeogramOptions(**(options or {})), pictures)
    parts = make_parts(endpoint, body, pictures)
    files: dict[str, int] = {}
    for part in parts:
        if part.filename:
            files[part.name] = files.get(part.name, 0) + 1
    assert bool(files) == bool(parts)
    assert {part.name for part in parts if not part.filename} == (set(body) if parts else set())
    return endpoint.path, body | files


@pytest.mark.parametrize(
    ("model", "fields", "path", "sent"),
    [
        (THREE, {}, "generate/ideogram-3", {"rendering_speed": "default"}),
        (
            THREE,
            {"size": pixels(1024, 1024), "seed": 0, "output": LOW, "image_count": 2, "negative_prompt": "cats"},
            "generate/ideogram-3",
            {
                "resolution": "1024x1024",
                "seed": 0,
                "rendering_speed": "turbo",
                "num_images": 2,
                "negative_prompt": "cats",
            },
        ),
        (
            THREE,
            {"references": [reference(), reference()], "style": "Realistic"},
            "generate/ideogram-3",
            {"style_reference_images": 2, "style_type": "realistic", "rendering_speed": "default"},
        ),
        (
            THREE,
            edit(strength=0.25),
            "remix/ideogram-3",
            {"image": 1, "image_weight": 75, "resolution": "1024x1024", "rendering_speed": "default"},
        ),
        (THREE, masked(), "inpaint/ideogram-3", {"image": 1, "mask": 1, "rendering_speed": "default"}),
        (TURBO, {"output": MAX}, "generate/ideogram-3", {"rendering_speed": "turbo"}),
        ("ideogram-4", {"output": MAX}, "generate/ideogram-4", {"rendering_speed": "quality"}),
        (
            "ideogram-4",
            edit(strength=1.0),
            "remix/ideogram-4",
            {"image": 1, "image_weight": 1, "resolution": "2048x2048", "rendering_speed": "default"},
        ),
        (PRECISE, {"size": pixels(1600, 912)}, "generate/ideogram-4-5", {"size": "1600x912", "quality": "high"}),
        (
            PRECISE,
            {**edit(), "references": [reference()], "output": LOW},
            "precise-edit/ideogram-4-5",
            {"image": 1, "reference_images": 1, "quality": "low"},
        ),
        (PRECISE, masked(), "precise-edit/ideogram-4-5", {"image": 1, "mask": 1, "quality": "high"}),
        (
            CHARACTER,
            {"references": [reference()]},
            "generate/ideogram-3-character",
            {"character_reference_images": 1, "rendering_speed": "default"},
        ),
        (
            "ideogram-3-transparent",
            {"size": requests.Size(aspect=requests.AspectSize(width_ratio=16, height_ratio=9))},
            "generate/ideogram-3-transparent",
            {"aspect_ratio": "16x9", "rendering_speed": "default"},
        ),
        (
            "p-image-ideogram",
            {"size": pixels(512, 768)},
            "generate/p-image-ideogram",
            {"custom_width": 512, "custom_height": 768, "quality": "medium"},
        ),
        ("replace-background", edit(), "replace-background/ideogram-3", {"image": 1, "rendering_speed": "default"}),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_endpoint(
    model: str, fields: dict[str, Any], path: str, sent: dict[str, Any]
) -> None:
    """As a job, with the prompt, and with nothing that the endpoint does not know."""
    endpoint, body = await sent_for(model, **fields)
    assert set(body) <= set(BY_PATH[path].fields)
    assert (endpoint, body) == (path, {"prompt": "a red boat", "async": True, **sent})


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (THREE, outpaint(left_px=60), {"image": 1, "resolution": "1344x704", "rendering_speed": "default"}),
        (UPSCALE, {"upscale": requests.Upscale(image=media(plain()))}, {"image": 1, "upscale_factor": "x2"}),
        (UPSCALE, {"upscale": requests.Upscale(image=media(plain()), factor=5)}, {"image": 1, "upscale_factor": "x4"}),
        (
            UPSCALE,
            {"upscale": requests.Upscale(image=media(plain()), size=requests.PixelSize(width_px=512, height_px=512))},
            {"image": 1, "upscale_factor": "x8"},
        ),
        (CUT_OUT, {"remove_background": requests.RemoveBackground(image=media(plain()))}, {"image": 1}),
    ],
)
async def test_a_tool_gets_no_prompt(model: str, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """It has no field for it."""
    path, body = await sent_for(model, **fields)
    assert set(body) <= set(BY_PATH[path].fields)
    assert body == {"async": True, **sent}


@pytest.mark.parametrize("model", sorted(FAMILIES))
def test_an_endpoint_takes_what_its_schema_has(model: str) -> None:
    """Every field and option of ours is one of the emulated operation's, which was written down apart."""
    renamed = {"style": "style_type", "strength": "image_weight"}
    elsewhere = {"quality", "feather", "background"}
    for endpoint in FAMILIES[model].endpoints.values():
        known = BY_PATH[endpoint.path].fields
        fields = {renamed.get(name, name) for name in endpoint.takes - elsewhere} | set(endpoint.options)
        fields |= {endpoint.image, endpoint.mask, endpoint.references} - {""}
        assert fields <= set(known), endpoint.path
        if endpoint.effort:
            assert {*endpoint.effort.words.values(), endpoint.effort.usual} <= known[endpoint.effort.field].words
        if endpoint.references:
            assert endpoint.most <= known[endpoint.references].most


@pytest.mark.parametrize(
    ("model", "fields", "field", "reason"),
    [
        (CHARACTER, {}, "references", "invalid_field"),
        (PRECISE, {**masked(), "references": [reference()] * 4}, "references", "unsupported"),
        (PRECISE, {**edit(), "references": [reference()] * 5}, "references", "unsupported"),
        (THREE, {"prompt": "", **outpaint(), "strict": requests.STRICT_REFUSE}, "outpaint", "unsupported"),
        (THREE, {"style": "cubist", "strict": requests.STRICT_REFUSE}, "style", "unsupported"),
        ("ideogram-4", {"output": MAX, "strict": requests.STRICT_REFUSE}, "quality", "unsupported"),
        ("ideogram-4", {**edit(), "seed": 7, "strict": requests.STRICT_REFUSE}, "seed", "unsupported"),
        (
            "upscale/topaz-bloom-2",
            {"upscale": requests.Upscale(image=media(plain()), factor=4), "strict": requests.STRICT_REFUSE},
            "factor",
            "unsupported",
        ),
        (THREE, {"seed": 2**40, "strict": requests.STRICT_REFUSE}, "seed", "unsupported"),
        (THREE, {**masked(), "size": pixels(512, 512), "strict": requests.STRICT_REFUSE}, "size", "unsupported"),
    ],
)
async def test_what_an_endpoint_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await sent_for(model, **fields)
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


async def test_an_operation_that_is_always_a_job_is_not_asked_to_be_one() -> None:
    """It has no field for that, and none for a prompt."""
    assert await sent_for("remove-object", seed=7, **masked()) == (
        "remove-object/ideogram-1",
        {"image": 1, "mask": 1, "seed": 7},
    )


async def test_what_an_operation_does_not_take_is_told() -> None:
    """The model takes it elsewhere, so the kit lets it pass."""
    known = MODELS.get(THREE)
    call = call_of(known, **outpaint(left_px=64), negative_prompt="cats")
    endpoint = known.facts.choose(call.request)
    make_fields(known.facts, endpoint, call, IdeogramOptions(), await gather(known.facts, endpoint, call))
    assert [one.parameter for one in call.adjustments] == ["negative_prompt", "prompt", "outpaint"]


@pytest.mark.parametrize(
    ("model", "options", "fields", "field"),
    [
        (THREE, {"context_window": "auto"}, {}, "context_window"),
        (PRECISE, {"style_type": "design"}, {}, "style_type"),
        (PRECISE, {"context_window": "auto"}, {}, "context_window"),
        (THREE, {"style_preset": "Oil", "style_codes": ["0a1b2c3d"]}, {}, "style_codes"),
        (THREE, {"style_preset": "Oil"}, {"references": [reference()]}, "style_preset"),
    ],
)
async def test_an_option_that_does_not_fit_is_an_error(
    model: str, options: dict[str, Any], fields: dict[str, Any], field: str
) -> None:
    """Of another endpoint, or beside one that excludes it."""
    with pytest.raises(MeshError) as caught:
        await sent_for(model, options, **fields)
    assert caught.value.field == f"provider_options.ideogram.{field}"


def test_options_are_those_that_some_endpoint_takes() -> None:
    """Nothing is offered that no endpoint knows, and nothing that an endpoint knows is missing."""
    endpoints = [endpoint for family in FAMILIES.values() for endpoint in family.endpoints.values()]
    assert {name for endpoint in endpoints for name in endpoint.options} == set(IdeogramOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (THREE, {"output": requests.Output(quality=requests.QUALITY_HIGH), "image_count": 4}, 360_000),
        (CHARACTER, {"output": LOW, "image_count": 2}, 200_000),
        (TURBO, {"output": MAX}, 30_000),
        (PRECISE, {}, 100_000),
        (PRECISE, edit(), 220_000),
        ("ideogram-4", {}, 60_000),
        (THREE, outpaint(), 60_000),
        ("replace-background", edit(), 60_000),
        ("remove-object", masked(), 30_000),
        (UPSCALE, {"upscale": requests.Upscale(image=media(plain(512, 512)), factor=4)}, 125_829),
        (UPSCALE, {"upscale": requests.Upscale(image=media(plain(1024, 1024)))}, 125_829),
        (UPSCALE, {"upscale": requests.Upscale(image={"uri": "https://x.example/a.png"})}, None),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int | None) -> None:
    """The worked examples of the price page among them; what hangs on a picture out of sight is unknown."""
    request, known = wish(**fields), MODELS.get(model)
    assert known.price.estimate(order_of(known, request, known.sizes.choose(request.size))) == micros


async def test_a_picture_comes_from_submit_to_file(provider: EmulatedProvider) -> None:
    """One submit; the cost is computed, and what the provider billed."""
    answer = await provider.room.ask(TURBO, size=pixels(1344, 768), seed=7, image_count=2)
    result = answer.result
    assert answer.kinds[0] == "provider_accepted"
    assert [opened(data).size for data in answer.pictures] == [(1344, 768)] * 2
    assert [ended.seed for ended in answer.of("media_ended")] == [7, 8]
    (entry,) = await provider.journal()
    assert (entry["attempt_id"], entry["cost_micros"], entry["request_id"]) == (ATTEMPT, 60_000, result.provider_job_id)
    assert (result.cost.amount.nanos, result.cost.source) == (60_000_000, events.COST_SOURCE_COMPUTED)


@pytest.mark.parametrize("model", [THREE, PRECISE, "remove-object"])
async def test_a_mask_is_turned_round_where_the_picture_is_painted(provider: EmulatedProvider, model: str) -> None:
    """The caller's white half is painted, what lies outside of it stays."""
    white = requests.Edit(image=media(plain(colour="white")), mask=masked()["edit"].mask)
    (data,) = (await provider.room.ask(model, wish(edit=white))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


async def test_an_upscale_costs_what_the_provider_says(provider: EmulatedProvider) -> None:
    """By the megapixel of what comes out, twice as wide and high."""
    answer = await provider.room.ask(UPSCALE, wish(upscale=requests.Upscale(image=media(plain(512, 256)))))
    assert opened(answer.pictures[0]).size == (1024, 512)
    (entry,) = await provider.journal()
    assert (answer.result.cost.source, answer.result.cost.amount.nanos) == (events.COST_SOURCE_REPORTED, 15_729_000)
    assert entry["cost_micros"] == 15_729


async def test_a_background_is_removed(provider: EmulatedProvider) -> None:
    """For a cent."""
    cut = requests.RemoveBackground(image=media(plain()))
    answer = await provider.room.ask(CUT_OUT, wish(remove_background=cut))
    assert opened(answer.pictures[0]).mode == "RGBA"
    assert answer.result.cost.amount.nanos == 10_000_000


async def test_a_picture_is_outpainted_to_a_size_of_the_list(provider: EmulatedProvider) -> None:
    """And the caller is told."""
    answer = await provider.room.ask(THREE, wish("", **outpaint(right_px=64)))
    assert opened(answer.pictures[0]).size == (1408, 704)
    assert answer.adjusted("outpaint").requested == "128x64"


async def test_a_refused_prompt_is_free(provider: EmulatedProvider) -> None:
    """It never ran."""
    failure = (await provider.room.ask(TURBO, wish("something nsfw here"))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_NO)
    assert "safety check" in failure.message


async def test_a_picture_that_is_held_back_is_charged(provider: EmulatedProvider) -> None:
    """Alone it is an error with its cost; among others it is told, and counted in the cost."""
    failure = (await provider.room.ask(TURBO, wish("gore"))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_YES)
    assert failure.failure.cost.nanos == 30_000_000
    result = (await provider.room.ask(TURBO, wish("gore", image_count=3))).result
    assert (result.image_count, result.missing_image_count, result.cost.amount.nanos) == (2, 1, 90_000_000)
    assert result.provider_metadata["unsafe_image_count"] == 1
    assert [entry["cost_micros"] for entry in await provider.journal()] == [30_000, 90_000]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ({"path": "job", "status": 500}, "provider_unavailable"),
        ({"path": "job", "status": 500, "body": {"failure_reason": "content_policy_violation"}}, "content_blocked"),
    ],
)
async def test_a_generation_that_fails_is_free(provider: EmulatedProvider, step: dict[str, Any], reason: str) -> None:
    """Its state says so, and why."""
    await provider.script(step)
    failure = (await provider.room.ask(TURBO)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, events.BILLED_NO)


async def test_a_generation_without_a_picture_is_charged(provider: EmulatedProvider) -> None:
    """What is completed costs, whatever is missing."""
    await provider.script({"path": "job", "body": {"data": []}})
    failure = (await provider.room.ask(TURBO)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 429, "body": {"error": "slow down"}, "headers": {"retry-after": "0"}},
        {"status": 404},
        {"status": 200, "body": {"generation_id": "g", "status": "a word nobody knows"}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_generation(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(TURBO)).result.image_count == 1
    assert len(await provider.journal()) == 1


async def test_an_answer_at_once_is_taken(provider: EmulatedProvider) -> None:
    """Some operation may not know jobs; nothing is looked up then."""
    headers = {"api-key": KEY}
    given = await provider.http.post("/ideogram/v2/image/generate/ideogram-3", json={"prompt": "x"}, headers=headers)
    await provider.script({"path": "submit", "body": given.json()})
    assert (await provider.room.ask(TURBO)).result.image_count == 1
    assert not await provider.journal("status")


async def test_a_submit_without_an_id_is_an_error(provider: EmulatedProvider) -> None:
    """It may be charged all the same."""
    await provider.script({"path": "submit", "body": {"generation_id": "../x"}})
    failure = (await provider.room.ask(TURBO)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


async def test_a_generation_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again."""
    first = (await provider.room.ask(TURBO)).result
    again = (await provider.room.ask(TURBO, resume=first.provider_job_id)).result
    assert again.cost.amount.nanos == 30_000_000
    assert len(await provider.journal()) == 1
    assert reason_name((await provider.room.ask(TURBO, resume="../v1")).failure.reason) == "resource_not_found"


@pytest.mark.parametrize("value", ["", "a/b", "../x", "a?b", "x" * 129, None, 7])
def test_an_id_never_becomes_another_path(value: Any) -> None:
    """Whatever the provider says."""
    assert generation_id(value) == ""


@pytest.mark.parametrize(
    ("cost", "micros", "doubtful"),
    [(60_000, 60_000, False), (None, None, False), (-1, None, True), (True, None, True), (1e30, None, True)],
)
def test_a_cost_is_read_or_not_believed(cost: Any, micros: int | None, doubtful: bool) -> None:
    """It comes in millionths of a dollar."""
    body = json.dumps({"generation_id": "g", "status": "completed", "usage_cost_usd_micros": cost}).encode()
    reported = read_generation(Answer(200, {}, body)).reported
    assert (reported.micros, bool(reported.doubt)) == (micros, doubtful)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (422, {"error": "Prompt provided failed safety check"}, "content_blocked"),
        (422, {"error": "num_images: too large"}, None),
        (403, {"error": "failed safety"}, None),
    ],
)
def test_a_refusal_has_its_reason(status: int, body: dict[str, Any], reason: str | None) -> None:
    """Only what the kit's table cannot know is read here."""
    error = refusal(Answer(status, {}, json.dumps(body).encode()))
    assert (reason_name(error.reason) if error else None) == reason


async def test_a_picture_in_a_format_that_is_not_taken_is_refused() -> None:
    """Before anything is sent."""
    gif = plain()
    stored = media(gif)
    out = io.BytesIO()
    gif.save(out, "GIF")
    stored.data = out.getvalue()
    with pytest.raises(MeshError) as caught:
        await sent_for(THREE, edit=requests.Edit(image=stored))
    assert (caught.value.field, reason_name(caught.value.reason)) == ("image", "input_unreadable")


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It has no segmentation, no variation and no style transfer of its own."""
    offered = {operation for model in IdeogramAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "outpaint", "upscale", "remove_background"}
