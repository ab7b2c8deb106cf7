"""Pictures are converted where that is asked for, in a worker, and nowhere else."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image, ImageCms

from heliostat.adapters.mock import MODULE
from heliostat.adapters.openai import MODULE as OPENAI
from heliostat.adapters.sdk.convert import ENCODABLE, Darkroom
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.painting.blank import blank_png
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import Room, opened, pixels, served

SMALL = pixels(64, 48)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png(picture: Image.Image, **options: Any) -> bytes:
    """The picture as a PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG", **options)
    return out.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture that no format shrinks to nothing."""
    return Image.effect_noise(size, 60).convert(mode)


@pytest.fixture
async def darkroom() -> AsyncIterator[Darkroom]:
    """A pool of one worker."""
    made = Darkroom()
    yield made
    await made.close()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The mock, which delivers PNGs."""
    async with served(MODULE, tmp_path) as one:
        yield one


async def test_every_kind_of_picture_becomes_every_format(darkroom: Darkroom) -> None:
    """Grey, with transparency, with a palette, with ink; the size stays, and so does the colour profile."""
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1"):
        data = png(noise("RGBA").convert(mode) if mode == "LA" else noise().convert(mode), icc_profile=PROFILE)
        for media_type in ENCODABLE:
            made = (await darkroom.convert(data, media_type, None)).data
            shape = read_shape(made)
            assert (shape.media_type, shape.width_px, shape.height_px) == (media_type, 64, 48), mode
            if media_type in {"image/png", "image/jpeg", "image/webp"}:
                assert opened(made).info.get("icc_profile") == PROFILE, (mode, media_type)


async def test_less_quality_is_fewer_bytes(darkroom: Darkroom) -> None:
    """In every format that is lossy."""
    data = png(noise())
    for media_type in ("image/jpeg", "image/webp", "image/avif"):
        sizes = [len((await darkroom.convert(data, media_type, percent)).data) for percent in (5, 50, 95)]
        assert sizes == sorted(set(sizes)), media_type


async def test_the_loop_goes_on_while_a_picture_is_converted(darkroom: Darkroom) -> None:
    """Counted in turns of the loop: a conversion on it would leave none."""
    data = png(Image.effect_noise((1600, 1200), 60).convert("RGB"), compress_level=1)
    await darkroom.convert(blank_png(8, 8), "image/webp", None)
    turns = 0
    work = asyncio.create_task(darkroom.convert(data, "image/webp", 80))
    while not work.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert read_shape((await work).data).media_type == "image/webp"
    assert turns > 20


@pytest.mark.parametrize("data", [b"", b"no picture", blank_png(64, 64)[:-20], b"\x89PNG\r\n\x1a\n" + bytes(64)])
async def test_what_cannot_be_read_cannot_be_converted(darkroom: Darkroom, data: bytes) -> None:
    """The worker lives on."""
    with pytest.raises(ValueError, match=r"."):
        await darkroom.convert(data, "image/webp", None)
    assert (await darkroom.convert(blank_png(8, 8), "image/webp", None)).data


async def test_no_worker_is_started_where_nothing_is_converted(room: Room) -> None:
    """Nobody asked for it: the provider's own bytes, and no time for converting."""
    for output in (requests.Output(), requests.Output(media_type="image/png"), requests.Output(compression_percent=5)):
        answer = await room.ask("mock-image", size=SMALL, output=output)
        assert answer.pictures == [blank_png(64, 48, (240, 180, 60))]
        assert not answer.result.timing.HasField("convert")


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            requests.Output(media_type="image/webp"),
            {"output_format": ("image/webp", "image/png", "image/webp", event_pb2.ADJUSTMENT_MODE_EMULATED)},
        ),
        (
            requests.Output(media_type="image/jpeg", compression_percent=30),
            {"output_format": ("image/jpeg", "image/png", "image/jpeg", event_pb2.ADJUSTMENT_MODE_EMULATED)},
        ),
    ],
)
async def test_a_conversion_is_told_with_what_was_delivered(
    room: Room, output: requests.Output, told: dict[str, Any]
) -> None:
    """Asked, sent and delivered; it is no reason to refuse a strict request."""
    answer = await room.ask("mock-image", size=SMALL, output=output, strict=requests.STRICT_REFUSE)
    adjustments = {one.parameter: one for one in answer.result.adjustments}
    assert {
        name: (one.requested, one.sent, one.delivered, one.mode) for name, one in adjustments.items() if name in told
    } == told
    assert answer.of("media_started")[0].media_type == output.media_type


def damaged(data: bytes, place: int) -> bytes:
    """The file with one bit turned over."""
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


NOISY = png(noise(size=(300, 200)))
LARGE = png(noise(size=(1200, 900)))
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@asynccontextmanager
async def answering(data: bytes, folder: Path) -> AsyncIterator[Room]:
    """A provider that says that this is a picture."""
    body = orjson.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}]})

    async def answer(exchange: Exchange) -> None:
        await exchange.answer(200, body, content_type="application/json")

    async with (
        raw_server(answer) as server,
        served(OPENAI, folder, {"base_url": server.base, "compatible": True}) as one,
    ):
        yield one


@pytest.mark.parametrize("wanted", ["", "image/webp"])
@pytest.mark.parametrize(
    "data",
    [
        b"no picture at all",
        b"<!doctype html><html><body>Sign in</body></html>",
        SVG,
        damaged(NOISY, 40),
        damaged(NOISY, len(NOISY) // 2),
        damaged(LARGE, len(LARGE) // 2),
        NOISY[: len(NOISY) // 2],
    ],
    ids=["bytes", "HTML", "SVG with a script", "broken head", "broken pixels", "broken large pixels", "cut off"],
)
async def test_u22_what_is_no_sound_picture_is_no_success(data: bytes, wanted: str, tmp_path: Path) -> None:
    """Whatever type the provider says that it is."""
    async with answering(data, tmp_path) as one:
        answer = await one.ask("any", output=requests.Output(media_type=wanted))
    assert reason_name(answer.failure.reason) == "media_invalid"
    assert not answer.of("media_started")


@pytest.mark.parametrize("data", [blank_png(1, 1), NOISY, LARGE], ids=["a dot", "small", "large"])
async def test_u22_what_is_sound_is_delivered_as_what_it_is(data: bytes, tmp_path: Path) -> None:
    """By its bytes, whatever its size."""
    async with answering(data, tmp_path) as one:
        answer = await one.ask("any")
    assert answer.pictures == [data]
    assert answer.of("media_started")[0].media_type == "image/png"


async def test_u22_a_gif_for_a_png_becomes_one(tmp_path: Path) -> None:
    """Its type is read from its bytes, and it is converted because a PNG was asked for."""
    out = io.BytesIO()
    noise().save(out, "GIF")
    async with answering(out.getvalue(), tmp_path) as one:
        asked = await one.ask("any", output=requests.Output(media_type="image/png"))
        unasked = await one.ask("any")
    assert read_shape(asked.pictures[0]).media_type == "image/png"
    assert (asked.adjusted("output_format").sent, unasked.pictures) == ("image/gif", [out.getvalue()])
