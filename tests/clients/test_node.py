"""The examples for Node as they stand in docs/examples/node: OpenAI's library over REST, grpc-js over the protos."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.clients.node import Node, installed
from tests.support.mesh import KEY, Mesh

PROMPT = "A sunset over mountains"
SUNSET = {"model": "flux-schnell", "prompt": PROMPT, "size": {"aspect": {"width_ratio": 16, "height_ratio": 9}}}


@pytest.fixture
async def node() -> Node:
    """The examples with their dependencies; skipped where they cannot be had."""
    return await installed()


async def rest(node: Node, running: Mesh, *bodies: dict[str, Any], key: str = KEY) -> list[dict[str, Any]]:
    """What OpenAI's library says to each body."""
    texts = [json.dumps({"prompt": PROMPT, **body}) for body in bodies]
    return await node.run("rest.mjs", *texts, KEY=key, HELIOSTAT_URL=running.url)


async def generated(node: Node, running: Mesh, folder: Path, *more: str, **image: Any) -> list[dict[str, Any]]:
    """What the gRPC client tells of a request, line by line."""
    text = json.dumps({**SUNSET, **image})
    return await node.run("generate.mjs", text, str(folder), *more, KEY=KEY, HELIOSTAT_GRPC=running.grpc_address())


def contents(folder: Path) -> list[bytes]:
    """The files of a folder, by name."""
    return [file.read_bytes() for file in sorted(folder.iterdir())]


async def test_openais_library_makes_pictures(node: Node, running: Mesh) -> None:
    """As a link, as base64, three at once, and gpt-image-2 in base64 unasked."""
    link, text, three, gpt = await rest(
        node,
        running,
        {"model": "flux-schnell", "size": "16:9", "output_format": "webp"},
        {"model": "mock-image", "response_format": "b64_json"},
        {"model": "mock-image", "n": 3, "response_format": "b64_json"},
        {"model": "gpt-image-2", "quality": "low", "size": "1024x1024"},
    )
    picture = await running.http.get(link["images"][0]["url"])
    assert Image.open(io.BytesIO(picture.content)).format == "WEBP"
    assert link["metadata"]["provider"] == "fal"
    assert link["requestId"] == link["metadata"]["request_id"]
    for answer, count in ((text, 1), (three, 3), (gpt, 1)):
        assert len(answer["images"]) == count
        for image in answer["images"]:
            Image.open(io.BytesIO(base64.b64decode(image["base64"]))).load()


async def test_openais_library_throws_its_own_classes(node: Node, running: Mesh) -> None:
    """Unknown model, bad size, rate limit, provider down."""
    answers = await rest(
        node,
        running,
        {"model": "flux-schnel"},
        {"model": "mock-image", "size": "big"},
        {"model": "sandbox-rate-limited", "max_wait": 0},
        {"model": "sandbox-down"},
    )
    assert [(answer["error"]["class"], answer["error"]["code"]) for answer in answers] == [
        ("NotFoundError", "model_not_found"),
        ("BadRequestError", "invalid_field"),
        ("RateLimitError", "rate_limit_exceeded"),
        ("InternalServerError", "provider_unavailable"),
    ]
    assert all(answer["error"]["requestId"] for answer in answers)


async def test_openais_library_knows_a_wrong_key(node: Node, running: Mesh) -> None:
    """AuthenticationError, with OpenAI's own code."""
    (answer,) = await rest(node, running, {"model": "mock-image"}, key="sk-nobody")
    assert (answer["error"]["class"], answer["error"]["code"]) == ("AuthenticationError", "invalid_api_key")


async def test_a_grpc_client_makes_a_picture(node: Node, running: Mesh, tmp_path: Path) -> None:
    """Events in order, a sound file on the disk, provider, cost and attempts at the end."""
    lines = await generated(node, running, tmp_path / "out", output={"media_type": "image/webp"})
    assert lines[0]["admitted"].startswith("req_")
    assert lines[1] == {"asking": "fal/fal-ai/flux/schnell"}
    end = lines[-1]
    assert (end["provider"], end["providerModel"], end["cost"]) == ("fal", "fal-ai/flux/schnell", 0.003)
    assert [(each["target"], each["outcome"], each["billed"]) for each in end["attempts"]] == [
        ("fal/fal-ai/flux/schnell", "OUTCOME_DELIVERED", "BILLED_YES")
    ]
    (told,) = end["files"]
    with Image.open(told["file"]) as image:
        image.load()
        assert (image.format, image.size) == ("WEBP", (told["width"], told["height"]))
        assert abs(image.width / image.height - 16 / 9) < 0.05


async def test_a_grpc_client_sees_the_failover(node: Node, running: Mesh, tmp_path: Path) -> None:
    """The refusal is told when it happens, and both attempts stand in the result."""
    await running.script("fal", {"path": "submit", "status": 503})
    lines = await generated(node, running, tmp_path / "out")
    failed = next(line for line in lines if "failed" in line)
    assert (failed["failed"], failed["outcome"], failed["billed"]) == (
        "fal/fal-ai/flux/schnell",
        "OUTCOME_REFUSED",
        "BILLED_NO",
    )
    assert [each["target"] for each in lines[-1]["attempts"]] == ["fal/fal-ai/flux/schnell", "compat/flux-schnell"]


async def test_a_grpc_client_buys_once_under_its_key(node: Node, running: Mesh, tmp_path: Path) -> None:
    """The second call replays the first, down to the bytes."""
    first = await generated(node, running, tmp_path / "first", "once")
    second = await generated(node, running, tmp_path / "second", "once")
    assert (first[0]["replayed"], second[0]["replayed"]) == (False, True)
    assert first[0]["admitted"] == second[0]["admitted"]
    assert contents(tmp_path / "first") == contents(tmp_path / "second") != []
    assert (await running.journal())["billable"] == 1


@pytest.mark.parametrize(
    ("image", "code", "reason"),
    [
        ({"model": "flux-schnel"}, "NOT_FOUND", "MODEL_NOT_FOUND"),
        ({"output": {"media_type": "text/html"}}, "INVALID_ARGUMENT", "INVALID_FIELD"),
        ({"model": "sandbox-rate-limited", "routing": {"max_wait": {}}}, "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
    ],
)
async def test_a_grpc_client_gets_typed_errors(
    node: Node, running: Mesh, tmp_path: Path, image: dict[str, Any], code: str, reason: str
) -> None:
    """The reason of the closed set travels in google.rpc.ErrorInfo, the pause in RetryInfo."""
    error = (await generated(node, running, tmp_path / "out", **image))[-1]["error"]
    assert (error["code"], error["reason"], error["domain"]) == (code, reason, "heliostat")
    assert ("retryAfterSeconds" in error) == (reason == "RATE_LIMITED")


async def test_a_grpc_client_lists_models_and_is_known_by_its_key(node: Node, running: Mesh) -> None:
    """Every route with its targets in order; without a good key nothing is told."""
    address = running.grpc_address()
    models = {line["name"]: line for line in await node.run("models.mjs", KEY=KEY, HELIOSTAT_GRPC=address)}
    assert models["flux-schnell"]["targets"] == ["fal/fal-ai/flux/schnell", "compat/flux-schnell"]
    (refused,) = await node.run("models.mjs", KEY="sk-nobody", HELIOSTAT_GRPC=address)
    assert (refused["error"]["code"], refused["error"]["reason"]) == ("UNAUTHENTICATED", "CALLER_UNKNOWN")
