"""xAI: what is sent, what comes back, what it costs, and what becomes of errors."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.sdk import Answer
from heliostat.adapters.xai.answers import read_images, refusal
from heliostat.adapters.xai.body import gather, make_body
from heliostat.adapters.xai.catalog import MODELS, RATIO_WORDS
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.xai.catalogue import BY_NAME, RATIOS
from heliostat.emulators.xai.inputs import read_order
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "xai-secret-0123456789"
PLAIN, FINE, SECOND = "grok-imagine-image", "grok-imagine-image-quality", "grok-imagine-image-2.0"
URI = {"type": "image_url", "url": "PNG"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("XAI_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated API."""
    async with running("xai", tmp_path) as one:
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


def quality(value: "requests.Quality") -> dict[str, Any]:
    """A wished quality."""
    return {"output": requests.Output(quality=value)}


async def body_of(model: str, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; the emulated API takes it. Pictures are shown as PNG."""
    call = call_of(MODELS.get(model), **fields)
    body = make_body(call, await gather(call))
    read_order(body, edits="image" in body or "images" in body)
    for one in [*body.get("images", []), *([body["image"]] if "image" in body else [])]:
        assert one["url"].startswith("data:image/png;base64,iVBORw0KGgo")
        one["url"] = "PNG"
    return body


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (PLAIN, {}, {}),
        (PLAIN, {"image_count": 3, "end_user_id": "u1"}, {"n": 3, "user": "u1"}),
        (PLAIN, {"size": pixels(1024, 1024)}, {"aspect_ratio": "1:1", "resolution": "1k"}),
        (PLAIN, {"size": pixels(1920, 1080)}, {"aspect_ratio": "16:9", "resolution": "1k"}),
        (PLAIN, {"size": ratio(9, 20)}, {"aspect_ratio": "9:20"}),
        (PLAIN, {"size": ratio(18, 39)}, {"aspect_ratio": "9:19.5"}),
        (FINE, {"size": ratio(3, 2, requests.SIZE_TIER_2K)}, {"aspect_ratio": "3:2", "resolution": "2k"}),
        (SECOND, {}, {"quality": "low"}),
        (SECOND, quality(requests.QUALITY_MEDIUM), {"quality": "medium"}),
        (SECOND, quality(requests.QUALITY_MAX), {"quality": "medium"}),
        (PLAIN, edit(), {"image": URI}),
        (PLAIN, {"references": [reference()]}, {"image": URI}),
        (SECOND, {**edit(), "references": [reference()]}, {"quality": "low", "images": [URI, URI]}),
        (
            PLAIN,
            {"output": requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)},
            {"response_format": "url"},
        ),
    ],
)
async def test_a_request_is_sent_in_xais_words(model: str, fields: dict[str, Any], sent: dict[str, Any]) -> None:
    """And nothing else is sent."""
    usual = {"model": model, "prompt": "a red boat", "n": 1, "response_format": "b64_json"}
    assert await body_of(model, **fields) == {**usual, **sent}


@pytest.mark.parametrize("model", [PLAIN, FINE, SECOND])
async def test_too_many_pictures_are_refused(model: str) -> None:
    """Before anything is sent; the emulated API takes as many as we do, or more."""
    most = MODELS.get(model).max_references
    assert most <= BY_NAME[model].references
    with pytest.raises(MeshError) as caught:
        await body_of(model, **edit(), references=[reference()] * most)
    assert (reason_name(caught.value.reason), caught.value.field) == ("unsupported", "references")


async def test_a_quality_that_is_not_there_is_told() -> None:
    """As the best that there is; a strict request is refused."""
    call = call_of(MODELS.get(SECOND), **quality(requests.QUALITY_HIGH))
    make_body(call, [])
    assert [(one.parameter, one.requested, one.sent) for one in call.adjustments] == [("quality", "high", "medium")]
    with pytest.raises(MeshError) as caught:
        await body_of(SECOND, **quality(requests.QUALITY_HIGH), strict=requests.STRICT_REFUSE)
    assert caught.value.field == "quality"


def test_every_shape_is_one_of_xais() -> None:
    """The two that are no whole numbers have words of their own."""
    for model in MODELS:
        shapes = {RATIO_WORDS.get(one, one) for one in model.sizes.ratios}  # type: ignore[attr-defined]
        assert shapes == RATIOS - {"auto"}
    assert {model.name for model in MODELS} == set(BY_NAME)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (PLAIN, {}, 20_000),
        (PLAIN, {"image_count": 2, "size": ratio(1, 1, requests.SIZE_TIER_2K)}, 40_000),
        (PLAIN, {**edit(), "references": [reference()]}, 24_000),
        (FINE, {"size": ratio(16, 9, requests.SIZE_TIER_2K), **edit()}, 80_000),
        (SECOND, {"image_count": 3}, 120_000),
        (SECOND, {**quality(requests.QUALITY_HIGH), "size": ratio(1, 1, requests.SIZE_TIER_2K)}, 80_000),
    ],
)
async def test_our_cost_is_the_providers_bill(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """As its answer says it, and as it was estimated."""
    answer = await provider.room.ask(model, **fields)
    entries = await provider.journal("edits" if "edit" in fields else "generations")
    assert [entry["cost_micros"] for entry in entries] == [micros]
    assert entries[0]["attempt_id"] == ATTEMPT
    cost = answer.result.cost
    assert (to_micros(cost.amount), cost.source) == (micros, events.COST_SOURCE_REPORTED)
    assert to_micros(cost.estimated) == to_micros(cost.computed) == micros


@pytest.mark.parametrize("ticks", [None, -5, True, "NaN", 1e40, {}])
async def test_ticks_that_cannot_be_are_not_believed(provider: EmulatedProvider, ticks: Any) -> None:
    """The price list stands in; the operator hears of what was odd."""
    (one,) = (await provider.room.ask(PLAIN)).pictures
    data = [{"b64_json": _base64(one)}]
    await provider.script({"status": 200, "body": {"data": data, "usage": {"cost_in_usd_ticks": ticks}}})
    cost = (await provider.room.ask(PLAIN)).result.cost
    assert (to_micros(cost.amount), cost.source) == (20_000, events.COST_SOURCE_COMPUTED)
    assert bool(cost.doubt) is (ticks is not None)


def _base64(data: bytes) -> str:
    """With the prefix that pictures of the gRPC face have."""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


async def test_addresses_are_passed_through_where_the_caller_wants_them(provider: EmulatedProvider) -> None:
    """And the picture behind one is there."""
    answer = await provider.room.ask(PLAIN, output=requests.Output(delivery=requests.DELIVERY_PROVIDER_URI))
    (started,) = answer.of("media_started")
    assert started.uri.startswith(f"{provider.base}/xai/files/")
    assert opened((await provider.http.get(started.uri)).content).size == (1024, 1024)


async def test_a_picture_that_comes_as_an_address_is_fetched(provider: EmulatedProvider) -> None:
    """Also where base64 was asked for; one at another host is not."""
    urls = await provider.room.ask(PLAIN, output=requests.Output(delivery=requests.DELIVERY_PROVIDER_URI))
    (started,) = urls.of("media_started")
    await provider.script(
        {"status": 200, "body": {"data": [{"url": started.uri}]}, "times": 1},
        {"status": 200, "body": {"data": [{"url": "https://169.254.169.254/x"}]}},
    )
    assert len((await provider.room.ask(PLAIN)).pictures) == 1
    error = (await provider.room.ask(PLAIN)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)


async def test_what_is_moderated_is_not_delivered(provider: EmulatedProvider) -> None:
    """Of three pictures the two that may be seen come, and are paid."""
    answer = await provider.room.ask(PLAIN, prompt="some gore", image_count=3)
    assert len(answer.pictures) == 2
    assert answer.result.provider_metadata["moderated_images"] == 1
    assert to_micros(answer.result.cost.amount) == 40_000


@pytest.mark.parametrize(
    ("usage", "billed", "micros"),
    [
        ({"cost_in_usd_ticks": 0}, "NO", 0),
        ({"cost_in_usd_ticks": 200_000_000}, "YES", 20_000),
        ({}, "UNKNOWN", 0),
        (7, "UNKNOWN", 0),
    ],
)
async def test_where_nothing_may_be_seen_the_ticks_tell_the_bill(
    provider: EmulatedProvider, usage: Any, billed: str, micros: int
) -> None:
    """It is a refusal of the contents."""
    data = [{"respect_moderation": False, "url": "https://imgen.x.ai/placeholder.jpg"}]
    await provider.script({"status": 200, "body": {"data": data, "usage": usage}})
    error = (await provider.room.ask(PLAIN)).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.field) == ("content_blocked", "prompt")
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"
    assert to_micros(error.failure.cost) == micros


@pytest.mark.parametrize(
    ("body", "reason", "billed"),
    [
        ("null", "provider_answer_invalid", "UNKNOWN"),
        ('{"data": 7}', "provider_answer_invalid", "UNKNOWN"),
        ('{"data": []}', "provider_answer_invalid", "UNKNOWN"),
        ('{"data": [7]}', "provider_answer_invalid", "UNKNOWN"),
        ('{"data": [{"url": 7}]}', "provider_answer_invalid", "UNKNOWN"),
        ('{"data": [{"url": 7}], "usage": {"cost_in_usd_ticks": 200000000}}', "provider_answer_invalid", "YES"),
        ('{"data": [], "usage": {"cost_in_usd_ticks": 200000000}}', "provider_answer_invalid", "YES"),
        ('{"data": [{"b64_json": "####"}]}', "media_invalid", "YES"),
        ('{"data": [{"b64_json": "aGVsbG8="}]}', "media_invalid", "YES"),
    ],
)
async def test_a_broken_answer_has_its_reason_and_its_bill(
    provider: EmulatedProvider, body: str, reason: str, billed: str
) -> None:
    """What was drawn is charged, whatever is wrong with it."""
    await provider.script({"status": 200, "body": body})
    error = (await provider.room.ask(PLAIN)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"


@pytest.mark.parametrize(
    ("status", "said", "reason", "field", "billed"),
    [
        (400, "Incorrect API key provided: ab***.", "provider_auth_failed", None, "NO"),
        (403, "Your team has used all available credits.", "quota_exhausted", None, "NO"),
        (429, "Your team reached its monthly spending limit.", "quota_exhausted", None, "NO"),
        (400, "Generated image rejected by content moderation.", "content_blocked", "prompt", "UNKNOWN"),
        (403, "Content violates usage guidelines.", "content_blocked", "prompt", "UNKNOWN"),
        (400, "Failed to download the image.", "input_unreadable", "image", "NO"),
        (400, "Argument not supported: resolution", "invalid_field", "size", "NO"),
        (400, "Argument not supported: seed", "invalid_field", "seed", "NO"),
    ],
)
@pytest.mark.parametrize("openais", [False, True])
def test_xais_sentences_have_their_reason(
    status: int, said: str, reason: str, field: str | None, billed: str, openais: bool
) -> None:
    """In both of the shapes that its errors have."""
    body: dict[str, Any] = {"error": {"message": said, "code": "x"}} if openais else {"code": "x", "error": said}
    error = refusal(Answer(status, {}, json.dumps(body).encode()), "XAI_API_KEY")
    assert error is not None
    assert error.failure is not None
    assert (reason_name(error.reason), error.field) == (reason, field)
    assert events.Billed.Name(error.failure.billed) == f"BILLED_{billed}"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"error":7}', b'{"error":{"message":[]}}'])
@pytest.mark.parametrize("status", [400, 403, 422, 429, 500])
def test_an_odd_error_body_is_left_to_the_kit(status: int, body: bytes) -> None:
    """It names nothing that only xAI says."""
    assert refusal(Answer(status, {}, body), "") is None


@pytest.mark.parametrize(
    ("secret", "reason"), [("bad-key-012345", "provider_auth_failed"), ("poor-key-012345", "quota_exhausted")]
)
async def test_a_key_that_will_not_do_is_told(
    provider: EmulatedProvider, monkeypatch: pytest.MonkeyPatch, secret: str, reason: str
) -> None:
    """Without the key itself."""
    monkeypatch.setenv("XAI_API_KEY", secret)
    error = (await provider.room.ask(PLAIN)).failure
    assert reason_name(error.reason) == reason
    assert secret not in error.message


def test_an_answer_is_read_without_its_costs() -> None:
    """Older answers have none."""
    images = read_images(b'{"data": [{"url": "https://imgen.x.ai/a.jpg", "revised_prompt": "boat"}]}')
    assert (images.cost.micros, images.moderated) == (None, 0)
    assert [(one.url, one.revised_prompt) for one in images.drawn] == [("https://imgen.x.ai/a.jpg", "boat")]


def test_fields_that_nobody_knows_stand_below_our_own() -> None:
    """They are passed on, and replace nothing."""
    call = call_of(MODELS.get(PLAIN))
    call.passed_on = {"storage_options": {"filename": "a"}, "model": "dearer"}
    body = make_body(call, [])
    assert (body["storage_options"], body["model"], body["prompt"]) == ({"filename": "a"}, PLAIN, wish().prompt)
