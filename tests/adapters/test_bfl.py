"""Black Forest Labs: what is sent, what comes back, what it costs, and what becomes of errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from heliostat.adapters.bfl.adapter import BflAdapter
from heliostat.adapters.bfl.body import gather, make_body
from heliostat.adapters.bfl.catalog import MODELS
from heliostat.adapters.bfl.endpoints import ENDPOINTS
from heliostat.adapters.bfl.failures import refusal
from heliostat.adapters.bfl.options import BflOptions
from heliostat.adapters.bfl.orders import order_of
from heliostat.adapters.bfl.settings import BflSettings
from heliostat.adapters.bfl.tasks import cost_micros, known_task, submitted_task
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.bfl.catalogue import BY_NAME
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

KEY = "bfl-secret-0123456789"
BASE, CLUSTERS = "https://api.bfl.ai", ("api.*.bfl.ai",)
PRO, FILL, EXPAND, KONTEXT = "flux-2-pro", "flux-pro-1.0-fill", "flux-pro-1.0-expand", "flux-kontext-pro"
ERASE = "flux-tools/erase-v1"
LOW = {"moderation": requests.MODERATION_LOW}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("BFL_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A provider whose tasks take no time."""
    async with running("bfl", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)))}


def reference(**more: Any) -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")), **more)


def ratio(width: int, height: int, tier: "requests.SizeTier" = requests.SIZE_TIER_UNSPECIFIED) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=tier))


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; pictures are cut to their first letters."""
    call = call_of(MODELS.get(model), **fields)
    body = make_body(ENDPOINTS[model], call, BflOptions(**(options or {})), await gather(ENDPOINTS[model], call))
    return {name: _short(value) for name, value in body.items()}


def _short(value: Any) -> Any:
    if isinstance(value, list):
        return [_short(one) for one in value]
    return "PNG" if isinstance(value, str) and value.startswith("iVBORw0KGgo") else value


@pytest.mark.parametrize(
    ("model", "fields", "sent"),
    [
        (PRO, {}, {"width": 1024, "height": 1024}),
        (PRO, {"size": pixels(1920, 1088), "seed": 0}, {"width": 1920, "height": 1088, "seed": 0}),
        (PRO, {"size": pixels(1920, 1080)}, {"width": 1920, "height": 1088}),
        (PRO, {**edit(), "references": [reference()]}, {"input_image": "PNG", "input_image_2": "PNG"}),
        (PRO, {**edit(), **LOW, "end_user_id": "u1"}, {"input_image": "PNG", "safety_tolerance": 5, "user": "u1"}),
        (KONTEXT, {"size": ratio(21, 9), **LOW}, {"aspect_ratio": "7:3", "safety_tolerance": 6}),
        (KONTEXT, {**edit(), **LOW}, {"input_image": "PNG", "safety_tolerance": 2}),
        ("flux-pro-1.1", {}, {"width": 1024, "height": 768}),
        (
            "flux-pro-1.1-ultra",
            {"references": [reference(weight=0.4)]},
            {"image_prompt": "PNG", "image_prompt_strength": 0.4},
        ),
        ("flux-3-image", {"seed": 7}, {"resolution": "1k"}),
        (
            "flux-3-image",
            {"size": ratio(16, 9, requests.SIZE_TIER_4K), "references": [reference()]},
            {"aspect_ratio": "16:9", "resolution": "4k", "images": ["PNG"]},
        ),
        ("flux-3-image", edit(), {"resolution": "1k", "images": ["PNG"]}),
        (
            EXPAND,
            {"outpaint": requests.Outpaint(image=media(plain()), left_px=10)},
            {"image": "PNG", "left": 10, "right": 0, "top": 0, "bottom": 0},
        ),
        (
            PRO,
            {"output": requests.Output(media_type="image/webp")},
            {"width": 1024, "height": 1024, "output_format": "webp"},
        ),
    ],
)
async def test_a_request_is_sent_in_the_words_of_the_endpoint(
    model: str, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Beside the prompt nothing else is sent, and nothing that the endpoint does not know."""
    body = await body_of(model, **fields)
    assert set(body) <= set(BY_NAME[model].fields)
    assert body == {"prompt": "a red boat", **sent}


@pytest.mark.parametrize("model", sorted(ENDPOINTS))
def test_an_endpoint_takes_what_its_schema_has(model: str) -> None:
    """Every field and option of ours is one of the emulated endpoint's, which was written down apart."""
    endpoint, known = ENDPOINTS[model], set(BY_NAME[model].fields)
    numbered = {f"{endpoint.numbered}_{endpoint.most}"} if endpoint.numbered else set()
    named = {endpoint.numbered, endpoint.listed, endpoint.image, endpoint.prompted, endpoint.mask} - {""}
    assert {*endpoint.options, *numbered, *named} <= known
    assert endpoint.lax == BY_NAME[model].fields["safety_tolerance"].high


@pytest.mark.parametrize(
    ("model", "fields", "field", "reason"),
    [
        (FILL, edit(), "mask", "invalid_field"),
        ("flux-2-klein-4b", {**edit(), "references": [reference()] * 4}, "references", "unsupported"),
        (
            EXPAND,
            {"outpaint": requests.Outpaint(image=media(plain()), top_px=3000)},
            "outpaint.top_px",
            "invalid_field",
        ),
    ],
)
async def test_what_an_endpoint_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, **fields)
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


async def test_an_option_of_another_endpoint_is_an_error() -> None:
    """Strict endpoints would refuse it, others ignore it."""
    assert (await body_of("flux-2-flex", {"steps": 20}))["steps"] == 20
    with pytest.raises(MeshError) as caught:
        await body_of(PRO, {"raw": True})
    assert caught.value.field == "provider_options.bfl.raw"


def test_options_are_those_that_some_endpoint_takes() -> None:
    """Nothing is offered that no endpoint knows, and nothing that an endpoint knows is missing."""
    assert {name for endpoint in ENDPOINTS.values() for name in endpoint.options} == set(BflOptions.model_fields)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        ("flux-2-klein-4b", {"size": pixels(1024, 1024)}, 14_000),
        (PRO, {"size": pixels(1920, 1088)}, 45_000),
        ("flux-2-max", {"size": pixels(2048, 2048)}, 160_000),
        (PRO, {**edit(1024, 1024), "references": [reference()]}, 60_000),
        # Inputs of more than four megapixels are scaled down to them, and the result follows.
        (PRO, edit(4096, 3072), 135_000),
        ("flux-3-image", {}, 48_000),
        ("flux-3-image", {"size": ratio(1, 1, requests.SIZE_TIER_2K)}, 100_000),
        (KONTEXT, edit(), 40_000),
        (EXPAND, {"outpaint": requests.Outpaint(image=media(plain()), top_px=8)}, 50_000),
        (ERASE, edit(1024, 1024), 34_000),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int) -> None:
    """The worked examples of the price page among them."""
    request, known = wish(**fields), MODELS.get(model)
    assert known.price.estimate(order_of(known, request, known.sizes.choose(request.size))) == micros


@pytest.mark.parametrize(
    ("polling_url", "job_id", "poll_url"),
    [
        (f"{BASE}/v1/get_result?id=t1", "t1", f"{BASE}/v1/get_result?id=t1"),
        (
            "https://api.eu2.bfl.ai/v1/get_result?id=t1",
            "api.eu2.bfl.ai/t1",
            "https://api.eu2.bfl.ai/v1/get_result?id=t1",
        ),
        ("https://evil.example/v1/get_result?id=t1", "t1", f"{BASE}/v1/get_result?id=t1"),
        ("https://api.x.bfl.ai.evil.example/", "t1", f"{BASE}/v1/get_result?id=t1"),
        ("https://api.eu2.bfl.ai@evil.example/", "t1", f"{BASE}/v1/get_result?id=t1"),
        ("http://[broken", "t1", f"{BASE}/v1/get_result?id=t1"),
        (None, "t1", f"{BASE}/v1/get_result?id=t1"),
    ],
)
def test_a_task_is_asked_for_at_its_cluster(polling_url: str | None, job_id: str, poll_url: str) -> None:
    """A foreign host never gets the key; the task, which may cost money, is still asked for."""
    task = submitted_task(BASE, CLUSTERS, {"id": "t1", "polling_url": polling_url})
    assert task is not None
    assert (task.id, task.poll_url) == (job_id, poll_url)
    assert known_task(BASE, CLUSTERS, job_id) == task


@pytest.mark.parametrize("job_id", ["", "a/b/c", "../x", "a?b", "host name/x", "evil.example/x", "x" * 129])
def test_an_id_that_is_none_of_ours_is_no_task(job_id: str) -> None:
    """An id never becomes another path."""
    assert known_task(BASE, CLUSTERS, job_id) is None


@pytest.mark.parametrize(
    ("cost", "micros"),
    [(4.5, 45_000), (1.4, 14_000), (0, 0), (None, None), (-1, None), ("4", None), (True, None), (1e30, None)],
)
def test_a_price_is_read_or_not_believed(cost: Any, micros: int | None) -> None:
    """Credits are cents; what cannot be one is no price."""
    assert cost_micros({"cost": cost}) == micros


@pytest.mark.parametrize(
    ("status", "body", "reason", "field"),
    [
        (422, {"detail": "Invalid API key format"}, "provider_auth_failed", None),
        (422, {"detail": "The prompt 'a monkey' is too long"}, "invalid_field", None),
        (422, {"detail": [{"loc": ["body", "width"], "msg": "no", "type": "multiple_of"}]}, "invalid_field", "size"),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "no", "type": "missing"}]}, "invalid_field", "prompt"),
    ],
)
def test_a_refusal_has_its_reason(status: int, body: dict[str, Any], reason: str, field: str | None) -> None:
    """A key in a wrong form is not the caller's mistake."""
    error = refusal(Answer(status, {}, json.dumps(body).encode()))
    assert error is not None
    assert (reason_name(error.reason), error.field) == (reason, field)


async def test_a_picture_comes_from_submit_to_file(provider: EmulatedProvider) -> None:
    """One submit; the cost is what the provider said and billed, and what the table says."""
    answer = await provider.room.ask(PRO, size=pixels(1920, 1088), seed=7)
    result = answer.result
    assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
    assert [opened(data).size for data in answer.pictures] == [(1920, 1088)]
    assert answer.of("media_ended")[0].seed == 7
    (entry,) = await provider.journal()
    assert (entry["attempt_id"], entry["cost_micros"], entry["request_id"]) == (ATTEMPT, 45_000, result.provider_job_id)
    assert (result.cost.amount.nanos, result.cost.source) == (45_000_000, events.COST_SOURCE_REPORTED)
    assert result.cost.computed == result.cost.amount


@pytest.mark.parametrize("model", [FILL, ERASE])
async def test_a_mask_is_white_where_the_picture_is_painted(provider: EmulatedProvider, model: str) -> None:
    """The caller's transparent hole reaches the provider as white; what lies outside of it stays."""
    mask = plain(64, 64, "black", "RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    masked = requests.Edit(
        image=media(plain(colour="white")), mask=media(mask), mask_mode=requests.MASK_MODE_ALPHA_REPAINTS
    )
    png = requests.Output(media_type="image/png")
    (data,) = (await provider.room.ask(model, wish(edit=masked, output=png))).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


async def test_a_picture_is_outpainted_by_pixels(provider: EmulatedProvider) -> None:
    """On each side as many as were asked for."""
    request = wish(outpaint=requests.Outpaint(image=media(plain(64, 64, "white")), left_px=16, top_px=8))
    (data,) = (await provider.room.ask(EXPAND, request)).pictures
    assert opened(data).size == (80, 72)


@pytest.mark.parametrize(
    ("prompt", "reason"), [("something nsfw here", "content_blocked"), ("a lot of gore", "content_blocked")]
)
async def test_what_is_moderated_is_blocked_and_free(provider: EmulatedProvider, prompt: str, reason: str) -> None:
    """Before the work or after it."""
    failure = (await provider.room.ask(PRO, wish(prompt))).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, events.BILLED_NO)
    assert "Safety Filter" in failure.message
    assert not any(entry["billed"] for entry in await provider.journal())


@pytest.mark.parametrize(
    "step",
    [
        {"path": "job", "status": 500},
        {"path": "status", "match": {}, "status": 500, "body": {"id": "t", "status": "Error", "result": None}},
    ],
)
async def test_a_task_that_fails_is_free(provider: EmulatedProvider, step: dict[str, Any]) -> None:
    """Its state may come under an HTTP error: the task is over all the same, and not looked at for half a minute."""
    await provider.script(step)
    failure = (await provider.room.ask(PRO)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_unavailable", events.BILLED_NO)
    assert len(await provider.journal("status")) == 1


@pytest.mark.parametrize(
    "step",
    [
        {"status": 500},
        {"status": 404, "body": {"id": "t", "status": "Task not found"}},
        {"status": 200, "body": {"id": "t", "status": "Task not found"}},
        {"status": 200, "body": {"id": "t", "status": "Reasoning", "progress": 0.4}},
        {"status": 200, "body": {"id": "t", "status": "A Word Nobody Knows"}},
        {"garbage": True},
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_task(
    provider: EmulatedProvider, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": "status", "match": {}, "times": 2, **step})
    assert (await provider.room.ask(PRO)).result.image_count == 1
    assert len(await provider.journal()) == 1


async def test_progress_is_told(provider: EmulatedProvider) -> None:
    """In per cent."""
    running_on = {"id": "t", "status": "Generating", "progress": 0.4}
    await provider.script({"path": "status", "match": {}, "times": 1, "status": 200, "body": running_on})
    assert [one.percent for one in (await provider.room.ask(PRO)).of("progress")] == [40.0]


async def test_a_result_without_a_picture_is_charged(provider: EmulatedProvider) -> None:
    """What is ready costs, whatever is missing."""
    await provider.script({"path": "job", "body": {"status": "Ready", "result": {}}})
    failure = (await provider.room.ask(PRO, size=pixels(1024, 1024))).failure
    assert failure.failure is not None
    assert (failure.failure.billed, failure.failure.cost.nanos) == (events.BILLED_YES, 30_000_000)


async def test_a_task_is_gone_on_with_by_its_id(provider: EmulatedProvider) -> None:
    """Nothing is bought again; its cost is computed, for nobody told it anew."""
    first = (await provider.room.ask(PRO, size=pixels(1024, 1024))).result
    again = (await provider.room.ask(PRO, size=pixels(1024, 1024), resume=first.provider_job_id)).result
    assert (again.cost.amount.nanos, again.cost.source) == (30_000_000, events.COST_SOURCE_COMPUTED)
    assert len(await provider.journal()) == 1
    assert reason_name((await provider.room.ask(PRO, resume="../credits")).failure.reason) == "resource_not_found"


async def test_another_cluster_is_polled_with_the_key_where_it_is_trusted(tmp_path: Path) -> None:
    """The same provider under another name of this machine, and a job id that finds it again."""
    async with running("bfl", tmp_path, api_hosts=("localhost",)) as provider:
        made = await provider.http.post("/bfl/v1/flux-2-pro", json={"prompt": "x"}, headers={"x-key": KEY})
        port = urlsplit(provider.base).port
        named = f"http://localhost:{port}/bfl/v1/get_result?id={made.json()['id']}"
        await provider.script({"path": "submit", "body": {**made.json(), "polling_url": named}})
        result = (await provider.room.ask(PRO)).result
        assert result.provider_job_id == f"localhost/{made.json()['id']}"
        again = (await provider.room.ask(PRO, resume=result.provider_job_id)).result
        assert again.image_count == 1


async def test_a_callback_wakes_the_poll(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Believed with either proof, and only a reason to look: the result is read by polling."""
    monkeypatch.setenv("BFL_WEBHOOK_SECRET", "our-own-secret")
    async with running("bfl", tmp_path, callbacks=True) as provider:
        await provider.script({"path": "status", "match": {}, "status": 200, "body": {"status": "Pending"}})
        asked = asyncio.create_task(provider.room.ask(PRO))
        told, body = await asyncio.wait_for(provider.taken.get(), 30)
        signature, echoed = told["x-bfl-signature"], told["x-webhook-secret"]
        assert await provider.deliver({}, body) == "caller_unknown"
        assert await provider.deliver({"x-bfl-signature": signature}, body + b" ") == "caller_unknown"
        assert await provider.deliver({"x-bfl-signature": "sha256=xyz", "x-webhook-secret": echoed}, body) == (
            "caller_unknown"
        )
        assert await provider.deliver({"x-webhook-secret": "another"}, body) == "caller_unknown"
        await provider.script()
        assert await provider.deliver({"x-webhook-secret": echoed}, body) == "found"
        answer = await asyncio.wait_for(asked, 60)
        assert answer.result.provider_job_id == json.loads(body)["id"]
        assert await provider.deliver({"x-bfl-signature": signature}, body) == "not found"
        assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    ("base_url", "finds"), [("https://api.bfl.ai", False), ("https://api.eu.bfl.ai", True), ("http://localhost", True)]
)
def test_callbacks_are_asked_for_where_the_task_is_found_without_its_cluster(base_url: str, finds: bool) -> None:
    """Who is called back is told no cluster, and the global address may not know the task: a paid one would be lost."""
    assert BflSettings(base_url=base_url).finds_any_task is finds


async def test_no_callback_is_asked_for_without_a_secret(tmp_path: Path) -> None:
    """Nobody could believe it."""
    async with running("bfl", tmp_path, callbacks=True) as provider:
        assert (await provider.room.ask(PRO)).result.image_count == 1
        assert provider.taken.empty()
        assert not await provider.journal("webhook")


def test_the_adapter_offers_every_operation_that_the_provider_has() -> None:
    """It has no upscaler, no background removal and no segmentation."""
    offered = {operation for model in BflAdapter.models for operation in model.operations}
    assert offered == {"text_to_image", "edit", "outpaint"}
