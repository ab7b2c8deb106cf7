"""A caller's pictures come in three ways, and none of them leads to anybody else's."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from heliostat.adapters.sdk import AdapterSettings, Call, MaskForm, Model
from heliostat.adapters.sdk.bench import SharedBench
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.modules import Surroundings
from heliostat.painting.blank import blank_png
from tests.adapters.served import media, opened, plain

PICTURE = blank_png(20, 10)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[SharedBench]:
    """A bench with a media store that holds one input and one picture of somebody else."""
    blobs = Blobs("memory://")
    await blobs.put("inputs/ab12", PICTURE)
    await blobs.put("media/ab/ab12.png", PICTURE)
    surroundings = Surroundings(
        name="adapter-x",
        channel=cast(Any, None),
        adapters={},
        blobs=blobs,
        database=cast(Any, None),
        clock=Clock(),
        dice=random.Random(7),
        state_dir=tmp_path,
        sandbox=False,
        secret=lambda _: bytes(32),
        draining=lambda: False,
    )
    made = SharedBench(AdapterSettings(), surroundings)
    yield made
    await made.close()


def call_of(bench: SharedBench, **fields: Any) -> Call:
    """A call as the kit makes it."""
    return Call(bench, Model("m"), requests.ImageRequest(**fields))


@pytest.mark.parametrize("source", [{"data": PICTURE}, {"blob_id": "inputs/ab12"}])
async def test_an_input_is_read_however_it_came(bench: SharedBench, source: dict[str, Any]) -> None:
    """In the message, or through the media store where it is large."""
    given = await call_of(bench).input(medias.Media(**source))
    assert given.data == PICTURE
    assert (given.media_type, given.shape.width_px, given.shape.height_px) == ("image/png", 20, 10)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({}, "input_unreadable"),
        ({"file_id": "file-1"}, "input_unreadable"),
        ({"data": b"no picture"}, "input_unreadable"),
        ({"data": PICTURE[:-4]}, "input_unreadable"),
        ({"uri": "http://169.254.169.254/latest"}, "input_unreadable"),
        ({"uri": "https://127.0.0.1/x"}, "input_unreadable"),
        ({"uri": "file:///etc/passwd"}, "input_unreadable"),
        ({"blob_id": "inputs/none"}, "resource_not_found"),
        ({"blob_id": "media/ab/ab12.png"}, "resource_not_found"),
        ({"blob_id": "../inputs/ab12"}, "resource_not_found"),
    ],
)
async def test_what_is_no_input_of_the_caller_is_refused(
    bench: SharedBench, source: dict[str, Any], reason: str
) -> None:
    """Unreadable, inside of the network, or somebody else's."""
    with pytest.raises(MeshError) as caught:
        await call_of(bench).input(medias.Media(**source))
    assert reason_name(caught.value.reason) == reason


def mask_of(kind: str) -> medias.Media:
    """The left half is to be repainted, said in one of the conventions."""
    mask = plain(20, 10, "black", "L")
    mask.paste(255, (0, 0, 10, 10))
    if kind == "white":
        return media(mask)
    inverted = mask.point(lambda value: 255 - value)
    if kind == "black":
        return media(inverted)
    picture = plain(20, 10, "white", "RGBA")
    picture.putalpha(inverted)
    return media(picture)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("white", requests.MASK_MODE_UNSPECIFIED),
        ("white", requests.MASK_MODE_WHITE_REPAINTS),
        ("black", requests.MASK_MODE_BLACK_REPAINTS),
        ("alpha", requests.MASK_MODE_UNSPECIFIED),
        ("alpha", requests.MASK_MODE_ALPHA_REPAINTS),
    ],
)
@pytest.mark.parametrize("form", list(MaskForm), ids=lambda form: form.value)
async def test_a_mask_is_turned_into_the_providers_convention(
    bench: SharedBench, kind: str, mode: "requests.MaskMode", form: MaskForm
) -> None:
    """Exact to the pixel, from any convention to any."""
    edit = requests.Edit(image=medias.Media(data=PICTURE), mask=mask_of(kind), mask_mode=mode)
    call = call_of(bench, edit=edit)
    mask = await call.mask(form, await call.input(edit.image))
    assert mask is not None
    picture = opened(mask)
    channel = picture.getchannel("A") if form is MaskForm.ALPHA_REPAINTS else picture
    repainted = 255 if form in {MaskForm.WHITE_REPAINTS, MaskForm.HARD_WHITE_REPAINTS} else 0
    assert channel.crop((0, 0, 10, 10)).getextrema() == (repainted, repainted)
    assert channel.crop((10, 0, 20, 10)).getextrema() == (255 - repainted, 255 - repainted)


async def test_a_feathered_mask_has_a_soft_border(bench: SharedBench) -> None:
    """Between repaint and keep there are steps."""
    edit = requests.Edit(image=medias.Media(data=PICTURE), mask=mask_of("white"), feather_px=3)
    call = call_of(bench, edit=edit)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, await call.input(edit.image))
    assert mask is not None
    assert len(set(opened(mask).tobytes())) > 3


async def test_an_edit_without_a_mask_has_none(bench: SharedBench) -> None:
    """Everything may change."""
    call = call_of(bench, edit=requests.Edit(image=medias.Media(data=PICTURE)))
    assert await call.mask(MaskForm.WHITE_REPAINTS, await call.input(call.request.edit.image)) is None
