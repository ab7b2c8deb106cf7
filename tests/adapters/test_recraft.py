"""Recraft: what is sent, what comes back, what it costs, and what becomes of errors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.recraft.adapter import RecraftAdapter
from heliostat.adapters.recraft.answers import read_pictures, refusal
from heliostat.adapters.recraft.body import gather, make_fields, make_parts
from heliostat.adapters.recraft.catalog import MODELS
from heliostat.adapters.recraft.endpoints import FAMILIES
from heliostat.adapters.recraft.options import RecraftOptions
from heliostat.adapters.recraft.orders import order_of
from heliostat.adapters.sdk import Answer, MaskForm
from heliostat.adapters.sdk.masks import MaskOrder, shape_mask, told_of
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.recraft.catalogue import BY_PATH
from heliostat.emulators.recraft.catalogue import MODELS as EMULATED
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "recraft-secret-0123456789"
FOUR, PRO, THREE = "recraftv4_1", "recraftv4_1_pro", "recraftv3"
ERASE, CRISP, CUT_OUT = "eraseRegion", "crispUpscale", "removeBackground"
SENT = {"response_format": "url", "image_format": "png"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token where the settings look for it."""
    monkeypatch.setenv("RECRAFT_API_TOKEN", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter over its emulator."""
    async with running("recraft", tmp_path) as one:
        yield one


def edit(**more: Any) -> dict[str, Any]:
    """An edit of a white picture."""
    return {"edit": requests.Edit(image=media(plain(colour="white")), **more)}


def mask() -> Image.Image:
    """The left half is to be painted anew."""
    made = plain(64, 64, "black", "L")
    made.paste(255, (0, 0, 32, 64))
    return made


def masked() -> dict[str, Any]:
    """An edit of a part."""
    return edit(mask=media(mask()), mask_mode=requests.MASK_MODE_WHITE_REPAINTS)


def outpaint(**sides: int) -> dict[str, Any]:
    """A picture to add to."""
    return {"outpaint": requests.Outpaint(image=media(plain()), **sides)}


def upscale(**more: Any) -> dict[str, Any]:
    """A picture to enlarge."""
    return {"upscale": requests.Upscale(image=media(plain(100, 50)), **more)}


def reference() -> requests.Reference:
    """A picture of a style."""
    return requests.Reference(image=media(plain(colour="green")))


async def sent_for(model: str, options: dict[str, Any] | None = None, **fields: Any) -> tuple[str, dict[str, Any]]:
    """The endpoint and what is sent to it; files are told by their number."""
    known = MODELS.get(model)
    call = call_of(known, **fields)
    endpoint = known.facts.choose(call.request)
    pictures = await gather(endpoint, call)
    body = make_fields(known.facts, endpoint, call, RecraftOptions(**(options or {})), pictures)
    parts = make_parts(body, pictures)
    files: dict[str, int] = {}
    for part in parts:
        if part.filename:
            files[part.name] = files.get(part.name, 0) + 1
    assert {part.name for part in parts if not part.filename} == (set(body) if files else set())
    return endpoint.path, body | files


@pytest.mark.parametrize(
    ("model", "fields", "path", "sent"),
    [
        (FOUR, {}, "generations", {"model": FOUR, "prompt": "a red boat", "size": "1024x1024"}),
        (
            PRO,
            {"size": pixels(2688, 1536), "seed": 0, "image_count": 2},
            "generations",
            {"model": PRO, "prompt": "a red boat", "size": "2688x1536", "random_seed": 0, "n": 2},
        ),
        (
            THREE,
            {"style": "Digital_Illustration", "negative_prompt": "cats", "size": pixels(1820, 1024)},
            "generations",
            {
                "model": THREE,
                "prompt": "a red boat",
                "size": "1820x1024",
                "style": "digital_illustration",
                "negative_prompt": "cats",
            },
        ),
        (
            THREE,
            {"references": [reference(), reference()]},
            "generations",
            {"model": THREE, "prompt": "a red boat", "size": "1024x1024", "style_references": 2},
        ),
        (THREE, edit(), "imageToImage", {"model": THREE, "prompt": "a red boat", "image": 1, "strength": 0.5}),
        (
            THREE,
            edit(strength=0.0),
            "imageToImage",
            {"model": THREE, "prompt": "a red boat", "image": 1, "strength": 0.0},
        ),
        (THREE, masked(), "inpaint", {"model": THREE, "prompt": "a red boat", "image": 1, "mask": 1}),
        (
            THREE,
            {"prompt": "", "variation": requests.Variation(image=media(plain(160, 90)))},
            "variateImage",
            {"model": THREE, "image": 1, "size": "1820x1024"},
        ),
        (
            THREE,
            outpaint(left_px=10, top_px=20),
            "outpaint",
            {"model": THREE, "prompt": "a red boat", "image": 1, "expand_left": 10, "expand_top": 20},
        ),
        ("replaceBackground", edit(), "replaceBackground", {"prompt": "a red boat", "image": 1}),
        (ERASE, masked(), "eraseRegion", {"image": 1, "mask": 1}),
        (
            CUT_OUT,
            {"remove_background": requests.RemoveBackground(image=media(plain()))},
            "removeBackground",
            {"image": 1},
        ),
        (CRISP, upscale(), "crispUpscale", {"image": 1}),
        (CRISP, upscale(factor=2), "crispUpscale", {"image": 1, "upscale": "upscale4mp"}),
        (
            "creativeUpscale",
            upscale(size=requests.PixelSize(width_px=5000, height_px=2500)),
            "creativeUpscale",
            {"image": 1, "upscale": "upscale16mp"},
        ),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_endpoint(
    model: str, fields: dict[str, Any], path: str, sent: dict[str, Any]
) -> None:
    """Nothing else is sent, and nothing that the endpoint does not know."""
    endpoint, body = await sent_for(model, **fields)
    assert set(body) <= set(BY_PATH[path].fields) | {"image", "mask", "style_references"}
    assert (endpoint, body) == (path, SENT | sent)


@pytest.mark.parametrize("model", sorted(FAMILIES))
def test_an_endpoint_takes_what_its_schema_has(model: str) -> None:
    """Every field and option of ours is one of the emulated operation's, which was written down apart."""
    renamed = {"seed": "random_seed"}
    for endpoint in FAMILIES[model].endpoints.values():
        operation = BY_PATH[endpoint.path]
        fields = {renamed.get(name, name) for name in endpoint.takes - {"background"}} | set(endpoint.options)
        assert fields <= set(operation.fields), endpoint.path
        assert (endpoint.image, endpoint.mask) == (operation.takes_image, operation.mask)
        needs = operation.fields.get("prompt")
        assert endpoint.needs_prompt == (needs is not None and needs.required)


@pytest.mark.parametrize("model", sorted(EMULATED))
def test_a_model_draws_the_sizes_that_it_has(model: str) -> None:
    """As the provider lists them."""
    rule = MODELS.get(model).sizes.rule()
    sizes = {f"{size.width_px}x{size.height_px}" for size in rule.exact.sizes}
    assert sizes == set(EMULATED[model].sizes.values())
    assert MODELS.get(model).max_prompt_chars == EMULATED[model].prompt_chars


@pytest.mark.parametrize(
    ("model", "fields", "field", "reason"),
    [
        (THREE, {"prompt": "", **edit()}, "prompt", "invalid_field"),
        (ERASE, edit(), "mask", "invalid_field"),
        (THREE, {**edit(), "references": [reference()]}, "references", "unsupported"),
        (THREE, {"references": [reference()], "style": "any"}, "references", "invalid_field"),
        (THREE, {"edit": requests.Edit(image=media(plain(16, 16)))}, "image", "input_unreadable"),
        (THREE, {"seed": 2**32, "strict": requests.STRICT_REFUSE}, "seed", "unsupported"),
        (THREE, {"style": "cubist", "strict": requests.STRICT_REFUSE}, "style", "unsupported"),
        (THREE, {"seed": -1, "strict": requests.STRICT_REFUSE}, "seed", "unsupported"),
        (THREE, {**masked(), "size": pixels(512, 512), "strict": requests.STRICT_REFUSE}, "size", "unsupported"),
        (CRISP, {**upscale(factor=2), "strict": requests.STRICT_REFUSE}, "factor", "unsupported"),
    ],
)
async def test_what_an_endpoint_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await sent_for(model, **fields)
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


async def test_what_an_operation_does_not_take_is_told() -> None:
    """The model takes it elsewhere, so the kit lets it pass."""
    known = MODELS.get(THREE)
    call = call_of(known, variation=requests.Variation(image=media(plain())), negative_prompt="cats", style="any")
    endpoint = known.facts.choose(call.request)
    make_fields(known.facts, endpoint, call, RecraftOptions(), await gather(endpoint, call))
    assert [one.parameter for one in call.adjustments] == ["negative_prompt", "prompt", "style"]


@pytest.mark.parametrize("style", ["vector_illustration", "icon"])
async def test_a_style_of_vectors_is_refused_before_it_is_paid(style: str) -> None:
    """Its pictures are SVG."""
    with pytest.raises(MeshError) as caught:
        await sent_for(THREE, {"style": style})
    assert (caught.value.field, reason_name(caught.value.reason)) == ("provider_options.recraft.style", "unsupported")


@pytest.mark.parametrize(("model", "option"), [(FOUR, "style_id"), (PRO, "upscale"), ("recraftv2", "text_layout")])
async def test_an_option_of_another_endpoint_is_an_error(model: str, option: str) -> None:
    """It would be ignored in silence."""
    values = {"style_id": "0" * 36, "upscale": "upscale4mp", "text_layout": []}
    with pytest.raises(MeshError) as caught:
        await sent_for(model, {option: values[option]})
    assert caught.value.field == f"provider_options.recraft.{option}"


def test_options_are_those_that_some_endpoint_takes() -> None:
    """Nothing is offered that no endpoint knows, and nothing that an endpoint knows is missing."""
    endpoints = [endpoint for family in FAMILIES.values() for endpoint in family.endpoints.values()]
    assert {name for endpoint in endpoints for name in endpoint.options} == set(RecraftOptions.model_fields)


def test_a_hard_mask_holds_nothing_between_black_and_white() -> None:
    """Whatever the caller's levels and wishes are; softening is not said to have been done."""
    ramp = Image.new("L", (256, 256))
    ramp.putdata(list(range(256)) * 256)
    order = MaskOrder(requests.MASK_MODE_WHITE_REPAINTS, 9, 256, 256, MaskForm.HARD_WHITE_REPAINTS)
    shaped = shape_mask(media(ramp).data, order)
    assert opened(shaped.data).histogram() == [128 * 256, *[0] * 254, 128 * 256]
    assert list(told_of(order, shaped)) == []


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (FOUR, {"image_count": 3}, 105_000),
        (PRO, {}, 210_000),
        (THREE, {"image_count": 2, "references": [reference()]}, 120_000),
        (THREE, edit(), 40_000),
        (CRISP, upscale(), 4_000),
        ("creativeUpscale", upscale(), 250_000),
        (ERASE, masked(), 2_000),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int) -> None:
    """As the price page has it; a style is made once."""
    request, known = wish(**fields), MODELS.get(model)
    assert known.price.estimate(order_of(request, known.sizes.choose(request.size))) == micros


async def test_pictures_come_with_what_they_cost(provider: EmulatedProvider) -> None:
    """The provider's own figure, which is what it billed and what the table says."""
    answer = await provider.room.ask(THREE, size=pixels(1365, 1024), image_count=2, references=[reference()], seed=7)
    result = answer.result
    assert [opened(data).size for data in answer.pictures] == [(1365, 1024)] * 2
    assert answer.of("media_ended")[0].seed == 7
    (entry,) = await provider.journal()
    assert (entry["attempt_id"], entry["cost_micros"]) == (ATTEMPT, 120_000)
    assert (result.cost.amount.nanos, result.cost.source) == (120_000_000, events.COST_SOURCE_REPORTED)
    assert result.cost.computed == result.cost.amount
    assert len(str(result.provider_metadata["style_id"])) == 36


@pytest.mark.parametrize("model", [THREE, ERASE])
async def test_a_mask_is_white_where_the_picture_is_painted(provider: EmulatedProvider, model: str) -> None:
    """The caller's black half, said to be painted, reaches the provider as white; what lies outside of it stays."""
    half = mask().point(lambda level: 255 - level)
    wanted = edit(mask=media(half), mask_mode=requests.MASK_MODE_BLACK_REPAINTS)
    (data,) = (await provider.room.ask(model, wish(**wanted))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


@pytest.mark.parametrize(
    ("model", "fields", "size", "micros"),
    [
        (THREE, outpaint(left_px=16, top_px=8), (80, 72), 40_000),
        (CUT_OUT, {"remove_background": requests.RemoveBackground(image=media(plain()))}, (64, 64), 10_000),
        (CRISP, upscale(), (2828, 1414), 4_000),
        (THREE, {"variation": requests.Variation(image=media(plain()))}, (1024, 1024), 40_000),
        ("replaceBackground", edit(), (64, 64), 40_000),
    ],
)
async def test_a_tool_gives_its_picture(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """Whichever shape its answer has."""
    answer = await provider.room.ask(model, wish(**fields))
    assert [opened(data).size for data in answer.pictures] == [size]
    assert answer.result.cost.amount.nanos == 1_000 * micros
    assert [entry["cost_micros"] for entry in await provider.journal()] == [micros]


async def test_an_unsafe_prompt_is_blocked_and_free(provider: EmulatedProvider) -> None:
    """The answer says so in words."""
    failure = (await provider.room.ask(FOUR, wish("something nsfw here"))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("content_blocked", events.BILLED_NO)


async def test_an_answer_without_a_picture_costs_what_it_says(provider: EmulatedProvider) -> None:
    """The money is gone, and told."""
    await provider.script({"path": "submit", "body": {"created": 1, "credits": 35, "data": [{"url": 7}]}})
    failure = (await provider.room.ask(FOUR)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)
    assert failure.failure.cost.nanos == 35_000_000


async def test_a_picture_of_a_foreign_host_is_not_fetched(provider: EmulatedProvider) -> None:
    """Whatever the answer names; the picture is charged all the same."""
    body = {"credits": 35, "data": [{"url": "https://evil.example/a.png"}]}
    await provider.script({"path": "submit", "body": body})
    failure = (await provider.room.ask(FOUR)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.phase) == ("provider_answer_invalid", "download")
    assert failure.failure.billed == events.BILLED_YES


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b"request unauthorized", "provider_auth_failed"),
        (404, b"404 page not found", "provider_model_gone"),
        (402, b'{"code":"x","message":"no units"}', "quota_exhausted"),
        (403, b'{"code":"x","message":"Not enough API units"}', "quota_exhausted"),
        (403, b'{"code":"x","message":"Access denied."}', "provider_auth_failed"),
        (413, b'{"code":"too_large","message":"The file is too large."}', "invalid_field"),
        (503, b'{"code":"x","message":"later"}', "provider_unavailable"),
        (422, b'{"code":"x","message":"Rejected by the safety system."}', "content_blocked"),
        (400, b'{"code":"x","message":"size is not supported"}', "invalid_field"),
        (429, b"", "rate_limited"),
    ],
)
def test_an_error_is_known_by_its_status(status: int, body: bytes, reason: str) -> None:
    """Text or JSON; the exchange is named."""
    error = refusal(Answer(status, {"x-recraft-requestid": "r1"}, body), "RECRAFT_API_TOKEN")
    assert (reason_name(error.reason), error.metadata["provider_request_id"]) == (reason, "r1")


def test_a_plain_sentence_is_read_like_the_others() -> None:
    """Errors are text or JSON, as they like."""
    told = {"content-type": "text/plain; charset=utf-8"}
    blocked = refusal(Answer(422, told, b"rejected by the safety system"), "RECRAFT_API_TOKEN")
    wrong = refusal(Answer(400, told, b"strength is out of range"), "RECRAFT_API_TOKEN")
    assert (reason_name(blocked.reason), reason_name(wrong.reason)) == ("content_blocked", "invalid_field")
    assert blocked.message.endswith("It said: rejected by the safety system")
    assert wrong.message == "strength is out of range"


@pytest.mark.parametrize(
    ("credit", "micros", "doubtful"),
    [(40, 40_000, False), (None, None, False), (-1, None, True), (True, None, True), ("x", None, True)],
)
def test_a_cost_is_read_or_not_believed(credit: Any, micros: int | None, doubtful: bool) -> None:
    """A unit is a thousandth of a dollar."""
    told = read_pictures(Answer(200, {}, json.dumps({"credits": credit, "image": {"url": "u"}}).encode()))
    assert (told.reported.micros, bool(told.reported.doubt), len(told.drawn)) == (micros, doubtful, 1)


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It has no segmentation; a style of its own is made of references."""
    offered = {operation for model in RecraftAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "variation", "outpaint", "upscale", "remove_background"}
