"""AUTOMATIC1111 and Forge: what is sent, what comes back, progress, interrupts, what becomes of errors."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pybase64
import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.adapters.automatic1111.answers import is_other_checkpoint, read_percent, read_pictures, refusal
from heliostat.adapters.automatic1111.body import MANAGED, Prepared, gather, prepare
from heliostat.adapters.automatic1111.catalog import LOADED, MODELS, models_of
from heliostat.adapters.automatic1111.options import Automatic1111Options, names_for
from heliostat.adapters.automatic1111.settings import Automatic1111Settings
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.automatic1111 import catalogue
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain, wish

SECRET = "user:webui-secret-0123456789"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password where the settings look for it."""
    monkeypatch.setenv("AUTOMATIC1111_AUTH", SECRET)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A server that takes no time."""
    async with running("automatic1111", tmp_path, rembg=True) as one:
        yield one


def edit(width: int = 64, height: int = 64, **more: Any) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)), **more)}


def half() -> Image.Image:
    """A mask of 64x64 whose right half is white."""
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    return mask


def vary(**more: Any) -> dict[str, Any]:
    """A picture to be varied."""
    return {"variation": requests.Variation(image=media(plain()), **more)}


def upscale(**more: Any) -> dict[str, Any]:
    """An enlargement of a blue picture."""
    return {"upscale": requests.Upscale(image=media(plain()), **more)}


def cut() -> dict[str, Any]:
    """A picture whose background is to go."""
    return {"remove_background": requests.RemoveBackground(image=media(plain()))}


def wished(**given: Any) -> dict[str, Any]:
    """provider_options of the adapter, as a request has them."""
    options = Struct()
    options.update(given)
    return {"provider_options": {"automatic1111": options}}


async def sent(model: str, options: dict[str, Any] | None = None, **fields: Any) -> Prepared:
    """What is sent for a request."""
    call = call_of(MODELS.get(model), **fields)
    return prepare(call, Automatic1111Options(**(options or {})), await gather(call))


DRAW, CHANGE, ENLARGE = "/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/extra-single-image"
FILE = {"override_settings": {"sd_model_checkpoint": "sd_xl_base_1.0.safetensors"}}
KEPT = {"override_settings_restore_afterwards": False}
SENT: list[tuple[str, dict[str, Any], dict[str, Any], str, dict[str, Any]]] = [
    ("sdxl", {}, {}, DRAW, {"prompt": "a red boat", "width": 1024, "height": 1024, "seed": -1, **FILE, **KEPT}),
    ("sd-1.5", {}, {}, DRAW, {"width": 512, "height": 512, "batch_size": 1, "save_images": False}),
    (
        "sdxl",
        {"size": pixels(1216, 832), "seed": 7, "image_count": 3},
        {},
        DRAW,
        {"width": 1216, "seed": 7, "batch_size": 3},
    ),
    ("sdxl", {"negative_prompt": "cats"}, {"guidance": 5}, DRAW, {"negative_prompt": "cats", "cfg_scale": 5}),
    (
        "sdxl",
        {},
        {"sampler": "Euler a", "scheduler": "karras"},
        DRAW,
        {"sampler_name": "Euler a", "scheduler": "karras"},
    ),
    ("sdxl", {}, {"hires_scale": 1.5, "hires_strength": 0.4}, DRAW, {"enable_hr": True, "denoising_strength": 0.4}),
    ("sdxl", edit(strength=0.3), {}, CHANGE, {"denoising_strength": 0.3, "width": 64, "resize_mode": 0, **FILE}),
    ("sdxl", edit(mask=media(half())), {}, CHANGE, {"mask_blur": 0, "inpainting_mask_invert": 0, "inpainting_fill": 1}),
    ("sdxl", edit(mask=media(half())), {"mask_content": "fill"}, CHANGE, {"inpainting_fill": 0, "mask_round": True}),
    ("sdxl", edit(mask=media(half()), feather_px=4), {"mask_blur": 9}, CHANGE, {"mask_round": False, "mask_blur": 9}),
    ("sdxl", vary(similarity=0.8), {}, CHANGE, {"denoising_strength": 0.2}),
    ("sdxl", vary(), {}, CHANGE, {"denoising_strength": 0.5}),
    (
        "real-esrgan",
        upscale(factor=3),
        {},
        ENLARGE,
        {"upscaler_1": "R-ESRGAN 4x+", "upscaling_resize": 3.0, "resize_mode": 0},
    ),
    ("real-esrgan", upscale(), {"codeformer": 0.5}, ENLARGE, {"upscaling_resize": 4.0, "codeformer_visibility": 0.5}),
    (
        "real-esrgan",
        upscale(size=requests.PixelSize(width_px=99, height_px=70)),
        {},
        ENLARGE,
        {"resize_mode": 1, "upscaling_resize_w": 99, "upscaling_resize_h": 70, "upscaling_crop": True},
    ),
    ("rembg", cut(), {}, "/rembg", {"model": "u2net", "return_mask": False}),
]


@pytest.mark.parametrize(("model", "fields", "options", "path", "expected"), SENT)
async def test_a_request_is_sent_in_the_servers_words(
    model: str, fields: dict[str, Any], options: dict[str, Any], path: str, expected: dict[str, Any]
) -> None:
    """And every field is one that the server knows, of its type."""
    prepared = await sent(model, options, **fields)
    assert prepared.path == path
    assert {name: prepared.body[name] for name in expected} == expected
    kinds = {DRAW: catalogue.DRAWN, CHANGE: catalogue.CHANGED, ENLARGE: catalogue.ENLARGED, "/rembg": catalogue.CUT}[
        path
    ]
    assert prepared.body.keys() <= kinds.keys()
    assert all(isinstance(value, kinds[name]) for name, value in prepared.body.items())


async def test_the_loaded_checkpoint_is_named_by_nobody() -> None:
    """The server keeps what it has."""
    assert "override_settings" not in (await sent(LOADED)).body


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("sdxl", {}, {"mask_blur": 4}, "provider_options.automatic1111.mask_blur"),
    ("sdxl", edit(), {"hires_scale": 2}, "provider_options.automatic1111.hires_scale"),
    ("sdxl", {}, {"gfpgan": 1}, "provider_options.automatic1111.gfpgan"),
    ("real-esrgan", upscale(), {"steps": 4}, "provider_options.automatic1111.steps"),
    ("real-esrgan", upscale(size=requests.PixelSize(width_px=9000, height_px=70)), {}, "upscale.size"),
    ("real-esrgan", upscale(factor=129), {}, "upscale.factor"),
    ("sdxl", {}, {"hires_strength": 0.3}, "provider_options.automatic1111.hires_scale"),
]


@pytest.mark.parametrize(("model", "fields", "options", "field"), REFUSED)
async def test_what_cannot_be_is_refused_before_anything_is_sent(
    model: str, fields: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    """With the field that is to blame."""
    with pytest.raises(MeshError) as caught:
        await sent(model, options, **fields)
    assert (reason_name(caught.value.reason), caught.value.field) == ("invalid_field", field)


def test_models_are_those_of_the_settings() -> None:
    """Each under its own name; the extension only where it is said to be there."""
    settings = Automatic1111Settings(checkpoints={"mine": "mine.safetensors"}, upscalers={})
    assert [(model.name, model.names) for model in models_of(settings)] == [(LOADED, ()), ("mine", ("mine",))]
    assert "rembg" not in {model.name for model in models_of(Automatic1111Settings())}


def test_every_option_belongs_to_some_work() -> None:
    """None is offered that no request could use."""
    used = frozenset[str]().union(*(names_for(model.facts) for model in MODELS))
    assert used == set(Automatic1111Options.model_fields)


WORK: list[tuple[str, dict[str, Any], tuple[int, int]]] = [
    ("sdxl", {"size": pixels(512, 768)}, (512, 768)),
    ("sd-1.5", {}, (512, 512)),
    (LOADED, {"size": pixels(256, 256)}, (256, 256)),
    ("sdxl", edit(), (64, 64)),
    ("sdxl", vary(), (64, 64)),
    ("sd-1.5", edit(), (64, 64)),
    ("sd-1.5", vary(), (64, 64)),
    (LOADED, edit(), (64, 64)),
    (LOADED, vary(), (64, 64)),
    ("real-esrgan", upscale(factor=3), (192, 192)),
    ("rembg", cut(), (64, 64)),
]


@pytest.mark.parametrize(("model", "fields", "size"), WORK)
async def test_every_work_is_done(
    server: EmulatedProvider, model: str, fields: dict[str, Any], size: tuple[int, int]
) -> None:
    """In the size that was asked for or that the picture has, free of charge, named by the attempt."""
    answer = await server.room.ask(model, **fields)
    assert answer.error is None, answer.error
    assert opened(answer.pictures[0]).size == size
    assert answer.result.cost.amount.units == answer.result.cost.amount.nanos == 0
    (entry,) = await server.journal()
    assert (entry["billed"], entry["cost_micros"], entry["attempt_id"]) == (True, 0, "req_test/0/1")


def test_every_offered_operation_is_tried() -> None:
    """The list above leaves none out."""
    tried = {(model, wish(**fields).WhichOneof("operation") or "text_to_image") for model, fields, _ in WORK}
    assert {(model.name, operation) for model in MODELS for operation in model.operations} == tried


async def test_only_what_is_white_in_the_mask_is_painted_anew(server: EmulatedProvider) -> None:
    """The rest stays to the pixel."""
    answer = await server.room.ask("sdxl", **edit(mask=media(half()), mask_mode=requests.MASK_MODE_WHITE_REPAINTS))
    assert answer.error is None, answer.error
    picture, before = opened(answer.pictures[0]).convert("RGB"), plain().convert("RGB")
    assert picture.getpixel((5, 5)) == before.getpixel((5, 5))
    assert picture.getpixel((60, 60)) != before.getpixel((60, 60))


async def test_a_picture_off_the_grid_is_told(server: EmulatedProvider) -> None:
    """It is worked on at the next size; a strict request is refused."""
    answer = await server.room.ask("sdxl", **edit(100, 60))
    assert opened(answer.pictures[0]).size == (96, 64)
    assert (answer.adjusted("image").requested, answer.adjusted("image").sent) == ("100x60", "96x64")
    refused = await server.room.ask("sdxl", **edit(100, 60), strict=requests.STRICT_REFUSE)
    assert reason_name(refused.failure.reason) == "unsupported"


async def test_pictures_have_their_own_seeds(server: EmulatedProvider) -> None:
    """One after the other, as the server tells them; a seed that is too large is told."""
    answer = await server.room.ask("sdxl", image_count=2, seed=11, size=pixels(256, 256))
    assert [ended.seed for ended in answer.of("media_ended")] == [11, 12]
    large = await server.room.ask("sdxl", seed=2**40 + 5, size=pixels(256, 256))
    assert large.adjusted("seed").sent == "5"


async def test_a_checkpoint_that_is_not_there_is_not_replaced_in_silence(tmp_path: Path) -> None:
    """The server draws with another one: that picture is not delivered."""
    async with running("automatic1111", tmp_path, checkpoints={"mine": "mine.safetensors"}) as server:
        error = (await server.room.ask("mine", size=pixels(256, 256))).failure
        assert reason_name(error.reason) == "provider_model_gone"
        assert "drew with 'sd_xl_base_1.0', for it does not have 'mine.safetensors'" in error.message
        assert error.failure is not None
        assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)


CHECKPOINTS: list[tuple[str, str, str, bool]] = [
    ("sd_xl_base_1.0.safetensors", "sd_xl_base_1.0", "31e3", False),
    ("sd_xl_base_1.0.safetensors [31e35c80fc]", "sd_xl_base_1.0", "", False),
    ("SDXL/sd_xl_base_1.0.safetensors", "sd_xl_base_1.0", "", False),
    ("31e35c80fc", "sd_xl_base_1.0", "31e35c80fc", False),
    ("renamed.safetensors [31e35c80fc]", "sd_xl_base_1.0", "31e35c80fc", False),
    ("mine.safetensors", "sd_xl_base_1.0", "31e35c80fc", True),
    ("mine.safetensors", "", "", False),
    ("", "sd_xl_base_1.0", "31e35c80fc", False),
]


@pytest.mark.parametrize(("wanted", "name", "digest", "other"), CHECKPOINTS)
def test_a_checkpoint_is_known_by_file_title_or_hash(wanted: str, name: str, digest: str, other: bool) -> None:
    """What the server does not tell is believed."""
    info = json.dumps({"sd_model_name": name, "sd_model_hash": digest})
    drawn = read_pictures(answered({"images": [encoded()], "info": info}, 200))
    assert is_other_checkpoint(wanted, drawn) is other


async def test_progress_is_told_while_one_request_is_under_way(tmp_path: Path) -> None:
    """Its percentage; none while there are two, for it could be the other's."""
    async with running("automatic1111", tmp_path, job_seconds=1.5, progress_s=0.05) as server:
        alone = await server.room.ask("sdxl", size=pixels(256, 256))
        told = [one.percent for one in alone.of("progress") if one.HasField("percent")]
        assert told
        assert told == sorted(told)
        pair = await asyncio.gather(
            *(server.room.ask("sdxl", size=pixels(256, 256), attempt_id=f"req_test/{n}/1") for n in range(2))
        )
        first = [one for one in pair[0].of("progress") if one.HasField("percent")]
        assert pair[0].error is pair[1].error is None
        assert len(first) < len(told)


async def test_progress_that_cannot_be_had_harms_nothing(tmp_path: Path) -> None:
    """The picture comes."""
    async with running("automatic1111", tmp_path, job_seconds=0.3, progress_s=0.05) as server:
        await server.script({"path": "status", "status": 500})
        answer = await server.room.ask("sdxl", size=pixels(256, 256))
        assert opened(answer.pictures[0]).size == (256, 256)
        assert not any(one.HasField("percent") for one in answer.of("progress"))


@pytest.mark.parametrize(("interrupts", "sent"), [(True, 1), (False, 0)])
async def test_work_that_nobody_waits_for_is_interrupted_where_that_is_wanted(
    tmp_path: Path, interrupts: bool, sent: int
) -> None:
    """The server interrupts whatever runs: unless told so, it is left alone."""
    async with running("automatic1111", tmp_path, job_seconds=30, interrupts=interrupts) as server:
        left = await server.room.ask("sdxl", size=pixels(256, 256), timeout_s=3)
        assert left.error is not None
        async with asyncio.timeout(60):
            while len(await server.journal("cancel")) < sent:
                await asyncio.sleep(0.01)
        assert len(await server.journal("cancel")) == sent
        if interrupts:
            state = (await server.http.get("/automatic1111/sdapi/v1/progress")).json()["state"]
            assert state["job"] == ""


async def test_the_only_one_is_interrupted_and_no_other(tmp_path: Path) -> None:
    """While another request from here is under way, an abandoned one goes on."""
    async with running("automatic1111", tmp_path, job_seconds=4, interrupts=True) as server:
        other = asyncio.create_task(server.room.ask("sdxl", size=pixels(256, 256), attempt_id="req_test/1/1"))
        left = await server.room.ask("sdxl", size=pixels(256, 256), timeout_s=1)
        assert left.error is not None
        assert (await other).error is None
        assert await server.journal("cancel") == []


def answered(body: Any, status: int = 400) -> Answer:
    """An answer of the server."""
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def encoded() -> str:
    """A picture as it travels."""
    return pybase64.b64encode_as_string(media(plain()).data)


def http_error(detail: str) -> dict[str, str]:
    """FastAPI's error as the middleware of AUTOMATIC1111's tells it."""
    return {"error": "HTTPException", "detail": detail, "body": "", "errors": ""}


OPTION = "provider_options.automatic1111."
REFUSALS: list[tuple[int, Any, str, str | None]] = [
    (
        500,
        {"error": "OutOfMemoryError", "detail": "", "body": "", "errors": "CUDA out of memory. Tried"},
        "provider_unavailable",
        None,
    ),
    (400, http_error("Sampler not found"), "invalid_field", f"{OPTION}sampler"),
    (400, {"detail": "Sampler not found"}, "invalid_field", f"{OPTION}sampler"),
    (404, {"detail": "Init image not found"}, "invalid_field", "image"),
    (500, http_error("Invalid encoded image"), "invalid_field", "image"),
    (404, {"detail": "Not Found"}, "provider_model_gone", None),
    (401, {"detail": "Incorrect username or password"}, "provider_auth_failed", None),
    (
        500,
        {"error": "RuntimeError", "detail": "", "body": "", "errors": "Sizes of tensors"},
        "provider_unavailable",
        None,
    ),
    (422, {"detail": [{"loc": ["body", "steps"], "msg": "bad", "type": "int"}]}, "invalid_field", f"{OPTION}steps"),
    (422, {"detail": [{"loc": ["body", "width"], "msg": "bad", "type": "int"}]}, "invalid_field", "size"),
]


@pytest.mark.parametrize(("status", "body", "reason", "field"), REFUSALS)
def test_an_error_is_read_in_both_dialects(status: int, body: Any, reason: str, field: str | None) -> None:
    """Of AUTOMATIC1111's and of Forge."""
    error = refusal(answered(body, status), "AUTOMATIC1111_AUTH")
    assert error is not None
    assert (reason_name(error.reason), error.field) == (reason, field)
    assert error.failure is not None
    assert error.failure.outcome == events.OUTCOME_REFUSED


async def test_a_plain_text_error_of_forge_is_the_servers_own(server: EmulatedProvider) -> None:
    """It has no middleware: the kit's table reads it."""
    await server.script({"status": 500, "body": "Internal Server Error", "headers": {"content-type": "text/plain"}})
    error = (await server.room.ask("sdxl")).failure
    assert reason_name(error.reason) == "provider_unavailable"


async def test_an_unknown_sampler_is_the_callers_fault(server: EmulatedProvider) -> None:
    """As the server says."""
    error = (await server.room.ask("sdxl", **wished(sampler="Nobody"))).failure
    assert (reason_name(error.reason), error.field) == ("invalid_field", f"{OPTION}sampler")


async def test_a_field_that_nobody_here_knows_is_passed_on_but_no_code() -> None:
    """It stands below what is filled here; scripts run on the server, and are filled by nobody."""
    call = call_of(MODELS.get("sdxl"), seed=7)
    call.passed_on = {"eta": 0.5, "seed": 8}
    body = prepare(call, Automatic1111Options(), await gather(call)).body
    assert (body["eta"], body["seed"]) == (0.5, 7)
    assert body.keys() - {"eta"} <= MANAGED
    assert {"script_name", "script_args", "alwayson_scripts", "override_settings"} <= MANAGED


async def test_a_password_that_is_wrong_is_told(server: EmulatedProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without --api-auth needs none."""
    monkeypatch.setenv("AUTOMATIC1111_AUTH", "user:bad-secret")
    error = (await server.room.ask("sdxl")).failure
    assert reason_name(error.reason) == "provider_auth_failed"
    assert "bad-secret" not in error.message
    assert "AUTOMATIC1111_AUTH" in error.message
    monkeypatch.delenv("AUTOMATIC1111_AUTH")
    assert (await server.room.ask("sdxl", size=pixels(256, 256))).error is None


def test_grids_and_detected_maps_are_left_out() -> None:
    """Pictures are those between: the first may be a grid, the last an extension's."""
    pictures = [pybase64.b64encode_as_string(bytes([n]) * 40) for n in range(4)]
    info = json.dumps({"index_of_first_image": 1, "all_seeds": [5, 6]})
    drawn = read_pictures(answered({"images": pictures, "info": info}, 200))
    assert drawn.pictures == (b"\x01" * 40, b"\x02" * 40)
    assert [drawn.seed(index) for index in range(3)] == [5, 6, None]


async def test_no_more_pictures_come_than_were_asked_for(server: EmulatedProvider) -> None:
    """Their places would be those of another part of the request."""
    await server.script({"path": "submit", "status": 200, "body": {"images": [encoded()] * 3}})
    answer = await server.room.ask("sdxl", image_count=2)
    assert (answer.result.image_count, len(answer.pictures)) == (2, 2)


HOSTILE: list[Any] = [
    {},
    {"images": None},
    {"images": "AAAA"},
    {"images": []},
    {"images": ["%%%"]},
    {"images": [7]},
    {"image": None},
    b"no JSON",
    b"[]",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_an_answer_without_a_readable_picture_is_invalid(body: Any) -> None:
    """Whatever stands in its place."""
    with pytest.raises(MeshError) as caught:
        read_pictures(answered(body, 200))
    assert reason_name(caught.value.reason) == "provider_answer_invalid"


@pytest.mark.parametrize(
    "info", ["", "{", "[]", 7, None, '{"all_seeds": 3, "index_of_first_image": -4}', '{"all_seeds": ["x"]}']
)
def test_an_info_that_makes_no_sense_costs_no_picture(info: Any) -> None:
    """Only its seeds."""
    drawn = read_pictures(answered({"images": [encoded()], "info": info}, 200))
    assert (len(drawn.pictures), drawn.seed(0)) == (1, None)


@pytest.mark.parametrize(
    ("body", "percent"),
    [({"progress": 0.42}, 42.0), ({"progress": 7}, None), ({}, None), ([], None), ({"progress": True}, None)],
)
def test_a_progress_is_believed_where_it_can_be(body: Any, percent: float | None) -> None:
    """Between nothing and all."""
    assert read_percent(answered(body, 200)) == percent
