"""The normal form: equal requests hash alike, any difference shows, inputs stand in it by their own hash."""

import hashlib

import pytest

from heliostat.api.image.v1 import request_pb2
from heliostat.ledger.normal_form import input_key, normal_form


def request() -> request_pb2.ImageRequest:
    """A request with options and labels in one order."""
    made = request_pb2.ImageRequest(model="m", prompt="p")
    made.provider_options["fal"]["b"] = 1
    made.provider_options["fal"]["a"] = 2
    made.tags["x"], made.tags["y"] = "1", "2"
    return made


async def test_the_order_of_options_does_not_matter() -> None:
    """Maps hash alike whatever order they were filled in."""
    other = request_pb2.ImageRequest(model="m", prompt="p")
    other.tags["y"], other.tags["x"] = "2", "1"
    other.provider_options["fal"]["a"] = 2
    other.provider_options["fal"]["b"] = 1
    assert (await normal_form(request())).hash == (await normal_form(other)).hash


@pytest.mark.parametrize("change", ["prompt", "seed", "size", "option", "input"])
async def test_every_difference_shows(change: str) -> None:
    """A seed of 0 is not no seed."""
    changed = request()
    if change == "prompt":
        changed.prompt = "P"
    elif change == "seed":
        changed.seed = 0
    elif change == "size":
        changed.size.pixels.width_px = 1
    elif change == "option":
        changed.provider_options["fal"]["a"] = 3
    else:
        changed.edit.image.data = b"x"
    assert (await normal_form(changed)).hash != (await normal_form(request())).hash


@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_inputs_become_blobs(size: int) -> None:
    """Image, mask and references, small and large; the request itself is left as it was."""
    asked = request()
    asked.edit.image.data = b"i" * size
    asked.edit.mask.data = b"m" * size
    asked.references.add().image.data = b"r" * size
    asked.references.add().image.uri = "https://example.com/a.png"
    before = asked.SerializeToString(deterministic=True)
    form = await normal_form(asked)
    assert asked.SerializeToString(deterministic=True) == before
    assert set(form.inputs) == {input_key(hashlib.sha256(each * size).digest()) for each in (b"i", b"m", b"r")}
    kept = request_pb2.ImageRequest.FromString(form.payload)
    assert kept.edit.image.blob_id in form.inputs
    assert kept.references[1].image.uri == "https://example.com/a.png"
    assert len(form.payload) < 1000
