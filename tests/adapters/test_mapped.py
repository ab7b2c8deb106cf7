"""Mapped providers: what is sent, and what it costs."""

import io
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL.PngImagePlugin import PngInfo

from heliostat.adapters.mapped.body import Order, as_json, as_parts, make_fields, make_headers, managed_of
from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.mapped.pictures import gather
from heliostat.adapters.sdk import operation_of
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from tests.adapters.emulated import call_of
from tests.adapters.mapped_requests import CF, EVERY, PUBLIC, at, work
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain


def options(name: str, **values: Any) -> dict[str, Struct]:
    """provider_options of a provider."""
    struct = Struct()
    struct.update(values)
    return {name: struct}


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
            "outpaint.left_px",
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
