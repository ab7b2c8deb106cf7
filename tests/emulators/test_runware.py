"""The emulated Runware: tasks in arrays, at once or later, what they cost, its errors."""

from __future__ import annotations

import asyncio
import base64
import uuid
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench, decoded, picture

KEY = {"authorization": "Bearer a-key"}
SCHNELL, DEV = "runware:100@1", "runware:101@1"


def data_uri(data: bytes) -> str:
    """A picture as tasks carry it."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


IMAGE = data_uri(picture((128, 64)))


def task(model: str = SCHNELL, **more: Any) -> dict[str, Any]:
    """A task of a square picture, unless more is said."""
    size = {} if more.keys() & {"seedImage", "referenceImages", "inputs"} else {"width": 1024, "height": 1024}
    usual = {"taskType": "imageInference", "taskUUID": str(uuid.uuid4()), "model": model, "includeCost": True}
    return {**usual, "positivePrompt": "a boat", **size, **more}


def tool(kind: str, model: str, **more: Any) -> dict[str, Any]:
    """A task of a tool."""
    usual = {"taskType": kind, "taskUUID": str(uuid.uuid4()), "model": model, "includeCost": True}
    return {**usual, "inputImage": IMAGE, "outputFormat": "PNG", **more}


async def asked(bench: Bench, *tasks: dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    """Post tasks."""
    return await bench.http.post("/runware/v1", json=list(tasks), headers=KEY if headers is None else headers)


async def test_tasks_are_done_at_once(bench: Bench) -> None:
    """Each result has its task's id and cost; pictures are JPEG unless another format is asked for."""
    given = task(numberResults=2, seed=7)
    answer = (await asked(bench, given)).json()
    assert [(one["taskUUID"], one["seed"], one["cost"]) for one in answer["data"]] == [
        (given["taskUUID"], 7, 0.0013),
        (given["taskUUID"], 8, 0.0013),
    ]
    assert all("NSFWContent" not in one and "status" not in one for one in answer["data"])
    image = decoded((await bench.http.get(answer["data"][0]["imageURL"])).content)
    assert (image.format, image.size) == ("JPEG", (1024, 1024))
    entry = await bench.last("runware", "submit")
    assert (entry["billed"], entry["cost_micros"], entry["request_id"]) == (True, 2_600, given["taskUUID"])


async def test_a_task_is_done_later(bench: Bench) -> None:
    """The submit tells its id only; looks tell the rest."""
    given = task(deliveryMethod="async")
    submitted = (await asked(bench, given)).json()
    assert submitted == {"data": [{"taskType": "imageInference", "taskUUID": given["taskUUID"]}]}
    async with asyncio.timeout(30):
        while True:
            look = {"taskType": "getResponse", "taskUUID": given["taskUUID"]}
            (state,) = (await asked(bench, look)).json()["data"]
            if state["status"] != "processing":
                break
    assert (state["status"], state["taskType"], state["cost"]) == ("success", "imageInference", 0.0013)
    assert not (await bench.last("runware", "status"))["billed"]


async def test_a_task_is_taken_once(bench: Bench) -> None:
    """Its id is the key against doing it twice."""
    given = task()
    assert (await asked(bench, given)).status_code == 200
    again = await asked(bench, given)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (409, "conflictTaskUUID")
    assert (await bench.journal("runware"))["billable"] == 1


async def test_one_task_may_fail_beside_another(bench: Bench) -> None:
    """An answer holds both, matched by id."""
    good, bad = task(), task(width=1000)
    answer = await asked(bench, good, bad)
    content = answer.json()
    assert answer.status_code == 200
    assert [one["taskUUID"] for one in content["data"]] == [good["taskUUID"]]
    assert [(one["taskUUID"], one["parameter"]) for one in content["errors"]] == [(bad["taskUUID"], "width")]


@pytest.mark.parametrize(
    ("given", "size", "micros"),
    [
        (task(width=512, height=512), (512, 512), 325),
        (task(DEV, seedImage=IMAGE, strength=0.5), (128, 64), 30),
        (task(DEV, seedImage=IMAGE, outpaint={"left": 64, "top": 64}, width=192, height=128), (192, 128), 89),
        (task("runware:106@1", referenceImages=[IMAGE, IMAGE]), (128, 64), 82),
        (task("bfl:5@1", inputs={"referenceImages": [IMAGE]}), (128, 64), 30_000),
        (task("google:4@1", width=1344, height=768), (1344, 768), 39_000),
        (tool("imageUpscale", "runware:503@1", upscaleFactor=4), (512, 256), 4_500),
        (tool("imageBackgroundRemoval", "runware:110@1"), (128, 64), 600),
    ],
)
async def test_a_task_makes_its_size_for_its_price(
    bench: Bench, given: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """Open models by their pixels, partners' by the picture."""
    (told,) = (await asked(bench, given)).json()["data"]
    assert decoded((await bench.http.get(told["imageURL"])).content).size == size
    assert told["cost"] == micros / 1_000_000
    assert (await bench.last("runware", "submit"))["cost_micros"] == micros


async def test_faces_are_found(bench: Bench) -> None:
    """As a mask, and as boxes."""
    (told,) = (await asked(bench, tool("imageMasking", "runware:35@1"))).json()["data"]
    assert decoded((await bench.http.get(told["maskImageURL"])).content).size == (128, 64)
    assert told["detections"][0]["x_max"] == 128


@pytest.mark.parametrize("kind", ["base64Data", "dataURI"])
async def test_pictures_come_in_the_answer_as_well(bench: Bench, kind: str) -> None:
    """In place of an address."""
    (told,) = (await asked(bench, task(outputType=kind, outputFormat="PNG"))).json()["data"]
    text = told["imageBase64Data"] if kind == "base64Data" else told["imageDataURI"].partition(",")[2]
    assert decoded(base64.b64decode(text)).format == "PNG"
    assert "imageURL" not in told


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (task("no:such@1"), "invalidModel"),
        (task("runware:110@1"), "invalidModel"),
        (task(taskUUID="7"), "invalidTaskUUID"),
        (task(taskUUID=str(uuid.uuid1())), "invalidTaskUUID"),
        (task(positivePrompt="x"), "invalidPositivePrompt"),
        (task(width=2112), "invalidWidth"),
        (task(height=None), "invalidHeight"),
        (task("google:4@1", width=1000), "unsupportedDimensions"),
        (task(steps=0), "invalidSteps"),
        (task(seed=True), "invalidSeed"),
        (task(numberResults=21), "invalidNumberResults"),
        (task("bfl:5@1", numberResults=5), "invalidNumberResults"),
        (task(outputFormat="GIF"), "invalidOutputFormat"),
        (task(negativePrompt="cats"), "unsupportedParameter"),
        (task(seedImage=IMAGE), "unsupportedParameter"),
        (task("bfl:5@1", referenceImages=[IMAGE]), "unsupportedParameter"),
        (task("runware:108@20"), "missingReferenceImages"),
        (task(DEV, maskImage=IMAGE), "missingSeedImage"),
        (task(DEV, seedImage="no picture"), "invalidSeedImage"),
        (task(DEV, seedImage=IMAGE, outpaint={"left": 60}, width=192, height=128), "invalidOutpaint"),
        (tool("imageUpscale", "runware:500@1", upscaleFactor=4), "invalidUpscaleFactor"),
        (tool("imageUpscale", "runware:500@1", inputImage=None), "missingInputImage"),
    ],
)
async def test_a_wrong_task_is_named(bench: Bench, given: dict[str, Any], code: str) -> None:
    """By a code of its own; nothing runs."""
    answer = await asked(bench, given)
    assert (answer.status_code, [one["code"] for one in answer.json()["errors"]]) == (400, [code])
    assert (await bench.journal("runware"))["billable"] == 0


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "missingApiKey"),
        ({"authorization": "Bearer bad"}, 401, "invalidApiKey"),
        ({"authorization": "Bearer poor"}, 402, "insufficientCredits"),
        ({"authorization": "Bearer other"}, 403, "forbidden"),
    ],
)
async def test_keys(bench: Bench, headers: dict[str, str], status: int, code: str) -> None:
    """In the header."""
    answer = await asked(bench, task(), headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


async def test_a_key_may_be_a_task(bench: Bench) -> None:
    """The first of the array."""
    answer = await asked(bench, {"taskType": "authentication", "apiKey": "a-key"}, task(), headers={})
    first, second = answer.json()["data"]
    assert (first["taskType"], second["taskType"]) == ("authentication", "imageInference")
    assert first["connectionSessionUUID"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[7]"])
async def test_a_body_that_is_no_array_of_tasks_is_refused(bench: Bench, body: bytes) -> None:
    """Whatever else it is."""
    answer = await bench.http.post("/runware/v1", content=body, headers=KEY)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "invalidPayload")


async def test_unsafe_things(bench: Bench) -> None:
    """A partner refuses them for nothing; what is only looked at is billed."""
    (refused,) = (await asked(bench, task(positivePrompt="NSFW"))).json()["errors"]
    assert (refused["code"], "moderation" in refused["responseContent"]) == ("providerError", True)
    looked = task(positivePrompt="gore", numberResults=2, safety={"checkContent": True})
    assert [one["NSFWContent"] for one in (await asked(bench, looked)).json()["data"]] == [True, False]
    assert (await bench.journal("runware"))["billable"] == 1


async def test_a_task_that_nobody_knows(bench: Bench) -> None:
    """Is not found."""
    look = {"taskType": "getResponse", "taskUUID": str(uuid.uuid4())}
    assert (await asked(bench, look)).status_code == 404
