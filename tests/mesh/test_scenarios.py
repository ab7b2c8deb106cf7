"""What a client sees of the whole mesh: the same in one process, over unix sockets and over ports."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.mesh import KEY, KINDS, Mesh, mesh

SUNSET = {"model": "flux-schnell", "prompt": "A sunset over mountains", "size": "16:9", "output_format": "webp"}


@pytest.fixture(params=KINDS)
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh at each kind of address; the checker runs when it ends."""
    async with mesh(tmp_path, request.param) as started:
        yield started


def picture(data: bytes) -> Image.Image:
    """The picture behind encoded bytes, wholly decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def told(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(provider, outcome, reason) of every attempt of an answer."""
    return [(each["provider"], each["outcome"], each.get("reason") or "") for each in answer["metadata"]["attempts"]]


async def test_from_a_curl_to_a_picture(running: Mesh) -> None:
    """A 16:9 WebP with provider, cost, attempts, timing and trace in the answer."""
    answer = await running.generate(**SUNSET)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    image = picture((await running.http.get(body["data"][0]["url"])).content)
    assert image.format == "WEBP"
    assert abs(image.width / image.height - 16 / 9) < 0.02
    metadata = body["metadata"]
    assert (metadata["provider"], metadata["executed_model"]) == ("fal", "fal/fal-ai/flux/schnell")
    assert metadata["cost"] == 0.003
    assert metadata["cost_currency"] == "USD"
    assert metadata["sandbox"] is True
    assert told(body) == [("fal", "delivered", "")]
    assert set(metadata["timing"]) == {"queue", "provider", "download", "convert", "store", "total"}
    assert len(metadata["trace_id"]) == 32
    assert answer.headers["x-heliostat-provider"] == "fal"
    assert answer.headers["x-heliostat-trace-id"] == metadata["trace_id"]
    assert (await running.journal())["billable"] == 1


async def test_several_pictures_as_base64(running: Mesh) -> None:
    """n pictures come as n entries, never both url and base64."""
    answer = (await running.generate(model="mock-image", prompt="x", n=3, response_format="b64_json")).json()
    assert [set(entry) & {"url", "b64_json"} for entry in answer["data"]] == [{"b64_json"}] * 3
    for entry in answer["data"]:
        picture(base64.b64decode(entry["b64_json"]))


async def test_a_503_goes_to_the_next_provider(running: Mesh) -> None:
    """The answer's attempts say who failed and why, and what was billed."""
    await running.script("fal", {"path": "submit", "status": 503})
    body = (await running.generate(**SUNSET)).json()
    assert told(body) == [("fal", "refused", "provider_unavailable"), ("compat", "delivered", "")]
    assert [attempt["billed"] for attempt in body["metadata"]["attempts"]] == ["no", "no"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stall_past_the_targets_time_out_goes_to_the_next_provider(kind: str, tmp_path: Path) -> None:
    """Nobody knows whether the stalled attempt was bought; the answer says so."""
    first = {"target": "fal/fal-ai/flux/schnell", "priority": 0, "timeout_s": 2}
    route = {"model": "flux-schnell", "targets": [first, {"target": "compat/flux-schnell", "priority": 1}]}
    async with mesh(tmp_path, kind, {"router": {"routes": [route]}}) as running:
        await running.script("fal", {"path": "submit", "stall_after_bytes": 5})
        answer = await running.generate(**SUNSET)
    assert answer.status_code == 200, answer.text
    attempts = answer.json()["metadata"]["attempts"]
    assert [attempt["provider"] for attempt in attempts] == ["fal", "compat"]
    assert attempts[0]["reason"] == "provider_timeout"
    assert attempts[0]["billed"] == "unknown"


@pytest.mark.parametrize(
    ("status", "body", "seen", "code"),
    [
        (
            422,
            {"detail": [{"loc": ["body", "prompt"], "msg": "bad prompt", "type": "value_error"}]},
            400,
            "invalid_field",
        ),
        (401, {"detail": "Cannot access application. Authentication is required."}, 502, "provider_auth_failed"),
    ],
)
async def test_bad_requests_and_refused_keys_never_fail_over(
    running: Mesh, status: int, body: dict[str, Any], seen: int, code: str
) -> None:
    """No second provider is asked, and the provider's 401 is not the caller's."""
    await running.script("fal", {"path": "submit", "status": status, "body": body})
    answer = await running.generate(**SUNSET)
    assert answer.status_code == seen, answer.text
    assert answer.json()["error"]["code"] == code
    assert (await running.journal("compat"))["entries"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "flux-schnel", "prompt": "x"}, 404, "model_not_found"),
        ({"model": "sandbox-rate-limited", "prompt": "x", "max_wait": 0}, 429, "rate_limit_exceeded"),
        ({"model": "sandbox-down", "prompt": "x"}, 502, "provider_unavailable"),
        ({"model": "mock-image", "prompt": "x", "size": "big"}, 400, None),
    ],
)
async def test_errors_are_openais(running: Mesh, body: dict[str, Any], status: int, code: str | None) -> None:
    """Every failure is OpenAI's error object, with a sentence and a request id."""
    answer = await running.generate(**body)
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert code is None or error["code"] == code
    assert answer.headers["x-request-id"]


async def test_a_wrong_key_is_401(running: Mesh) -> None:
    """And it is not repeated in the answer."""
    answer = await running.generate({"Authorization": "Bearer nobody-knows-me"}, **SUNSET)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert "nobody-knows-me" not in answer.text


async def test_the_same_key_and_request_is_bought_once(running: Mesh) -> None:
    """Twenty at once and one later: one purchase, one picture, the later ones marked as replayed."""
    headers = {"Idempotency-Key": "once"}
    answers = await asyncio.gather(*(running.generate(headers, **SUNSET) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    again = await running.generate(headers, **SUNSET)
    assert again.headers["idempotent-replayed"] == "true"
    assert {answer.json()["id"] for answer in (*answers, again)} == {again.json()["id"]}
    assert (await running.journal())["billable"] == 1
    other = await running.generate(headers, **{**SUNSET, "prompt": "Another"})
    assert other.status_code == 422


async def test_an_edit_changes_only_what_the_mask_says(running: Mesh) -> None:
    """Multipart with OpenAI's mask (transparent = edit), on the studio."""
    ground = Image.new("RGB", (128, 128), (20, 90, 200))
    mask = Image.new("RGBA", (128, 128), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (64, 0, 128, 128))
    files = {"image": ("a.png", png(ground), "image/png"), "mask": ("m.png", png(mask), "image/png")}
    fields = {"model": "studio", "prompt": "a red circle", "response_format": "b64_json"}
    answer = await running.http.post("/v1/images/edits", data=fields, files=files)
    assert answer.status_code == 200, answer.text
    edited = picture(base64.b64decode(answer.json()["data"][0]["b64_json"])).convert("RGB")
    assert edited.crop((0, 0, 64, 128)).tobytes() == ground.crop((0, 0, 64, 128)).tobytes()
    assert edited.crop((64, 0, 128, 128)).tobytes() != ground.crop((64, 0, 128, 128)).tobytes()


def png(image: Image.Image) -> bytes:
    """The image as PNG."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


async def test_an_edit_reaches_openai_with_its_mask(running: Mesh) -> None:
    """gpt-image-2 answers base64 by default, billed by tokens."""
    square = png(Image.new("RGB", (1024, 1024), (20, 90, 200)))
    mask = png(Image.new("RGBA", (1024, 1024), (0, 0, 0, 0)))
    files = {"image": ("a.png", square, "image/png"), "mask": ("m.png", mask, "image/png")}
    fields = {"model": "gpt-image-2", "prompt": "a moon", "quality": "low"}
    answer = await running.http.post("/v1/images/edits", data=fields, files=files)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert "b64_json" in body["data"][0]
    assert body["usage"]["output_tokens"] > 0
    assert body["metadata"]["cost"] > 0


async def test_models_tell_their_names(running: Mesh) -> None:
    """The list has every route, and one model can be looked at by alias."""
    listed = (await running.http.get("/openai/v1/models")).json()
    assert {"flux-schnell", "gpt-image-2", "studio", "mock-image"} <= {model["id"] for model in listed["data"]}
    assert (await running.http.get("/v1/models/flux-schnell")).json()["object"] == "model"
    assert (await running.http.get("/v1/models/nothing")).status_code == 404


async def test_no_key_leaves_the_mesh_in_the_clear(running: Mesh) -> None:
    """Neither the metrics nor the files of the ledger hold the caller's key."""
    await running.generate(**SUNSET)
    assert KEY not in (await running.http.get("/metrics")).text
    for path in running.state_dir.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
