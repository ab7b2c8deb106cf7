"""The light of an hour: colours of the sky, of haze and of shade, and where the sun or moon stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from heliostat.painting.canvas import Canvas, Colour, blend, tone
from heliostat.painting.scene import Scene

Stops = tuple[tuple[float, Colour], ...]


@dataclass(frozen=True, slots=True)
class Light:
    """`sky` runs from 0 (top) to 1 (horizon). `ambient` multiplies local colours, `strength` 0..1 is daylight."""

    sky: Stops
    haze: Colour
    sun: Colour
    ambient: Colour
    shade: Colour
    strength: float
    sun_x: float = 0.5
    sun_y: float = 0.3
    sun_height: float = 0.5

    def lit(self, local: Colour, share: float = 1.0) -> Colour:
        """A thing's own colour as it looks in this light; `share` 1 is in the open, 0 is in full shade."""
        red, green, blue = (
            own * (around * share + dim * (1 - share))
            for own, around, dim in zip(local, self.ambient, self.shade, strict=True)
        )
        return red, green, blue


def _stops(*stops: tuple[float, tuple[int, int, int]]) -> Stops:
    return tuple((position, tone(colour)) for position, colour in stops)


_HOURS = {
    "dawn": Light(
        sky=_stops((0, (74, 112, 170)), (0.4, (142, 166, 204)), (0.7, (228, 190, 190)), (1, (255, 222, 178))),
        haze=tone((244, 212, 196)),
        sun=tone((255, 236, 200)),
        ambient=(0.92, 0.84, 0.82),
        shade=(0.4, 0.42, 0.56),
        strength=0.75,
        sun_height=0.16,
    ),
    "noon": Light(
        sky=_stops((0, (32, 106, 200)), (0.5, (98, 168, 230)), (0.85, (178, 216, 242)), (1, (214, 234, 246))),
        haze=tone((196, 220, 240)),
        sun=tone((255, 250, 232)),
        ambient=(1.0, 1.0, 0.97),
        shade=(0.42, 0.5, 0.6),
        strength=1.0,
        sun_height=0.72,
    ),
    "sunset": Light(
        sky=_stops(
            (0, (38, 36, 92)),
            (0.3, (104, 54, 122)),
            (0.56, (206, 78, 98)),
            (0.78, (248, 132, 72)),
            (1, (255, 206, 120)),
        ),
        haze=tone((246, 140, 104)),
        sun=tone((255, 232, 168)),
        ambient=(0.72, 0.44, 0.5),
        shade=(0.15, 0.08, 0.2),
        strength=0.5,
        sun_height=0.17,
    ),
    "dusk": Light(
        sky=_stops(
            (0, (18, 24, 62)),
            (0.4, (52, 52, 114)),
            (0.7, (116, 80, 146)),
            (0.88, (196, 112, 142)),
            (1, (238, 162, 140)),
        ),
        haze=tone((160, 108, 150)),
        sun=tone((255, 200, 170)),
        ambient=(0.42, 0.38, 0.56),
        shade=(0.12, 0.11, 0.24),
        strength=0.28,
        sun_height=0.04,
    ),
    "night": Light(
        sky=_stops((0, (4, 7, 20)), (0.45, (9, 18, 46)), (0.8, (20, 38, 78)), (1, (40, 62, 104))),
        haze=tone((34, 54, 92)),
        sun=tone((222, 230, 246)),
        ambient=(0.2, 0.25, 0.4),
        shade=(0.05, 0.07, 0.14),
        strength=0.08,
        sun_height=0.66,
    ),
}

_OVERCAST = _stops((0, (84, 94, 108)), (0.5, (126, 136, 148)), (1, (184, 190, 194)))


def light_of(scene: Scene, canvas: Canvas, horizon: float) -> Light:
    """The light of `scene` above a horizon at that share of the height; the seed moves the sun to a side."""
    light = _HOURS[scene.hour]
    rng = canvas.rng("sun")
    side = rng.choice((0.34, 0.62)) + rng.uniform(-0.07, 0.07)
    light = replace(light, sun_x=float(side), sun_y=horizon * (1 - light.sun_height))
    if scene.shows("overcast") and scene.hour in ("noon", "dawn"):
        light = replace(light, sky=_OVERCAST, haze=tone((168, 176, 182)), ambient=(0.66, 0.7, 0.74), strength=0.6)
    tint = scene.tints.get("sky")
    if tint is not None:
        light = replace(
            light,
            sky=tuple((position, blend(colour, tone(tint), 0.72 - 0.3 * position)) for position, colour in light.sky),
            haze=blend(light.haze, tone(tint), 0.4),
        )
    return light
