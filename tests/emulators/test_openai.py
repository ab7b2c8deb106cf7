"""OpenAI's image API, asked by its stock client."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import openai
import pytest

from tests.emulators.conftest import Bench, decoded, encoded, picture

GPT = "gpt-image-2"
PATH = "/openai/v1/images/generations"
KEY = {"authorization": "Bearer sk-test"}


def shown(item: Any) -> Any:
    """Decode the picture of an answer's item."""
    return decoded(base64.b64decode(item.b64_json))


async def refused(bench: Bench, path: str = PATH, **fields: Any) -> tuple[int, dict[str, Any]]:
    """Send fields that will not do; give the status and the error."""
    answer = await bench.http.post(path, json=fields, headers=KEY)
    return answer.status_code, answer.json()["error"]


async def test_generate(bench: Bench) -> None:
    """The answer resolves what was `auto`, counts tokens, and the journal prices them."""
    async with bench.openai() as client:
        answer = await client.images.generate(model=GPT, prompt="a red fox", n=2, size="1536x1024", quality="low")
    assert [shown(item).size for item in answer.data] == [(1536, 1024)] * 2
    assert (answer.size, answer.quality, answer.background, answer.output_format) == (
        "1536x1024",
        "low",
        "opaque",
        "png",
    )
    assert (answer.usage.output_tokens, answer.usage.input_tokens) == (2 * 158, 9)
    assert answer.usage.total_tokens == 2 * 158 + 9
    entry = await bench.last("openai")
    assert entry["cost_micros"] == 9 * 5 + 2 * 158 * 30
    assert len(entry["images"]) == 2
    assert entry["images"][0] != entry["images"][1]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
async def test_output_formats(bench: Bench, output_format: Any) -> None:
    """The bytes are of the format that was asked for."""
    async with bench.openai() as client:
        answer = await client.images.generate(model=GPT, prompt="x", output_format=output_format)
    assert shown(answer.data[0]).format == output_format.upper()


async def test_stream(bench: Bench) -> None:
    """Previews come first, then the picture with its usage; each preview costs 100 tokens."""
    async with bench.openai() as client:
        stream = await client.images.generate(model=GPT, prompt="x", stream=True, partial_images=2, quality="medium")
        events = [event async for event in stream]
    assert [event.type for event in events] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    assert events[2].usage.output_tokens == 1756 + 200
    assert shown(events[2]).size == (1024, 1024)
    assert (await bench.last("openai"))["cost_micros"] == 7 * 5 + 1956 * 30


async def test_edit_with_a_mask_changes_its_transparent_part(bench: Bench) -> None:
    """Alpha 0 is painted anew, the rest is kept; the input picture costs tokens."""
    mask = decoded(picture((1024, 1024), "black", "RGBA"))
    mask.paste((0, 0, 0, 0), (0, 0, 512, 1024))
    with_hole = encoded(mask)
    async with bench.openai() as client:
        answer = await client.images.edit(
            model=GPT, prompt="x", image=("a.png", picture((1024, 1024))), mask=("m.png", with_hole)
        )
    image = shown(answer.data[0]).convert("RGB")
    assert (image.getpixel((100, 100)), image.getpixel((900, 100))) == ((0, 0, 0), (0, 0, 255))
    assert answer.usage.input_tokens_details.image_tokens == 1024


async def test_edit_of_many_pictures_streams(bench: Bench) -> None:
    """`image[]` takes several; the stream's events are named for edits."""
    images = [("a.png", picture()), ("b.png", picture(colour="red"))]
    async with bench.openai() as client:
        stream = await client.images.edit(model=GPT, prompt="x", image=images, stream=True)
        events = [event async for event in stream]
    assert [event.type for event in events] == ["image_edit.completed"]
    assert shown(events[0]).size == (1024, 1024)


async def test_an_unreadable_picture_ends_a_stream_with_an_error(bench: Bench) -> None:
    """What is found out after the stream has begun is told as an event, and not billed."""
    files = {"image": picture()[:60]}
    fields = {"model": GPT, "prompt": "x", "stream": "true"}
    answer = await bench.http.post("/openai/v1/images/edits", data=fields, files=files, headers=KEY)
    assert answer.text.startswith("event: error\ndata: ")
    assert json.loads(answer.text.split("data: ")[1])["error"]["code"] == "invalid_image_file"
    assert (await bench.journal())["billable"] == 0


async def test_edit_by_json(bench: Bench) -> None:
    """Pictures may come as data URLs; `auto` keeps a legal input size."""
    url = "data:image/png;base64," + base64.b64encode(picture((1280, 720))).decode()
    fields = {"model": GPT, "prompt": "x", "images": [{"image_url": url}], "size": "auto"}
    answer = await bench.http.post("/openai/v1/images/edits", json=fields, headers=KEY)
    assert answer.json()["size"] == "1280x720"


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"prompt": "x"}, 400, "model", "missing_required_parameter"),
        ({"model": GPT}, 400, "prompt", "missing_required_parameter"),
        ({"model": GPT, "prompt": "x", "response_format": "url"}, 400, "response_format", "unknown_parameter"),
        ({"model": GPT, "prompt": "x", "seed": 1}, 400, "seed", "unknown_parameter"),
        ({"model": GPT, "prompt": "x", "size": "512x512"}, 400, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "size": "1920x1080"}, 400, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "size": "4096x2048"}, 400, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "size": "3840x1024"}, 400, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "size": "big"}, 400, "size", "invalid_value"),
        ({"model": "gpt-image-1.5", "prompt": "x", "size": "1280x720"}, 400, "size", "invalid_value"),
        ({"model": GPT, "prompt": "x", "quality": "max"}, 400, "quality", "invalid_value"),
        ({"model": GPT, "prompt": "x", "n": 11}, 400, "n", "integer_above_max_value"),
        ({"model": GPT, "prompt": "x", "n": 0}, 400, "n", "integer_below_min_value"),
        ({"model": GPT, "prompt": "x", "n": "two"}, 400, "n", "invalid_type"),
        ({"model": GPT, "prompt": "x" * 32_001}, 400, "prompt", "string_above_max_length"),
        (
            {"model": "gpt-image-1.5", "prompt": "x", "background": "transparent", "output_format": "jpeg"},
            400,
            "background",
            "invalid_value",
        ),
        ({"model": "gpt-image-9", "prompt": "x"}, 404, None, "model_not_found"),
        ({"model": "gpt-image-1", "prompt": "x"}, 404, None, "model_not_found"),
        ({"model": "dall-e-3", "prompt": "x"}, 404, None, "model_not_found"),
    ],
)
async def test_wrong_parameters(
    bench: Bench, fields: dict[str, Any], status: int, param: str | None, code: str
) -> None:
    """Each is refused by its name and code, and nothing is billed."""
    got, error = await refused(bench, **fields)
    assert (got, error["param"], error["code"], error["type"]) == (status, param, code, "invalid_request_error")
    assert (await bench.journal())["billable"] == 0


async def test_the_models_of_april_are_opaque(bench: Bench) -> None:
    """The others of the line draw a transparent background."""
    fields = {"prompt": "x", "background": "transparent"}
    for model in (GPT, f"{GPT}-2026-04-21"):
        status, error = await refused(bench, model=model, **fields)
        assert (status, error["type"]) == (400, "image_generation_user_error")
    assert (await bench.journal())["billable"] == 0
    answer = await bench.http.post(PATH, json={"model": "gpt-image-2.5-flare", **fields}, headers=KEY)
    assert answer.json()["background"] == "transparent"


@pytest.mark.parametrize("size", ["1280x720", "2048x1152", "1920x1088", "auto"])
async def test_sizes_of_the_second_generation(bench: Bench, size: Any) -> None:
    """Any size under the rules is painted."""
    async with bench.openai() as client:
        answer = await client.images.generate(model=GPT, prompt="x", size=size)
    expected = "1024x1024" if size == "auto" else size
    assert answer.size == expected
    assert "x".join(map(str, shown(answer.data[0]).size)) == expected


@pytest.mark.parametrize(
    ("fields", "files", "param", "code"),
    [
        ({"model": GPT, "prompt": "x"}, {"image": b"no picture"}, "image", "invalid_image_file"),
        ({"model": GPT, "prompt": "x"}, {"mask": picture()}, "image", "missing_required_parameter"),
        ({"model": GPT, "prompt": "x"}, {"image": picture(), "mask": picture()}, "mask", "invalid_image_file"),
        (
            {"model": GPT, "prompt": "x"},
            {"image": picture(), "mask": picture((32, 32), "black", "RGBA")},
            "mask",
            "invalid_image_file",
        ),
        ({"model": GPT, "prompt": "x", "input_fidelity": "high"}, {"image": picture()}, "input_fidelity", None),
        ({"model": GPT, "prompt": "x", "moderation": "low"}, {"image": picture()}, "moderation", "unknown_parameter"),
        ({"model": GPT, "prompt": "x", "response_format": "url"}, {"image": picture()}, "response_format", None),
    ],
)
async def test_wrong_edits(
    bench: Bench, fields: dict[str, str], files: dict[str, bytes], param: str, code: str | None
) -> None:
    """Pictures and fields of an edit that will not do."""
    answer = await bench.http.post("/openai/v1/images/edits", data=fields, files=files, headers=KEY)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code or "unknown_parameter")


@pytest.mark.parametrize(
    ("key", "error", "code"),
    [
        ("bad-key", openai.AuthenticationError, "invalid_api_key"),
        ("locked-key", openai.PermissionDeniedError, "billing_hard_limit_reached"),
        ("broke-key", openai.RateLimitError, "insufficient_quota"),
    ],
)
async def test_keys(bench: Bench, key: str, error: type[openai.APIStatusError], code: str) -> None:
    """The beginning of a key decides; the client raises the matching class, and the key is not echoed."""
    async with bench.openai(key=key) as client:
        with pytest.raises(error) as caught:
            await client.images.generate(model=GPT, prompt="x")
    assert caught.value.code == code
    assert key not in caught.value.message


async def test_no_key(bench: Bench) -> None:
    """Without a key the answer is 401."""
    assert (await bench.http.post(PATH, json={"model": GPT, "prompt": "x"})).status_code == 401


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"status": 429}, openai.RateLimitError),
        ({"status": 500}, openai.InternalServerError),
        ({"status": 503}, openai.InternalServerError),
        ({"status": 404}, openai.NotFoundError),
        ({"connection": "reset"}, openai.APIConnectionError),
    ],
)
async def test_scripted_errors_raise_the_clients_classes(
    bench: Bench, step: dict[str, Any], error: type[openai.APIError]
) -> None:
    """A status without a body brings OpenAI's own error object."""
    await bench.script("openai", step)
    async with bench.openai() as client:
        with pytest.raises(error):
            await client.images.generate(model=GPT, prompt="x")


async def test_the_client_retries_what_is_worth_it(bench: Bench) -> None:
    """One overload, then a picture: the stock client asks twice and gets it; one is billed."""
    await bench.script("openai", {"status": 503, "headers": {"retry-after-ms": "1"}}, {"ok": True})
    async with bench.openai() as client:
        await client.with_options(max_retries=1).images.generate(model=GPT, prompt="x")
    journal = await bench.journal("openai")
    assert [entry["status"] for entry in journal["entries"]] == [503, 200]
    assert journal["billable"] == 1


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [("sandbox-rate-limited", 429, "rate_limit_exceeded"), ("sandbox-down", 503, "server_is_overloaded")],
)
async def test_sandbox_faults(bench: Bench, model: str, status: int, code: str) -> None:
    """Some models always fail, without a script."""
    answer = await bench.http.post(PATH, json={"model": model, "prompt": "x"}, headers=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("retry-after") == ("30" if status == 429 else None)


async def test_the_slow_model_keeps_its_client_waiting(bench: Bench) -> None:
    """It has not answered, nor billed, while others are served; a client that leaves ends nothing."""
    fields = {"model": "sandbox-slow", "prompt": "x"}
    waiting = asyncio.create_task(bench.http.post(PATH, json=fields, headers=KEY))
    async with asyncio.timeout(30):
        while not (await bench.journal())["entries"]:
            continue
    await bench.http.post(PATH, json={"model": GPT, "prompt": "x"}, headers=KEY)
    slow, quick = (await bench.journal())["entries"]
    assert (slow["status"], slow["billed"], quick["status"]) == (0, False, 200)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_headers(bench: Bench) -> None:
    """Every answer carries OpenAI's headers, and the journal knows the request id."""
    answer = await bench.http.post(PATH, json={"model": GPT, "prompt": "x"}, headers=KEY)
    assert answer.headers["x-request-id"] == (await bench.last("openai"))["request_id"]
    assert answer.headers["x-request-id"].startswith("req_")
    assert int(answer.headers["openai-processing-ms"]) >= 0
    assert int(answer.headers["x-ratelimit-remaining-requests"]) > 0
    assert httpx.Headers(answer.headers)["date"].endswith("GMT")


async def test_models(bench: Bench) -> None:
    """The list names what exists, and nothing retired."""
    async with bench.openai() as client:
        names = {model.id async for model in client.models.list()}
    assert {"gpt-image-2", "gpt-image-2.6-sunburst", "gpt-image-1.5"} <= names
    assert not names & {"dall-e-2", "dall-e-3", "gpt-image-1"}


async def test_legacy_urls_are_served(legacy_bench: Bench) -> None:
    """With the switch dall-e-3 answers with an address, a revised prompt and no usage, at its old price."""
    async with legacy_bench.openai() as client:
        answer = await client.images.generate(model="dall-e-3", prompt="x", size="1792x1024", quality="hd")
    assert answer.usage is None
    assert answer.data[0].revised_prompt == "x"
    hosted = await legacy_bench.http.get(answer.data[0].url)
    assert decoded(hosted.content).size == (1792, 1024)
    assert [entry["cost_micros"] for entry in (await legacy_bench.journal())["entries"]] == [120_000, 0]


async def test_variations_are_retired(bench: Bench, legacy_bench: Bench) -> None:
    """They answer 404, and with the switch a picture."""
    path, files = "/openai/v1/images/variations", {"image": picture()}
    assert (await bench.http.post(path, files=files, headers=KEY)).status_code == 404
    fields = {"size": "256x256", "response_format": "b64_json"}
    answer = await legacy_bench.http.post(path, data=fields, files=files, headers=KEY)
    assert decoded(base64.b64decode(answer.json()["data"][0]["b64_json"])).size == (256, 256)
    assert (await legacy_bench.last("openai"))["cost_micros"] == 16_000
