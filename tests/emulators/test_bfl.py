"""The emulated Black Forest Labs: tasks, their states and prices, its errors, its callbacks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"x-key": "a-key"}


def bare(data: bytes) -> str:
    """Encode a picture as the API wants it."""
    return base64.b64encode(data).decode()


IMAGE = bare(picture((512, 512)))
WIDE = bare(picture((1100, 1000)))


async def submitted(bench: Bench, endpoint: str, /, **fields: Any) -> httpx.Response:
    """Give a task."""
    return await bench.http.post(f"/bfl/v1/{endpoint}", json=fields, headers=KEY)


async def ended(bench: Bench, endpoint: str, /, **fields: Any) -> dict[str, Any]:
    """Give a task and wait for its end."""
    answer = await submitted(bench, endpoint, **fields)
    assert answer.status_code == 200, answer.text
    async with asyncio.timeout(30):
        while True:
            state: dict[str, Any] = (await bench.http.get(answer.json()["polling_url"], headers=KEY)).json()
            if state["status"] != "Pending":
                return state


async def test_a_task_from_submit_to_file(bench: Bench) -> None:
    """The submit tells price and cluster; the end tells the signed address of the picture."""
    answer = (await submitted(bench, "flux-2-pro", prompt="x", width=1920, height=1088, seed=7)).json()
    assert answer["polling_url"] == f"{bench.base}/bfl/v1/get_result?id={answer['id']}"
    assert (answer["cost"], answer["input_mp"], answer["output_mp"]) == (4.5, None, 1.99)
    state = await ended(bench, "flux-2-pro", prompt="x", width=1920, height=1088, seed=7)
    assert (state["status"], state["result"]["seed"], state["result"]["prompt"]) == ("Ready", 7, "x")
    image = decoded((await bench.http.get(state["result"]["sample"])).content)
    assert (image.format, image.size) == ("JPEG", (1920, 1088))
    entry = await bench.last("bfl", "submit")
    assert (entry["billed"], entry["cost_micros"]) == (True, 45_000)


@pytest.mark.parametrize(
    ("endpoint", "fields", "size", "cost"),
    [
        ("flux-2-klein-4b", {}, (1024, 1024), 1.4),
        ("flux-2-klein-9b", {"width": 2048, "height": 2048}, (2048, 2048), 2.1),
        ("flux-2-pro", {"width": 2048, "height": 2048}, (2048, 2048), 7.5),
        ("flux-2-pro", {"input_image": IMAGE}, (512, 512), 4.5),
        ("flux-2-max", {"width": 1024, "height": 1024, "input_image": IMAGE, "input_image_2": IMAGE}, (1024, 1024), 13),
        ("flux-2-flex", {"width": 1024, "height": 1024, "input_image": WIDE}, (1024, 1024), 15),
        ("flux-kontext-pro", {"input_image": IMAGE, "aspect_ratio": "16:9"}, (1360, 768), 4),
        ("flux-kontext-max", {}, (1024, 1024), 8),
        ("flux-pro-1.1", {}, (1024, 768), 4),
        ("flux-pro-1.1-ultra", {}, (2736, 1536), 6),
        ("flux-dev", {"width": 256, "height": 1440}, (256, 1440), 2.5),
        ("flux-pro-1.0-fill", {"image": IMAGE}, (512, 512), 5),
        ("flux-pro-1.0-expand", {"image": IMAGE, "left": 64, "bottom": 32}, (576, 544), 5),
        ("flux-3-image", {"aspect_ratio": "1:1", "resolution": "2k"}, (2048, 2048), 10),
        ("flux-3-image", {"images": [IMAGE, IMAGE]}, (1024, 1024), 4.8),
    ],
)
async def test_an_endpoint_makes_its_size_for_its_price(
    bench: Bench, endpoint: str, fields: dict[str, Any], size: tuple[int, int], cost: float
) -> None:
    """The price table's examples among them."""
    answer = await submitted(bench, endpoint, prompt="x", **fields)
    assert answer.json()["cost"] == cost
    state = await ended(bench, endpoint, prompt="x", **fields)
    assert decoded((await bench.http.get(state["result"]["sample"])).content).size == size
    assert (await bench.last("bfl", "submit"))["cost_micros"] == round(cost * 10_000)


@pytest.mark.parametrize(
    ("endpoint", "fields", "field", "kind"),
    [
        ("flux-2-pro", {}, "prompt", "missing"),
        ("flux-2-pro", {"prompt": "x", "width": 1080}, "width", "multiple_of"),
        ("flux-2-pro", {"prompt": "x", "width": 48}, "width", "greater_than_equal"),
        ("flux-2-pro", {"prompt": "x", "width": 4096, "height": 2048}, "width", "value_error"),
        ("flux-2-pro", {"prompt": "x", "safety_tolerance": 6}, "safety_tolerance", "less_than_equal"),
        ("flux-2-pro", {"prompt": "x", "output_format": "gif"}, "output_format", "literal_error"),
        ("flux-2-pro", {"prompt": "x", "input_image": "data:image/png;base64,xx"}, "image", "value_error"),
        ("flux-kontext-pro", {"prompt": "x", "aspect_ratio": "5:1"}, "aspect_ratio", "value_error"),
        ("flux-pro-1.1", {"width": 1472}, "width", "less_than_equal"),
        ("flux-pro-1.0-fill", {"prompt": "x"}, "image", "missing"),
        ("flux-3-image", {"prompt": "x", "seed": 7}, "seed", "extra_forbidden"),
        ("flux-3-image", {"prompt": "x", "resolution": "8k"}, "resolution", "literal_error"),
        ("flux-3-image", {"prompt": "x", "grounding": 1}, "grounding", "bool_type"),
    ],
)
async def test_a_wrong_body_is_named(
    bench: Bench, endpoint: str, fields: dict[str, Any], field: str, kind: str
) -> None:
    """422 in pydantic's shape; nothing runs."""
    answer = await submitted(bench, endpoint, **fields)
    fault = answer.json()["detail"][0]
    assert (answer.status_code, fault["loc"], fault["type"]) == (422, ["body", field], kind)


@pytest.mark.parametrize(
    ("headers", "status", "detail"),
    [
        ({}, 403, "Not authenticated"),
        ({"x-key": "bad"}, 403, "Not authenticated"),
        ({"authorization": "Bearer x"}, 403, "Not authenticated"),
        ({"x-key": "two words"}, 422, "Invalid API key format"),
        ({"x-key": "poor"}, 402, "Insufficient credits. Please add credits to your account."),
    ],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int, detail: str) -> None:
    """A wrong key is no 401."""
    answer = await bench.http.post("/bfl/v1/flux-2-pro", json={"prompt": "x"}, headers=headers)
    assert (answer.status_code, answer.json()) == (status, {"detail": detail})


async def test_unknown_things(bench: Bench) -> None:
    """An endpoint is a 404; a task that nobody knows says so as its status."""
    assert (await submitted(bench, "flux-9", prompt="x")).status_code == 404
    answer = await bench.http.get("/bfl/v1/get_result", params={"id": "none"}, headers=KEY)
    assert (answer.status_code, answer.json()["status"]) == (404, "Task not found")
    assert (await bench.http.get("/bfl/v1/credits", headers=KEY)).json() == {"credits": 1000.0}


@pytest.mark.parametrize(
    ("prompt", "status"), [("something NSFW", "Request Moderated"), ("much gore", "Content Moderated")]
)
async def test_moderation_is_a_state_and_free(bench: Bench, prompt: str, status: str) -> None:
    """Of the request, or of what came out."""
    state = await ended(bench, "flux-2-pro", prompt=prompt)
    assert (state["status"], state["details"]) == (status, {"Moderation Reasons": ["Safety Filter"]})
    assert (await bench.journal("bfl"))["billable"] == 0


async def test_a_scripted_job_ends_in_error(bench: Bench) -> None:
    """A step for "job" is the work's end."""
    await bench.script("bfl", {"path": "job", "status": 500})
    assert (await ended(bench, "flux-2-pro", prompt="x"))["status"] == "Error"
    assert (await bench.journal("bfl"))["billable"] == 0


async def test_an_account_has_so_many_tasks_at_once(slow_bench: Bench) -> None:
    """The seventh of kontext-max is too many."""
    answers = [(await submitted(slow_bench, "flux-kontext-max", prompt="x")).status_code for _ in range(7)]
    assert answers == [200] * 6 + [429]


async def test_fill_paints_where_the_mask_is_white_or_the_picture_transparent(bench: Bench) -> None:
    """Either way the left half is new."""
    mask = decoded(picture((64, 64), "black"))
    mask.paste((255, 255, 255), (0, 0, 32, 64))
    hole = decoded(picture((64, 64), "blue", "RGBA"))
    hole.paste((0, 0, 0, 0), (0, 0, 32, 64))
    for fields in ({"image": bare(picture((64, 64))), "mask": bare(encoded(mask))}, {"image": bare(encoded(hole))}):
        state = await ended(bench, "flux-pro-1.0-fill", output_format="png", **fields)
        image = decoded((await bench.http.get(state["result"]["sample"])).content).convert("RGB")
        assert (image.getpixel((8, 8)), image.getpixel((56, 8))) == ((0, 0, 0), (0, 0, 255))


@pytest.fixture
async def sink() -> AsyncIterator[tuple[str, asyncio.Queue[tuple[dict[str, str], bytes]]]]:
    """Listen for callbacks and accept them."""
    received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        received.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", received
    server.close()
    await server.wait_closed()


async def test_callbacks_carry_both_kinds_of_proof(
    bench: Bench, sink: tuple[str, asyncio.Queue[tuple[dict[str, str], bytes]]]
) -> None:
    """A signature, and the secret itself; who is called back gets no address to poll."""
    address, received = sink
    task = (await submitted(bench, "flux-2-pro", prompt="x", webhook_url=address, webhook_secret="s3cret")).json()
    assert (task["status"], task["webhook_url"], "polling_url" in task) == ("Pending", address, False)
    async with asyncio.timeout(30):
        headers, body = await received.get()
    digest = hmac.digest(b"s3cret", body, hashlib.sha256).hex()
    assert (headers["x-bfl-signature"], headers["x-webhook-secret"]) == (f"sha256={digest}", "s3cret")
    told = json.loads(body)
    assert (told["id"], told["status"], "sample" in told["result"]) == (task["id"], "Ready", True)
