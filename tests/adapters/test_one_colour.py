"""Row U23 of the plan of faults: a picture of one colour comes with a warning, or is held back where it is flagged."""

import base64
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
from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.emulators.app import samples
from tests.adapters.emulated import EmulatedProvider, running
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


BLACK, BALL = PLAIN["black PNG"], encoded(dotted("white", "black"))
SCHNELL = "black-forest-labs/FLUX-1-schnell"


@pytest.fixture
async def deepinfra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmulatedProvider]:
    """A provider that says of each picture whether it is unsafe; nobody asked for warnings."""
    monkeypatch.setenv("DEEPINFRA_API_KEY", "secret-0123456789")
    async with running("deepinfra", tmp_path) as one:
        yield one


async def flagging(provider: EmulatedProvider, *pictures: tuple[bytes, Any], cost: float | None = 0.002) -> Answer:
    """What becomes of these pictures, with what is said of each."""
    body = {
        "images": [f"data:image/png;base64,{base64.b64encode(data).decode()}" for data, _ in pictures],
        "nsfw_content_detected": [flag for _, flag in pictures],
        "inference_status": {"status": "succeeded", "cost": cost},
    }
    await provider.script({"path": "submit", "body": body})
    return await provider.room.ask(SCHNELL, image_count=len(pictures))


async def test_a_flagged_picture_that_was_blacked_out_is_an_error_that_costs(deepinfra: EmulatedProvider) -> None:
    """It is moderation, said by the picture; the work is paid."""
    failure = (await flagging(deepinfra, (BLACK, True))).failure
    assert reason_name(failure.reason) == "content_blocked"
    assert failure.failure is not None
    told = failure.failure
    assert (told.outcome, told.billed) == (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_YES)
    assert told.cost.nanos == 2_000_000


async def test_of_several_pictures_those_that_were_blacked_out_are_missing(deepinfra: EmulatedProvider) -> None:
    """The others are delivered without a gap in their numbers; the router asks somebody else for the rest."""
    answer = await flagging(deepinfra, (BLACK, True), (BALL, False), (BLACK, True), (BALL, False))
    assert answer.pictures == [BALL, BALL]
    assert [info.image_index for info in answer.of("media_started")] == [0, 1]
    assert (answer.result.image_count, answer.result.missing_image_count) == (2, 2)


async def test_what_was_blacked_out_is_paid_like_the_rest(deepinfra: EmulatedProvider) -> None:
    """Also where the provider does not tell the cost."""
    paid = [
        (await flagging(deepinfra, *pictures, cost=None)).result.cost.amount
        for pictures in ([(BALL, False), (BALL, False)], [(BALL, False), (BLACK, True)])
    ]
    assert paid[0] == paid[1]
    assert paid[0].nanos


@pytest.mark.parametrize(("data", "flag"), [(BALL, True), (BLACK, False), (BLACK, "true"), (BLACK, None)])
async def test_neither_a_flag_nor_a_colour_alone_holds_a_picture_back(
    deepinfra: EmulatedProvider, data: bytes, flag: Any
) -> None:
    """Some providers flag what they deliver all the same, and black may be what was asked for."""
    answer = await flagging(deepinfra, (data, flag))
    assert answer.pictures == [data]


async def test_a_flag_beside_an_address_counts_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a job's pictures are fetched."""
    monkeypatch.setenv("LEONARDO_API_KEY", "secret-0123456789")
    async with running("leonardo", tmp_path) as leonardo:
        picture = {"url": f"{leonardo.base}/leonardo/files/a.png", "nsfw": True}
        body = {"generations_by_pk": {"status": "COMPLETE", "generated_images": [picture]}}
        await leonardo.script(
            {"path": "status", "body": body},
            {"path": "file", "body_base64": base64.b64encode(BLACK).decode(), "headers": {"content-type": "image/png"}},
        )
        failure = (await leonardo.room.ask(samples()["leonardo"].model)).failure
    assert reason_name(failure.reason) == "content_blocked"
