"""Streams of events through the whole mesh, near and far: bought once, told as it happens, found again."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.support.event_streams import Told, names, told_by
from tests.support.loopback import PLAIN
from tests.support.mesh import KEY, Mesh, mesh

PATH = "/v1/images/generations"
GPT = {"model": "gpt-image-2", "prompt": "A harbour at dawn", "size": "1024x1024", "quality": "low", "stream": True}
FLUX = {"model": "flux-schnell", "prompt": "A harbour at dawn", "stream": True}


@pytest.fixture(params=["local", "dns"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Mesh]:
    """A mesh in one process, and one over ports; the checker of invariants runs when it ends."""
    async with mesh(tmp_path, request.param) as started:
        yield started


@pytest.fixture
async def caller(running: Mesh) -> AsyncIterator[httpx.AsyncClient]:
    """A caller who reads answers as they come."""
    async with httpx.AsyncClient(
        verify=PLAIN, base_url=running.url, headers={"authorization": f"Bearer {KEY}"}, timeout=30
    ) as client:
        yield client


async def asked(
    caller: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str] | None = None
) -> tuple[httpx.Response, list[Told]]:
    """The whole answer to a request for a stream."""
    async with caller.stream("POST", PATH, json=body, headers=headers) as response:
        return response, [told async for told in told_by(response)]


def decoded(told: Told) -> Image.Image:
    """The picture that stands in an event, wholly decoded."""
    image = Image.open(io.BytesIO(base64.b64decode(told.data["b64_json"], validate=True)))
    image.load()
    return image


async def test_previews_come_before_the_picture(running: Mesh, caller: httpx.AsyncClient) -> None:
    """As many as were asked for, from a provider that makes some; usage and cost are those of the whole call."""
    _, events = await asked(caller, GPT | {"partial_images": 2})
    openais = [each for each in events if not each.name.startswith("heliostat.")]
    assert names(openais) == [*["image_generation.partial_image"] * 2, "image_generation.completed"]
    assert names(events)[0] == "heliostat.progress:asking"
    assert [decoded(each).size for each in openais] == [(1024, 1024)] * 3
    last = openais[-1].data
    assert last["usage"]["output_tokens"] > 0
    assert last["metadata"]["cost"] > 0
    journal = await running.journal("openai")
    micros = sum(each["cost_micros"] or 0 for each in journal["entries"])
    assert (journal["billable"], micros) == (1, round(last["metadata"]["cost"] * 1e6))


async def test_providers_without_previews_give_progress_and_one_event_a_picture(
    running: Mesh, caller: httpx.AsyncClient
) -> None:
    """What cannot be had is said in the metadata; nothing is bought twice."""
    _, events = await asked(caller, FLUX | {"n": 2, "partial_images": 1})
    assert [each.name for each in events if not each.name.startswith("heliostat.")] == [
        "image_generation.completed"
    ] * 2
    assert "heliostat.progress:accepted" in names(events)
    told = [each["parameter"] for each in events[-1].data["metadata"]["adjustments"]]
    assert "partial_images" in told
    assert {decoded(each).format for each in events if "b64_json" in each.data} <= {"PNG", "JPEG", "WEBP"}


async def test_refusals_keep_their_status(running: Mesh, caller: httpx.AsyncClient) -> None:
    """An unknown model, a provider that is down: nothing was said before, so the status tells."""
    for model, status, code in (("flux-schnel", 404, "model_not_found"), ("sandbox-down", 502, "provider_unavailable")):
        answer = await caller.post(PATH, json=FLUX | {"model": model})
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    answer = await caller.post(PATH, json=FLUX | {"partial_images": 1, "strict": "refuse"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unsupported")


async def test_a_failover_within_a_stream_is_told(running: Mesh, caller: httpx.AsyncClient) -> None:
    """The first target refuses, the second delivers: one completed event."""
    await running.script("fal", {"path": "submit", "status": 503})
    _, events = await asked(caller, FLUX)
    assert names(events)[:2] == ["heliostat.progress:asking", "heliostat.progress:attempt_failed"]
    assert [each["provider"] for each in events[-1].data["metadata"]["attempts"]] == ["fal", "compat"]


async def test_an_idempotency_key_replays_a_stream(running: Mesh, caller: httpx.AsyncClient) -> None:
    """The same picture, as a stream and bought once; previews are not told again."""
    headers = {"idempotency-key": "one stream"}
    _, first = await asked(caller, GPT | {"partial_images": 1}, headers)
    response, second = await asked(caller, GPT | {"partial_images": 1}, headers)
    assert response.headers["idempotent-replayed"] == "true"
    assert second[-1].data["b64_json"] == first[-1].data["b64_json"]
    assert second[-1].data["metadata"]["replayed"] is True
    assert "image_generation.partial_image" not in [each.name for each in second]
    assert (await running.journal())["billable"] == 1


async def test_c2_who_leaves_during_a_stream_finds_its_picture(running: Mesh, caller: httpx.AsyncClient) -> None:
    """The work was bought: it goes on, is kept with its whole cost, and its job tells it again as a stream."""
    await running.script("fal", {"path": "result", "delay_s": 0.4})
    async with caller.stream("POST", PATH, json=FLUX) as response:
        request_id = response.headers["x-heliostat-request-id"]
        async for told in told_by(response):
            if told.data["stage"] == "accepted":
                break
    async with caller.stream("GET", f"/v1/jobs/{request_id}?stream=true") as response:
        events = [told async for told in told_by(response)]
    assert events[-1].name == "image_generation.completed"
    decoded(events[-1])
    assert events[-1].data["metadata"]["cost"] == 0.003
    job = (await caller.get(f"/v1/jobs/{request_id}")).json()
    assert (job["status"], job["metadata"]["cost"]) == ("completed", 0.003)
    assert (await running.journal())["billable"] == 1


async def test_a_job_under_way_is_joined_by_its_stream(running: Mesh, caller: httpx.AsyncClient) -> None:
    """Who did not wait at all may follow later: progress so far, then the picture."""
    await running.script("fal", {"path": "result", "delay_s": 2.5})
    answer = await caller.post(PATH, json=FLUX, headers={"prefer": "respond-async"})
    assert answer.status_code == 202
    async with caller.stream("GET", f"{answer.json()['url']}?stream=true") as response:
        events = [told async for told in told_by(response)]
    assert names(events)[0] == "heliostat.progress:asking"
    assert events[-1].name == "image_generation.completed"
    assert (await running.journal())["billable"] == 1


async def test_an_error_in_mid_stream_is_told_with_its_job(running: Mesh, caller: httpx.AsyncClient) -> None:
    """A preview was there, then the provider's stream ends in an error: an event, and the row says the same."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    preview = {"b64_json": base64.b64encode(file.getvalue()).decode(), "partial_image_index": 0}
    failure = {"type": "error", "error": {"message": "It broke.", "type": "server_error", "code": "server_error"}}
    body = f"event: image_generation.partial_image\ndata: {json.dumps(preview)}\n\n"
    body += f"event: error\ndata: {json.dumps(failure)}\n\n"
    stream = {"status": 200, "headers": {"content-type": "text/event-stream"}, "body": body}
    await running.script("openai", {"path": "submit", **stream})
    response, events = await asked(caller, GPT | {"partial_images": 1})
    assert response.status_code == 200
    assert names(events) == [
        "heliostat.progress:asking",
        "image_generation.partial_image",
        "heliostat.progress:attempt_failed",
        "error",
    ]
    job_id = events[-1].data["job"]["id"]
    job = (await caller.get(f"/v1/jobs/{job_id}")).json()
    assert job["status"] == "failed"
    assert job["error"]["code"] == events[-1].data["error"]["code"]


async def test_a_picture_itself_comes_under_its_own_type(running: Mesh, caller: httpx.AsyncClient) -> None:
    """Accept: image/*, near and far, with a name made of the request's id."""
    answer = await caller.post(
        PATH, json={**FLUX, "stream": False, "output_format": "webp"}, headers={"accept": "image/webp"}
    )
    assert answer.headers["content-type"] == "image/webp"
    request_id = answer.headers["x-heliostat-request-id"]
    assert answer.headers["content-disposition"] == f'inline; filename="{request_id}.webp"'
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"


async def test_streams_at_once_do_not_mix(running: Mesh, caller: httpx.AsyncClient) -> None:
    """Each caller is told of its own request only."""
    answers = await asyncio.gather(*(asked(caller, GPT | {"partial_images": 1}) for _ in range(4)))
    for response, events in answers:
        assert {each.data["request_id"] for each in events} == {response.headers["x-heliostat-request-id"]}
