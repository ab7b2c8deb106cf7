"""Headers of pictures, against Pillow's own files."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from heliostat.emulators.picture_headers import PictureHeader, read_header


def saved(mode: str, form: str, **options: Any) -> bytes:
    """Encode a picture of 37 x 21 pixels."""
    out = io.BytesIO()
    Image.new(mode, (37, 21)).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "media_type", "has_alpha"),
    [
        (saved("RGB", "PNG"), "image/png", False),
        (saved("RGBA", "PNG"), "image/png", True),
        (saved("LA", "PNG"), "image/png", True),
        (saved("P", "PNG", transparency=0), "image/png", True),
        (saved("RGB", "JPEG"), "image/jpeg", False),
        (saved("RGB", "JPEG", progressive=True, exif=b"Exif\x00\x00" + bytes(100)), "image/jpeg", False),
        (saved("RGB", "WEBP"), "image/webp", False),
        (saved("RGB", "WEBP", lossless=True), "image/webp", False),
        (saved("RGBA", "WEBP"), "image/webp", False),
        (saved("P", "GIF"), "image/gif", False),
    ],
)
def test_type_and_size(data: bytes, media_type: str, has_alpha: bool) -> None:
    """Every form of the four formats is read."""
    assert read_header(data) == PictureHeader(media_type, (37, 21), has_alpha)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\x00\x00", b"<svg/>", saved("RGB", "PNG")[:20]]
)
def test_what_is_no_picture(data: bytes) -> None:
    """Foreign and broken headers are None, never an exception."""
    assert read_header(data) is None
