"""Prompts read into scenes."""

import pytest

from heliostat.painting.colours import NAMED
from heliostat.painting.words import read


@pytest.mark.parametrize(
    ("prompt", "hour", "features"),
    [
        ("A sunset over mountains", "sunset", {"sun", "mountains"}),
        ("Sunrise at the lake", "dawn", {"sun", "lake"}),
        ("a forest at NIGHT", "night", {"forest"}),
        ("the moon and stars", "night", {"moon", "stars"}),
        ("a foggy morning in the city", "dawn", {"fog", "city"}),
        ("twilight skyline by the sea", "dusk", {"city", "sea"}),
        ("green hills without clouds", "noon", {"hills"}),
        ("five pine trees", "noon", {"pine"}),
        ("a house, a boat, and flowers", "noon", {"house", "boat", "flowers"}),
        ("entirely unknown gobbledygook", "noon", set()),
        ("", "noon", set()),
    ],
)
def test_hours_and_features_are_recognised(prompt: str, hour: str, features: set[str]) -> None:
    """Plain words name the hour and the things."""
    scene = read(prompt)
    assert scene.hour == hour
    assert set(scene.features) == features


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("three red circles", [("circle", 3, "red")]),
        ("a blue square and 2 green triangles", [("square", 1, "blue"), ("triangle", 2, "green")]),
        ("five yellow stars on a navy background", [("star", 5, "yellow")]),
        ("a dozen boxes", [("square", 12, None)]),
        ("no circles, one red heart", [("heart", 1, "red")]),
        ("an apple", [("apple", 1, "red")]),
    ],
)
def test_figures_have_count_and_colour(prompt: str, expected: list[tuple[str, int, str | None]]) -> None:
    """A number and a colour belong to the noun that follows."""
    found = [(figure.kind, figure.count, figure.colour) for figure in read(prompt).figures]
    assert found == [(kind, count, NAMED[name] if name else None) for kind, count, name in expected]


def test_stars_in_the_sky_are_no_drawn_shapes() -> None:
    """Coloured stars become figures only where no sky is spoken of."""
    scene = read("golden stars in the night sky")
    assert scene.figures == ()
    assert "stars" in scene.features


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ('a sign that says "OPEN NOW"', ("OPEN NOW",)),
        ("a card with “Happy Birthday” and 'Anna'", ("Happy Birthday", "Anna")),
        ("the cat's house isn't big", ()),
        ('""', ()),
    ],
)
def test_quoted_words_are_text(prompt: str, texts: tuple[str, ...]) -> None:
    """Quotes of any style mark text; an apostrophe does not."""
    assert read(prompt).texts == texts


def test_words_inside_quotes_paint_nothing() -> None:
    """What is to be written is not to be painted."""
    assert read('the words "red mountains"').features == frozenset()


def test_background_and_tints_take_their_colour() -> None:
    """A background's colour is no free colour; a thing's colour is its own."""
    scene = read("a red house on a white background")
    assert scene.background == NAMED["white"]
    assert scene.tints == {"house": NAMED["red"]}


def test_counts_are_bounded() -> None:
    """A prompt cannot order a million shapes."""
    assert read("1000000 red circles").figures[0].count <= 100
