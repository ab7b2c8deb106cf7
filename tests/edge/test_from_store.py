"""An edge whose pictures come from the store: the same answers, and no picture bytes in the stream."""

import base64

import pytest

from heliostat.api.image.v1 import request_pb2
from tests.edge.conftest import OpenBench
from tests.edge.scripted_ledger import PNG

PICTURES = {f"{index:032x}.png": PNG for index in range(2)}


@pytest.mark.parametrize("stored", [True, False])
async def test_base64_of_kept_pictures(edge_with: OpenBench, stored: bool) -> None:
    """The ledger is asked to keep the pictures, and what it kept is what the caller gets, else an error object."""
    async with edge_with(pictures="store") as bench:
        if stored:
            for media_id, data in PICTURES.items():
                await bench.blobs.put(f"media/{media_id[:2]}/{media_id}", data)
        body = {"model": "m", "prompt": "x", "n": 2, "response_format": "b64_json"}
        answer = await bench.client.post("/v1/images/generations", json=body)
        assert bench.ledger.asked[-1].image.output.delivery == request_pb2.DELIVERY_STORED
        if stored:
            got = [base64.b64decode(each["b64_json"]) for each in answer.json()["data"]]
            assert got == list(PICTURES.values())
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "resource_not_found")


async def test_links_and_the_picture_itself_are_as_ever(edge_with: OpenBench) -> None:
    """Only where the bytes come from changes."""
    async with edge_with(pictures="store") as bench:
        for media_id, data in PICTURES.items():
            await bench.blobs.put(f"media/{media_id[:2]}/{media_id}", data)
        body = {"model": "m", "prompt": "x"}
        answer = await bench.client.post("/v1/images/generations", json=body)
        assert "url" in answer.json()["data"][0]
        answer = await bench.client.post("/v1/images/generations", json=body, headers={"accept": "image/png"})
        assert answer.content == next(iter(PICTURES.values()))


async def test_m15_a_damaged_picture_is_not_handed_on(edge_with: OpenBench) -> None:
    """The store has other bytes than the ledger told of: an error object, and none of them."""
    async with edge_with(pictures="store") as bench:
        for media_id, data in PICTURES.items():
            await bench.blobs.put(f"media/{media_id[:2]}/{media_id}", data[:-1] + b"!")
        body = {"model": "m", "prompt": "x", "response_format": "b64_json"}
        answer = await bench.client.post("/v1/images/generations", json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (410, "resource_gone")
