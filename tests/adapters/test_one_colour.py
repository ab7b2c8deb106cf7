"""Row U23 of the plan of faults, its second half: a picture of one colour is delivered, with a warning."""

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from heliostat.adapters.mock.adapter import MODULE
from heliostat.adapters.sdk.convert import opened
from heliostat.adapters.sdk.one_colour import MOST_PIXELS, has_one_colour, may_have_one_colour
from heliostat.adapters.sdk.structure import Shape, read_shape
from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.served import Answer, Room, media, pixels, plain, served

ONE_COLOUR = media_pb2.MEDIA_WARNING_ONE_COLOUR
SIDE = 512


def encoded(picture: Image.Image, name: str = "PNG", **how: Any) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    picture.save(out, name, **how)
    return out.getvalue()


def flat(colour: Any, mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, (SIDE, SIDE), colour)


def gradient(low: int, high: int) -> Image.Image:
    """Grey that goes from one value to another, from left to right."""
    row = Image.new("L", (SIDE, 1))
    row.putdata([low + (high - low) * x // (SIDE - 1) for x in range(SIDE)])
    return row.resize((SIDE, SIDE)).convert("RGB")


def dotted(colour: str, dot: str) -> Image.Image:
    """One colour with a small dot of another."""
    picture = flat(colour)
    ImageDraw.Draw(picture).rectangle((100, 100, 107, 107), fill=dot)
    return picture


def cut_out() -> Image.Image:
    """A white disc on nothing; its colour is the same all over, what is seen of it is not."""
    alpha = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(alpha).ellipse((100, 100, 400, 400), fill=255)
    picture = flat("white", "RGBA")
    picture.putalpha(alpha)
    return picture


def with_texts(picture: Image.Image, size: int) -> bytes:
    """A PNG with so many bytes of metadata."""
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", os.urandom(size // 2).hex())
    return encoded(picture, pnginfo=info)


PLAIN = {
    "black PNG": encoded(flat("black")),
    "white JPEG": encoded(flat("white"), "JPEG"),
    "JPEG of the best quality": encoded(flat((201, 33, 90)), "JPEG", quality=100, subsampling=0),
    "coloured WebP": encoded(flat((12, 200, 77)), "WEBP"),
    "lossless WebP": encoded(flat((12, 200, 77)), "WEBP", lossless=True),
    "GIF": encoded(flat((12, 200, 77)), "GIF"),
    "AVIF": encoded(flat((12, 200, 77)), "AVIF"),
    "palette": encoded(flat((12, 200, 77)).quantize(4)),
    "grey": encoded(flat(128, "L")),
    "16 bits": encoded(flat(40000, "I;16")),
    "one colour behind glass": encoded(flat((1, 2, 3, 128), "RGBA")),
    "nothing that can be seen": encoded(Image.merge("RGBA", (*gradient(0, 255).split(), Image.new("L", (SIDE, SIDE))))),
    "with a long workflow": with_texts(flat("black"), 200_000),
}
DRAWN = {
    "gradient": encoded(gradient(0, 255)),
    "faint gradient": encoded(gradient(100, 107)),
    "faint gradient as JPEG": encoded(gradient(100, 115), "JPEG"),
    "faint gradient as WebP": encoded(gradient(100, 107), "WEBP", lossless=True),
    "black with a dot": encoded(dotted("black", "#101010")),
    "white with a dot as JPEG": encoded(dotted("white", "black"), "JPEG"),
    "disc on nothing": encoded(cut_out()),
    "disc on nothing as WebP": encoded(cut_out(), "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", PLAIN)
def test_one_colour_is_seen_in_every_format(name: str) -> None:
    """The file is small enough to be looked at, and has one colour."""
    data = PLAIN[name]
    assert may_have_one_colour(data, read_shape(data))
    assert has_one_colour(opened(data))


@pytest.mark.parametrize("name", DRAWN)
def test_what_shows_anything_has_more_than_one_colour(name: str) -> None:
    """However little it shows."""
    assert not has_one_colour(opened(DRAWN[name]))


@pytest.mark.parametrize(("name", "how"), [("PNG", {}), ("JPEG", {"quality": 50}), ("WEBP", {"quality": 50})])
def test_a_photograph_is_told_by_its_length(name: str, how: dict[str, Any]) -> None:
    """Nothing is decoded for it."""
    noise = Image.effect_noise((SIDE, SIDE), 40).convert("RGB")
    data = encoded(noise, name, **how)
    assert not may_have_one_colour(data, read_shape(data))


def test_a_very_large_picture_is_not_looked_at() -> None:
    """It would keep a worker busy for long."""
    assert may_have_one_colour(b"", Shape("image/png", 4096, 4096))
    assert not may_have_one_colour(b"", Shape("image/png", 4096, MOST_PIXELS // 4096 + 1))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A provider whose pictures have one colour, and an adapter that looks."""
    async with served(MODULE, tmp_path, {"one_colour_warning": True}) as one:
        yield one


def warned(answer: Answer) -> list[list[int]]:
    """The warnings of each picture, previews included."""
    assert answer.error is None
    return [list(info.warnings) for info in answer.of("media_started")]


@pytest.mark.parametrize(
    "output", [requests.Output(), requests.Output(media_type="image/webp")], ids=["as it is", "converted"]
)
async def test_a_drawn_picture_of_one_colour_comes_with_a_warning(room: Room, output: requests.Output) -> None:
    """It is delivered all the same."""
    answer = await room.ask("mock-image", size=pixels(64, 48), output=output, image_count=2)
    assert warned(answer) == [[ONE_COLOUR], [ONE_COLOUR]]
    assert len(answer.pictures) == 2


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("mock-image", {"remove_background": requests.RemoveBackground(image=media(plain()))}),
        ("mock-image", {"upscale": requests.Upscale(image=media(plain()), factor=2)}),
        ("mock-masks", {"segment": requests.Segment(image=media(plain()))}),
    ],
    ids=["cut out", "enlarged", "masks"],
)
async def test_what_is_made_of_a_given_picture_may_have_one_colour(
    room: Room, model: str, fields: dict[str, Any]
) -> None:
    """A cut-out of nothing is empty, a mask of everything is white."""
    assert not any(warned(await room.ask(model, **fields)))


async def test_previews_may_have_one_colour(room: Room) -> None:
    """The picture that takes their place is looked at."""
    answer = await room.ask("mock-partials", size=pixels(64, 48), output=requests.Output(partial_image_count=2))
    assert warned(answer) == [[], [], [ONE_COLOUR]]


async def test_a_mesh_may_do_without(tmp_path: Path) -> None:
    """The mock adapter does by itself."""
    async with served(MODULE, tmp_path, {"one_colour_warning": False}) as room:
        answer = await room.ask("mock-image", size=pixels(64, 48))
    assert warned(answer) == [[]]
    assert not answer.result.timing.HasField("convert")
