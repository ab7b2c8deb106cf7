"""Reads a prompt: words to a `Scene`. Pure; no picture library."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from heliostat.painting import vocabulary
from heliostat.painting.colours import NAMED, RGB
from heliostat.painting.scene import Figure, Scene

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{1,120})[\"”“»]|(?<!\w)['‘]([^'‘’]{1,120})['’](?!\w)")
_WORD = re.compile(r"[a-z]+|\d+")
_MOST_FIGURES = 60
_SPECIES = {"pine": "pine", "fir": "pine", "spruce": "pine", "palm": "palm", "oak": "tree", "apple": "tree"}
_UNCOUNTED = frozenset({"flowers", "city", "clouds", "mountains"})


@dataclass
class _Reading:
    """What has been understood so far, and the number, colour and size that wait for their noun."""

    features: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    tints: dict[str, RGB] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    colours: list[RGB] = field(default_factory=list)
    hours: list[str] = field(default_factory=list)
    background: RGB | None = None
    waiting: list[RGB] = field(default_factory=list)
    count: int | None = None
    scale: float = 1.0
    negated: bool = False
    species: str = ""

    def settle(self) -> None:
        """Close the noun phrase: what waited is used up."""
        self.waiting, self.count, self.scale, self.negated, self.species = [], None, 1.0, False, ""


def read(prompt: str) -> Scene:
    """The scene that the plain English words of `prompt` describe. Unknown words are left to the seed. Pure."""
    texts = tuple(" ".join((double or single).split()) for double, single in _QUOTED.findall(prompt))
    words = _WORD.findall(_QUOTED.sub(" , ", prompt).lower())
    reading = _Reading()
    for position, word in enumerate(words):
        _take(reading, word, words, position)
    hour = reading.hours[-1] if reading.hours else "noon"
    if not reading.hours and reading.features & {"stars", "moon", "aurora"}:
        hour = "night"
    return Scene(
        prompt=prompt,
        hour=hour,
        hour_named=bool(reading.hours),
        features=frozenset(reading.features),
        counts=reading.counts,
        tints=reading.tints,
        figures=tuple(reading.figures),
        texts=tuple(text for text in texts if text),
        background=reading.background,
        colours=tuple(reading.colours),
    )


def _take(reading: _Reading, word: str, words: list[str], position: int) -> None:
    """Move `reading` on by one word."""
    singular = _singular(word)
    following = words[position + 1] if position + 1 < len(words) else ""
    if word in vocabulary.NEGATIONS:
        reading.negated = True
    elif word in NAMED:
        # "an orange" is a fruit, "an orange sun" is a colour; only a noun after it tells, and most often there is one.
        reading.waiting.append(NAMED[word])
        if not reading.negated:
            reading.colours.append(NAMED[word])
    elif word in vocabulary.NUMBERS or word.isdigit():
        reading.count = min(int(word) if word.isdigit() else vocabulary.NUMBERS[word], _MOST_FIGURES)
    elif word in vocabulary.SIZES:
        reading.scale = vocabulary.SIZES[word]
    elif word in vocabulary.GROUNDS:
        if reading.waiting and not reading.negated:
            reading.background = reading.waiting[-1]
            reading.colours.remove(reading.waiting[-1])
        reading.settle()
    elif singular in _SPECIES and _singular(following) == "tree":
        # "five pine trees": the number and the colour wait for the tree, which becomes a pine.
        reading.species = _SPECIES[singular]
    elif singular == "star" and not _is_flat_star(reading, words):
        _add_feature(reading, "stars")
    elif singular in vocabulary.FIGURES:
        _add_figure(reading, vocabulary.FIGURES[singular], plural=singular != word)
    elif word in vocabulary.HOURS or word in vocabulary.FEATURES or singular in vocabulary.FEATURES:
        _add_landscape(reading, word, singular)
    elif word not in vocabulary.LOOSE and following in vocabulary.NEGATIONS | {"with", "on", "in", "at"}:
        # An unknown noun ends here: what waited belonged to it.
        reading.settle()


def _add_landscape(reading: _Reading, word: str, singular: str) -> None:
    """Take up a word that names an hour, a feature, or both ("sunset")."""
    if word in vocabulary.HOURS and not reading.negated:
        reading.hours.append(vocabulary.HOURS[word])
    feature = vocabulary.FEATURES.get(word) or vocabulary.FEATURES.get(singular)
    if feature:
        _add_feature(reading, feature, plural=word != singular)
    else:
        reading.settle()


def _add_feature(reading: _Reading, feature: str, *, plural: bool = False) -> None:
    feature = reading.species or feature
    if reading.negated:
        reading.features.discard(feature)
    else:
        reading.features.add(feature)
        if reading.waiting:
            reading.tints[feature] = reading.waiting[-1]
        if reading.count is not None and not (plural and reading.count == 1):
            reading.counts[feature] = max(1, reading.count)
        elif plural and feature not in _UNCOUNTED:
            reading.counts.setdefault(feature, 5)
    reading.settle()


def _add_figure(reading: _Reading, kind: str, *, plural: bool) -> None:
    if not reading.negated:
        count = reading.count if reading.count is not None else (3 if plural else 1)
        default = vocabulary.FIGURE_COLOURS.get(kind)
        colour = reading.waiting[-1] if reading.waiting else (NAMED[default] if default else None)
        reading.figures.append(Figure(kind, max(1, count), colour, reading.scale))
    reading.settle()


def _is_flat_star(reading: _Reading, words: list[str]) -> bool:
    """Whether "star" means the drawn shape: it was counted or coloured, and no sky is spoken of."""
    heavenly = {"sky", "night", "starry", "milky", "galaxy", "space", "moon"}
    return (bool(reading.waiting) or reading.count is not None) and heavenly.isdisjoint(words)


def _singular(word: str) -> str:
    """The word without a plural ending, where it has one. Pure."""
    if word.endswith(("boxes", "crosses", "marshes", "beaches")):
        return word[:-2]
    if word.endswith("ies") and len(word) > 5:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
