"""Operations on pictures on a real socket: what is refused, what comes back, and that large bodies hold nobody up."""

import asyncio
import base64
import gc
import http.client
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.edge.picture_operations import PICTURE_OPERATIONS
from tests.edge.conftest import Bench, OpenBench
from tests.edge.scripted_ledger import PNG, Script, admitted, picture_events, result

DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
ROUTES = [f"/v1{each.path}" for each in PICTURE_OPERATIONS]
MIB = 1024 * 1024


def body_for(path: str, **words: Any) -> dict[str, Any]:
    """A body that the route takes."""
    body: dict[str, Any] = {"model": "flux-schnell", "image": DATA_URL}
    if path.endswith(("edits", "styles")):
        body["prompt"] = "p"
    if path.endswith("outpaints"):
        body["left"] = 8
    return {**body, **words}


@pytest.mark.parametrize("path", [*ROUTES, *(f"/openai{path}" for path in ROUTES)])
async def test_every_route_answers_as_the_images_api_does(bench: Bench, path: str) -> None:
    """Under both bases: id, created, data, metadata."""
    answer = await bench.client.post(path, json=body_for(path))
    assert answer.status_code == 200, answer.text
    assert {"id", "created", "data", "metadata"} <= set(answer.json())
    assert set(answer.json()["data"][0]) == {"url"}


@pytest.mark.parametrize("path", ROUTES)
async def test_a_dry_run_asks_for_a_price(bench: Bench, path: str) -> None:
    """Nobody is asked for pictures, with or without pictures too large to travel."""
    large = "data:image/png;base64," + base64.b64encode(PNG + bytes(4_000_000)).decode()
    for image in (DATA_URL, large, {"file_id": "file-1"}):
        answer = await bench.client.post(f"{path}?dryRun=true", json=body_for(path, image=image))
        assert (answer.status_code, answer.json()["object"]) == (200, "image.estimate"), answer.text
    assert bench.ledger.asked == []
    assert len(bench.ledger.priced) == 3


@pytest.mark.parametrize(
    ("path", "words", "param"),
    [
        ("edits", {"scale_factor": 17}, "scale_factor"),
        ("edits", {"scale_factor": "much"}, "scale_factor"),
        ("edits", {"scale_factor": 2, "mask": DATA_URL}, "mask"),
        ("edits", {"prompt": None}, "prompt"),
        ("upscales", {"scale_factor": 1}, "scale_factor"),
        ("upscales", {"scale_factor": 2, "size": "64x64"}, "size"),
        ("upscales", {"creativity": 1.1}, "creativity"),
        ("upscales", {"images": [DATA_URL]}, "image"),
        ("upscales", {"mask": DATA_URL}, "mask"),
        ("upscales", {"model": None}, "model"),
        ("variations", {"similarity": -1}, "similarity"),
        ("backgrounds", {"image": None}, "image"),
        ("backgrounds", {"style_image": DATA_URL}, "style_image"),
        ("segments", {"points": [[1]]}, "points.0"),
        ("segments", {"points": [[-1, 2]]}, "points.0.x"),
        ("segments", {"points": [{"x": 1, "y": 2, "z": 3}]}, "points.0.z"),
        ("segments", {"boxes": [[5, 5, 5, 9]]}, "boxes.0"),
        ("segments", {"boxes": [[1, 2, 3, True]]}, "boxes.0.bottom"),
        ("segments", {"labels": ["a"] * 65}, "labels"),
        ("segments", {"labels": [""]}, "labels.0"),
        ("styles", {"prompt": " "}, "style"),
        ("styles", {"style_image": 7}, "style_image"),
        ("outpaints", {"left": 0}, "left"),
        ("outpaints", {"left": 16_385}, "left"),
        ("outpaints", {"left": 1.5}, "left"),
        ("outpaints", {"left": True}, "left"),
    ],
)
async def test_what_makes_no_sense_is_refused(bench: Bench, path: str, words: dict[str, Any], param: str) -> None:
    """400 under the name of the field, in JSON; nobody is asked."""
    answer = await bench.client.post(f"/v1/images/{path}", json=body_for(path, **words))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert answer.json()["error"]["message"]
    assert bench.ledger.asked == []


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ([("labels", "a cat")], ["a cat"]),
        ([("labels", "a cat"), ("labels", "a dog")], ["a cat", "a dog"]),
        ([("labels[]", "a cat"), ("labels[]", "a dog")], ["a cat", "a dog"]),
        ([("labels", '["a cat", "a dog"]')], ["a cat", "a dog"]),
        ([("labels", "a cat"), ("prompt", "a dog")], ["a cat", "a dog"]),
        ([], []),
    ],
)
async def test_labels_in_forms(bench: Bench, fields: list[tuple[str, str]], labels: list[str]) -> None:
    """Once, several times, as a list in JSON: people and libraries write all of them."""
    parts = [(name, (None, value)) for name, value in [("model", "m"), *fields]]
    files: Any = [*parts, ("image", ("p.png", PNG, "image/png"))]
    answer = await bench.client.post("/v1/images/segments", files=files)
    assert answer.status_code == 200, answer.text
    assert list(bench.ledger.asked[0].image.segment.labels) == labels


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ([("provider[only][]", "fal"), ("provider[only][]", "bfl")], "provider", {"only": ["fal", "bfl"]}),
        ([("provider[sort]", "price")], "provider", {"sort": "price"}),
        ([("models[]", "sdxl")], "models", ["sdxl"]),
        ([("tags[team]", "art"), ("tags[job]", "7")], "tags", {"team": "art", "job": "7"}),
        ([("provider_options[fal][steps]", "4")], "provider_options", {"fal": {"steps": "4"}}),
        ([("svg[reasoning][effort]", "low")], "svg", {"reasoning": {"effort": "low"}}),
        (
            [("points[][x]", "1"), ("points[][y]", "2"), ("points[][x]", "3"), ("points[][y]", "4")],
            "points",
            [{"x": 1, "y": 2}, {"x": 3, "y": 4}],
        ),
    ],
)
async def test_lists_and_objects_in_forms(bench: Bench, fields: list[tuple[str, str]], name: str, value: Any) -> None:
    """As OpenAI's libraries write what they are given beside their own parameters: as JSON it means the same."""
    parts: Any = [(key, (None, text)) for key, text in [("model", "m"), *fields]]
    answer = await bench.client.post("/v1/images/segments", files=[*parts, ("image", ("p.png", PNG, "image/png"))])
    assert answer.status_code == 200, answer.text
    body = {"model": "m", "image": DATA_URL, name: value}
    assert (await bench.client.post("/v1/images/segments", json=body)).status_code == 200
    assert bench.ledger.asked[0].image == bench.ledger.asked[1].image


@pytest.mark.parametrize(
    "fields",
    [
        [("provider[only][]", "fal"), ("provider[only][x]", "bfl")],
        [("tags[team]", "art"), ("tags[team]", "music")],
        [("tags[]", "art"), ("tags[team]", "music")],
        [("models[a]", "sdxl")],
        [("points[][]", "1"), ("points[][]", "2")],
    ],
)
async def test_contradictions_in_forms(bench: Bench, fields: list[tuple[str, str]]) -> None:
    """400 under the name of the field."""
    parts: Any = [(key, (None, text)) for key, text in [("model", "m"), *fields]]
    answer = await bench.client.post("/v1/images/segments", files=[*parts, ("image", ("p.png", PNG, "image/png"))])
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(fields[0][0].partition("[")[0])


def masks(*labels: str) -> Script:
    """Delivers one mask for each label, as bytes or as kept ones, as was asked for."""

    async def script(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        kept = request.image.output.delivery == 2
        events = [admitted(request)]
        for index, label in enumerate(labels):
            one = picture_events(index, PNG, media_id=f"{index:032x}.png" if kept else "")
            one[0].media_started.MergeFrom(media_pb2.MediaInfo(role=media_pb2.MEDIA_ROLE_MASK, label=label))
            events += one
        events.append(event_pb2.ImageEvent(completed=result(len(labels))))
        yield router_pb2.GenerateResponse(events=events)

    return script


@pytest.mark.parametrize("form", ["url", "b64_json"])
async def test_masks_come_with_their_labels(bench: Bench, form: str) -> None:
    """Beside each picture, and in the metadata; a segment without a name has none."""
    bench.ledger.script = masks("cat", "")
    body = body_for("segments", response_format=form)
    answer = (await bench.client.post("/v1/images/segments", json=body)).json()
    assert [set(entry) for entry in answer["data"]] == [{form, "label"}, {form}]
    assert answer["data"][0]["label"] == "cat"
    told = [(image["role"], image["label"]) for image in answer["metadata"]["images"]]
    assert told == [("mask", "cat"), ("mask", None)]


def a_large_form(field: str, size: int) -> bytes:
    """A form with a picture of `size` bytes."""
    head = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    words = head % (b"model", b"flux-schnell") + head % (b"prompt", b"p")
    part = b'--b\r\nContent-Disposition: form-data; name="%b"; filename="p.png"\r\n\r\n' % field.encode()
    return words + part + PNG + os.urandom(size) + b"\r\n--b--\r\n"


def post(url: str, path: str, body: bytes) -> int:
    """Sends a form from a thread of its own; gives the status."""
    connection = http.client.HTTPConnection("127.0.0.1", int(url.rsplit(":", 1)[1]), timeout=60)
    try:
        head = {"content-type": "multipart/form-data; boundary=b", "authorization": "Bearer good"}
        connection.request("POST", path, body, head)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/v1/images/edits", "/v1/images/upscales"])
async def test_a_form_of_fifty_megabytes_holds_nobody_up(bench: Bench, path: str) -> None:
    """Between two turns of the loop its thread never computes for 50 ms, while the body is read, hashed and stored."""
    body = a_large_form("image", 50_000_000)
    await bench.client.get("/healthz")
    sending = asyncio.create_task(asyncio.to_thread(post, bench.url, path, body))
    spent: list[float] = []
    # What other tests have left for the collector is not the edge's to compute.
    gc.disable()
    try:
        before = time.thread_time()
        while not sending.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            spent.append(now - before)
            before = now
    finally:
        gc.enable()
    assert sending.result() == 200
    assert bench.ledger.asked[0].image.WhichOneof("operation") in ("edit", "upscale")
    assert len(spent) > 100
    assert max(spent) < 0.05


@pytest.mark.parametrize("path", [*ROUTES, "/v1/images/generations", "/v1/files"])
async def test_too_much_is_refused_before_it_is_read(bench: Bench, path: str) -> None:
    """C7: two gibibytes that are declared, and encoded bodies, are refused at their head."""
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\n"
    kind = "content-type: multipart/form-data; boundary=b\r\n"
    for more, status in (
        ("content-length: 2147483648\r\n", 413),
        ("content-encoding: gzip\r\ncontent-length: 9\r\n", 415),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]))
        writer.write((head + kind + more + "\r\n").encode())
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        writer.close()
    assert bench.ledger.asked == []


async def test_a_body_without_an_end_is_cut(edge_with: OpenBench) -> None:
    """C7: a form that goes on and on is 413 once the limit is passed; little more is taken from its sender."""
    async with edge_with(max_body_bytes=2 * MIB) as bench:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]))
        head = b"POST /v1/images/edits HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        writer.write(head + b"content-type: multipart/form-data; boundary=b\r\n\r\n")
        part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p"\r\n\r\n'
        writer.write(b"%x\r\n" % len(part) + part + b"\r\n")
        piece, sent = b"10000\r\n" + bytes(65_536) + b"\r\n", 0
        answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        while not answer.done() and sent < 64 * MIB:
            writer.write(piece)
            sent += 65_536
            try:
                async with asyncio.timeout(0.5):
                    await writer.drain()
            except (TimeoutError, ConnectionError):
                break
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(answer, 30)).startswith(b"HTTP/1.1 413 ")
        # What lies in the buffers of both sides was sent and never taken.
        assert sent < 16 * MIB
        writer.close()


async def test_json_with_large_pictures_goes_through_the_blobs(bench: Bench) -> None:
    """As forms do: what travels is a name."""
    large = PNG + os.urandom(4_000_000)
    body = body_for("upscales", image="data:image/png;base64," + base64.b64encode(large).decode())
    answer = await bench.client.post("/v1/images/upscales", content=orjson.dumps(body))
    assert answer.status_code == 200, answer.text
    media = bench.ledger.asked[0].image.upscale.image
    assert media.WhichOneof("source") == "blob_id"
    assert await bench.blobs.get(media.blob_id) == large
