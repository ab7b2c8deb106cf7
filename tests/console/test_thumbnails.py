"""Lists show small copies of pictures; a hostile file costs a redirect, never the console."""

import io
import multiprocessing
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw

from tests.console.conftest import Bench, OpenBench
from tests.console.scripted_core import media, record

_MOST_BYTES = 8_000


def scene(mode: str = "RGB") -> Image.Image:
    """A picture of 1200 x 800 pixels: blue, with a red stripe on top."""
    picture = Image.new("RGB", (1200, 800), "navy")
    ImageDraw.Draw(picture).rectangle((0, 0, 1200, 200), fill="red")
    return picture.convert(mode)


def encoded(picture: Image.Image, name: str, **options: Any) -> bytes:
    """A picture as a file."""
    target = io.BytesIO()
    picture.save(target, name, **options)
    return target.getvalue()


def sideways(mode: str, name: str) -> bytes:
    """A picture that says of itself that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(mode), name, exif=exif)


# A picture's id -> its bytes, and how large it is as a small one.
KINDS = {
    "a.png": (encoded(scene(), "PNG"), (128, 85)),
    "mask.png": (encoded(scene("1"), "PNG"), (128, 85)),
    "cmyk.jpg": (encoded(scene("CMYK"), "JPEG"), (128, 85)),
    "sideways.jpg": (sideways("RGB", "JPEG"), (85, 128)),
    "sideways.png": (sideways("P", "PNG"), (85, 128)),
    "a.webp": (encoded(scene(), "WEBP"), (128, 85)),
    "moving.gif": (encoded(scene("P"), "GIF", save_all=True, append_images=[scene("P").rotate(180)]), (128, 85)),
    "a.avif": (encoded(scene(), "AVIF", speed=10), (128, 85)),
    "tiny.png": (encoded(scene().crop((0, 0, 40, 30)), "PNG"), (40, 30)),
}


async def test_every_kind_of_picture_is_made_small(bench: Bench) -> None:
    """Upright, its first frame, in a few kilobytes that the browser keeps; a picture that is small stays as large."""
    for media_id, (data, size) in KINDS.items():
        bench.core.ledger.pictures[media_id] = data
        answer = await bench.client.get(f"/media/{media_id}/small")
        assert answer.status_code == 200, media_id
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["cache-control"] == "private, max-age=3600, immutable"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert len(answer.content) <= _MOST_BYTES
        small = Image.open(io.BytesIO(answer.content))
        assert small.size == size, media_id
        across = (64, 4) if not media_id.startswith("sideways") else (80, 64)
        if media_id not in {"mask.png", "tiny.png"}:
            red = small.convert("RGB").getchannel("R")
            assert red.getpixel(across) > 150, f"{media_id} is not the right way up"  # type: ignore[operator]


async def test_what_is_transparent_stays_so(bench: Bench) -> None:
    """A picture without its background is seen on the page's own."""
    picture = scene("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    bench.core.ledger.pictures["a.png"] = encoded(picture, "PNG")
    small = Image.open(io.BytesIO((await bench.client.get("/media/a.png/small")).content))
    assert small.mode == "RGBA"
    assert small.getchannel("A").getextrema() == (1, 254)


def _png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that unpacks to as many pixels as it says, or would."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


HOSTILE = {
    "bomb": _png(60_000, 60_000),
    "short": _png(200, 200),
    "cut": encoded(scene(), "PNG")[:900],
    "noise": b"\x89PNG\r\n\x1a\n" + b"noise" * 200,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "large": encoded(Image.new("L", (5100, 5000)), "PNG"),
    "16 bits": encoded(Image.new("I;16", (64, 64)), "PNG"),
    "empty": b"",
    "long": bytes(33 * 1024 * 1024),
}


async def test_what_is_not_made_small_is_shown_whole(bench: Bench) -> None:
    """As it is kept; and the next picture is made small all the same."""
    for name, data in HOSTILE.items():
        bench.core.ledger.pictures["a.png"] = data
        answer = await bench.client.get("/media/a.png/small")
        assert (answer.status_code, answer.headers.get("location")) == (307, "/media/a.png"), name
    bench.core.ledger.pictures["b.png"] = encoded(scene(), "PNG")
    assert (await bench.client.get("/media/b.png/small")).status_code == 200


async def test_a_list_asks_for_small_ones(bench: Bench) -> None:
    """A page of the list is a hundred kilobytes, not tens of megabytes."""
    bench.core.ledger.keep(*(record(f"req_{n}", media=[media(f"{n}.png")]) for n in range(3)))
    bench.core.ledger.pictures |= {f"{n}.png": encoded(scene(), "PNG") for n in range(3)}
    page = await bench.page("/requests")
    for number in range(3):
        assert f'src="/media/{number}.png/small"' in page
        assert len((await bench.client.get(f"/media/{number}.png/small")).content) <= _MOST_BYTES


async def test_pictures_are_decoded_in_a_worker_that_ends_with_the_console(console_with: OpenBench) -> None:
    """It starts with the first picture."""
    before = set(multiprocessing.active_children())
    async with console_with() as bench:
        assert set(multiprocessing.active_children()) == before
        bench.core.ledger.pictures["a.png"] = encoded(scene(), "PNG")
        assert (await bench.client.get("/media/a.png/small")).status_code == 200
        assert len(set(multiprocessing.active_children()) - before) == 1
    assert set(multiprocessing.active_children()) <= before


async def test_a_worker_that_dies_is_replaced(bench: Bench) -> None:
    """The picture that it was at is shown whole, or made by the next one."""
    bench.core.ledger.pictures["a.png"] = encoded(scene(), "PNG")
    before = set(multiprocessing.active_children())
    assert (await bench.client.get("/media/a.png/small")).status_code == 200
    (worker,) = set(multiprocessing.active_children()) - before
    worker.kill()
    worker.join()
    assert (await bench.client.get("/media/a.png/small")).status_code in {200, 307}
    assert (await bench.client.get("/media/a.png/small")).status_code == 200
