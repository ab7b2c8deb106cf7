"""ComfyUI: templates, the workflows made from them, what comes back, what becomes of errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.adapters.comfyui.body import files_of, gather, make_values, make_workflow, template_of
from heliostat.adapters.comfyui.catalog import MODELS, SHIPPED, Workflows, offered, shipped_templates
from heliostat.adapters.comfyui.failures import refusal
from heliostat.adapters.comfyui.jobs import place_in_queue, read_entry, stored_name
from heliostat.adapters.comfyui.options import ComfyuiOptions
from heliostat.adapters.comfyui.template_files import NAMED_OPTIONS, NEEDED, Template, read_folder, read_template
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.comfyui.graph import check
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain, wish

FILES = ("image", "mask", "references")
SECRET = "user:comfy-secret-0123456789"


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


async def sent(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The workflow of a request; files by their words."""
    call = call_of(MODELS.get(model), **fields)
    template = template_of(call)
    pictures = await gather(template, call)
    values = make_values(template, call, pictures)
    files: dict[str, list[str]] = {}
    for word, _ in files_of(pictures):
        files.setdefault(word, []).append(f"{word}.png")
    return make_workflow(template, values, files, ComfyuiOptions(**(options or {})))


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
    ("real-esrgan", upscale(size=requests.PixelSize(width_px=20_000, height_px=10)), {}, "invalid_field", "upscale"),
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


@pytest.mark.parametrize("template", shipped_templates(), ids=lambda one: f"{one.model}.{one.operation}")
def test_a_shipped_template_is_one_that_a_server_takes(template: Template) -> None:
    """By the emulated server's own description of its nodes; its file is named by what it is."""
    call = call_of(MODELS.get(template.model))
    workflow = make_workflow(
        template, {}, {word: ["x"] * 9 for word in FILES if word in template.fills}, ComfyuiOptions()
    )
    assert call.model.facts.by_work[template.operation] == template
    assert check(workflow, lambda _: True).outputs == [template.output]
    assert (SHIPPED / f"{template.model}.{template.operation}.json").is_file()
    assert set(template.options) <= set(NAMED_OPTIONS)


GOOD: dict[str, Any] = json.loads((SHIPPED / "flux-schnell.text_to_image.json").read_text())


def broken(**changes: Any) -> str:
    """A good template with changes."""
    return json.dumps({**GOOD, **changes})


WRONG: list[tuple[str, str]] = [
    ("{", "line 1: this is not JSON"),
    ("[]", "a template is an object"),
    (json.dumps({"nodes": [], "links": []}), "save it in ComfyUI with Export \\(API\\)"),
    (broken(workflow={"nodes": [], "links": []}), "save it in ComfyUI with Export \\(API\\)"),
    (json.dumps(GOOD["workflow"]), 'put it under "workflow"'),
    (broken(fils={}), "fils: Extra inputs"),
    (broken(operation="paint"), "operation 'paint' is none of text_to_image"),
    (broken(model="../x"), "is no name"),
    (broken(output="77"), "output '77' is no node"),
    (broken(workflow={"9": {"class_type": "SaveImage"}}), "workflow.9 has no inputs"),
    (broken(workflow={"9": {"inputs": {}}}), "workflow.9 has no class_type"),
    (broken(workflow={}), "has no nodes"),
    (
        broken(workflow={**GOOD["workflow"], "9": {"class_type": "S", "inputs": {"images": ["70", 0]}}}),
        "leads to node '70'",
    ),
    (broken(fills={**GOOD["fills"], "words": ["6.text"]}), "fills.words: there is no such word"),
    (broken(fills={**GOOD["fills"], "prompt": ["60.text"]}), "has no node '60'"),
    (broken(fills={**GOOD["fills"], "prompt": ["6.words"]}), "has no input 'words'; it has text, clip"),
    (broken(fills={**GOOD["fills"], "prompt": ["6.clip"]}), "is linked to another node"),
    (broken(fills={**GOOD["fills"], "prompt": ["text"]}), "is no place; write <node>.<input>"),
    (broken(fills={**GOOD["fills"], "prompt": []}), "names no place"),
    (broken(fills={"prompt": ["6.text"]}), "has to say where these go.* width .*height"),
    (broken(operation="inpaint"), "image .*; mask \\(name of the mask, white"),
    (broken(options={"steps": {"at": ["3.steps"], "min": 9, "max": 1}}), "min is above max"),
    (broken(options={"steps": {"at": ["3.stepz"]}}), "options.steps.at: node 3 \\(KSampler\\) has no input"),
    (broken(sizes={"default": [1001, 1024]}), "default has to lie between"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_template_that_is_wrong_is_refused_with_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    """With the file's name."""
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(MeshError, match=f"mine.json.*{said}"):
        read_template(file)


def test_two_templates_for_one_work_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which is meant."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(GOOD))
    with pytest.raises(MeshError, match=r"b.json: a.json is a template of flux-schnell for text_to_image as well"):
        read_folder(tmp_path)


def test_templates_of_ones_own_win_and_only_what_is_offered_is_there(tmp_path: Path) -> None:
    """A folder adds models and replaces shipped ones; names that have no template are refused."""
    (tmp_path / "a.json").write_text(broken(model="mine", names=["mine"]))
    (tmp_path / "b.json").write_text(broken(description="my own"))
    table = offered(str(tmp_path), ())
    assert table.get("mine").names == ("mine",)
    assert table.get("flux-schnell").description == "my own"
    assert [model.name for model in offered(str(tmp_path), ("mine",))] == ["mine"]
    with pytest.raises(MeshError, match="offered names 'sd-9', which has no template"):
        offered("", ("sd-9",))
    with pytest.raises(MeshError, match="There is no folder"):
        offered(str(tmp_path / "none"), ())


async def test_an_operators_template_serves(tmp_path: Path) -> None:
    """With options of its own names; a wrong one keeps the adapter from starting."""
    folder = tmp_path / "mine"
    folder.mkdir()
    options = {"zeal": {"at": ["3.cfg"], "min": 1, "max": 5}}
    (folder / "a.json").write_text(broken(model="mine", names=["mine"], options=options))
    async with running("comfyui", tmp_path, templates=str(folder), offered=("mine",)) as server:
        fields: dict[str, Any] = {"provider_options": wish_options(values={"zeal": 2.0})}
        assert (await server.room.ask("mine", size=pixels(256, 256), **fields)).error is None
        fields = {"provider_options": wish_options(values={"zeal": 9.0})}
        assert (await server.room.ask("mine", **fields)).failure.field == "provider_options.comfyui.values.zeal"
    (folder / "b.json").write_text("{")
    with pytest.raises(MeshError, match=r"b.json, line 1"):
        async with running("comfyui", tmp_path, templates=str(folder)):
            pass


def wish_options(**given: Any) -> dict[str, Any]:
    """provider_options of the adapter."""
    options = Struct()
    options.update(given)
    return {"comfyui": options}


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


async def test_a_server_that_was_started_anew_has_lost_the_prompt(server: EmulatedProvider) -> None:
    """Neither history nor queue knows it: that is told, and nothing is waited for."""
    told = await server.room.ask("flux-schnell", resume="11111111-2222-4333-8444-555555555555")
    error = told.failure
    assert reason_name(error.reason) == "provider_unavailable"
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_ACCEPTED, events.BILLED_NO)
    assert await server.journal() == []


async def test_an_id_that_is_none_is_not_asked_for(server: EmulatedProvider) -> None:
    """It becomes part of a path."""
    error = (await server.room.ask("flux-schnell", resume="../queue")).failure
    assert reason_name(error.reason) == "resource_not_found"


async def submitted(server: EmulatedProvider) -> str:
    """The id of a prompt that somebody left behind."""
    answer = await server.http.post(
        "/comfyui/prompt", json={"prompt": await sent("flux-schnell", size=pixels(256, 256))}
    )
    return str(answer.json()["prompt_id"])


async def test_a_prompt_is_gone_on_with(tmp_path: Path) -> None:
    """By its id, without another submit."""
    async with running("comfyui", tmp_path, job_seconds=0.6) as server:
        again = await server.room.ask("flux-schnell", resume=await submitted(server), size=pixels(256, 256))
        assert opened(again.pictures[0]).size == (256, 256)
        assert len(await server.journal()) == 1


@pytest.mark.parametrize("step", [None, {"status": 404}], ids=["newer server", "older server"])
@pytest.mark.parametrize("state", ["waiting", "running"])
async def test_a_prompt_is_taken_back(tmp_path: Path, step: dict[str, Any] | None, state: str) -> None:
    """On servers with the jobs API and on older ones; afterwards nobody knows it, and another prompt is left alone."""
    async with running("comfyui", tmp_path, job_seconds=1.0 if state == "running" else 60.0) as server:
        job, other = await submitted(server), await submitted(server)
        while state == "running" and job not in running_ids(await queue(server)):
            await asyncio.sleep(0.01)
        if step is not None:
            await server.script({"path": "cancel", **step, "times": 1})
        answer = await server.room.cancel("flux-schnell", job)
        assert (answer.found, answer.free) == (True, True)
        assert job not in json.dumps(await queue(server))
        assert other in json.dumps(await queue(server))
        if step is not None:
            await server.script({"path": "cancel", **step, "times": 1})
        assert not (await server.room.cancel("flux-schnell", job)).found
        kinds = [entry["kind"] for entry in await server.journal("cancel")]
        assert len(kinds) == (2 if step is None else 3)


async def queue(server: EmulatedProvider) -> dict[str, Any]:
    """What runs and what waits."""
    told: dict[str, Any] = (await server.http.get("/comfyui/queue")).json()
    return told


def running_ids(queue: dict[str, Any]) -> list[str]:
    """What runs."""
    return [one[1] for one in queue["queue_running"]]


async def test_an_abandoned_prompt_is_taken_back(tmp_path: Path) -> None:
    """When the attempt's time is over."""
    async with running("comfyui", tmp_path, job_seconds=60.0) as server:
        cut = await server.room.ask("flux-schnell", timeout_s=0.3)
        assert cut.of("provider_accepted")
        async with asyncio.timeout(10):
            while (await queue(server))["queue_pending"]:
                await asyncio.sleep(0.01)


def answered(body: Any, status: int = 400) -> Answer:
    """An answer of the server."""
    return Answer(status, {}, json.dumps(body).encode())


def faulty(kind: str, name: str, details: str, node: str = "KSampler") -> dict[str, Any]:
    """What the server says of a workflow with one wrong input."""
    error = {"type": kind, "message": "m", "details": details, "extra_info": {"input_name": name}}
    told = {"3": {"errors": [error], "dependent_outputs": ["9"], "class_type": node}}
    head = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""}
    return {"error": {**head, "extra_info": {}}, "node_errors": told}


REFUSALS: list[tuple[Any, str, str | None]] = [
    (
        faulty("value_not_in_list", "ckpt_name", "ckpt_name: 'x' not in ['secret.safetensors']"),
        "provider_model_gone",
        None,
    ),
    (
        faulty("value_not_in_list", "sampler_name", "sampler_name: 'x' not in ['euler']"),
        "invalid_field",
        "provider_options.comfyui.sampler",
    ),
    (faulty("value_bigger_than_max", "steps", "steps"), "invalid_field", "provider_options.comfyui.steps"),
    (faulty("value_smaller_than_min", "width", "width"), "invalid_field", "size"),
    (faulty("required_input_missing", "clip", "clip", "CLIPTextEncode"), "provider_model_gone", None),
    (
        {"error": {"type": "missing_node_type", "message": "Node 'X' not found"}, "node_errors": {}},
        "provider_model_gone",
        None,
    ),
    (
        {"error": {"type": "invalid_prompt", "message": "m", "details": "d"}, "node_errors": []},
        "provider_model_gone",
        None,
    ),
]


@pytest.mark.parametrize(("body", "reason", "field"), REFUSALS)
def test_a_workflow_that_is_not_taken_is_told(body: Any, reason: str, field: str | None) -> None:
    """As the caller's fault or the operator's; the list of the server's files is not."""
    error = refusal(answered(body))
    assert error is not None
    assert (reason_name(error.reason), error.field) == (reason, field)
    assert "secret.safetensors" not in error.message
    assert error.failure is not None
    assert error.failure.outcome == events.OUTCOME_REFUSED


async def test_a_file_that_the_server_does_not_have_is_told(server: EmulatedProvider) -> None:
    """By its name, so that an operator can put it there; the next target is asked."""
    fields: dict[str, Any] = {"provider_options": wish_options(checkpoint="mine.safetensors")}
    error = (await server.room.ask("sdxl", **fields)).failure
    assert reason_name(error.reason) == "provider_model_gone"
    assert "mine.safetensors" in error.message
    assert "sd_xl_refiner" not in error.message


async def test_a_password_of_a_proxy_that_is_wrong_is_told(
    server: EmulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without a proxy needs none."""
    monkeypatch.setenv("COMFYUI_API_KEY", "bad-token")
    error = (await server.room.ask("flux-schnell")).failure
    assert reason_name(error.reason) == "provider_auth_failed"
    assert "bad-token" not in error.message
    monkeypatch.delenv("COMFYUI_API_KEY")
    assert (await server.room.ask("flux-schnell", size=pixels(256, 256))).error is None


HOSTILE: list[Any] = [
    {"p": {"outputs": {"9": {"images": [{"filename": 1, "subfolder": "", "type": "temp"}]}}}},
    {"p": {"outputs": {"9": {"images": "many"}}, "status": None}},
    {
        "p": {
            "outputs": [],
            "status": {"messages": [["execution_start", 1], 7, ["execution_success", {"timestamp": "x"}]]},
        }
    },
    {"p": {"outputs": {"9": {"images": [{"filename": "a", "subfolder": "", "type": "http://x"}]}}}},
    {"p": {"status": {"messages": [["execution_start", {"timestamp": 5}], ["execution_success", {"timestamp": 1}]]}}},
]


@pytest.mark.parametrize("body", HOSTILE)
def test_a_history_that_makes_no_sense_has_no_picture(body: Any) -> None:
    """And no seconds."""
    ended = read_entry(answered(body, 200), "p", "9")
    assert ended is not None
    assert (ended.pictures, ended.seconds) == ((), None)


def test_pictures_are_asked_for_by_quoted_names() -> None:
    """Whatever a server calls them, they stay below its own address."""
    images = [{"filename": "../a b&c=d#.png", "subfolder": "x/y", "type": "temp"}]
    ended = read_entry(answered({"p": {"outputs": {"9": {"images": images}}}}, 200), "p", "9")
    assert ended is not None
    assert ended.pictures == ("/view?filename=..%2Fa+b%26c%3Dd%23.png&subfolder=x%2Fy&type=temp",)


PLACES: list[tuple[Any, int | None]] = [
    ({"queue_running": [[0, "p"]], "queue_pending": []}, 0),
    ({"queue_running": [[0, "a"]], "queue_pending": [[5, "b"], [3, "p"], [1, "c"]]}, 2),
    ({"queue_running": [[0, "a"]], "queue_pending": [[-9, "p"]]}, 1),
    ({"queue_running": [], "queue_pending": [[3, "p"]]}, 1),
    ({"queue_running": "none", "queue_pending": [7, ["x"], [None, 4]]}, None),
]


@pytest.mark.parametrize(("body", "place"), PLACES)
def test_a_place_in_the_queue_is_counted_by_numbers(body: Any, place: int | None) -> None:
    """Lower numbers come first; only what runs is at 0."""
    assert place_in_queue(answered(body, 200), "p") == place


NAMES: list[tuple[Any, str | None]] = [
    ({"name": "x (1).png", "subfolder": "heliostat", "type": "temp"}, "heliostat/x (1).png [temp]"),
    ({"name": "x.png", "subfolder": "", "type": "input"}, "x.png"),
    ({"name": "x.png", "subfolder": "", "type": "elsewhere"}, None),
    ({"name": "", "subfolder": "", "type": "input"}, None),
    ([], None),
]


@pytest.mark.parametrize(("body", "name"), NAMES)
def test_a_file_is_named_as_the_server_says(body: Any, name: str | None) -> None:
    """It may have given another name."""
    assert stored_name(answered(body, 200)) == name


def test_every_model_says_its_options() -> None:
    """Of all its templates together."""
    workflows: Workflows = MODELS.get("flux-schnell").facts
    assert workflows.options == {"steps", "sampler", "scheduler", "checkpoint"}
    enlarging: Workflows = MODELS.get("real-esrgan").facts
    assert enlarging.options == {"checkpoint"}
