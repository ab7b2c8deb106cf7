"""Mapped providers: what is sent, what comes back, what it costs, and what becomes of errors."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL.PngImagePlugin import PngInfo

from heliostat.adapters.mapped.answers import is_job, read_answer, read_look, read_reported
from heliostat.adapters.mapped.body import Order, as_json, as_parts, make_fields, make_headers, managed_of
from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.failures import hidden_error, refusal
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.mapped.paths import Path as JsonPath
from heliostat.adapters.mapped.pictures import gather
from heliostat.adapters.mapped.settings import account_of, address_of, filled
from heliostat.adapters.sdk import Answer, operation_of
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.launch.targets import load
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

NINE = ("clipdrop", "cloudflare", "deepinfra", "leonardo", "luma", "minimax", "novita", "photoroom", "segmind")
PUBLIC = media_pb2.Media(uri="https://pictures.example/cat.png")
CF = "@cf/black-forest-labs/"


@asynccontextmanager
async def at(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> AsyncIterator[EmulatedProvider]:
    """The provider of a mapping at its emulated API, with a key."""
    monkeypatch.setenv(shipped(name).auth.key, "key-0123456789")
    async with running(name, folder, **settings) as one:
        yield one


@asynccontextmanager
async def refusing(asked: list[str]) -> AsyncIterator[str]:
    """A server that knows nothing, and notes the paths that it was asked for."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ", 2)[1])
        body = b'{"error": "no such place"}'
        writer.write(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def options(name: str, **values: Any) -> dict[str, Struct]:
    """provider_options of a provider."""
    struct = Struct()
    struct.update(values)
    return {name: struct}


def work(operation: str, *, address: bool = False, masked: bool = False) -> dict[str, Any]:
    """A request for an operation on a picture."""
    picture = PUBLIC if address else media(plain(96, 64))
    mask = media(plain(96, 64, "white")) if masked else None
    made: dict[str, Any] = {
        "text_to_image": {},
        "edit": {"edit": requests.Edit(image=picture, mask=mask)},
        "variation": {"variation": requests.Variation(image=picture)},
        "upscale": {"upscale": requests.Upscale(image=picture, factor=2)},
        "remove_background": {"remove_background": requests.RemoveBackground(image=picture)},
        "outpaint": {"outpaint": requests.Outpaint(image=picture, left_px=32)},
    }
    fields: dict[str, Any] = made[operation]
    return fields


EVERY = [
    (name, model.name, operation)
    for name in NINE
    for model in models_of(shipped(name))
    for operation in model.operations
]


@pytest.mark.parametrize(("name", "model", "operation"), EVERY)
async def test_every_operation_of_every_model_is_done_and_booked_as_billed(
    name: str, model: str, operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the emulated API, which refuses any field that its provider does not know."""
    offer = models_of(shipped(name)).get(model)
    fields = work(operation, address=name == "luma", masked=bool(offer.mask))
    async with at(name, tmp_path, monkeypatch) as it:
        answer = await it.room.ask(model, **fields)
        entries = [*await it.journal("submit"), *await it.journal("edits")]
    assert answer.result.image_count == 1
    assert [entry["attempt_id"] for entry in entries if entry["billed"]] == [ATTEMPT]
    cost = answer.result.cost
    if offer.price_source or cost.HasField("reported"):
        assert to_micros(cost.amount) == sum(entry["cost_micros"] for entry in entries)
    else:
        assert not cost.HasField("amount")


async def body_of(name: str, model: str, **fields: Any) -> tuple[dict[str, Any], dict[str, str], Any]:
    """(fields, headers, call) of a request. Pictures are shown by their beginning."""
    mapping = shipped(name)
    table = models_of(mapping)
    given = fields.pop("given", {})
    call = call_of(table.get(model), **fields)
    offer = call.model.facts
    endpoint = mapping.endpoint_of(offer, operation_of(call.request))
    order = Order(mapping, offer, endpoint, call, await gather(endpoint, call), given)
    made = make_fields(order)
    if endpoint.body == "form":
        parts = {part.name: part.data[:4] if part.filename else part.data.decode() for part in as_parts(made, {})}
        return parts, make_headers(order), call
    return as_json(made, {}), make_headers(order), call


PNG = b"\x89PNG"
SENT = [
    (
        "luma",
        "photon-1",
        {"size": pixels(1024, 1024)},
        {"model": "photon-1", "prompt": "a red boat", "aspect_ratio": "1:1"},
    ),
    (
        "luma",
        "photon-1",
        {
            "edit": requests.Edit(image=PUBLIC, strength=0.25),
            "references": [
                requests.Reference(image=PUBLIC, role=requests.REFERENCE_ROLE_STYLE, weight=0.5),
                requests.Reference(image=PUBLIC),
            ],
            "output": requests.Output(media_type="image/png"),
        },
        {
            "model": "photon-1",
            "prompt": "a red boat",
            "format": "png",
            "image_ref": [{"url": PUBLIC.uri}],
            "style_ref": [{"url": PUBLIC.uri, "weight": 0.5}],
            "modify_image_ref": {"url": PUBLIC.uri, "weight": 0.75},
        },
    ),
    (
        "leonardo",
        "lucid-origin",
        {"image_count": 2, "seed": 7, "negative_prompt": "cats", "given": {"steps": 20, "style_uuid": "u"}},
        {
            "modelId": "7b592283-e8a7-4c5a-9ba6-d18c31f258b9",
            "prompt": "a red boat",
            "negative_prompt": "cats",
            "width": 1024,
            "height": 1024,
            "num_images": 2,
            "seed": 7,
            "num_inference_steps": 20,
            "styleUUID": "u",
            "public": False,
        },
    ),
    (
        "leonardo",
        "phoenix-1.0",
        {"seed": 2147483638, "output": requests.Output(background=requests.BACKGROUND_TRANSPARENT)},
        {
            "modelId": "de7d3faf-762f-48e0-b3b7-9d0ac3a3fcf3",
            "prompt": "a red boat",
            "width": 1024,
            "height": 1024,
            "num_images": 1,
            "seed": 0,
            "transparency": "foreground_only",
            "public": False,
        },
    ),
    (
        "minimax",
        "image-01",
        {"size": pixels(1280, 720), "image_count": 3},
        {
            "model": "image-01",
            "prompt": "a red boat",
            "width": 1280,
            "height": 720,
            "n": 3,
            "response_format": "base64",
        },
    ),
    (
        "minimax",
        "image-01-live",
        {"size": pixels(1280, 720), "style": "comic", "given": {"style_weight": 0.5}},
        {
            "model": "image-01-live",
            "prompt": "a red boat",
            "aspect_ratio": "16:9",
            "n": 1,
            "style": {"style_type": "Comic", "style_weight": 0.5},
            "response_format": "base64",
        },
    ),
    ("cloudflare", f"{CF}flux-1-schnell", {"given": {"steps": 8}}, {"prompt": "a red boat", "steps": 8}),
    (
        "cloudflare",
        f"{CF}flux-2-klein-4b",
        {"references": [requests.Reference(image=media(plain())), requests.Reference(image=media(plain()))]},
        {"prompt": "a red boat", "width": "1024", "height": "1024", "input_image_0": PNG, "input_image_1": PNG},
    ),
    (
        "deepinfra",
        "black-forest-labs/FLUX-1-dev",
        {"image_count": 2, "given": {"steps": 30}},
        {"prompt": "a red boat", "width": 1024, "height": 1024, "num_images": 2, "num_inference_steps": 30},
    ),
    (
        "deepinfra",
        "Qwen/Qwen-Image-Edit",
        {**work("edit"), "size": pixels(1024, 512)},
        {"model": "Qwen/Qwen-Image-Edit", "prompt": "a red boat", "image": PNG, "n": "1", "size": "1024x512"},
    ),
    (
        "novita",
        "flux-1-schnell",
        {"output": requests.Output(media_type="image/webp"), "image_count": 2},
        {
            "prompt": "a red boat",
            "width": 1024,
            "height": 1024,
            "image_num": 2,
            "steps": 4,
            "response_image_type": "webp",
        },
    ),
    ("novita", "qwen-image-txt2img", {"size": pixels(1024, 768)}, {"prompt": "a red boat", "size": "1024*768"}),
    (
        "segmind",
        "fast-flux-schnell",
        {"size": pixels(1920, 1080)},
        {"prompt": "a red boat", "aspect_ratio": "16:9", "base64": False},
    ),
    (
        "clipdrop",
        "image-upscaling/v1/upscale",
        work("upscale"),
        {"image_file": PNG, "target_width": "192", "target_height": "128"},
    ),
    (
        "clipdrop",
        "uncrop/v1",
        work("outpaint"),
        {"image_file": PNG, "extend_left": "32", "extend_right": "0", "extend_up": "0", "extend_down": "0"},
    ),
    (
        "photoroom",
        "v2/edit",
        {**work("edit"), "negative_prompt": "cats", "given": {"shadow_mode": "ai.soft", "remove_background": True}},
        {
            "imageFile": PNG,
            "background.prompt": "a red boat",
            "background.negativePrompt": "cats",
            "removeBackground": "true",
            "shadow.mode": "ai.soft",
        },
    ),
]


@pytest.mark.parametrize(("name", "model", "fields", "sent"), SENT, ids=[f"{n}-{row[0]}" for n, row in enumerate(SENT)])
async def test_a_request_is_sent_in_the_providers_words(
    name: str, model: str, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """And nothing else is sent."""
    body, _, _ = await body_of(name, model, **fields)
    assert body == sent


@pytest.mark.parametrize(
    ("name", "field"),
    [("photoroom", "export.format"), ("photoroom", "export"), ("novita", "request"), ("cloudflare", "input_image_1")],
)
def test_what_a_mapping_fills_is_filled_by_nobody_else(name: str, field: str) -> None:
    """Neither in JSON, where a dot leads into an object, nor in a form, where it is part of the name."""
    assert field in managed_of(shipped(name))


async def test_a_mask_of_numbers_and_a_picture_of_text() -> None:
    """Cloudflare takes a mask as bytes in a list."""
    model = "@cf/runwayml/stable-diffusion-v1-5-inpainting"
    body, _, _ = await body_of("cloudflare", model, **work("edit", masked=True))
    assert bytes(body["mask"][:4]) == PNG
    assert body["image_b64"].startswith("iVBORw0KGgo")


@pytest.mark.parametrize(
    ("wanted", "accept"), [("", "image/png"), ("image/webp", "image/webp"), ("image/avif", "image/png")]
)
async def test_a_wished_type_may_travel_in_a_header(wanted: str, accept: str) -> None:
    """As Clipdrop has it; what it does not have is converted here."""
    output = requests.Output(media_type=wanted)
    _, headers, _ = await body_of("clipdrop", "remove-background/v1", **work("remove_background"), output=output)
    assert headers == {"accept": accept}


async def test_a_mask_without_grey_is_sent_hard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clipdrop takes 0 and 255 only, white where it is cleaned; the emulated one paints black there."""
    mask = plain(96, 64, "black", "L")
    mask.paste(200, (0, 0, 48, 64))
    edit = requests.Edit(image=media(plain(96, 64, "white")), mask=media(mask), feather_px=8)
    async with at("clipdrop", tmp_path, monkeypatch) as it:
        answer = await it.room.ask("cleanup/v1", edit=edit)
    made = opened(answer.pictures[0]).convert("L")
    assert (made.getpixel((10, 10)), made.getpixel((80, 10))) == (0, 255)


async def test_what_was_changed_of_a_masked_picture_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read once, for itself and for its mask."""
    file, words = io.BytesIO(), PngInfo()
    words.add_text("Comment", "where it was taken")
    plain(96, 64).save(file, "PNG", pnginfo=words)
    edit = requests.Edit(image=media_pb2.Media(data=file.getvalue()), mask=media(plain(96, 64, "white")))
    async with at("clipdrop", tmp_path, monkeypatch) as it:
        answer = await it.room.ask("cleanup/v1", edit=edit)
    assert [one.requested for one in answer.result.adjustments if one.parameter == "image"] == ["metadata"]


@pytest.mark.parametrize(
    ("name", "model", "fields", "reason", "field"),
    [
        ("luma", "photon-1", work("edit"), "unsupported", "image"),
        ("luma", "photon-1", {"prompt": ""}, "invalid_field", "prompt"),
        (
            "luma",
            "photon-1",
            {"references": [requests.Reference(image=PUBLIC, role=requests.REFERENCE_ROLE_STYLE)] * 2},
            "unsupported",
            "references",
        ),
        ("clipdrop", "cleanup/v1", work("edit"), "invalid_field", "mask"),
        ("clipdrop", "replace-background/v1", work("edit", masked=True), "unsupported", "mask"),
        (
            "clipdrop",
            "uncrop/v1",
            {"outpaint": requests.Outpaint(image=media(plain()), left_px=2001)},
            "invalid_field",
            "outpaint.left",
        ),
        (
            "novita",
            "4x-UltraSharp",
            {"upscale": requests.Upscale(image=media(plain()), factor=8)},
            "invalid_field",
            "upscale.factor",
        ),
        ("minimax", "image-01", {"image_count": 10}, "unsupported", "n"),
    ],
)
async def test_what_a_provider_does_not_take_is_refused_before_anything_is_sent(
    name: str,
    model: str,
    fields: dict[str, Any],
    reason: str,
    field: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By the mapping; nothing is bought."""
    async with at(name, tmp_path, monkeypatch) as it:
        answer = await it.room.ask(model, **fields)
        sent = await it.journal()
    assert (reason_name(answer.failure.reason), answer.failure.field, sent) == (reason, field, [])
    assert answer.failure.failure is not None
    assert answer.failure.failure.outcome == events.OUTCOME_NOT_SENT


async def test_an_option_of_another_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And named whole."""
    async with at("minimax", tmp_path, monkeypatch) as it:
        answer = await it.room.ask("image-01", provider_options=options("minimax", style_weight=1))
    assert answer.failure.field == "provider_options.minimax.style_weight"


async def test_what_is_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wish that no field holds, a seed out of bounds, a style without a word, a factor that the provider chooses."""
    upscale = requests.Upscale(image=media(plain()), factor=4)
    async with at("photoroom", tmp_path, monkeypatch) as it:
        enlarged = await it.room.ask("v2/edit", upscale=upscale)
    assert enlarged.adjusted("factor").requested == "4"
    assert enlarged.adjusted("prompt").mode == events.ADJUSTMENT_MODE_DROPPED
    async with at("minimax", tmp_path, monkeypatch) as it:
        styled = await it.room.ask("image-01-live", style="noir", negative_prompt="cats")
    assert "comic, energetic" in styled.adjusted("style").reason
    assert styled.adjusted("negative_prompt").requested == "4 characters"
    _, _, call = await body_of("leonardo", "lucid-origin", seed=2147483640)
    assert [(one.parameter, one.sent) for one in call.adjustments] == [("seed", "2")]


def answered(status: int = 200, content: Any = None, **headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content).encode()
    )


def base(code: int) -> dict[str, Any]:
    """A MiniMax answer with a code."""
    return {"base_resp": {"status_code": code, "status_msg": "so it is"}}


def cf(code: int, message: str = "AiError: so it is") -> dict[str, Any]:
    """A Cloudflare answer with a code."""
    return {"success": False, "errors": [{"code": code, "message": message}], "result": {}, "messages": []}


def novita(reason: str) -> dict[str, Any]:
    """A Novita answer with a reason."""
    return {"code": 400, "reason": reason, "message": "so it is", "metadata": {}}


@pytest.mark.parametrize(
    ("name", "status", "content", "reason"),
    [
        ("luma", 400, {"detail": "Insufficient credits"}, "quota_exhausted"),
        ("luma", 400, {"detail": "Prompt contains blacklisted words"}, "content_blocked"),
        ("luma", 422, {"detail": [{"loc": ["body", "aspect_ratio"], "msg": "no"}]}, "invalid_field"),
        ("leonardo", 400, {"error": "not enough api tokens", "code": "unexpected"}, "quota_exhausted"),
        ("leonardo", 403, {"error": "blocked by content moderation", "code": "x"}, "content_blocked"),
        ("leonardo", 403, {"error": "forbidden", "code": "x"}, "provider_auth_failed"),
        ("cloudflare", 429, cf(3036), "quota_exhausted"),
        ("cloudflare", 429, cf(3040), "rate_limited"),
        ("cloudflare", 400, cf(3030), "content_blocked"),
        ("cloudflare", 400, cf(5006, "AiError: Input prompt contains NSFW content"), "content_blocked"),
        ("cloudflare", 400, cf(5007), "provider_model_gone"),
        ("cloudflare", 400, cf(5006), "invalid_field"),
        ("cloudflare", 408, cf(3007), "provider_timeout"),
        ("cloudflare", 401, cf(10000), "provider_auth_failed"),
        ("deepinfra", 400, {"detail": {"error": "request_moderated"}}, "content_blocked"),
        ("deepinfra", 402, {"detail": {"error": "balance"}}, "quota_exhausted"),
        ("novita", 400, novita("ILLEGAL_PROMPT"), "content_blocked"),
        ("novita", 400, novita("BILLING_FAILED"), "quota_exhausted"),
        ("novita", 400, novita("MISSING_API_KEY"), "provider_auth_failed"),
        ("novita", 400, novita("INVALID_REQUEST_BODY"), "invalid_field"),
        ("novita", 429, novita("CONCURRENT_LIMIT_EXCEEDED"), "rate_limited"),
        ("segmind", 406, {"error": "no credits"}, "quota_exhausted"),
        ("segmind", 422, {"error": "bad scheduler"}, "invalid_field"),
        ("clipdrop", 402, {"error": "No remaining credits"}, "quota_exhausted"),
        ("clipdrop", 406, {"error": "Accept not supported"}, "provider_unavailable"),
        ("photoroom", 403, {"error": {"detail": "API credits exhausted."}}, "quota_exhausted"),
        ("photoroom", 403, {"error": {"message": "Unauthorized"}}, "provider_auth_failed"),
    ],
)
def test_an_error_is_read_in_the_providers_words(name: str, status: int, content: Any, reason: str) -> None:
    """Its sentence reaches the caller; nothing was bought."""
    error = refusal(shipped(name), answered(status, content))
    assert error is not None
    assert reason_name(error.reason) == reason
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)
    assert error.message.strip()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (1002, "rate_limited"),
        (1039, "rate_limited"),
        (1004, "provider_auth_failed"),
        (2049, "provider_auth_failed"),
        (1008, "quota_exhausted"),
        (1026, "content_blocked"),
        (1027, "content_blocked"),
        (2013, "invalid_field"),
        (1001, "provider_timeout"),
        (1013, "provider_unavailable"),
        (9999, "provider_unavailable"),
    ],
)
def test_an_error_under_status_200_is_one(code: int, reason: str) -> None:
    """MiniMax's way; its own id of the exchange is kept, prompts and keys are not quoted."""
    call = call_of(models_of(shipped("minimax")).get("image-01"))
    content = base(code)
    content["base_resp"]["status_msg"] = "a red boat with key-123456"
    error = hidden_error(
        shipped("minimax"), answered(200, content, trace_id="t-1", retry_after="3"), call, ["key-123456"]
    )
    assert error is not None
    assert reason_name(error.reason) == reason
    assert "a red boat" not in error.message
    assert "key-123456" not in error.message
    assert error.metadata["provider_request_id"] == "t-1"
    assert error.retry_after_s == (3.0 if reason == "rate_limited" else None)


@pytest.mark.parametrize("content", [base(0), {}, [], None])
def test_a_good_answer_holds_no_error(content: Any) -> None:
    """Nor does one that says nothing of it."""
    call = call_of(models_of(shipped("minimax")).get("image-01"))
    assert hidden_error(shipped("minimax"), answered(200, content), call, []) is None


async def test_a_picture_that_was_filtered_is_not_paid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MiniMax charges by picture: two of three came."""
    async with at("minimax", tmp_path, monkeypatch) as it:
        real = await it.room.ask("image-01", image_count=2)
        encoded = [base64.b64encode(one).decode() for one in real.pictures]
        await it.script({"body": {**base(0), "data": {"image_base64": encoded}}, "times": 1})
        answer = await it.room.ask("image-01", image_count=3)
    assert (answer.result.image_count, answer.result.missing_image_count) == (2, 1)
    assert to_micros(answer.result.cost.amount) == 7000


JOBS = [("luma", "photon-flash-1"), ("leonardo", "lucid-origin"), ("novita", "qwen-image-txt2img")]


@pytest.mark.parametrize(("name", "model"), JOBS)
async def test_a_job_is_gone_on_with_by_its_id(
    name: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not bought twice; an id that cannot be one is refused without asking."""
    async with at(name, tmp_path, monkeypatch) as it:
        first = await it.room.ask(model)
        again = await it.room.ask(model, resume=first.result.provider_job_id)
        foreign = await it.room.ask(model, resume="../../account")
        taken = await it.room.cancel(model, first.result.provider_job_id)
        submits = await it.journal()
    assert (len(again.pictures), len(submits)) == (1, 1)
    assert reason_name(foreign.failure.reason) == "resource_not_found"
    assert not taken.found


@pytest.mark.parametrize(("name", "model"), JOBS)
async def test_a_job_that_fails_leaves_its_cost_open(
    name: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of the three says whether it is charged."""
    async with at(name, tmp_path, monkeypatch) as it:
        await it.script({"path": "job", "status": 500})
        answer = await it.room.ask(model)
    assert answer.failure.failure is not None
    assert reason_name(answer.failure.reason) == "provider_unavailable"
    assert answer.failure.failure.billed == events.BILLED_UNKNOWN
    assert answer.failure.failure.provider_job_id


async def test_the_cost_of_a_job_is_that_of_its_submit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leonardo tells it in dollars; in another unit it is not believed."""
    async with at("leonardo", tmp_path, monkeypatch) as it:
        answer = await it.room.ask("lucid-origin", image_count=3)
    assert to_micros(answer.result.cost.reported) == 3 * 14_700
    job = shipped("leonardo").endpoints["generate"].job
    assert job is not None
    told = {"sdGenerationJob": {"cost": {"amount": "12", "unit": "CREDITS"}}}
    assert read_reported(job.cost, answered(200, told), told).micros is None


DRAWN = shipped("deepinfra").endpoints["draw"].answer


@pytest.mark.parametrize(
    ("content", "pictures", "broken", "micros", "seed"),
    [
        ({"images": ["data:image/png;base64,QUJD"], "seed": 4, "inference_status": {"cost": 0.002}}, 1, False, 2000, 4),
        ({"images": ["QUJD", "###"], "seed": "4", "inference_status": {"cost": -1}}, 1, True, None, None),
        ({"images": [None, 3, {}], "seed": True, "inference_status": {"cost": True}}, 0, True, None, None),
        ({"images": "QUJD", "seed": 2**70, "inference_status": {"cost": "1e30"}}, 1, False, None, None),
        ({"images": ["QUJD"] * 500, "seed": -1, "inference_status": []}, 64, False, None, None),
        ({}, 0, False, None, None),
    ],
)
def test_what_an_answer_says_is_not_believed_blindly(
    content: Any, pictures: int, broken: bool, micros: int | None, seed: int | None
) -> None:
    """Numbers are bounded, what is no picture is none."""
    told = read_answer(DRAWN, answered(200, content))
    assert (len(told.pictures), told.broken, told.reported.micros, told.seed) == (pictures, broken, micros, seed)


@pytest.mark.parametrize(
    ("status", "state", "percent"),
    [("TASK_STATUS_SUCCEED", "done", 40.0), ("TASK_STATUS_NEW", "", 40.0), (7, "", None), (None, "", None)],
)
def test_a_word_that_nobody_knows_goes_on(status: Any, state: str, percent: float | None) -> None:
    """Percentages are 0 to 100 or absent."""
    job = shipped("novita").endpoints["qwen"].job
    assert job is not None
    told = {"task": {"status": status, "progress_percent": 40 if percent else 1e9}}
    look = read_look(job, answered(200, told))
    assert (look.state, look.percent) == (state, percent)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", [1]),
        ("list[*].url", ["x", "y"]),
        ("list[1].url", ["y"]),
        ("list[9].url", []),
        ("list.url", []),
        ("a[0]", []),
        ("flat", [1, 2]),
        ("nothing.at.all", []),
        ("deep[*][0]", [3, 4]),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(path: str, found: list[Any]) -> None:
    """Whatever shape the answer has."""
    value = {"a": {"b": 1}, "list": [{"url": "x"}, {"url": "y"}, {}], "flat": [1, None, 2], "deep": [[3], [4]]}
    assert JsonPath(path).all(value) == found
    assert JsonPath(path).all(None) == []


@pytest.mark.parametrize("text", ["", "a..b", "a[", "a[-1]", "a()", "a b", "a[0:1]", "a['b']", ".a", "a.", "a[1234]"])
def test_what_is_no_path_is_refused(text: str) -> None:
    """There is nothing to compute in a path."""
    with pytest.raises(ValueError, match="is no path"):
        JsonPath(text)


@pytest.mark.parametrize(
    ("text", "good"), [("0a-B_1", True), ("a/b", False), ("..", False), ("", False), ("a" * 129, False)]
)
def test_an_id_becomes_part_of_a_path_only_where_it_can_be_one(text: str, good: bool) -> None:
    """Whoever names it."""
    assert is_job(text) is good


def test_an_account_stands_in_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the section, or of one of its accounts; an address of the operator's own stays as it is."""
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "0a1b")
    monkeypatch.setenv("SECOND", "9f8e")
    mapping, settings = shipped("cloudflare"), load("adapter-cloudflare").settings
    first = filled(settings(), mapping)
    second = filled(settings.model_validate({"account": "env:SECOND"}), mapping)
    own = filled(settings.model_validate({"base_url": "http://127.0.0.1:1/x"}), mapping)
    assert first.base_url.endswith("/accounts/0a1b")
    assert second.base_url.endswith("/accounts/9f8e")
    assert own.base_url == "http://127.0.0.1:1/x"
    assert account_of(settings(), shipped("luma")) is None


async def test_each_account_has_its_place_in_an_address_of_the_operators(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway before Cloudflare has {account} in its path as well."""
    for variable, value in {"CLOUDFLARE_ACCOUNT_ID": "0a1b", "SECOND": "9f8e"}.items():
        monkeypatch.setenv(variable, value)
    asked: list[str] = []
    async with refusing(asked) as base:
        accounts = {"one": {}, "two": {"settings": {"account": "env:SECOND"}}}
        own = {"base_url": f"{base}/proxy/{{account}}", "accounts": accounts}
        async with at("cloudflare", tmp_path, monkeypatch, **own) as it:
            for account in accounts:
                request = adapter_pb2.GenerateRequest(
                    provider_model=f"{CF}flux-1-schnell", image=wish(), account=account
                )
                with pytest.raises(MeshError, match="no such place"):
                    async with stream(it.room.stub.Generate, request, timeout_s=5) as messages:
                        async for _ in messages:
                            pass
    assert [path.split("/")[2] for path in asked] == ["0a1b", "9f8e"]


def test_two_hosts_are_one_provider() -> None:
    """The key goes to both; with an address of the operator's own there is one."""
    settings = load("adapter-photoroom").settings
    assert filled(settings(), shipped("photoroom")).api_hosts == ("image-api.photoroom.com",)
    assert filled(settings.model_validate({"api_hosts": []}), shipped("photoroom")).api_hosts == ()
    mapping = shipped("photoroom")
    model, edit = models_of(mapping).get("v2/edit"), mapping.endpoints["edit"]
    own = filled(settings.model_validate({"base_url": "http://127.0.0.1:1"}), mapping)
    assert address_of(filled(settings(), mapping), mapping, edit, model) == "https://image-api.photoroom.com/v2/edit"
    assert address_of(own, mapping, edit, model) == "/v2/edit"


async def test_a_key_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable; nothing is sent."""
    monkeypatch.delenv("LUMAAI_API_KEY", raising=False)
    async with running("luma", tmp_path) as it:
        answer = await it.room.ask("photon-1")
        sent = await it.journal()
    assert reason_name(answer.failure.reason) == "provider_auth_failed"
    assert "LUMAAI_API_KEY" in answer.failure.message
    assert not sent


def test_a_mesh_error_is_what_a_mapping_refuses_with() -> None:
    """A provider that is not there is told by its name."""
    with pytest.raises(MeshError, match="cannot be read"):
        shipped("nobody")
