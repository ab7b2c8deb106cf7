"""Sizes in px that Ideogram's models draw: data. Source: developer.ideogram.ai and the OpenAPI document, 2026-11-22."""

from heliostat.adapters.sdk import Exact, Pixels, Ratios

_THREE = """
512x1536 576x1408 576x1472 576x1536 640x1344 640x1408 640x1472 640x1536 704x1152 704x1216 704x1280 704x1344 704x1408
704x1472 736x1312 768x1088 768x1216 768x1280 768x1344 800x1280 832x960 832x1024 832x1088 832x1152 832x1216 832x1248
864x1152 896x960 896x1024 896x1088 896x1120 896x1152 960x832 960x896 960x1024 960x1088 1024x832 1024x896 1024x960
1024x1024 1088x768 1088x832 1088x896 1088x960 1120x896 1152x704 1152x832 1152x864 1152x896 1216x704 1216x768 1216x832
1248x832 1280x704 1280x768 1280x800 1312x736 1344x640 1344x704 1344x768 1408x576 1408x640 1408x704 1472x576 1472x640
1472x704 1536x512 1536x576 1536x640
"""
_FOUR = """
2048x2048 1440x2880 2880x1440 1664x2496 2496x1664 1792x2240 2240x1792 1440x2560 2560x1440 1600x2560 2560x1600 1728x2304
2304x1728 1296x3168 3168x1296 1152x2944 2944x1152 1248x3328 3328x1248 1280x3072 3072x1280
"""


def _exact(text: str) -> Exact:
    pairs = (word.split("x") for word in text.split())
    return Exact(tuple((int(width), int(height)) for width, height in pairs))


SIZES_3 = _exact(_THREE)
# Those of 2K; the twelve or more of 1K are not in any page that was read.
SIZES_4 = _exact(_FOUR)
# The bounds are documented for the windows of edits, not for whole pictures.
SIZES_4_5 = Pixels(256, 4096, 16, max_area_px=4_194_304, max_ratio=6)
SIZES_P = Pixels(16, 4096, 16, max_area_px=4_194_304)
SHAPES = Ratios(
    (
        *("1:3", "3:1", "1:2", "2:1", "9:16", "16:9", "10:16", "16:10"),
        *("2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "1:1"),
    )
)
