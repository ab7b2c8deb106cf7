"""Streams as the stock OpenAI libraries read them, in Python and in Node: nothing is changed but base URL and key."""

import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from tests.clients.node import Node, installed
from tests.support.mesh import KEY, Mesh

GPT: dict[str, Any] = {
    "model": "gpt-image-2",
    "prompt": "A sunset over mountains",
    "size": "1024x1024",
    "quality": "low",
}
PREVIEW, DONE = "partial_image", "completed"


@pytest.fixture(params=["/v1", "/openai/v1"])
async def client(request: pytest.FixtureRequest, running: Mesh) -> AsyncIterator[openai.AsyncOpenAI]:
    """OpenAI's asynchronous client at each of the two bases; it asks once only."""
    async with openai.AsyncOpenAI(base_url=running.url + request.param, api_key=KEY, max_retries=0) as opened:
        yield opened


def decoded(text: str) -> Image.Image:
    """The picture behind base64 text, wholly decoded."""
    image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image


def png() -> bytes:
    """A picture to edit."""
    out = io.BytesIO()
    Image.new("RGB", (1024, 1024), (20, 90, 200)).save(out, "PNG")
    return out.getvalue()


async def test_generations_stream_previews_and_the_picture(client: openai.AsyncOpenAI) -> None:
    """Every field that the library's types know is there, and of the type that they know."""
    stream = await client.images.generate(**GPT, stream=True, partial_images=2)
    events = [event async for event in stream if event.type.startswith("image_generation.")]
    assert [event.type for event in events] == [f"image_generation.{kind}" for kind in (PREVIEW, PREVIEW, DONE)]
    assert [event.partial_image_index for event in events[:2]] == [0, 1]
    for event in events:
        assert decoded(event.b64_json).size == (1024, 1024)
        assert (event.size, event.quality, event.output_format) == ("1024x1024", "low", "png")
        type(event).model_validate(event.model_dump(exclude_unset=True))
    usage = events[-1].usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0
    assert events[-1].model_extra["metadata"]["provider"] == "openai"


async def test_edits_stream_under_their_own_names(client: openai.AsyncOpenAI) -> None:
    """As multipart, with a file."""
    file = ("ground.png", png(), "image/png")
    stream = await client.images.edit(image=file, **GPT, stream=True, partial_images=1)
    events = [event async for event in stream if event.type.startswith("image_edit.")]
    assert [event.type for event in events] == [f"image_edit.{kind}" for kind in (PREVIEW, DONE)]
    for event in events:
        assert decoded(event.b64_json).size == (1024, 1024)
        type(event).model_validate(event.model_dump(exclude_unset=True))


async def test_events_of_ours_do_not_disturb_the_library(running: Mesh) -> None:
    """It hands them on with their own type; a provider without previews tells its progress and one picture each."""
    async with openai.AsyncOpenAI(base_url=f"{running.url}/v1", api_key=KEY, max_retries=0) as client:
        stream = await client.images.generate(model="flux-schnell", prompt="A harbour", n=2, stream=True)
        events: list[Any] = [event async for event in stream]
    kinds = [event.type for event in events]
    assert kinds.count("image_generation.completed") == 2
    assert set(kinds) == {"image_generation.completed", "heliostat.progress"}
    pictures = [event for event in events if event.type == "image_generation.completed"]
    assert sum(event.usage.total_tokens for event in pictures) == 0
    assert [decoded(event.b64_json).size for event in pictures] == [(1024, 768)] * 2


async def test_a_refusal_is_the_library_s_own_exception(client: openai.AsyncOpenAI) -> None:
    """Before anything has been said it has its status."""
    with pytest.raises(openai.NotFoundError) as failed:
        await client.images.generate(model="flux-schnel", prompt="x", stream=True)
    assert failed.value.code == "model_not_found"


async def test_an_error_event_is_raised_by_the_library(running: Mesh, client: openai.AsyncOpenAI) -> None:
    """In the middle of a stream, with the message and code of the error."""
    preview = {"b64_json": base64.b64encode(png()).decode(), "partial_image_index": 0}
    failure = {"error": {"message": "It broke.", "type": "server_error", "code": "server_error"}}
    body = f"event: image_generation.partial_image\ndata: {json.dumps(preview)}\n\n"
    body += f"event: error\ndata: {json.dumps(failure)}\n\n"
    headers = {"content-type": "text/event-stream"}
    await running.script("openai", {"path": "submit", "status": 200, "headers": headers, "body": body})
    seen: list[str] = []
    with pytest.raises(openai.APIError) as failed:
        async for event in await client.images.generate(**GPT, stream=True, partial_images=1):
            seen.append(event.type)
    assert "image_generation.partial_image" in seen
    assert failed.value.code == "provider_unavailable"


@pytest.fixture
async def node() -> Node:
    """The examples with their dependencies; skipped where they cannot be had."""
    return await installed()


async def told(node: Node, running: Mesh, body: dict[str, Any], *more: str) -> list[dict[str, Any]]:
    """What OpenAI's library for Node tells of a stream."""
    return await node.run("stream.mjs", json.dumps(body), *more, KEY=KEY, HELIOSTAT_URL=running.url)


async def test_node_streams_generations(node: Node, running: Mesh) -> None:
    """Previews, the picture with its usage, and our progress handed on with its own type."""
    events = await told(node, running, GPT | {"partial_images": 1})
    openais = [event for event in events if event["type"].startswith("image_generation.")]
    assert [event["type"] for event in openais] == [f"image_generation.{kind}" for kind in (PREVIEW, DONE)]
    assert all(event["bytes"] > 1000 for event in openais)
    assert openais[-1]["usage"]["output_tokens"] > 0
    assert openais[-1]["cost"] > 0
    assert {"type": "heliostat.progress", "stage": "asking", "target": "openai/gpt-image-2"} in events


async def test_node_streams_edits(node: Node, running: Mesh, tmp_path: Path) -> None:
    """A file goes with it."""
    file = tmp_path / "ground.png"
    file.write_bytes(png())
    events = await told(node, running, GPT, str(file))
    assert [event["type"] for event in events if event["type"].startswith("image")] == ["image_edit.completed"]


async def test_node_throws_its_own_classes(node: Node, running: Mesh) -> None:
    """A refusal before the stream begins."""
    (refused,) = await told(node, running, {"model": "flux-schnel", "prompt": "x"})
    assert (refused["error"]["class"], refused["error"]["code"]) == ("NotFoundError", "model_not_found")
