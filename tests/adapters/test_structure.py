"""Pictures are known and judged by their structure."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.sdk.structure import MAX_PIXELS, Shape, read_shape, sniff_type
from heliostat.painting.blank import blank_png

FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif", "AVIF": "image/avif"}


def encoded(name: str, size: tuple[int, int] = (37, 23), mode: str = "RGB", **options: Any) -> bytes:
    """A picture with some content, so that formats do not shrink it to nothing."""
    picture = Image.effect_mandelbrot(size, (-2, -1.5, 1, 1.5), 20).convert(mode)
    out = io.BytesIO()
    picture.save(out, name, **options)
    return out.getvalue()


def png_of(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG with the given chunks and no more truth than they hold."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (37, 23), (640, 480)])
def test_type_and_size_are_read_from_the_head(name: str, size: tuple[int, int]) -> None:
    """Every format that is delivered tells its type and size."""
    assert read_shape(encoded(name, size)) == Shape(FORMATS[name], *size)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": "x" * 5000}),
        ("PNG", {"optimize": True}),
    ],
)
def test_variants_of_a_format_are_read_too(name: str, options: dict[str, Any]) -> None:
    """Lossless and extended WebP, progressive JPEG, long comments."""
    assert read_shape(encoded(name, **options)) == Shape(FORMATS[name], 37, 23)


def test_a_picture_with_transparency_is_read() -> None:
    """VP8X carries the canvas of a transparent WebP."""
    data = encoded("WEBP", mode="RGBA")
    assert read_shape(data) == Shape("image/webp", 37, 23)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_picture_that_was_cut_off_is_refused(name: str, kept: float) -> None:
    """Whatever share of the file came, it is not taken for the whole."""
    data = encoded(name, (640, 480))
    with pytest.raises(ValueError, match=r"."):
        read_shape(data[: int(len(data) * kept)])


def test_a_png_without_its_last_byte_is_refused() -> None:
    """The end mark counts to its last byte."""
    with pytest.raises(ValueError, match="cut off"):
        read_shape(blank_png(64, 64)[:-1])


def test_a_png_with_a_damaged_head_is_refused() -> None:
    """A chunk's sum is checked where the chunk is small."""
    data = bytearray(blank_png(64, 64))
    data[20] ^= 1
    with pytest.raises(ValueError, match="damaged"):
        read_shape(bytes(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"<html><body>Sign in</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"%PDF-1.7",
        bytes(100_000),
        b"RIFF\x04\0\0\0WEBP",
        b"GIF89a",
        b"\xff\xd8\xff\xe0",
        b"\xff\xd8\xff\xd9",
        png_of(0, 5, (b"IDAT", b"x"), (b"IEND", b"")),
        png_of(5, 5, (b"IEND", b"")),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """HTML, SVG, zeros, heads without a body."""
    with pytest.raises(ValueError, match=r"."):
        read_shape(data)


@pytest.mark.parametrize("edge", [8001, 20_000, 2**31 - 1])
def test_a_bomb_is_refused_from_its_head(edge: int) -> None:
    """Pixels are counted before anything could decode them."""
    with pytest.raises(ValueError, match=str(MAX_PIXELS)):
        read_shape(png_of(edge, edge, (b"IDAT", b"x"), (b"IEND", b"")))


def test_a_gif_of_ten_thousand_frames_is_refused() -> None:
    """Frames multiply pixels."""
    out = io.BytesIO()
    Image.new("L", (8, 8)).save(out, "GIF")
    data = out.getvalue()
    frame = data[data.index(b"\x2c") : -1]
    with pytest.raises(ValueError, match="frames"):
        read_shape(data[:-1] + frame * 10_000 + b"\x3b")


def test_the_type_is_read_from_bytes_that_are_not_sound() -> None:
    """The signature is enough to name a type."""
    assert sniff_type(b"\x89PNG\r\n\x1a\nrest") == "image/png"
    assert sniff_type(b"nothing") == ""
