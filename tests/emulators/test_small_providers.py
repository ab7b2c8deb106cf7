"""The nine providers of mapping files as they are emulated: refusals in their own shapes, and bills."""

from __future__ import annotations

from typing import Any

import pybase64
import pytest

from tests.emulators.conftest import Bench, decoded, picture

SCHNELL = "/cloudflare/client/v4/accounts/0a1b/ai/run/@cf/black-forest-labs/flux-1-schnell"
LUMA, LEONARDO = "/luma/dream-machine/v1/generations/image", "/leonardo/api/rest/v1/generations"
MINIMAX, INFER = "/minimax/v1/image_generation", "/deepinfra/v1/inference/black-forest-labs/FLUX-1-schnell"
NOVITA, VEGA = "/novita/v3beta/flux-1-schnell", "/segmind/v1/segmind-vega"
MINE = {"model": "image-01", "prompt": "a boat"}


def bearer(key: str = "k-1") -> dict[str, str]:
    """The key as most take it."""
    return {"authorization": f"Bearer {key}", "x-api-key": key}


async def post(bench: Bench, path: str, body: dict[str, Any], key: str = "k-1") -> Any:
    """One call with JSON."""
    return await bench.http.post(path, json=body, headers=bearer(key))


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        (LUMA, {"prompt": "ab"}, 422, "prompt must be between 3 and 5000"),
        (LUMA, {"prompt": "a boat", "aspect_ratio": "5:4"}, 422, "aspect_ratio must be one of"),
        (LUMA, {"prompt": "a boat", "seed": 1}, 422, "seed is not a known parameter"),
        (LUMA, {"prompt": "a boat", "modify_image_ref": {"url": "data:image/png;base64,AA"}}, 422, "public URL"),
        (LUMA, {"prompt": "nsfw"}, 400, "blacklisted words"),
        (LEONARDO, {"prompt": "a boat", "width": 1001}, 400, "multiple of 8"),
        (LEONARDO, {"prompt": "a boat", "num_images": 8}, 400, "at most 4 of that size"),
        (LEONARDO, {"prompt": "a boat", "modelId": "0" * 36}, 400, "unknown model"),
        (LEONARDO, {"prompt": "nsfw"}, 403, "content moderation"),
        (MINIMAX, {**MINE, "width": 1024}, 200, '"status_code":2013'),
        (MINIMAX, {**MINE, "model": "image-01-live", "width": 1024, "height": 1024}, 200, '"status_code":2013'),
        (MINIMAX, {**MINE, "prompt": "nsfw"}, 200, '"status_code":1026'),
        (MINIMAX, {**MINE, "style": {"style_type": "Comic"}}, 200, '"status_code":2013'),
        (SCHNELL, {"prompt": "a boat", "steps": 9}, 400, '"code":5004'),
        (SCHNELL, {"prompt": "a boat", "width": 512}, 400, "is not a known parameter"),
        (SCHNELL, {"prompt": "nsfw"}, 400, '"code":3030'),
        (SCHNELL + "-x", {"prompt": "a boat"}, 400, '"code":5007'),
        (INFER, {"prompt": "a boat", "width": "1000"}, 422, "width must be of type whole"),
        (INFER + "-x", {"prompt": "a boat"}, 404, "Model not found"),
        (NOVITA, {"prompt": "a boat", "image_num": 9}, 400, "INVALID_REQUEST_BODY"),
        (NOVITA, {"prompt": "nsfw"}, 400, "ILLEGAL_PROMPT"),
        (VEGA, {"prompt": "a boat", "img_width": 512}, 422, "img_width must be between 1024 and 1024"),
        (VEGA, {"negative_prompt": "cats"}, 422, "prompt is required"),
        ("/clipdrop/cleanup/v1", {}, 400, "must be a form"),
        ("/photoroom/v1/segment", {"format": "gif"}, 400, "format must be one of png, jpg, webp"),
        ("/photoroom/v1/segment", {}, 400, "image_file: is required"),
    ],
)
async def test_a_wrong_body_is_refused_in_the_providers_shape(
    path: str, body: dict[str, Any], status: int, told: str, bench: Bench
) -> None:
    """And nothing is billed."""
    answer = await post(bench, path, body)
    assert answer.status_code == status
    assert told in answer.text
    assert (await bench.journal())["billable"] == 0


@pytest.mark.parametrize(
    ("path", "body", "bad", "poor"),
    [
        (LUMA, {"prompt": "a boat"}, (401, "Not authenticated"), (400, "The request is not valid")),
        (LEONARDO, {"prompt": "a boat"}, (401, '"path":"$"'), (400, "error")),
        (MINIMAX, MINE, (200, '"status_code":2049'), (200, '"status_code":1008')),
        (SCHNELL, {"prompt": "a boat"}, (401, '"code":10000'), (429, '"code":3036')),
        (INFER, {"prompt": "a boat"}, (401, '"detail"'), (402, '"detail"')),
        (NOVITA, {"prompt": "a boat"}, (403, "INVALID_API_KEY"), (400, "BILLING_BALANCE_NOT_ENOUGH")),
        (VEGA, {"prompt": "a boat"}, (401, "Invalid API key"), (406, "Not enough credits")),
        ("/clipdrop/text-to-image/v1", {}, (403, "Invalid or revoked"), (402, "No remaining credits")),
        ("/photoroom/v1/segment", {}, (401, "Unauthorized"), (402, "API credits exhausted")),
    ],
)
async def test_keys_that_are_bad_or_poor_are_told(
    path: str, body: dict[str, Any], bad: tuple[int, str], poor: tuple[int, str], bench: Bench
) -> None:
    """Each in its own way."""
    for key, (status, told) in (("bad-key", bad), ("poor-key", poor)):
        answer = await post(bench, path, body, key)
        assert (answer.status_code, told in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(
    ("model", "form", "fields", "micros"),
    [
        ("black-forest-labs/flux-1-schnell", False, {}, 634),
        ("black-forest-labs/flux-1-schnell", False, {"steps": 8}, 1056),
        ("black-forest-labs/flux-2-dev", True, {"width": "1024", "height": "1024"}, 41_000),
        ("black-forest-labs/flux-2-klein-4b", True, {"width": "512", "height": "513"}, 574),
        ("black-forest-labs/flux-2-klein-9b", True, {"width": "1024", "height": "1040"}, 17_000),
        ("leonardo/lucid-origin", False, {}, 66_250),
        ("stabilityai/stable-diffusion-xl-base-1.0", False, {}, 0),
    ],
)
async def test_cloudflare_bills_tiles_and_steps(
    model: str, form: bool, fields: dict[str, Any], micros: int, bench: Bench
) -> None:
    """The worked examples of its price page, and tiles that are begun."""
    body = {"prompt": "a boat", **fields}
    path = f"/cloudflare/client/v4/accounts/0a1b/ai/run/@cf/{model}"
    files = {name: (None, str(value)) for name, value in body.items()}
    answer = await bench.http.post(path, headers=bearer(), **({"files": files} if form else {"json": body}))
    assert answer.status_code == 200
    assert (await bench.last("cloudflare"))["cost_micros"] == micros


async def test_deepinfra_tells_what_it_bills(bench: Bench) -> None:
    """By area and steps: 1024 x 1024 px with four steps is 0.002 dollars."""
    answer = await post(bench, INFER, {"prompt": "a boat", "num_inference_steps": 4, "seed": 3})
    told = answer.json()
    assert (told["inference_status"]["cost"], told["seed"]) == (0.002, 3)
    assert told["images"][0].startswith("data:image/png;base64,")
    assert (await bench.last("deepinfra"))["cost_micros"] == 2000


async def test_minimax_prefers_the_shape_to_the_size(bench: Bench) -> None:
    """As its reference says: width and height are ignored beside aspect_ratio."""
    body = {**MINE, "aspect_ratio": "16:9", "width": 512, "height": 512, "response_format": "base64", "n": 2}
    told = (await post(bench, MINIMAX, body)).json()
    assert decoded(pybase64.b64decode(told["data"]["image_base64"][1])).size == (1280, 720)
    assert (await bench.last("minimax"))["cost_micros"] == 7000


async def test_a_tool_answers_with_the_picture_and_its_credits(bench: Bench) -> None:
    """Clipdrop: the type that is asked for, and 406 for one that it does not have."""
    files = {"image_file": ("a.png", picture((64, 48)), "image/png")}
    path = "/clipdrop/remove-background/v1"
    answer = await bench.http.post(path, files=files, headers=bearer() | {"accept": "image/webp"})
    assert (answer.headers["content-type"], answer.headers["x-credits-consumed"]) == ("image/webp", "1")
    assert decoded(answer.content).size == (64, 48)
    refused = await bench.http.post(path, files=files, headers=bearer() | {"accept": "image/gif"})
    assert refused.status_code == 406


async def test_a_mask_of_another_size_is_refused(bench: Bench) -> None:
    """Clipdrop wants a PNG of the picture's size."""
    files = {
        "image_file": ("a.png", picture((64, 48)), "image/png"),
        "mask_file": ("m.png", picture((32, 32), "white", "L"), "image/png"),
    }
    answer = await bench.http.post("/clipdrop/cleanup/v1", files=files, headers=bearer())
    assert (answer.status_code, "mask_file" in answer.text) == (400, True)


async def test_segmind_answers_bytes_or_text(bench: Bench) -> None:
    """By `base64`."""
    plain = await post(bench, VEGA, {"prompt": "a boat"})
    texts = await post(bench, VEGA, {"prompt": "a boat", "base64": True, "samples": 2})
    assert plain.headers["content-type"] == "image/jpeg"
    assert len(texts.json()["image"]) == 2
    assert (await bench.last("segmind"))["cost_micros"] == 4000


async def test_a_task_that_nobody_knows_is_not_found(bench: Bench) -> None:
    """Each in its own shape."""
    for path, told in (
        ("/novita/v3/async/task-result?task_id=x", "TASK_NOT_FOUND"),
        ("/luma/dream-machine/v1/generations/x", "Generation not found"),
        ("/leonardo/api/rest/v1/generations/x", '"path":"$"'),
    ):
        answer = await bench.http.get(path, headers=bearer())
        assert (answer.status_code, told in answer.text) == (404, True)


async def test_photorooms_sizes_and_types(bench: Bench) -> None:
    """An edit in the size and the type that are asked for, at the dearer plan's price."""
    files = {"imageFile": ("a.png", picture((64, 48)), "image/png")}
    data = {"background.prompt": "grass", "outputSize": "128x96", "export.format": "webp"}
    answer = await bench.http.post("/photoroom/v2/edit", files=files, data=data, headers=bearer())
    assert answer.headers["content-type"] == "image/webp"
    assert decoded(answer.content).size == (128, 96)
    assert (await bench.last("photoroom"))["cost_micros"] == 100_000
