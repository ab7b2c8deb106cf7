"""Colours by name, and small colour arithmetic. Pure; no picture library."""

from __future__ import annotations

RGB = tuple[int, int, int]

NAMED: dict[str, RGB] = {
    "red": (214, 40, 40),
    "crimson": (180, 20, 50),
    "scarlet": (235, 50, 30),
    "maroon": (110, 20, 35),
    "orange": (244, 132, 30),
    "amber": (250, 178, 40),
    "coral": (250, 122, 100),
    "peach": (250, 198, 160),
    "yellow": (250, 214, 50),
    "gold": (222, 172, 60),
    "golden": (226, 176, 64),
    "lime": (150, 214, 50),
    "green": (52, 152, 70),
    "emerald": (20, 150, 105),
    "olive": (120, 126, 50),
    "mint": (160, 226, 190),
    "teal": (20, 128, 128),
    "turquoise": (60, 200, 196),
    "cyan": (50, 200, 226),
    "aqua": (70, 206, 220),
    "blue": (38, 98, 206),
    "azure": (70, 150, 236),
    "navy": (26, 38, 92),
    "indigo": (70, 50, 160),
    "violet": (134, 74, 206),
    "purple": (122, 52, 160),
    "lavender": (190, 174, 232),
    "magenta": (214, 44, 150),
    "pink": (244, 140, 178),
    "rose": (232, 96, 130),
    "brown": (122, 80, 50),
    "beige": (228, 210, 178),
    "tan": (206, 172, 128),
    "cream": (250, 242, 220),
    "ivory": (252, 248, 234),
    "white": (255, 255, 255),
    "silver": (192, 198, 206),
    "grey": (128, 130, 134),
    "gray": (128, 130, 134),
    "charcoal": (54, 56, 62),
    "black": (12, 12, 14),
}
"""What a plain colour word means here, sRGB 0..255."""

WHEEL: tuple[RGB, ...] = tuple(
    NAMED[name] for name in ("coral", "amber", "teal", "blue", "violet", "rose", "emerald", "navy")
)
"""Colours to choose from when a thing was asked for without one."""


def luminance(colour: RGB) -> float:
    """Perceived lightness 0..1 of an sRGB colour. Pure."""
    red, green, blue = colour
    return (0.299 * red + 0.587 * green + 0.114 * blue) / 255


def mixed(first: RGB, second: RGB, share: float) -> RGB:
    """`first` moved by `share` (0..1) towards `second`. Pure."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
