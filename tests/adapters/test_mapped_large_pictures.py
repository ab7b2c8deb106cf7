"""Mapped providers are sent pictures of usual weight: a test's plain little ones pass where a photograph may not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import shipped
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.emulators.checked_fields import picture, read_values, text
from heliostat.emulators.exchange import Refusal, json_reply
from tests.adapters.mapped_requests import EVERY, at, work
from tests.adapters.served import media

SIDE = 256
ON_PICTURES = [
    (name, model, operation) for name, model, operation in EVERY if operation != "text_to_image" and name != "luma"
]


def grain() -> media_pb2.Media:
    """A picture that does not compress: 200 kB as a PNG."""
    pixels = np.random.default_rng(7).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return media(Image.fromarray(pixels))


@pytest.mark.parametrize(("name", "model", "operation"), ON_PICTURES)
async def test_a_picture_of_usual_weight_is_taken(
    name: str, model: str, operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Luma alone fetches pictures itself and is sent none."""
    fields = work(operation, masked=bool(models_of(shipped(name)).get(model).mask))
    wish = fields[operation]
    wish.image.CopyFrom(grain())
    if isinstance(wish, requests.Edit) and wish.HasField("mask"):
        wish.mask.CopyFrom(media(Image.new("RGB", (SIDE, SIDE), "white")))
    async with at(name, tmp_path, monkeypatch) as it:
        answer = await it.room.ask(model, **fields)
    assert answer.result.image_count == 1


def test_a_picture_has_no_bound_of_characters_and_a_text_has() -> None:
    """What bounds a picture is asked of the picture itself."""

    def fault(message: str, name: str) -> Refusal:
        return Refusal(json_reply({name: message}, 400))

    long = "a" * 200_000
    assert read_values({"image": picture(needed=True)}, {"image": long}, fault) == {"image": long}
    for given in ({}, {"image": ""}):
        with pytest.raises(Refusal):
            read_values({"image": picture(needed=True)}, given, fault)
    with pytest.raises(Refusal):
        read_values({"prompt": text()}, {"prompt": long}, fault)
