"""Prices are exact in millionths of a dollar."""

import pytest

from heliostat.adapters.openai.catalog import MODELS
from heliostat.adapters.sdk import Order, free, per_image, per_megapixel, per_token, unknown_price
from heliostat.adapters.sdk.pricing import MEBIPIXEL, Pricing, per_second
from heliostat.api.image.v1 import event_pb2

NO_USAGE = event_pb2.Usage()


def order(width: int = 0, height: int = 0, count: int = 1, **variant: str) -> Order:
    """An order of so many pictures."""
    return Order(width, height, count, variant)


@pytest.mark.parametrize(
    ("price", "asked", "micros"),
    [
        (free, order(64, 64), 0),
        (unknown_price, order(64, 64), None),
        (per_image("0.04"), order(count=3), 120_000),
        (per_image({"quality=low": "0.01", "": "0.04"}), order(quality="low"), 10_000),
        (per_image({"quality=low": "0.01", "": "0.04"}), order(quality="high"), 40_000),
        (per_image({"quality=low": "0.01"}), order(quality="high"), None),
        (
            per_image({"quality=hd,size=1024x1024": "0.08", "quality=hd": "0.12"}),
            order(1024, 1024, quality="hd"),
            80_000,
        ),
        (
            per_image({"quality=hd,size=1024x1024": "0.08", "quality=hd": "0.12"}),
            order(1792, 1024, quality="hd"),
            120_000,
        ),
        (per_megapixel("0.003", rounding="ceil", unit_px=MEBIPIXEL), order(1024, 1024), 3_000),
        (per_megapixel("0.003", rounding="ceil", unit_px=MEBIPIXEL), order(1024, 1025), 6_000),
        (per_megapixel("0.025"), order(1000, 1500, 2), 75_000),
        (per_megapixel("0.025", minimum="1"), order(100, 100), 25_000),
        (per_megapixel("0.015", rounding="ceil", first="0.03"), order(2000, 1000), 45_000),
        (per_megapixel("0.025"), order(), None),
    ],
)
def test_an_order_is_estimated(price: Pricing, asked: Order, micros: int | None) -> None:
    """None where nobody can tell, never a zero instead."""
    assert price.estimate(asked) == micros


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        (per_megapixel("0.025"), 75_000),
        (per_megapixel("0.015", first="0.03"), None),
        (per_second("0.001", certain=False), None),
        (unknown_price, None),
        (free, 0),
    ],
)
def test_units_of_the_provider_are_priced_where_one_price_is_certain(price: Pricing, micros: int | None) -> None:
    """What the provider counted is what it charges for; which of two prices a unit has, nobody could tell."""
    assert price.of_units(3) == micros


def test_tokens_are_charged_by_kind() -> None:
    """50 words in, one picture and two previews out of gpt-image-2: the worked example of its price page."""
    usage = event_pb2.Usage(input_text_token_count=50, output_image_token_count=1956)
    assert MODELS.get("gpt-image-2").price.cost(order(), usage) == 58_930


def test_usage_without_details_is_charged_at_the_rate_of_pictures() -> None:
    """A streamed answer tells totals only: output is picture, input is text."""
    usage = event_pb2.Usage(input_token_count=24, output_token_count=1756)
    assert MODELS.get("gpt-image-2").price.cost(order(), usage) == 24 * 5 + 1756 * 30


def test_missing_usage_is_unknown_and_not_free() -> None:
    """The estimate stays where the provider says nothing."""
    assert MODELS.get("gpt-image-2").price.cost(order(), NO_USAGE) is None


@pytest.mark.parametrize(
    ("model", "size", "quality", "tokens"),
    [
        ("gpt-image-2", (1024, 1024), "low", 196),
        ("gpt-image-2", (1024, 1024), "medium", 1756),
        ("gpt-image-2", (1024, 1024), "high", 7024),
        ("gpt-image-2", (1536, 1024), "medium", 1372),
        ("gpt-image-2", (1024, 1536), "high", 5488),
        ("gpt-image-2", (2560, 1440), "medium", 1843),
        ("gpt-image-2", (3840, 2160), "high", 13_342),
        ("gpt-image-2.5-flare", (1024, 1024), "medium", 781),
        ("gpt-image-2.5-flare", (1024, 1024), "xhigh", 3951),
        ("gpt-image-2.5-flare", (1024, 1024), "max", 7024),
        ("gpt-image-2", (0, 0), "", 7024),
    ],
)
def test_tokens_of_the_second_generation(model: str, size: tuple[int, int], quality: str, tokens: int) -> None:
    """The published table, and the dearest case where quality and size are left to the provider."""
    price = MODELS.get(model).price
    variant = {"quality": quality} if quality else {}
    prompt = 6 * 5
    assert price.estimate(Order(*size, 1, variant)) == tokens * 30 + prompt


@pytest.mark.parametrize(
    ("model", "size", "quality", "micros"),
    [
        ("gpt-image-1.5", (1024, 1024), "medium", 1056 * 32 + 30),
        ("gpt-image-1.5", (1536, 1024), "high", 6208 * 32 + 30),
        ("gpt-image-1", (1024, 1024), "low", 272 * 40 + 30),
        ("gpt-image-1-mini", (1024, 1024), "medium", 11_000),
        ("gpt-image-1-mini", (1536, 1024), "high", 52_000),
        ("dall-e-3", (1024, 1024), "standard", 40_000),
        ("dall-e-3", (1792, 1024), "hd", 120_000),
        ("dall-e-2", (512, 512), "", 18_000),
        ("dall-e-2", (1024, 1024), "", 20_000),
    ],
)
def test_prices_of_the_older_models(model: str, size: tuple[int, int], quality: str, micros: int) -> None:
    """Token prices with OpenAI's table of tokens, its quoted prices for mini, prices per picture for dall-e."""
    variant = {"quality": quality} if quality else {}
    assert MODELS.get(model).price.estimate(Order(*size, 1, variant)) == micros


def test_an_estimate_without_a_guess_is_unknown() -> None:
    """Token prices alone say nothing before the call."""
    assert per_token(input_text="5", input_image="8", output_image="30").estimate(order(64, 64)) is None


@pytest.mark.parametrize("model", list(MODELS), ids=lambda model: model.name)
def test_every_model_has_an_estimate_and_a_source(model: object) -> None:
    """Budgets can be kept for all of them."""
    priced = MODELS.get(model.name)  # type: ignore[attr-defined]
    assert priced.price.estimate(Order(1024, 1024)) is not None
    assert priced.price_source
    assert priced.capability().prices
