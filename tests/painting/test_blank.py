"""The PNG without a picture library."""

import subprocess
import sys

import pytest

from heliostat.painting.blank import blank_png
from tests.painting.pictures import opened


@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 64), (1024, 7), (3, 2000)])
def test_blank_png_decodes_to_its_size_and_colour(width: int, height: int) -> None:
    """Another decoder reads the size and the one colour back."""
    picture = opened(blank_png(width, height, (12, 200, 99)))
    assert picture.size == (width, height)
    assert picture.getcolors() == [(width * height, (12, 200, 99))]


@pytest.mark.parametrize("arguments", [(0, 4), (4, 8193), (4, 4, (0, 0, 256))])
def test_blank_png_refuses_what_a_png_of_this_room_cannot_be(arguments: tuple[object, ...]) -> None:
    """Edges and components out of range are a ValueError."""
    with pytest.raises(ValueError, match=r".+"):
        blank_png(*arguments)


def test_importing_the_face_loads_no_picture_library() -> None:
    """numpy, OpenCV and Pillow stay out of the process that only holds an easel."""
    program = (
        "import sys, heliostat.painting as p; p.Easel(); p.blank_png(4, 4);"
        "print(sorted({'numpy', 'cv2', 'PIL', 'asyncio', 'multiprocessing'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
