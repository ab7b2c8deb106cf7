"""Together AI: what is sent, what comes back, what it costs, and what becomes of errors."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.sdk import Answer
from heliostat.adapters.together.adapter import TogetherAdapter
from heliostat.adapters.together.answers import read_images, refusal
from heliostat.adapters.together.body import gather, make_body
from heliostat.adapters.together.catalog import MODELS
from heliostat.adapters.together.options import TogetherOptions
from heliostat.adapters.together.orders import order_of
from heliostat.adapters.together.traits import Traits
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.together import catalogue
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain, wish

KEY = "tgp-secret-0123456789"
SCHNELL, DEV, LORA = (f"black-forest-labs/FLUX.1-{name}" for name in ("schnell", "dev", "dev-lora"))
KONTEXT, FLUX_2 = "black-forest-labs/FLUX.1-kontext-pro", "black-forest-labs/FLUX.2-pro"
SDXL, BANANA, QWEN = "stabilityai/stable-diffusion-xl-base-1.0", "google/flash-image-2.5", "Qwen/Qwen-Image-Edit"
NAMES = ("together",)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("TOGETHER_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The provider."""
    async with running("together", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)))}


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


def option(**fields: Any) -> dict[str, Any]:
    """Options of the provider, as a request has them."""
    struct = Struct()
    struct.update(fields)
    return {"provider_options": {"together": struct}}


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; pictures are cut to their first letters."""
    call = call_of(MODELS.get(model), **fields)
    traits: Traits = call.model.facts
    body = make_body(traits, call, TogetherOptions(**(options or {})), await gather(traits, call))
    return {name: _short(value) for name, value in body.items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(one) for one in value]
    return "PNG" if isinstance(value, str) and value.startswith("data:image/png;base64,iVBORw0KGgo") else value


@pytest.mark.parametrize(
    ("model", "options", "fields", "sent"),
    [
        (SCHNELL, {}, {}, {"width": 1024, "height": 1024}),
        (SCHNELL, {"steps": 2}, {"size": pixels(1440, 256)}, {"width": 1440, "height": 256, "steps": 2}),
        (SCHNELL, {}, {"size": pixels(1920, 1080), "image_count": 4}, {"width": 1440, "height": 816, "n": 4}),
        (
            LORA,
            {"image_loras": ({"path": "https://x.example/lora"},), "guidance_scale": 3.5},
            {"seed": 0},
            {
                "width": 1024,
                "height": 1024,
                "seed": 0,
                "image_loras": ({"path": "https://x.example/lora", "scale": 1.0},),
                "guidance_scale": 3.5,
            },
        ),
        (KONTEXT, {}, edit(), {"image_url": "PNG"}),
        (KONTEXT, {}, {**edit(), "size": pixels(1024, 768)}, {"image_url": "PNG", "width": 1024, "height": 768}),
        (FLUX_2, {}, {**edit(), "references": [reference()]}, {"reference_images": ["PNG", "PNG"]}),
        (BANANA, {}, {"references": [reference()]}, {"width": 1024, "height": 1024, "reference_images": ["PNG"]}),
        (
            SDXL,
            {},
            {"negative_prompt": "cats", "moderation": requests.MODERATION_LOW},
            {"width": 1024, "height": 1024, "negative_prompt": "cats", "disable_safety_checker": True},
        ),
        (
            SCHNELL,
            {},
            {"output": requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)},
            {"width": 1024, "height": 1024, "response_format": "url"},
        ),
        (
            SCHNELL,
            {},
            {"output": requests.Output(media_type="image/webp")},
            {"width": 1024, "height": 1024, "output_format": "png"},
        ),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_api(
    model: str, options: dict[str, Any], fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Beside prompt and formats nothing else is sent."""
    usual = {"model": model, "prompt": "a red boat", "output_format": "jpeg", "response_format": "base64"}
    assert await body_of(model, options, **fields) == {**usual, **sent}


@pytest.mark.parametrize(
    ("model", "options", "fields", "field", "reason"),
    [
        (SCHNELL, {}, {"prompt": ""}, "prompt", "invalid_field"),
        (SCHNELL, {"guidance_scale": 2}, {}, "provider_options.together.guidance_scale", "invalid_field"),
        (FLUX_2, {}, {**edit(), "references": [reference()] * 8}, "references", "unsupported"),
        (KONTEXT, {}, {**edit(), "references": [reference()]}, "references", "unsupported"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, options, **{"prompt": "a red boat", **fields})
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


@pytest.mark.parametrize("model", [one.name for one in MODELS])
def test_a_model_is_one_that_the_provider_has(model: str) -> None:
    """With the same field for pictures and the same price for a megapixel, written down apart."""
    ours, theirs = MODELS.get(model), catalogue.BY_NAME[model]
    traits: Traits = ours.facts
    assert traits.images == theirs.image_field
    assert (ours.operations == ("edit",)) == theirs.needs_image
    order = order_of(wish(size=pixels(1024, 1024)), ours.sizes.choose(pixels(1024, 1024)), NAMES)
    estimate = ours.price.estimate(order)
    size = (order.width_px, order.height_px)
    assert estimate == (theirs.micros(size, 0, 1) if not model.startswith("black-forest-labs/FLUX.2") else None)


def test_nothing_is_forgotten() -> None:
    """Every model of the emulated provider, every option that some model takes."""
    assert {one.name for one in MODELS} == set(catalogue.BY_NAME)
    assert {name for one in MODELS for name in one.facts.options} == set(TogetherOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (SCHNELL, {"size": pixels(1024, 1024)}, 2_831),
        (SCHNELL, {"size": pixels(1024, 1024), **option(steps=2)}, 2_831),
        (DEV, {"size": pixels(1344, 768)}, 25_805),
        (DEV, {"size": pixels(1024, 1024), **option(steps=56)}, 52_429),
        (DEV, {"size": pixels(1024, 1024), **option(steps="x")}, 26_214),
        (SDXL, {"image_count": 2}, 3_800),
        (KONTEXT, edit(512, 256), 5_243),
        (FLUX_2, {}, None),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int | None) -> None:
    """The worked examples of the price page among them."""
    request, known = wish(**fields), MODELS.get(model)
    assert known.price.estimate(order_of(request, known.sizes.choose(request.size), NAMES)) == micros


@pytest.mark.parametrize(
    ("status", "headers", "error", "reason", "field", "pause_s"),
    [
        (422, {}, {"message": "NSFW content detected"}, "content_blocked", "prompt", None),
        (400, {}, {"message": "no", "code": "nsfw"}, "content_blocked", "prompt", None),
        (403, {}, {"message": "Input is too large", "param": "image_url"}, "invalid_field", "image", None),
        (422, {}, {"message": "no", "param": "width"}, "invalid_field", "size", None),
        (400, {}, {"message": "no", "param": "prompt"}, "invalid_field", "prompt", None),
        (429, {"x-ratelimit-reset": "7"}, {"message": "slow"}, "rate_limited", None, 7.0),
        (429, {"x-ratelimit-reset": "9e9"}, {"message": "slow"}, "rate_limited", None, None),
        (429, {"x-ratelimit-reset": "999999"}, {"message": "slow"}, "rate_limited", None, 60.0),
    ],
)
def test_a_refusal_has_its_reason(
    status: int,
    headers: dict[str, str],
    error: dict[str, Any],
    reason: str,
    field: str | None,
    pause_s: float | None,
) -> None:
    """What is too large is not a wrong key."""
    told = refusal(Answer(status, headers, json.dumps({"error": error}).encode()), "TOGETHER_API_KEY")
    assert told is not None
    assert (reason_name(told.reason), told.field, told.retry_after_s) == (reason, field, pause_s)


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (403, {}, b'{"error":{"message":"Invalid key"}}'),
        (429, {"retry-after": "3"}, b"{}"),
        (400, {}, b'{"error":{"message":"bad"}}'),
        (500, {}, b"nsfw"),
    ],
)
def test_what_is_no_dialect_is_left_to_the_kit(status: int, headers: dict[str, str], body: bytes) -> None:
    """A header's pause wins, too."""
    assert refusal(Answer(status, headers, body), "") is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"data":[]}', b'{"data":7}', b'{"data":["x"]}', b'{"data":[{"index":0,"url":7}]}'],
)
def test_an_answer_without_pictures_is_none(body: bytes) -> None:
    """Anything but the documented shape."""
    with pytest.raises(ValueError, match=r"no|without"):
        read_images(body)


def test_pictures_come_in_the_order_of_their_index() -> None:
    """Whatever order the answer has; older answers have no index."""
    made = read_images(b'{"data":[{"index":1,"url":"b"},{"index":0,"url":"a"}]}')
    assert [one.url for one in made] == ["a", "b"]
    assert [one.url for one in read_images(b'{"data":[{"url":"a"},{"url":"b"}]}')] == ["a", "b"]


async def test_pictures_come_at_once(provider: EmulatedProvider) -> None:
    """One call for several; the cost is that of the list, and the provider's bill."""
    answer = await provider.room.ask(SCHNELL, size=pixels(512, 256), image_count=3, **option(steps=8))
    assert answer.kinds[-1] == "completed"
    assert [opened(data).size for data in answer.pictures] == [(512, 256)] * 3
    (entry,) = await provider.journal()
    assert (entry["cost_micros"], answer.result.cost.amount.nanos) == (2_123, 2_123_000)
    assert answer.result.cost.source == events.COST_SOURCE_COMPUTED


async def test_an_edit_has_the_size_of_its_picture(provider: EmulatedProvider) -> None:
    """Where nothing else is wished for; it is priced by it."""
    answer = await provider.room.ask(KONTEXT, **edit(512, 256))
    assert [opened(data).size for data in answer.pictures] == [(512, 256)]
    assert answer.result.cost.amount.nanos == 5_243_000


async def test_an_address_is_fetched_or_passed_on(provider: EmulatedProvider) -> None:
    """Bytes unless the caller wants the provider's own address; never from a foreign host."""
    passed = await provider.room.ask(SCHNELL, output=requests.Output(delivery=requests.DELIVERY_PROVIDER_URI))
    (info,) = passed.of("media_started")
    assert info.uri.startswith(f"{provider.base}/together/imgproxy/")
    hosted = {"data": [{"index": 0, "type": "url", "url": info.uri}]}
    await provider.script(
        {"path": "submit", "body": hosted}, {"path": "submit", "body": {"data": [{"url": "https://evil.example/x"}]}}
    )
    assert opened((await provider.room.ask(SCHNELL)).pictures[0]).size == (1024, 1024)
    failure = (await provider.room.ask(SCHNELL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)


@pytest.mark.parametrize(
    ("step", "reason", "billed"),
    [
        ({"body": {"data": [{"b64_json": "???"}]}}, "media_invalid", events.BILLED_YES),
        ({"body": {"data": []}}, "provider_answer_invalid", events.BILLED_UNKNOWN),
        ({"status": 403}, "invalid_field", events.BILLED_NO),
        ({"status": 422}, "content_blocked", events.BILLED_NO),
        ({"status": 503}, "provider_unavailable", events.BILLED_NO),
    ],
)
async def test_a_failure_has_its_reason_and_its_bill(
    provider: EmulatedProvider, step: dict[str, Any], reason: str, billed: "events.Billed"
) -> None:
    """Asked once, never again."""
    await provider.script({"path": "submit", **step})
    failure = (await provider.room.ask(SCHNELL, size=pixels(1024, 1024))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, billed)
    assert len(await provider.journal()) == 1


async def test_what_is_not_honoured_is_told(provider: EmulatedProvider) -> None:
    """FLUX knows no negative prompt, the API no style."""
    result = await provider.room.ask(SCHNELL, negative_prompt="cats", style="anime")
    assert {one.parameter for one in result.result.adjustments} == {"negative_prompt", "style"}


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It has no masks, no upscaler and no segmentation."""
    assert {operation for model in TogetherAdapter.models for operation in model.operations} == {
        "text_to_image",
        "edit",
    }
    assert not any(model.mask for model in TogetherAdapter.models)
