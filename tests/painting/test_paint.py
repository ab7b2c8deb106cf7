"""Painted pictures show what was asked for."""

import cv2
import numpy as np
import pytest

from heliostat.painting import Easel
from tests.painting.pictures import opened, pixels

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_same_order_same_bytes(easel: Easel) -> None:
    """Prompt, size, seed and type decide every byte, also in another process; another seed is another picture."""
    first = await easel.paint("A sunset over mountains", 160, 90, seed=7)
    other_process = Easel()
    again = await other_process.paint("A sunset over mountains", 160, 90, seed=7)
    await other_process.aclose()
    assert first == again
    assert first != await easel.paint("A sunset over mountains", 160, 90, seed=8)


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("image/png", "PNG"),
        ("image/jpeg", "JPEG"),
        ("image/webp", "WEBP"),
        ("image/avif", "AVIF"),
        ("image/gif", "GIF"),
    ],
)
@pytest.mark.parametrize(("width", "height"), [(16, 16), (97, 41), (8192, 16)])
async def test_every_format_has_the_asked_size(
    easel: Easel, media_type: str, kind: str, width: int, height: int
) -> None:
    """Another decoder finds the format and the exact size."""
    picture = opened(await easel.paint("a lake", width, height, media_type=media_type))
    assert (picture.format, picture.size) == (kind, (width, height))


async def test_large_pictures_have_the_asked_size(easel: Easel) -> None:
    """Above the work size the picture is stretched to the exact pixel."""
    assert opened(await easel.paint("a desert", 2001, 1999, media_type="image/jpeg")).size == (2001, 1999)


@pytest.mark.parametrize(("width", "height"), [(0, 64), (64, 8193), (8192, 8192), (-1, 5)])
async def test_impossible_sizes_are_refused(easel: Easel, width: int, height: int) -> None:
    """Edges outside 1..8192 px and areas above 16 Mpx are a ValueError."""
    with pytest.raises(ValueError, match="px"):
        await easel.paint("a lake", width, height)


async def test_unknown_media_types_are_refused(easel: Easel) -> None:
    """No silent change of format."""
    with pytest.raises(ValueError, match="image/tiff"):
        await easel.paint("a lake", 16, 16, media_type="image/tiff")


async def test_compression_percent_decides_the_size(easel: Easel) -> None:
    """Less quality, fewer bytes."""
    sizes = [
        len(await easel.paint("a forest", 128, 128, media_type="image/jpeg", compression_percent=percent))
        for percent in (10, 50, 95)
    ]
    assert sizes == sorted(set(sizes))


async def test_sunset_sky_is_warm_and_noon_sky_is_blue(easel: Easel) -> None:
    """Above the horizon, red leads at sunset and blue at noon."""
    sunset = pixels(await easel.paint("A sunset over the sea", 160, 120))[50:66].mean(axis=(0, 1))
    noon = pixels(await easel.paint("the sea at noon", 160, 120))[:40].mean(axis=(0, 1))
    assert sunset[0] > sunset[2] + 60
    assert noon[2] > noon[0] + 60


async def test_night_is_dark(easel: Easel) -> None:
    """The same place has a fraction of its light at night."""
    night = pixels(await easel.paint("a lake at night", 128, 128)).mean()
    noon = pixels(await easel.paint("a lake at noon", 128, 128)).mean()
    assert night < 60 < 2.5 * night < noon


async def test_green_forest_is_green_and_blue_forest_is_blue(easel: Easel) -> None:
    """A forest has its own colour unless another was named."""
    green = pixels(await easel.paint("a green forest", 128, 128))[90:].mean(axis=(0, 1))
    blue = pixels(await easel.paint("a blue forest", 128, 128))[90:].mean(axis=(0, 1))
    assert green.argmax() == 1
    assert blue.argmax() == 2


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("three red circles", 3), ("one red square", 1), ("seven red triangles", 7), ("12 red hearts", 12)],
)
async def test_shapes_can_be_counted(easel: Easel, prompt: str, count: int) -> None:
    """As many connected red areas as were asked for, on exactly white ground."""
    picture = pixels(await easel.paint(f"{prompt} on a white background", 256, 160))
    red = (picture[:, :, 0] > 180) & (picture[:, :, 1] < 80) & (picture[:, :, 2] < 80)
    assert cv2.connectedComponents(red.astype(np.uint8))[0] - 1 == count
    assert picture[0, 0].tolist() == [255, 255, 255]


async def test_quoted_text_is_written(easel: Easel) -> None:
    """Ink appears in a wide, low box in the middle, and another text is another ink."""
    hello = pixels(await easel.paint('a sign "HELLO"', 320, 160), "L")
    other = pixels(await easel.paint('a sign "WORLD"', 320, 160), "L")
    rows, columns = np.nonzero(hello < 120)
    assert columns.max() - columns.min() > 2 * (rows.max() - rows.min())
    assert abs(rows.mean() - 80) < 20
    assert not np.array_equal(hello < 120, other < 120)


async def test_transparent_leaves_the_ground_out(easel: Easel) -> None:
    """Corners are transparent, the subject is opaque; JPEG lays it on white."""
    apple = pixels(await easel.paint("a red apple", 128, 128, transparent=True), "RGBA")
    assert apple[0, 0, 3] == 0
    assert apple[64, 64, 3] == 255
    flat = pixels(await easel.paint("a red apple", 128, 128, transparent=True, media_type="image/jpeg"))
    assert flat[0, 0].min() > 250


async def test_a_transparent_thing_stands_on_nothing(easel: Easel) -> None:
    """A house alone covers a part of the picture; with a meadow the lower edge is covered too."""
    alone = pixels(await easel.paint("a red house", 128, 128, transparent=True), "RGBA")[:, :, 3]
    meadow = pixels(await easel.paint("a red house in a meadow", 128, 128, transparent=True), "RGBA")[:, :, 3]
    assert 0.02 < (alone > 127).mean() < 0.3
    assert alone[-1].max() == 0
    assert meadow[-1].min() == 255


@pytest.mark.parametrize(
    "prompt",
    [
        "a city skyline at dusk in the rain",
        "a cabin in the snow under an aurora",
        "a lighthouse in a thunderstorm",
        "a road through a desert with a rainbow",
        "two palm trees on the beach, a boat, seven birds and a balloon",
        "an orange cat in a garden with flowers, snowing",
        "a foggy oak tree, two blue balls, stripes, rings, crosses, diamonds",
        "purple sky over snowy mountains, big moon and stars",
        "zxcv qwerty " * 200,
        "海に沈む夕日",
        "",
    ],
)
async def test_every_kind_of_prompt_gives_a_picture_with_contrast(easel: Easel, prompt: str) -> None:
    """All parts of the painter run, at an odd size, without a blank result."""
    assert pixels(await easel.paint(prompt, 150, 101)).std() > 8
