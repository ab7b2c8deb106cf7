"""Puts a scene together: what stands where, what is laid before what, and the finish."""

from __future__ import annotations

import cv2
import numpy as np

from heliostat.painting import abstract, creatures, growth, land, lettering, shapes, sky, town, water, weather
from heliostat.painting.canvas import Canvas, Colour, tone
from heliostat.painting.codecs import Pixels
from heliostat.painting.light import Light, light_of
from heliostat.painting.scene import Scene
from heliostat.painting.words import read

_LARGEST_WORK_PX = 1_200_000
_LAND = ("mountains", "hills", "forest", "desert", "snow", "field", "city", "house", "tree", "pine", "palm", "road",
         "flowers")  # fmt: skip
_GROUND = ("mountains", "hills", "forest", "desert", "snow", "field", "city", "sea", "lake", "beach")
_WATER = ("sea", "lake", "beach", "boat")


def compose(prompt: str, width: int, height: int, seed: int, *, transparent: bool = False) -> Pixels:
    """The painted picture: uint8, height x width x 3, or x 4 when `transparent`.

    Pictures above 1.2 Mpx are painted at that size and stretched; the grain is added at full size.
    """
    scene = read(prompt)
    shrink = min(1.0, (_LARGEST_WORK_PX / (width * height)) ** 0.5)
    canvas = Canvas(
        max(1, round(width * shrink)), max(1, round(height * shrink)), f"{prompt}\0{seed}", transparent=transparent
    )
    plain = paint_scene(canvas, scene)
    pixels = canvas.bytes8() if plain or transparent else _finished(canvas)
    if (canvas.width, canvas.height) != (width, height):
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    return pixels


def paint_scene(canvas: Canvas, scene: Scene) -> bool:
    """Paint `scene` on an empty canvas. Returns whether the ground is plain, so that no finish may touch it."""
    scenic = scene.hour_named or bool(scene.features)
    subject = scene.shows("cat", "balloon")
    if scene.background is not None:
        ground: Colour | None = tone(scene.background)
        abstract.paint_ground_colour(canvas, ground or (1.0, 1.0, 1.0))
        light = light_of(scene, canvas, 0.6)
        if scenic:
            paint_things(canvas, scene, light, 0.62, stand=0.86)
    elif scenic:
        ground = None
        light = _paint_landscape(canvas, scene)
    elif scene.figures or scene.texts:
        ground = _soft_ground(canvas)
        abstract.paint_ground_colour(canvas, ground)
    else:
        ground = None
        abstract.paint_abstract(canvas, scene)
    if scene.figures:
        shapes.paint_figures(canvas, scene.figures, ground)
    if scene.texts:
        free = scene.free_colours()
        lettering.write(
            canvas,
            scene.texts,
            tone(free[0]) if free else None,
            centred=ground is not None and not scene.figures and not subject,
        )
    return ground is not None


def _soft_ground(canvas: Canvas) -> Colour:
    """A pale paper colour, chosen by the seed."""
    grounds: tuple[Colour, ...] = ((0.96, 0.95, 0.92), (0.93, 0.95, 0.97), (0.97, 0.94, 0.93), (0.94, 0.96, 0.93))
    return grounds[int(canvas.rng("paper").integers(len(grounds)))]


def _paint_landscape(canvas: Canvas, scene: Scene) -> Light:
    # A transparent house stands on nothing: only ground that was named is painted under things then.
    free = canvas.cover is not None and not scene.shows(*_GROUND)
    grounded = scene.shows(*_LAND) and not free
    watery = (scene.shows(*_WATER) or (scene.shows("lighthouse") and not grounded)) and not free
    horizon = 0.6 if watery or scene.shows("mountains") else (0.64 if grounded else 0.86)
    # Behind mountains the sun has to stand higher to be seen.
    light = light_of(scene, canvas, horizon * (0.8 if scene.shows("mountains") else 1.0))
    sky.paint_sky(canvas, scene, light, horizon)
    if scene.shows("mountains"):
        land.paint_mountains(canvas, scene, light, horizon)
    if scene.shows("city"):
        town.paint_city(canvas, scene, light, horizon)
    if watery and scene.shows("forest", "hills", "field", "desert", "snow", "house") and not scene.shows("beach"):
        growth.paint_forest(canvas, scene, light, horizon)
    if watery:
        water.paint_water(canvas, scene, light, horizon)
        if scene.shows("beach"):
            land.paint_shore(canvas, scene, light, 0.84)
    elif scene.shows("forest") and not scene.shows("field", "snow", "house", "road", "flowers", "desert"):
        growth.paint_forest(canvas, scene, light, horizon)
    elif grounded and not scene.shows("city") and _needs_ground(scene):
        if scene.shows("forest"):
            growth.paint_forest(canvas, scene, light, horizon + 0.01)
        land.paint_ground(canvas, scene, light, horizon)
    elif scene.shows("mountains"):
        growth.paint_foreground(canvas, light)
    elif not grounded and not free and scene.shows("cat", "balloon", "bird"):
        land.paint_ground(canvas, scene, light, horizon - 0.2)
    paint_things(canvas, scene, light, horizon, stand=0.9 if watery else 0.84)
    weather.paint_weather(canvas, scene, light, horizon)
    return light


def _needs_ground(scene: Scene) -> bool:
    """Mountains fill the lower part by themselves unless something has to stand or lie before them."""
    return not scene.shows("mountains") or scene.shows(*(name for name in _LAND if name != "mountains"))


def paint_things(canvas: Canvas, scene: Scene, light: Light, horizon: float, stand: float) -> None:
    """Single things, far to near; what stands on the ground has its foot at `stand` (share of the height)."""
    width, height, unit = canvas.width, canvas.height, canvas.unit
    if scene.shows("flowers"):
        growth.paint_flowers(canvas, scene, light, max(horizon + 0.06, 0.66))
    if scene.shows("road"):
        town.paint_road(canvas, scene, light, horizon)
    if scene.shows("boat"):
        for x in _spread(canvas, "boats", scene.count_of("boat", 1), 0.3):
            town.paint_boat(
                canvas, light, x * width, height * (horizon + 0.12), wide=unit * 0.15, colour=_tint(scene, "boat")
            )
    if scene.shows("lighthouse"):
        town.paint_lighthouse(canvas, scene, light, width * 0.74, height * (horizon + 0.06), tall=height * 0.46)
    if scene.shows("house"):
        for x in _spread(canvas, "houses", scene.count_of("house", 1), 0.6):
            town.paint_house(
                canvas,
                light,
                x * width,
                height * min(stand, horizon + 0.16),
                wide=unit * 0.24,
                colour=_tint(scene, "house"),
            )
    draw = {"tree": growth.paint_tree, "pine": growth.paint_pine, "palm": growth.paint_palm}
    for feature, paint in draw.items():
        if scene.shows(feature):
            places = _spread(canvas, feature, scene.count_of(feature, 1), 0.36)
            tall = unit * (0.62 if len(places) == 1 else max(0.22, 0.6 - 0.04 * len(places)))
            for number, x in enumerate(places):
                foot = height * (stand - 0.035 * (number % 2))
                paint(
                    canvas,
                    light,
                    x * width,
                    foot,
                    tall=tall,
                    colour=growth.leaf_colour(scene, feature),
                    key=f"{feature} {number}",
                )
    if scene.shows("balloon"):
        for number, x in enumerate(_spread(canvas, "balloons", scene.count_of("balloon", 1), 0.5)):
            size = unit * (0.13 if number == 0 else 0.075)
            y = height * (0.3 + 0.09 * (number % 3))
            town.paint_balloon(
                canvas, light, x * width, y, size=size, colour=_tint(scene, "balloon"), key=f"balloon {number}"
            )
    if scene.shows("bird"):
        creatures.paint_birds(canvas, scene, light, horizon)
    if scene.shows("cat"):
        for x in _spread(canvas, "cats", scene.count_of("cat", 1), 0.5):
            creatures.paint_cat(canvas, light, x * width, height * 0.92, tall=unit * 0.5, colour=_tint(scene, "cat"))


def _tint(scene: Scene, feature: str) -> Colour | None:
    tint = scene.tints.get(feature)
    return tone(tint) if tint else None


def _spread(canvas: Canvas, part: str, count: int, alone: float) -> list[float]:
    """Places across the width (0..1) for `count` things (at most 24); one alone stands near `alone`."""
    rng = canvas.rng(part)
    count = min(24, count)
    if count == 1:
        return [alone + float(rng.uniform(-0.06, 0.06))]
    return [0.08 + 0.84 * (number + 0.5 + float(rng.uniform(-0.22, 0.22))) / count for number in range(count)]


def _finished(canvas: Canvas) -> Pixels:
    """The picture with darker corners and a fine grain, as uint8."""
    rng = canvas.rng("grain")
    down = np.linspace(-1, 1, canvas.height, dtype=np.float32)[:, None] ** 2
    across = np.linspace(-1, 1, canvas.width, dtype=np.float32)[None, :] ** 2
    corners = 255 * (1 - np.float32(0.1) * (down + across) ** np.float32(1.5) / np.float32(2.83))
    tile = rng.normal(0, 2.0, (256, 256)).astype(np.float32)
    repeats = (-(-canvas.height // 256), -(-canvas.width // 256))
    grain = np.tile(tile, repeats)[: canvas.height, : canvas.width] + np.float32(0.5)
    planes = [np.clip(plane * corners + grain, 0, 255).astype(np.uint8) for plane in canvas.pixels]
    return np.asarray(cv2.merge(planes), dtype=np.uint8)
