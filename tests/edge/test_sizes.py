"""Size words of a REST body."""

import pytest
from google.protobuf import text_format

from heliostat.chassis.errors import MeshError
from heliostat.edge.sizes import size_of


@pytest.mark.parametrize(
    ("size", "aspect_ratio", "resolution", "expected"),
    [
        (None, None, None, None),
        ("", "", "", None),
        ("auto", None, None, None),
        ("auto", "auto", "auto", None),
        ("1024x1536", None, None, "pixels { width_px: 1024 height_px: 1536 }"),
        (" 512 X 512 ", None, None, "pixels { width_px: 512 height_px: 512 }"),
        ("512×256", None, None, "pixels { width_px: 512 height_px: 256 }"),
        ("1024*1024", None, None, "pixels { width_px: 1024 height_px: 1024 }"),
        ("1024x1024", "16:9", "4K", "pixels { width_px: 1024 height_px: 1024 }"),
        ("16:9", None, None, "aspect { width_ratio: 16 height_ratio: 9 }"),
        ("16:9", "1:1", None, "aspect { width_ratio: 16 height_ratio: 9 }"),
        ("16:9", None, "2k", "aspect { width_ratio: 16 height_ratio: 9 tier: SIZE_TIER_2K }"),
        (None, "1920:1080", None, "aspect { width_ratio: 1920 height_ratio: 1080 }"),
        (None, "1.91:1", None, "aspect { width_ratio: 191 height_ratio: 100 }"),
        (None, "2.5 : 1.25", None, "aspect { width_ratio: 10 height_ratio: 5 }"),
        ("auto", "3:2", "0.5K", "aspect { width_ratio: 3 height_ratio: 2 tier: SIZE_TIER_HALF_K }"),
        (None, None, "1K", "aspect { tier: SIZE_TIER_1K }"),
        (None, "auto", "4K", "aspect { tier: SIZE_TIER_4K }"),
    ],
)
def test_words_become_a_size(
    size: str | None, aspect_ratio: str | None, resolution: str | None, expected: str | None
) -> None:
    """Pixels fix all; a ratio in size stands above aspect_ratio; resolution is the scale; auto is nothing."""
    made = size_of(size, aspect_ratio, resolution)
    assert (None if made is None else text_format.MessageToString(made, as_one_line=True)) == expected


@pytest.mark.parametrize(
    ("size", "aspect_ratio", "resolution", "field"),
    [
        ("big", None, None, "size"),
        ("0x512", None, None, "size"),
        ("16385x16", None, None, "size"),
        ("999999x999999", None, None, "size"),
        ("-1x5", None, None, "size"),
        ("1024", None, None, "size"),
        ("1024x", None, None, "size"),
        ("１０２４x１０２４", None, None, "size"),
        ("0:1", None, None, "size"),
        ("1:0", None, None, "size"),
        ("99999:1", None, None, "size"),
        (None, "wide", None, "aspect_ratio"),
        (None, "16x9", None, "aspect_ratio"),
        (None, None, "8K", "resolution"),
    ],
)
def test_other_words_are_refused_by_name(
    size: str | None, aspect_ratio: str | None, resolution: str | None, field: str
) -> None:
    """What cannot be read names the field and what would do."""
    with pytest.raises(MeshError) as caught:
        size_of(size, aspect_ratio, resolution)
    assert caught.value.field == field
    assert "such as" in caught.value.message or "one of" in caught.value.message or "pixels" in caught.value.message
