"""Runware's own client against the emulated Runware: it speaks over a WebSocket and looks at what comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
import websockets

from tests.emulators.conftest import Bench, decoded, picture

runware: Any = import_module("runware")
SCHNELL, FLUX_2, ESRGAN = "runware:100@1", "bfl:5@1", "runware:500@1"
IMAGE = "data:image/png;base64," + base64.b64encode(picture((128, 64))).decode()


def address(bench: Bench) -> str:
    """Where the socket is."""
    return f"{bench.base.replace('http', 'ws')}/runware/v1"


@pytest.fixture
async def client(bench: Bench) -> AsyncIterator[Any]:
    """Runware's client, connected."""
    client: Any = runware.Runware(api_key="a-key", url=address(bench), timeout=60)
    await asyncio.wait_for(client.connect(), 60)
    yield client
    await client.disconnect()


async def shown(bench: Bench, one: Any) -> tuple[int, int]:
    """The size of a result's picture."""
    return decoded((await bench.http.get(one.imageURL)).content).size


async def test_runwares_client_draws(bench: Bench, client: Any) -> None:
    """Several pictures of one task, with seeds and costs."""
    order = runware.IImageInference(
        model=SCHNELL, positivePrompt="a boat", width=1024, height=512, numberResults=2, seed=7, includeCost=True
    )
    made = await client.imageInference(order)
    assert [(one.seed, one.cost, await shown(bench, one)) for one in made] == [
        (7, 0.00065, (1024, 512)),
        (8, 0.00065, (1024, 512)),
    ]
    assert (await bench.last("runware", "submit"))["cost_micros"] == 1_300


async def test_runwares_client_asks_again_for_what_comes_later(bench: Bench, client: Any) -> None:
    """A task is taken at once; its result is asked for by its id."""
    order = runware.IImageInference(
        model=SCHNELL, positivePrompt="a boat", width=512, height=512, deliveryMethod="async"
    )
    taken = await client.imageInference(order)
    async with asyncio.timeout(60):
        (one,) = await client.getResponse(taskUUID=taken.taskUUID)
    assert await shown(bench, one) == (512, 512)
    assert (await bench.journal("runware"))["billable"] == 1


async def test_runwares_client_edits_and_enlarges(bench: Bench, client: Any) -> None:
    """Pictures as the client sends them."""
    order = runware.IImageInference(
        model=FLUX_2, positivePrompt="red", inputs={"referenceImages": [IMAGE]}, width=1024, height=1024
    )
    edited = await client.imageInference(order)
    assert await shown(bench, edited[0]) == (1024, 1024)
    enlarge = runware.IImageUpscale(inputImage=IMAGE, upscaleFactor=2, model=ESRGAN, includeCost=True)
    grown = await client.imageUpscale(enlarge)
    assert (await shown(bench, grown[0]), grown[0].cost) == ((256, 128), 0.0038)


@pytest.mark.parametrize("fields", [{"model": "none:1@1"}, {"model": SCHNELL, "steps": 1000}])
async def test_runwares_client_reads_the_errors(bench: Bench, client: Any, fields: dict[str, Any]) -> None:
    """As an error of its own, of the task that is wrong; nothing is billed."""
    with pytest.raises(import_module("runware.utils").RunwareAPIError):
        await client.imageInference(runware.IImageInference(positivePrompt="a boat", width=512, height=512, **fields))
    assert (await bench.journal("runware"))["billable"] == 0


async def said(bench: Bench, *messages: Any) -> list[dict[str, Any]]:
    """The answers to messages over a new connection, one each."""
    async with websockets.connect(address(bench), proxy=None) as socket:
        answers = []
        for message in messages:
            await socket.send(message if isinstance(message, str) else json.dumps(message))
            answers.append(json.loads(await asyncio.wait_for(socket.recv(), 60)))
        return answers


HELLO = [{"taskType": "authentication", "apiKey": "a-key"}]


def task(**more: Any) -> dict[str, Any]:
    """A task of a square picture."""
    usual = {"taskType": "imageInference", "taskUUID": str(uuid.uuid4()), "model": SCHNELL, "positivePrompt": "a boat"}
    return {**usual, "width": 512, "height": 512, **more}


async def test_a_connection_says_its_key_first(bench: Bench) -> None:
    """And is told a session; a ping is answered, a task is done."""
    hello, pong, made = await said(bench, HELLO, [{"taskType": "ping", "ping": True}], [task()])
    assert hello["data"][0]["connectionSessionUUID"]
    assert pong == {"data": [{"taskType": "ping", "pong": True}]}
    assert made["data"][0]["imageURL"].startswith(bench.base)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([[task()]], "missingApiKey"),
        ([[{"taskType": "authentication", "apiKey": "bad"}]], "invalidApiKey"),
        ([HELLO, "no JSON"], "invalidPayload"),
        ([HELLO, {}], "invalidPayload"),
        ([HELLO, [task(model="none:1@1")]], "invalidModel"),
    ],
)
async def test_what_is_wrong_is_told_over_the_socket(bench: Bench, messages: list[Any], code: str) -> None:
    """In the words of the other face."""
    assert (await said(bench, *messages))[-1]["errors"][0]["code"] == code


async def test_a_script_holds_for_the_socket_too(bench: Bench) -> None:
    """An error under the task's own id, or an end of the connection; nothing is billed."""
    await bench.script("runware", {"status": 503, "times": 1}, {"connection": "reset"})
    wrong = task()
    assert (await said(bench, HELLO, [wrong]))[-1]["errors"][0]["taskUUID"] == wrong["taskUUID"]
    with pytest.raises(websockets.ConnectionClosedError):
        await said(bench, HELLO, [task()])
    assert (await bench.journal("runware"))["billable"] == 0
