"""The pool: what it refuses, and that it outlives its workers."""

import asyncio
import io
import multiprocessing
import os
import signal
import struct
import zlib

import pytest
from PIL import Image

from heliostat.painting import Easel, PictureUnreadable, blank_png
from tests.painting.pictures import opened


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG with a true header for that size and hardly any data: a decoder that trusts it allocates it all."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def as_bmp() -> bytes:
    """A sound picture of a format that is not on the list."""
    sink = io.BytesIO()
    Image.new("RGB", (8, 8)).save(sink, "BMP")
    return sink.getvalue()


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"no picture at all",
        blank_png(64, 64)[:90],
        png_that_claims(60_000, 60_000),
        png_that_claims(8193, 8193),
        as_bmp(),
        b"GIF89a",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=["empty", "text", "cut", "bomb", "just over", "bmp", "gif header", "svg"],
)
async def test_unreadable_pictures_are_refused(easel: Easel, image: bytes) -> None:
    """Garbage, bombs and foreign formats end in PictureUnreadable, and the worker goes on."""
    with pytest.raises(PictureUnreadable):
        await easel.convert(image, media_type="image/png")
    assert opened(await easel.convert(blank_png(5, 4), media_type="image/jpeg")).size == (5, 4)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_bomb_is_refused_by_its_header(easel: Easel) -> None:
    """The reason is the size, not the damage that decoding would have found."""
    with pytest.raises(PictureUnreadable, match="60000x60000"):
        await easel.convert(png_that_claims(60_000, 60_000), media_type="image/png")


async def test_a_lost_worker_is_replaced() -> None:
    """After its process is killed, idle or at work, the next call and the running call succeed."""
    easel = Easel()
    try:
        before = {child.pid for child in multiprocessing.active_children()}
        first = await easel.paint("a lake", 32, 32)
        [worker] = [child for child in multiprocessing.active_children() if child.pid not in before]
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        assert await easel.paint("a lake", 32, 32) == first
        several = [asyncio.ensure_future(easel.paint("a lake", 900, 900, seed=seed)) for seed in range(3)]
        await asyncio.sleep(0)
        for child in multiprocessing.active_children():
            if child.pid is not None and child.pid not in before:
                os.kill(child.pid, signal.SIGKILL)
        assert [opened(picture).size for picture in await asyncio.gather(*several)] == [(900, 900)] * 3
    finally:
        await easel.aclose()


async def test_who_was_woken_paints_with_the_worker_that_is_there() -> None:
    """The first picture starts none."""
    before = {child.pid for child in multiprocessing.active_children()}
    easel = Easel()
    try:
        await easel.wake()
        [woken] = [child.pid for child in multiprocessing.active_children() if child.pid not in before]
        await easel.paint("a lake", 16, 16)
        assert {child.pid for child in multiprocessing.active_children()} - before == {woken}
    finally:
        await easel.aclose()


async def test_the_loop_runs_while_a_picture_is_painted() -> None:
    """Other tasks get their turn many times before the picture is ready."""
    easel = Easel()
    try:
        painting = asyncio.ensure_future(easel.paint("a city at night", 1024, 1024))
        turns = 0
        while not painting.done():
            await asyncio.sleep(0)
            turns += 1
        assert turns > 100
    finally:
        await easel.aclose()


async def test_a_closed_easel_refuses_and_leaves_no_process() -> None:
    """Closing ends the worker, may be repeated, and is final; an unused easel has nothing to close."""
    before = set(multiprocessing.active_children())
    easel = Easel(workers=2)
    await easel.paint("a lake", 16, 16)
    await easel.aclose()
    await easel.aclose()
    assert set(multiprocessing.active_children()) <= before
    with pytest.raises(RuntimeError, match="closed"):
        await easel.paint("a lake", 16, 16)
    with pytest.raises(ValueError, match="worker"):
        Easel(workers=0)
