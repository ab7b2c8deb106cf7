"""What a prompt asks for, as data: the painter's order sheet."""

from __future__ import annotations

from dataclasses import dataclass

from heliostat.painting.colours import RGB


@dataclass(frozen=True, slots=True)
class Figure:
    """Flat shapes or bodies of one kind: circle, square, triangle, star, heart, diamond, hexagon, ball, ..."""

    kind: str
    count: int
    colour: RGB | None = None
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A read prompt. `hour` is dawn, noon, sunset, dusk or night; `features` are canonical words of `vocabulary`."""

    prompt: str
    hour: str
    hour_named: bool
    features: frozenset[str]
    counts: dict[str, int]
    tints: dict[str, RGB]
    figures: tuple[Figure, ...]
    texts: tuple[str, ...]
    background: RGB | None
    colours: tuple[RGB, ...]

    def shows(self, *features: str) -> bool:
        """Whether any of `features` was asked for."""
        return not self.features.isdisjoint(features)

    def count_of(self, feature: str, default: int) -> int:
        """How many of `feature` were asked for, or `default` when the prompt does not say."""
        return self.counts.get(feature, default)

    def free_colours(self) -> list[RGB]:
        """The named colours that belong to no thing, in their order."""
        taken = set(self.tints.values()) | {figure.colour for figure in self.figures}
        return [colour for colour in self.colours if colour not in taken]
