"""A wished size becomes what a model takes, and the caller is told where it differs."""

import math
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.adapters.mapped.catalog import models_of
from heliostat.adapters.mapped.files import shipped
from heliostat.adapters.sdk import Choice, Exact, FollowsInput, ModelTable, Pixels, Ratios
from heliostat.adapters.sdk.sizing import SizeRule, requested_text
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.launch.targets import adapter_kinds, package_of

GPT2 = Pixels(16, 3840, step=16, min_area_px=655_360, max_area_px=8_294_400, max_ratio=3.0)
FLUX = Pixels(256, 1536, step=16, default=(1024, 768))
THREE = Exact(((1024, 1024), (1536, 1024), (1024, 1536)))
SHAPES = Ratios(("1:1", "16:9", "9:16", "3:2", "21:9"), tiers=("1K", "2K", "4K"))


def px(width: int, height: int) -> requests.Size:
    """Exact pixels."""
    return requests.Size(pixels=requests.PixelSize(width_px=width, height_px=height))


def shape(width: int, height: int, tier: str = "") -> requests.Size:
    """A shape, with a tier of its name."""
    value: Any = requests.SizeTier.Value(f"SIZE_TIER_{tier}") if tier else requests.SIZE_TIER_UNSPECIFIED
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=value))


NOTHING = requests.Size()


@pytest.mark.parametrize(
    ("rule", "wish", "sent", "changed"),
    [
        (GPT2, px(1024, 1024), "1024x1024", False),
        (GPT2, px(2560, 1440), "2560x1440", False),
        (GPT2, px(1920, 1080), "1920x1088", True),
        (GPT2, px(512, 512), "816x816", True),
        (GPT2, px(4096, 2048), "3840x1920", True),
        (GPT2, shape(16, 9), "1360x768", False),
        (GPT2, shape(1, 1, "2K"), "2048x2048", False),
        (GPT2, shape(0, 0, "2K"), "2048x2048", False),
        (GPT2, shape(1, 1, "4K"), "2880x2880", True),
        (GPT2, shape(10, 1), "1776x592", True),
        (GPT2, NOTHING, "", False),
        (FLUX, NOTHING, "1024x768", False),
        (FLUX, shape(16, 9), "1360x768", False),
        (FLUX, px(2000, 2000), "1536x1536", True),
        (THREE, px(1536, 1024), "1536x1024", False),
        (THREE, px(1920, 1080), "1536x1024", True),
        (THREE, shape(3, 2), "1536x1024", False),
        (THREE, shape(16, 9), "1536x1024", True),
        (THREE, NOTHING, "", False),
        (SHAPES, shape(16, 9), "16:9", False),
        (SHAPES, shape(16, 9, "2K"), "16:9@2K", False),
        (SHAPES, shape(5, 4), "3:2", True),
        (SHAPES, px(1920, 1080), "16:9@1K", True),
        (SHAPES, px(3840, 2160), "16:9@2K", True),
        (SHAPES, NOTHING, "", False),
        (FollowsInput(), NOTHING, "", False),
        (FollowsInput(), px(64, 64), "", True),
    ],
)
def test_a_wish_becomes_the_nearest_thing_that_the_model_takes(
    rule: SizeRule, wish: requests.Size, sent: str, changed: bool
) -> None:
    """What is sent, and whether the caller hears of it."""
    choice = rule.choose(wish)
    assert (choice.sent, choice.changed) == (sent, changed)
    assert bool(choice.reason) is changed
    assert choice.requested == requested_text(wish)


@given(width=st.integers(1, 16_384), height=st.integers(1, 16_384))
def test_every_wish_in_pixels_gives_a_legal_size(width: int, height: int) -> None:
    """Whatever is asked, the provider is never sent a size that it refuses."""
    choice = GPT2.choose(px(width, height))
    assert GPT2.legal(choice.width_px, choice.height_px)
    assert choice.changed is ((choice.width_px, choice.height_px) != (width, height))


STUDIO = Pixels(16, 8192, max_area_px=4_194_304)


@given(edge=st.integers(1, 20_000))
def test_a_square_stays_a_square(edge: int) -> None:
    """However much too large or too small it is."""
    for grid in (GPT2, FLUX, STUDIO):
        choice = grid.choose(px(edge, edge))
        assert choice.width_px == choice.height_px


def test_a_square_that_is_too_large_becomes_the_largest_one() -> None:
    """The studio draws four megapixels at most."""
    assert STUDIO.choose(px(16_384, 16_384)).sent == "2048x2048"


@given(width=st.integers(1, 100), height=st.integers(1, 100), tier=st.sampled_from(["", "HALF_K", "1K", "2K", "4K"]))
def test_every_wished_shape_gives_a_legal_size(width: int, height: int, tier: str) -> None:
    """Also for shapes that no grid has."""
    for grid in (GPT2, FLUX):
        choice = grid.choose(shape(width, height, tier))
        assert grid.legal(choice.width_px, choice.height_px)


@pytest.mark.parametrize(("width", "height"), [(16, 9), (9, 16), (4, 3), (3, 2), (21, 9), (1, 1)])
def test_a_shape_never_costs_more_pixels_than_its_tier(width: int, height: int) -> None:
    """A provider that bills whole megapixels would bill two for one pixel more."""
    choice = FLUX.choose(shape(width, height, "1K"))
    assert choice.width_px * choice.height_px <= 1024 * 1024


@pytest.mark.parametrize("rule", [GPT2, THREE, SHAPES, FollowsInput()])
def test_a_rule_describes_itself(rule: SizeRule) -> None:
    """Describe carries what the rule goes by."""
    described = rule.rule()
    kinds = {Pixels: "grid", Exact: "exact", Ratios: "shapes", FollowsInput: None}
    assert described.WhichOneof("rule") == kinds[type(rule)]


def rules() -> list[tuple[str, SizeRule]]:
    """Every size rule of every model of every adapter, each once, with the name of a model that has it."""
    found: dict[SizeRule, str] = {}
    for kind in adapter_kinds():
        package = package_of()[kind]
        name = f"heliostat.adapters.{package}"
        if package != kind:
            tables = [models_of(shipped(kind))]
        else:
            room = import_module(f"{name}.catalog" if find_spec(f"{name}.catalog") is not None else f"{name}.adapter")
            tables = [value for value in vars(room).values() if isinstance(value, ModelTable)]
        for model in (model for table in tables for model in table):
            for operation in model.operations:
                found.setdefault(model.sizes_of(operation), f"{kind}/{model.name}")
    return [(name, rule) for rule, name in found.items()]


RULES = rules()
# A wish is held against every rule: drawing one takes far longer than choosing.
DRAWN = settings(max_examples=100)
EDGES = st.one_of(st.integers(1, 16_384), st.sampled_from([64, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 4096]))
TIERS = st.sampled_from(["", "HALF_K", "1K", "2K", "4K"])
WISHES = st.one_of(
    st.builds(px, EDGES, EDGES), st.builds(shape, st.integers(1, 64), st.integers(1, 64), TIERS), st.just(NOTHING)
)


def is_taken(rule: SizeRule, choice: Choice) -> bool:
    """Whether the model takes what is sent."""
    if isinstance(rule, Pixels):
        return not choice.width_px or rule.legal(choice.width_px, choice.height_px)
    if isinstance(rule, Exact):
        return not choice.width_px or (choice.width_px, choice.height_px) in rule.sizes
    if isinstance(rule, Ratios):
        return choice.ratio in ("", rule.default, *rule.ratios) and choice.tier in ("", *rule.tiers)
    return not choice.sent


@DRAWN
@given(wish=WISHES)
def test_every_model_is_sent_only_what_it_takes_and_every_change_is_told(wish: requests.Size) -> None:
    """Whatever is wished, of every table: legal, and honest about it."""
    for name, rule in RULES:
        choice = rule.choose(wish)
        assert is_taken(rule, choice), name
        assert choice.requested == requested_text(wish), name
        assert bool(choice.reason) is choice.changed, name
        if wish.WhichOneof("kind") == "pixels":
            assert choice.changed is (choice.sent != choice.requested), name
        if not choice.requested:
            assert not choice.changed, name


@DRAWN
@given(wish=WISHES)
def test_what_a_model_takes_is_sent_as_it_is(wish: requests.Size) -> None:
    """Choosing again changes nothing."""
    for name, rule in RULES:
        first = rule.choose(wish)
        if first.width_px:
            again = rule.choose(px(first.width_px, first.height_px))
            assert (again.sent, again.changed) == (first.sent, False), name


LISTS = [(name, rule) for name, rule in RULES if isinstance(rule, Exact)]


@DRAWN
@given(width=EDGES, height=EDGES)
def test_no_size_of_a_list_is_nearer_in_shape_and_in_area(width: int, height: int) -> None:
    """What is chosen may be beaten in one of them, never in both."""

    def far(one: tuple[int, int]) -> tuple[float, float]:
        shape_apart = abs(math.log(one[0] * height / (one[1] * width)))
        return shape_apart, abs(math.log(one[0] * one[1] / (width * height)))

    assert LISTS
    for name, rule in LISTS:
        choice = rule.choose(px(width, height))
        chosen = far((choice.width_px, choice.height_px))
        nearer = [one for one in map(far, rule.sizes) if one[0] < chosen[0] - 1e-9 and one[1] < chosen[1] - 1e-9]
        assert nearer == [], name


SHAPED = [(name, rule) for name, rule in RULES if isinstance(rule, Ratios)]


@DRAWN
@given(width=st.integers(1, 64), height=st.integers(1, 64))
def test_no_shape_of_a_list_is_nearer(width: int, height: int) -> None:
    """By the ratio of ratios: 2:1 and 1:2 are as far from 1:1."""

    def far(ratio: str) -> float:
        parts = [int(part) for part in ratio.split(":")]
        return abs(math.log(parts[0] * height / (parts[1] * width)))

    assert SHAPED
    for name, rule in SHAPED:
        chosen = rule.choose(shape(width, height)).ratio
        assert far(chosen) <= min(map(far, rule.ratios)) + 1e-9, name


GRIDS = [(name, rule) for name, rule in RULES if isinstance(rule, Pixels)]


@DRAWN
@given(width=EDGES, height=EDGES)
def test_a_size_within_a_grid_moves_less_than_a_step(width: int, height: int) -> None:
    """A size that the model nearly takes is not exchanged for another one."""
    assert GRIDS
    for name, rule in GRIDS:
        choice = rule.choose(px(width, height))
        down = (width // rule.step * rule.step, height // rule.step * rule.step)
        around = [(down[0] + x, down[1] + y) for x in (0, rule.step) for y in (0, rule.step)]
        shaped = [abs(math.log(one[0] * height / (one[1] * width))) <= 0.02 for one in around if min(one) > 0]
        if len(shaped) == 4 and all(shaped) and all(rule.legal(*one) for one in around):
            assert abs(choice.width_px - width) <= rule.step, name
            assert abs(choice.height_px - height) <= rule.step, name
