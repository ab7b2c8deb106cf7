"""Rows F18 to F20 of the fault plan: what went wrong with the cost of pictures elsewhere."""

import pytest

from heliostat.adapters.openai.catalog import MODELS
from heliostat.adapters.sdk import Order
from heliostat.api.image.v1 import event_pb2


@pytest.mark.parametrize("variant", [{"quality": "auto"}, {}], ids=["auto", "unsaid"])
def test_f18_an_open_size_and_quality_still_have_a_cost(variant: dict[str, str]) -> None:
    """The dearest case is reserved, never nothing."""
    open_ones = MODELS.get("gpt-image-2").price.estimate(Order(0, 0, 1, variant))
    high = MODELS.get("gpt-image-2").price.estimate(Order(1024, 1024, 1, {"quality": "high"}))
    assert open_ones is not None
    assert high is not None
    assert open_ones >= high > 0


def test_f19_picture_tokens_are_charged_as_such() -> None:
    """Output tokens of pictures cost 30 USD per million, not what text costs."""
    price = MODELS.get("gpt-image-2").price
    both = event_pb2.Usage(input_text_token_count=1000, output_image_token_count=1000)
    assert price.cost(Order(1024, 1024), event_pb2.Usage(output_image_token_count=1000)) == 30_000
    assert price.cost(Order(1024, 1024), both) == 35_000


def test_f20_usage_without_details_is_not_free() -> None:
    """Totals alone are charged at the rate of pictures."""
    price = MODELS.get("gpt-image-2").price
    assert price.cost(Order(1024, 1024), event_pb2.Usage(output_token_count=1000)) == 30_000
