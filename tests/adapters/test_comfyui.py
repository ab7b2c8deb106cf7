"""ComfyUI: what is put into workflows, what comes back, and what it costs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.comfyui.catalog import MODELS, SHIPPED, Workflows, shipped_templates
from heliostat.adapters.comfyui.template_files import NEEDED
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.comfyui.graph import check
from tests.adapters.comfyui_requests import SECRET, sent
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import media, opened, pixels, plain, wish


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's password where the settings look for it."""
    monkeypatch.setenv("COMFYUI_API_KEY", SECRET)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A server whose prompts take no time."""
    async with running("comfyui", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def half() -> Image.Image:
    """A mask of 64x64 whose right half is white."""
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    return mask


def upscale(**more: Any) -> dict[str, Any]:
    """An enlargement of a blue picture."""
    return {"upscale": requests.Upscale(image=media(plain()), **more)}


def outpaint(**more: Any) -> dict[str, Any]:
    """A picture to be continued."""
    return {"outpaint": requests.Outpaint(image=media(plain()), **more)}


def vary(**more: Any) -> dict[str, Any]:
    """A picture to be varied."""
    return {"variation": requests.Variation(image=media(plain()), **more)}


def at(workflow: dict[str, Any], place: str) -> Any:
    """What stands at a place."""
    node, _, name = place.partition(".")
    return workflow[node]["inputs"][name]


SENT: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("sdxl", {"size": pixels(1216, 832), "seed": 7}, {}, {"5.width": 1216, "5.height": 832, "3.seed": 7}),
    ("sdxl", {"negative_prompt": "cats"}, {}, {"6.text": "a red boat", "7.text": "cats"}),
    ("sdxl", {"image_count": 3}, {}, {"5.batch_size": 3, "5.width": 1024}),
    (
        "sdxl",
        {},
        {"steps": 9, "guidance": 3.5, "sampler": "euler"},
        {"3.steps": 9, "3.cfg": 3.5, "3.sampler_name": "euler"},
    ),
    ("sdxl", {}, {"checkpoint": "mine.safetensors"}, {"4.ckpt_name": "mine.safetensors"}),
    ("sdxl", edit(100, 60, strength=0.3), {}, {"3.denoise": 0.3, "11.width": 96, "11.height": 64, "14.width": 100}),
    ("sdxl", edit(mask=media(half())), {}, {"15.image": "mask.png", "15.channel": "red", "10.image": "image.png"}),
    ("sdxl", vary(similarity=0.8), {}, {"3.denoise": 0.2, "10.image": "image.png"}),
    ("sdxl", outpaint(left_px=16, bottom_px=32), {}, {"19.left": 16, "19.bottom": 32, "19.top": 0, "11.width": 80}),
    ("flux-dev", {}, {"guidance": 2}, {"26.guidance": 2, "3.cfg": 1.0}),
    ("real-esrgan", upscale(factor=2.5), {}, {"14.width": 160, "14.height": 160}),
    ("real-esrgan", upscale(), {}, {"14.width": 256}),
    ("real-esrgan", upscale(size=requests.PixelSize(width_px=99, height_px=70)), {}, {"14.width": 99, "14.height": 70}),
]


@pytest.mark.parametrize(("model", "fields", "options", "expected"), SENT)
async def test_a_request_goes_to_its_places(
    model: str, fields: dict[str, Any], options: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Of the workflow's inputs; what nobody asks for stays as the template has it."""
    workflow = await sent(model, options, **fields)
    assert {place: at(workflow, place) for place in expected} == expected


async def test_the_template_itself_is_not_filled() -> None:
    """It is made anew for each request."""
    await sent("sdxl", seed=99)
    workflows: Workflows = MODELS.get("sdxl").facts
    assert workflows.by_work["text_to_image"].workflow["3"]["inputs"]["seed"] == 0


async def test_places_of_references_that_are_not_sent_are_taken_out() -> None:
    """With the links to them; those that are sent stay."""
    reference = requests.Reference(image=media(plain(colour="green")))
    one = await sent("qwen-image-edit-plus", **edit(), references=[reference])
    assert one["27"]["inputs"]["image"] == "references.png"
    assert "28" not in one
    assert set(one["6"]["inputs"]) >= {"image1", "image2"}
    assert "image3" not in one["6"]["inputs"]
    assert check(one, lambda _: True).node_errors == {}


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("flux-schnell", {}, {"guidance": 3}, "invalid_field", "provider_options.comfyui.guidance"),
    ("sdxl", {}, {"steps": 500}, "invalid_field", "provider_options.comfyui.steps"),
    ("sdxl", {}, {"values": {"lora": 1}}, "invalid_field", "provider_options.comfyui.values.lora"),
    ("sdxl", outpaint(), {}, "invalid_field", "outpaint"),
    ("real-esrgan", upscale(size=requests.PixelSize(width_px=20000, height_px=9)), {}, "invalid_field", "upscale.size"),
    ("real-esrgan", {**upscale(), "image_count": 2}, {}, "unsupported", "n"),
]


@pytest.mark.parametrize(("model", "fields", "options", "reason", "field"), REFUSED)
async def test_what_a_template_cannot_do_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], options: dict[str, Any], reason: str, field: str
) -> None:
    """With the field that is to blame."""
    with pytest.raises(MeshError) as caught:
        await sent(model, options, **fields)
    assert (reason_name(caught.value.reason), caught.value.field) == (reason, field)


WORK: list[tuple[str, dict[str, Any], tuple[int, int]]] = [
    ("sdxl", {"size": pixels(512, 768)}, (512, 768)),
    ("sd-3.5-large", {}, (1024, 1024)),
    ("flux-dev", {"size": pixels(512, 512)}, (512, 512)),
    ("qwen-image", {}, (1328, 1328)),
    ("sdxl", edit(100, 61), (100, 61)),
    ("sdxl", edit(mask=media(half())), (64, 64)),
    ("sdxl", vary(), (64, 64)),
    ("sdxl", outpaint(left_px=16, top_px=8), (80, 72)),
    ("sd-3.5-large", edit(), (64, 64)),
    ("flux-dev", edit(), (64, 64)),
    ("qwen-image-edit-plus", edit(), (64, 64)),
    ("real-esrgan", upscale(factor=3), (192, 192)),
]


@pytest.mark.parametrize(("model", "fields", "size"), WORK)
async def test_every_work_is_done(
    server: EmulatedProvider, model: str, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    """In the size that was asked for or that the picture has, free of charge, named by the attempt."""
    answer = await server.room.ask(model, **fields)
    assert opened(answer.pictures[0]).size == size if answer.error is None else answer.result
    assert answer.result.cost.amount.units == answer.result.cost.amount.nanos == 0
    (entry,) = await server.journal()
    assert (entry["billed"], entry["cost_micros"], entry["attempt_id"]) == (True, 0, "req_test/0/1")


def test_every_offered_operation_is_tried() -> None:
    """The list above leaves none out."""
    tried = {(model, wish(**fields).WhichOneof("operation") or "text_to_image") for model, fields, _ in WORK}
    there = {(model.name, operation) for model in MODELS for operation in model.operations}
    assert there - tried == {("flux-schnell", "text_to_image")}
    assert {one.operation for one in shipped_templates()} <= set(NEEDED)


async def test_only_what_is_white_in_the_mask_is_painted_anew(server: EmulatedProvider) -> None:
    """The rest stays to the pixel."""
    answer = await server.room.ask("sdxl", **edit(mask=media(half()), mask_mode=requests.MASK_MODE_WHITE_REPAINTS))
    assert answer.error is None, answer.error
    picture, before = opened(answer.pictures[0]).convert("RGB"), plain().convert("RGB")
    assert picture.getpixel((5, 5)) == before.getpixel((5, 5))
    assert picture.getpixel((60, 60)) != before.getpixel((60, 60))


async def test_several_pictures_come_from_one_prompt(server: EmulatedProvider) -> None:
    """Each with the seed of the prompt."""
    answer = await server.room.ask("flux-schnell", image_count=3, seed=11, size=pixels(256, 256))
    assert len(set(answer.pictures)) == 3
    assert [ended.seed for ended in answer.of("media_ended")] == [11, 11, 11]
    assert len(await server.journal()) == 1


async def test_without_a_seed_each_request_has_its_own(server: EmulatedProvider) -> None:
    """A repeated workflow would come out of the server's cache."""
    first, second = [await server.room.ask("flux-schnell", size=pixels(256, 256)) for _ in range(2)]
    assert first.pictures != second.pictures
    assert first.of("media_ended")[0].seed != second.of("media_ended")[0].seed


async def test_a_negative_seed_is_told(server: EmulatedProvider) -> None:
    """The server's seeds begin at 0."""
    answer = await server.room.ask("flux-schnell", seed=-5, size=pixels(256, 256))
    assert answer.adjusted("seed").sent == str(2**63 - 5)


async def test_what_only_another_template_of_the_model_takes_is_told(server: EmulatedProvider) -> None:
    """A mask's softness has no meaning without one; what no template takes is the kit's to tell."""
    answer = await server.room.ask("sdxl", size=pixels(256, 256), style="neon")
    assert answer.adjusted("style").mode == events.ADJUSTMENT_MODE_DROPPED
    refused = await server.room.ask(
        "sdxl", size=pixels(256, 256), edit=requests.Edit(image=media(plain()), feather_px=4)
    )
    assert refused.adjusted("feather").mode == events.ADJUSTMENT_MODE_DROPPED


async def test_seconds_that_a_prompt_ran_can_be_priced(tmp_path: Path) -> None:
    """By a list of the operator's own."""
    prices = tmp_path / "prices.json"
    line = {"per": "second", "price": "0.01", "typical_s": "5"}
    facts = {"version": "1", "source": "my GPU", "as_of": "2026-11-22", "currency": "USD"}
    prices.write_text(json.dumps({"provider": "comfyui", **facts, "models": {"flux-schnell": {"lines": [line]}}}))
    async with running("comfyui", tmp_path, job_seconds=0.3, prices=str(prices)) as server:
        answer = await server.room.ask("flux-schnell", size=pixels(256, 256))
        assert 0.1 < answer.result.usage.compute_seconds < 30
        cost = answer.result.cost.amount.nanos / 1e9
        assert cost == pytest.approx(answer.result.usage.compute_seconds * 0.01, abs=1e-6)


FAILED: list[tuple[dict[str, Any], str, str]] = [
    (
        {"exception_type": "torch.OutOfMemoryError", "exception_message": "CUDA"},
        "provider_unavailable",
        "out of memory",
    ),
    (
        {"exception_type": "ValueError", "exception_message": "bad a red boat"},
        "provider_unavailable",
        "failed in KSampler",
    ),
]


@pytest.mark.parametrize(("body", "reason", "said"), FAILED)
async def test_a_prompt_that_fails_is_told(server: EmulatedProvider, body: Any, reason: str, said: str) -> None:
    """Refused and free; the prompt's own words are not repeated."""
    await server.script({"path": "job", "status": 500, "body": body})
    error = (await server.room.ask("flux-schnell")).failure
    assert (reason_name(error.reason), error.failure and error.failure.billed) == (reason, events.BILLED_NO)
    assert said in error.message
    assert "red boat" not in error.message


async def test_a_prompt_without_a_picture_is_told(server: EmulatedProvider) -> None:
    """As the oldest servers answer from their cache."""
    await server.script({"path": "job", "status": 200, "body": {"12": {"images": []}}})
    error = (await server.room.ask("flux-schnell")).failure
    assert reason_name(error.reason) == "provider_answer_invalid"
    assert "output node" in error.message


async def test_no_more_pictures_come_than_were_asked_for(tmp_path: Path) -> None:
    """Whatever a template makes: their places would be those of another part of the request."""
    folder = tmp_path / "templates"
    folder.mkdir()
    template = json.loads((SHIPPED / "sdxl.text_to_image.json").read_text("utf-8"))
    del template["fills"]["batch_size"]
    template["workflow"]["5"]["inputs"]["batch_size"] = 2
    (folder / "sdxl.text_to_image.json").write_text(json.dumps(template), "utf-8")
    async with running("comfyui", tmp_path, templates=str(folder)) as server:
        answer = await server.room.ask("sdxl", size=pixels(256, 256))
    assert (answer.result.image_count, len(answer.pictures)) == (1, 1)
