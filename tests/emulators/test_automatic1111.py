"""The emulated AUTOMATIC1111 web UI: drawing, changing, enlarging, progress, interrupt, options, errors."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import webuiapi  # type: ignore[import-untyped]

from tests.emulators.conftest import Bench, decoded, opened, picture

ROOT = "/automatic1111"
ROOM = f"{ROOT}/sdapi/v1"
IMAGE = base64.b64encode(picture((64, 64))).decode()
WHITE = base64.b64encode(picture((64, 64), "white", "L")).decode()
BLACK = base64.b64encode(picture((64, 64), "black", "L")).decode()


@pytest.fixture
async def busy() -> AsyncIterator[Bench]:
    """Give a server that draws for as long as it is let."""
    async for one in opened(job_seconds=30):
        yield one


async def sent(bench: Bench, path: str, **fields: Any) -> httpx.Response:
    """Send JSON."""
    return await bench.http.post(f"{ROOM}/{path}", json=fields)


def pictures(answer: httpx.Response) -> list[bytes]:
    """The pictures of an answer."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return [base64.b64decode(one) for one in body.get("images") or [body["image"]]]


async def test_words_become_pictures(bench: Bench) -> None:
    """So many as batches times rounds, each with its seed; the information is JSON in a text."""
    answer = await sent(bench, "txt2img", prompt="a fox", width=256, height=128, seed=5, batch_size=2, n_iter=2)
    assert [decoded(one).size for one in pictures(answer)] == [(256, 128)] * 4
    info = json.loads(answer.json()["info"])
    assert (info["all_seeds"], info["sd_model_name"]) == ([5, 6, 7, 8], "sd_xl_base_1.0")
    told = await bench.last("automatic1111")
    assert (told["prompt"], told["billed"], told["cost_micros"]) == ("a fox", True, 0)


async def test_a_checkpoint_is_loaded_and_given_back(bench: Bench) -> None:
    """Unless it shall stay; one that is not there is passed over."""
    for wanted, stays, drew, loaded in (
        ("v1-5-pruned-emaonly.safetensors", True, "v1-5-pruned-emaonly", "sd_xl_base_1.0"),
        ("6ce0161689", False, "v1-5-pruned-emaonly", "v1-5-pruned-emaonly"),
        ("nobody.safetensors", False, "v1-5-pruned-emaonly", "v1-5-pruned-emaonly"),
    ):
        settings = {"sd_model_checkpoint": wanted}
        answer = await sent(
            bench, "txt2img", prompt="x", override_settings=settings, override_settings_restore_afterwards=stays
        )
        assert json.loads(answer.json()["info"])["sd_model_name"] == drew
        options = (await bench.http.get(f"{ROOM}/options")).json()
        assert options["sd_model_checkpoint"].startswith(loaded)
    assert (await sent(bench, "options", sd_model_checkpoint="sd_xl_base_1.0")).status_code == 200
    assert (await sent(bench, "options", sd_model_checkpoint="nobody")).status_code == 500


@pytest.mark.parametrize(("mask", "same"), [(WHITE, False), (BLACK, True), (None, False)])
async def test_white_in_a_mask_is_painted_anew(bench: Bench, mask: str | None, same: bool) -> None:
    """Black stays; without a mask everything changes. Pictures come as data URIs as well."""
    more = {} if mask is None else {"mask": mask}
    images = [f"data:image/png;base64,{IMAGE}"]
    answer = await sent(bench, "img2img", prompt="x", init_images=images, width=64, height=64, **more)
    (made,) = pictures(answer)
    before = decoded(picture((64, 64))).convert("RGB").tobytes()
    assert (decoded(made).convert("RGB").tobytes() == before) is same


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"upscaler_1": "R-ESRGAN 4x+"}, (128, 128)),
        ({"upscaling_resize": 1.5}, (96, 96)),
        ({"resize_mode": 1, "upscaling_resize_w": 100, "upscaling_resize_h": 50}, (100, 50)),
    ],
)
async def test_a_picture_is_enlarged(bench: Bench, fields: dict[str, Any], size: tuple[int, int]) -> None:
    """By a factor, 2 if none is given, or to a size."""
    (made,) = pictures(await sent(bench, "extra-single-image", image=IMAGE, **fields))
    assert decoded(made).size == size


async def test_a_background_is_removed(bench: Bench) -> None:
    """By the extension."""
    answer = await bench.http.post("/automatic1111/rembg", json={"input_image": IMAGE, "model": "u2net"})
    assert "A" in decoded(pictures(answer)[0]).getbands()


WRONG: list[tuple[str, dict[str, Any], int, str]] = [
    ("txt2img", {"steps": "many"}, 422, "steps"),
    ("txt2img", {"prompt": 7}, 422, "prompt"),
    ("txt2img", {"batch_size": True}, 422, "batch_size"),
    ("txt2img", {"sampler_name": "Nobody"}, 400, "Sampler not found"),
    ("txt2img", {"script_name": "x"}, 422, "Script 'x' not found"),
    ("txt2img", {"width": 65}, 500, "Sizes of tensors"),
    ("img2img", {"prompt": "x"}, 404, "Init image not found"),
    ("img2img", {"init_images": ["%%"]}, 500, "Invalid encoded image"),
    ("extra-single-image", {"image": IMAGE, "upscaler_1": "Nobody"}, 500, "could not find upscaler"),
    ("extra-single-image", {"image": IMAGE, "upscaling_resize": 0}, 422, "greater than 0"),
    ("nothing", {}, 405, ""),
]


@pytest.mark.parametrize(("path", "fields", "status", "said"), WRONG)
async def test_what_is_wrong_is_refused(
    bench: Bench, path: str, fields: dict[str, Any], status: int, said: str
) -> None:
    """In the server's words; nothing is drawn."""
    answer = await sent(bench, path, **fields)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert not any(entry["billed"] for entry in (await bench.journal("automatic1111"))["entries"])


async def test_unknown_fields_and_nulls_are_passed_over(bench: Bench) -> None:
    """As pydantic does there."""
    answer = await sent(bench, "txt2img", prompt="x", nobody=1, steps=None)
    assert decoded(pictures(answer)[0]).size == (512, 512)


async def test_progress_is_told_and_an_interrupt_ends_it(busy: Bench) -> None:
    """The interrupted request is answered with status 200 all the same."""
    drawing = asyncio.create_task(sent(busy, "txt2img", prompt="x", width=64, height=64))
    while not (told := (await busy.http.get(f"{ROOM}/progress")).json())["state"]["job"]:
        await asyncio.sleep(0.01)
    assert 0 <= told["progress"] < 1
    assert (await sent(busy, "interrupt")).json() == {}
    assert len(pictures(await drawing)) == 1
    assert (await busy.http.get(f"{ROOM}/progress")).json()["progress"] == 0


async def test_the_server_tells_what_it_has(bench: Bench) -> None:
    """Checkpoints by title and hash, samplers, schedulers, upscalers."""
    models = (await bench.http.get(f"{ROOM}/sd-models")).json()
    assert models[0]["title"] == "sd_xl_base_1.0.safetensors [31e35c80fc]"
    for name in ("samplers", "schedulers", "upscalers"):
        assert all("name" in one for one in (await bench.http.get(f"{ROOM}/{name}")).json())
    assert (await bench.http.get(f"{ROOM}/nothing")).json() == {"detail": "Not Found"}


async def test_a_wrong_password_is_refused(bench: Bench) -> None:
    """As --api-auth does; a server without it takes any."""
    for name, status in (("bad", 401), ("good", 200)):
        answer = await bench.http.get(f"{ROOM}/options", auth=("user", name))
        assert answer.status_code == status


def client(bench: Bench, **more: Any) -> Any:
    """The client that people drive the API with; untyped."""
    return webuiapi.WebUIApi(baseurl=f"{bench.base}{ROOT}/sdapi/v1", **more)


async def driven(bench: Bench, work: Callable[[Any], Any], **more: Any) -> Any:
    """What `work` gets out of the client, in a thread of its own."""

    def run() -> Any:
        api = client(bench, **more)
        with api.session:
            return work(api)

    return await asyncio.to_thread(run)


async def test_the_usual_client_draws_and_changes(bench: Bench) -> None:
    """All its fields are taken; it finds pictures, seeds and information where it looks for them."""
    drawn = await driven(bench, lambda api: api.txt2img(prompt="a fox", seed=5, width=256, height=128, batch_size=2))
    assert ([one.size for one in drawn.images], drawn.info["all_seeds"]) == ([(256, 128)] * 2, [5, 6])
    blue, white = decoded(picture((64, 64))), decoded(picture((64, 64), "white", "L"))
    changed = await driven(bench, lambda api: api.img2img([blue], prompt="x", mask_image=white, width=64, height=64))
    assert changed.image.size == (64, 64)
    assert changed.image.convert("RGB").getpixel((9, 9)) != blue.convert("RGB").getpixel((9, 9))


async def test_the_usual_client_enlarges_and_cuts_out(bench: Bench) -> None:
    """By the extras, and by the extension."""
    blue = decoded(picture((64, 64)))
    large = await driven(bench, lambda api: api.extra_single_image(blue, upscaler_1="ESRGAN_4x", upscaling_resize=3))
    assert large.image.size == (192, 192)
    # Its own call for the extension looks at the host's root.
    asked = {"input_image": webuiapi.b64_img(blue), "model": "u2net"}
    cut = await driven(bench, lambda api: api.custom_post("automatic1111/rembg", payload=asked))
    assert "A" in cut.image.getbands()


async def test_the_usual_client_looks_and_loads(bench: Bench) -> None:
    """Lists, progress, interrupt, options; another checkpoint by its title."""
    assert "Euler a" in await driven(bench, lambda api: [one["name"] for one in api.get_samplers()])
    assert await driven(bench, lambda api: api.get_progress()["progress"]) == 0
    assert await driven(bench, lambda api: api.interrupt()) == {}
    models = await driven(bench, lambda api: api.util_get_model_names())
    assert models[-1] == "v1-5-pruned-emaonly.safetensors [6ce0161689]"
    await driven(bench, lambda api: api.set_options({"sd_model_checkpoint": models[-1]}))
    assert await driven(bench, lambda api: api.util_get_current_model()) == models[-1]


async def test_the_usual_client_hears_of_errors(bench: Bench) -> None:
    """A wrong password, and a request that is refused."""
    with pytest.raises(RuntimeError, match="401"):
        await driven(bench, lambda api: api.txt2img(prompt="x"), username="user", password="bad")
    with pytest.raises(RuntimeError, match="Sampler not found"):
        await driven(bench, lambda api: api.txt2img(prompt="x", sampler_name="Nobody"))
