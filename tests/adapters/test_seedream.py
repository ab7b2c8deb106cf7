"""Seedream: what is sent, what comes back, what it costs, and what becomes of errors."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.sdk import Answer
from heliostat.adapters.seedream.answers import read_images, refusal
from heliostat.adapters.seedream.body import gather, make_body
from heliostat.adapters.seedream.catalog import MAINLAND, MODELS, Traits
from heliostat.adapters.seedream.options import SeedreamOptions
from heliostat.adapters.seedream.settings import SeedreamSettings
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.bodies import Body
from heliostat.emulators.seedream.catalogue import BY_NAME
from heliostat.emulators.seedream.inputs import read_order
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "ark-secret-0123456789"
V3, V4, V45 = "seedream-3-0-t2i-250415", "seedream-4-0-250828", "seedream-4-5-251128"
LITE, PRO, V55 = "seedream-5-0-260128", "dola-seedream-5-0-pro-260628", "seedream-5-5-261028"
EDITOR = "seededit-3-0-i2i-250628"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("ARK_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated API."""
    async with running("seedream", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)))}


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


def ratio(width: int, height: int, tier: "requests.SizeTier" = requests.SIZE_TIER_UNSPECIFIED) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=tier))


def output(media_type: str = "", **fields: Any) -> dict[str, Any]:
    """A wished output."""
    return {"output": requests.Output(media_type=media_type, **fields)}


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; the emulated API takes it. Pictures are shown as PNG."""
    call = call_of(MODELS.get(model), **fields)
    body = make_body(call, SeedreamOptions(**(options or {})), await gather(call), model)
    await read_order(Body(body))
    if "image" in body:
        uris = body["image"] if isinstance(body["image"], list) else [body["image"]]
        assert all(one.startswith("data:image/png;base64,iVBORw0KGgo") for one in uris)
        body["image"] = ["PNG"] * len(uris) if isinstance(body["image"], list) else "PNG"
    return body


@pytest.mark.parametrize(
    ("model", "options", "fields", "sent"),
    [
        (V4, {}, {}, {}),
        (V4, {}, {"size": pixels(1024, 1024)}, {"size": "1024x1024"}),
        (V4, {}, {"size": ratio(1, 1, requests.SIZE_TIER_4K)}, {"size": "4096x4096"}),
        (V4, {}, {"size": pixels(500, 500)}, {"size": "960x960"}),
        (V45, {}, {"size": ratio(1, 1, requests.SIZE_TIER_1K)}, {"size": "1920x1920"}),
        (V4, {"watermark": True}, {"seed": 7}, {"watermark": True}),
        (V4, {"optimize_prompt": "fast"}, {}, {"optimize_prompt_options": {"mode": "fast"}}),
        (V4, {}, output("image/png"), {}),
        (V3, {}, {"seed": 7}, {"seed": 7, "size": "1024x1024"}),
        (V3, {"guidance_scale": 4}, {"size": pixels(512, 2048)}, {"guidance_scale": 4, "size": "512x2048"}),
        (LITE, {}, output("image/png"), {"output_format": "png"}),
        (LITE, {}, output("image/webp"), {"output_format": "png"}),
        (PRO, {}, output("image/jpeg"), {"output_format": "jpeg"}),
        (
            V55,
            {},
            output(background=requests.BACKGROUND_TRANSPARENT),
            {"output_format": "png", "background": "transparent"},
        ),
        (V55, {}, output(delivery=requests.DELIVERY_PROVIDER_URI), {"response_format": "url"}),
        (V4, {}, edit(), {"image": "PNG"}),
        (V4, {}, edit(128, 64), {"image": "PNG", "size": "2896x1448"}),
        (V4, {}, {"references": [reference()]}, {"image": "PNG"}),
        (V45, {}, {**edit(), "references": [reference()]}, {"image": ["PNG"] * 2}),
        (V4, {}, {**edit(), "size": pixels(1280, 720)}, {"image": "PNG", "size": "1280x720"}),
        (EDITOR, {}, edit(), {"image": "PNG", "size": "adaptive"}),
        (EDITOR, {}, {**edit(), "seed": 1}, {"image": "PNG", "size": "adaptive", "seed": 1}),
    ],
)
async def test_a_request_is_sent_in_arks_words(
    model: str, options: dict[str, Any], fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """And nothing else is sent; the watermark, which is on by default, is always spoken of."""
    usual = {"model": model, "prompt": "a red boat", "size": "2048x2048", "watermark": False}
    assert await body_of(model, options, **fields) == {**usual, "response_format": "b64_json", **sent}


@pytest.mark.parametrize("model", [model.name for model in MODELS if model.name != V3])
async def test_too_many_pictures_are_refused(model: str) -> None:
    """Before anything is sent; the emulated API takes as many as we do, or more."""
    most = max(MODELS.get(model).max_references, 1)
    assert most <= BY_NAME[model].inputs
    with pytest.raises(MeshError) as caught:
        await body_of(model, **edit(), references=[reference()] * most)
    assert (reason_name(caught.value.reason), caught.value.field) == ("unsupported", "references")


@pytest.mark.parametrize(
    ("model", "options", "name"),
    [
        (V45, {"guidance_scale": 3}, "guidance_scale"),
        (V55, {"optimize_prompt": "standard"}, "optimize_prompt"),
        (V45, {"optimize_prompt": "fast"}, "optimize_prompt"),
    ],
)
async def test_an_option_of_another_model_is_an_error(model: str, options: dict[str, Any], name: str) -> None:
    """Named by its place in the request."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, options)
    assert (reason_name(caught.value.reason), caught.value.field) == (
        "invalid_field",
        f"provider_options.seedream.{name}",
    )


def test_options_and_models_are_complete() -> None:
    """Each option is some model's; each model of ours is one of the emulated API's, of both regions."""
    traits: list[Traits] = [model.facts for model in MODELS]
    assert set().union(*(one.options for one in traits)) == set(SeedreamOptions.model_fields)
    assert {model.name for model in (*MODELS, *MAINLAND)} == set(BY_NAME)
    assert {operation for model in MODELS for operation in model.operations} == {"text_to_image", "edit"}
    for model in (*MODELS, *MAINLAND):
        assert (len(model.media_types) == 2) is BY_NAME[model.name].formats


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (V4, {}, 30_000),
        (V45, {}, 40_000),
        (V3, {}, 30_000),
        (EDITOR, edit(), 30_000),
        (LITE, {}, 35_000),
        (PRO, {"size": pixels(1024, 1024)}, 45_000),
        (PRO, {**edit(), "references": [reference()] * 2}, 96_000),
        (V55, {"size": pixels(1280, 1280)}, 20_000),
        (V55, {"size": ratio(3, 2, requests.SIZE_TIER_2K), "references": [reference()] * 2}, 51_000),
    ],
)
async def test_our_cost_is_the_providers_bill(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """As it was estimated; the worked example of the price notes among them."""
    answer = await provider.room.ask(model, **fields)
    (entry,) = await provider.journal("generations")
    assert (entry["cost_micros"], entry["attempt_id"]) == (micros, ATTEMPT)
    cost = answer.result.cost
    assert (to_micros(cost.amount), cost.source) == (micros, events.COST_SOURCE_COMPUTED)
    assert to_micros(cost.estimated) == micros


@pytest.mark.parametrize(
    ("model", "fields", "fen"),
    [
        ("doubao-seedream-4-0-250828", {}, 20),
        ("doubao-seedream-4-5-251128", {}, 25),
        ("doubao-seedream-5-0-260128", {}, 22),
        ("doubao-seedream-5-0-pro-260628", {"size": pixels(1024, 1024)}, 30),
        ("doubao-seedream-5-0-pro-260628", {}, 60),
    ],
)
async def test_mainland_prices_need_a_rate(tmp_path: Path, model: str, fields: dict[str, Any], fen: int) -> None:
    """With one the cost is the bill in dollars; without one it is unknown, and told so."""
    async with running("seedream", tmp_path, region="mainland", usd_rates={"CNY": "0.14"}) as rated:
        cost = (await rated.room.ask(model, **fields)).result.cost
        (entry,) = await rated.journal("generations")
        assert to_micros(cost.amount) == entry["cost_micros"] == fen * 1_400
    async with running("seedream", tmp_path, region="mainland") as unrated:
        estimate = await unrated.room.estimate(model, **fields)
        assert not estimate.cost.HasField("amount")
        assert not (await unrated.room.ask(model, **fields)).result.cost.HasField("amount")


@pytest.mark.parametrize(
    ("settings", "mainland"),
    [
        ({}, False),
        ({"base_url": "https://ark.cn-beijing.volces.com/api/v3"}, True),
        ({"base_url": "https://ark.cn-beijing.volces.com/api/v3", "region": "international"}, False),
        ({"base_url": "https://proxy.example/v3", "region": "mainland"}, True),
        ({"base_url": "https://volces.com.evil.example/v3"}, False),
    ],
)
def test_the_address_tells_the_region(settings: dict[str, Any], mainland: bool) -> None:
    """Unless a setting does."""
    assert SeedreamSettings(**settings).mainland is mainland


async def test_an_endpoint_of_ones_own_is_asked(tmp_path: Path) -> None:
    """Instead of the model's name, for the model's price."""
    async with running("seedream", tmp_path, endpoints={V45: "ep-20261101-abcde"}) as provider:
        answer = await provider.room.ask(V45)
        (entry,) = await provider.journal("generations")
        assert (entry["model"], answer.result.provider_model) == ("ep-20261101-abcde", V45)
        assert to_micros(answer.result.cost.amount) == entry["cost_micros"] == 40_000


async def test_what_is_transparent_comes_so(provider: EmulatedProvider) -> None:
    """As a PNG, without a word for the format."""
    (data,) = (await provider.room.ask(V55, **output(background=requests.BACKGROUND_TRANSPARENT))).pictures
    assert opened(data).format == "PNG"
    told = (await provider.room.ask(V4, **output(background=requests.BACKGROUND_TRANSPARENT))).adjusted("background")
    assert (told.requested, told.sent) == ("transparent", "")


async def test_a_format_is_asked_for_where_there_is_a_choice(provider: EmulatedProvider) -> None:
    """PNG is what is converted from, and the caller is told."""
    answer = await provider.room.ask(LITE, **output("image/webp"))
    told = answer.adjusted("output_format")
    assert (told.sent, told.delivered) == ("image/png", "image/webp")
    assert opened(answer.pictures[0]).format == "WEBP"


async def test_a_size_that_is_not_there_is_told(provider: EmulatedProvider) -> None:
    """A strict request is refused before anything is sent."""
    told = (await provider.room.ask(V45, size=pixels(1024, 1024))).adjusted("size")
    assert (told.requested, told.sent, told.delivered) == ("1024x1024", "1920x1920", "1920x1920")
    strict = await provider.room.ask(V45, size=pixels(1024, 1024), strict=requests.STRICT_REFUSE)
    assert reason_name(strict.failure.reason) == "unsupported"
    assert len(await provider.journal("generations")) == 1


async def test_addresses_are_passed_through_where_the_caller_wants_them(provider: EmulatedProvider) -> None:
    """With the size that Ark says, and the picture is there."""
    answer = await provider.room.ask(V4, size=pixels(1280, 720), **output(delivery=requests.DELIVERY_PROVIDER_URI))
    (started,) = answer.of("media_started")
    assert started.uri.startswith(f"{provider.base}/seedream/files/")
    assert (started.width_px, started.height_px) == (1280, 720)
    assert opened((await provider.http.get(started.uri)).content).size == (1280, 720)


async def test_a_picture_that_comes_as_an_address_is_fetched(provider: EmulatedProvider) -> None:
    """Also where base64 was asked for; one at another host is not, and is charged."""
    urls = await provider.room.ask(V4, **output(delivery=requests.DELIVERY_PROVIDER_URI))
    (started,) = urls.of("media_started")
    await provider.script(
        {"status": 200, "body": {"data": [{"url": started.uri}]}, "times": 1},
        {"status": 200, "body": {"data": [{"url": "https://169.254.169.254/x"}]}},
    )
    assert len((await provider.room.ask(V4)).pictures) == 1
    error = (await provider.room.ask(V4)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)
    assert to_micros(error.failure.cost) == 30_000


async def test_more_pictures_than_were_asked_for_are_left(provider: EmulatedProvider) -> None:
    """One is delivered and booked; tokens are those that Ark counts."""
    (one,) = (await provider.room.ask(V4)).pictures
    item = {"b64_json": base64.b64encode(one).decode(), "size": "2048x2048"}
    await provider.script({"status": 200, "body": {"data": [item] * 3, "usage": {"output_tokens": 16384}}})
    result = (await provider.room.ask(V4)).result
    assert (result.image_count, result.usage.output_image_token_count) == (1, 16384)
    assert to_micros(result.cost.amount) == 30_000


BLOCKED = {"code": "OutputImageSensitiveContentDetected", "message": "may contain sensitive information"}
BROKEN = {"code": "InternalServiceError", "message": "try again"}


@pytest.mark.parametrize(
    ("body", "reason", "billed"),
    [
        ({"data": [{"error": BLOCKED}]}, "content_blocked", "NO"),
        ({"data": [{"error": BROKEN}]}, "provider_unavailable", "NO"),
        ({"data": [], "error": BLOCKED}, "content_blocked", "NO"),
        ({"error": BROKEN}, "provider_unavailable", "NO"),
        ({"data": 7}, "provider_answer_invalid", "UNKNOWN"),
        ({"data": []}, "provider_answer_invalid", "UNKNOWN"),
        ({"data": [7]}, "provider_answer_invalid", "UNKNOWN"),
        ({"data": [{"url": 7}]}, "provider_answer_invalid", "UNKNOWN"),
        ({"data": [{"b64_json": "####"}]}, "media_invalid", "YES"),
        ({"data": [{"b64_json": "aGVsbG8="}]}, "media_invalid", "YES"),
    ],
)
async def test_an_answer_without_a_picture_is_an_error(
    provider: EmulatedProvider, body: dict[str, Any], reason: str, billed: str
) -> None:
    """Under status 200 too; what Ark says that it did not make is free."""
    await provider.script({"status": 200, "body": body})
    error = (await provider.room.ask(V4)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"


@pytest.mark.parametrize(
    ("prompt", "reason"), [("something nsfw here", "content_blocked"), ("a lot of gore", "content_blocked")]
)
async def test_what_is_moderated_is_blocked_and_free(provider: EmulatedProvider, prompt: str, reason: str) -> None:
    """By the words of the prompt, or by what came of it."""
    error = (await provider.room.ask(V4, wish(prompt))).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.field, error.failure.billed) == (reason, "prompt", events.BILLED_NO)
    assert not any(entry["billed"] for entry in await provider.journal("generations"))


@pytest.mark.parametrize(
    ("status", "code", "param", "reason", "field"),
    [
        (400, "InputTextSensitiveContentDetected", "", "content_blocked", "prompt"),
        (400, "InputImageSensitiveContentDetected.PolicyViolation", "image", "content_blocked", "prompt"),
        (403, "AccountOverdueError", "", "quota_exhausted", None),
        (400, "InvalidImageURL.InvalidFormat", "image", "input_unreadable", "image"),
        (400, "InvalidParameter", "output_format", "invalid_field", "output.media_type"),
    ],
)
def test_arks_codes_have_their_reason(status: int, code: str, param: str, reason: str, field: str | None) -> None:
    """None of them is charged."""
    body = {"error": {"code": code, "message": "said", "param": param, "type": "BadRequest"}}
    error = refusal(Answer(status, {}, json.dumps(body).encode()), "ARK_API_KEY")
    assert error is not None
    assert error.failure is not None
    assert (reason_name(error.reason), error.field, error.failure.billed) == (reason, field, events.BILLED_NO)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error":7}', b'{"error":{"message":[]}}'])
@pytest.mark.parametrize("status", [400, 403, 422, 429, 500])
def test_an_odd_error_body_is_left_to_the_kit(status: int, body: bytes) -> None:
    """It names nothing that only Ark says."""
    assert refusal(Answer(status, {}, body), "") is None


@pytest.mark.parametrize(
    ("secret", "reason"), [("bad-key-012345", "provider_auth_failed"), ("poor-key-012345", "quota_exhausted")]
)
async def test_a_key_that_will_not_do_is_told(
    provider: EmulatedProvider, monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    """Without the key itself."""
    monkeypatch.setenv("ARK_API_KEY", secret)
    error = (await provider.room.ask(V4)).failure
    assert reason_name(error.reason) == reason
    assert secret not in error.message


@pytest.mark.parametrize("tokens", [None, -1, True, "7", 1e30, {}])
def test_tokens_that_cannot_be_are_not_believed(tokens: Any) -> None:
    """They are unknown."""
    body = {"data": [{"url": "https://a.volces.com/a.jpg"}], "usage": {"output_tokens": tokens}}
    assert read_images(json.dumps(body).encode()).tokens == 0


def test_a_partial_answer_has_its_pictures() -> None:
    """Errors of others stand apart."""
    body = {"data": [{"error": BLOCKED}, {"url": "https://a.volces.com/a.jpg", "size": "64x32"}]}
    images = read_images(json.dumps(body).encode())
    assert [(one.url, one.width_px, one.height_px) for one in images.drawn] == [("https://a.volces.com/a.jpg", 64, 32)]
    assert [one.code for one in images.faults] == ["outputimagesensitivecontentdetected"]


def test_fields_that_nobody_knows_stand_below_our_own() -> None:
    """They are passed on, and replace nothing; what would cost more is none of them."""
    call = call_of(MODELS.get(V4))
    call.passed_on = {"user_tag": "a", "model": "dearer"}
    body = make_body(call, SeedreamOptions(), [], V4)
    assert (body["user_tag"], body["model"], body["prompt"]) == ("a", V4, wish().prompt)
