"""What an attempt cost, as the kit tells it: estimated, computed, reported, side by side; unknown is never 0."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.openai.catalog import MODELS
from heliostat.adapters.sdk import AdapterSettings, Completed, Model, ModelTable, Order, Tariff, completed, per_image
from heliostat.adapters.sdk.costing import fill_cost, is_sane, read_cost
from heliostat.adapters.sdk.images_api.answers import doubt_of, read_usage
from heliostat.adapters.sdk.own_prices import with_prices
from heliostat.adapters.sdk.price_lines import Line
from heliostat.adapters.sdk.price_list import imported_path, read_price_list, shipped, shipped_beside
from heliostat.adapters.sdk.pricing import components, per_megapixel, unknown_price
from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros

PLANNED = Order(1024, 1024, variant={"quality": "medium"}, prompt_chars=176)
ESTIMATE = 50 * 5 + 1756 * 30


def told(end: Completed, model: Model | None = None, delivered: Order = PLANNED) -> event_pb2.Cost:
    """The cost of a picture of gpt-image-2, or of `model`."""
    cost = event_pb2.Cost()
    fill_cost(cost, model or MODELS.get("gpt-image-2"), PLANNED, delivered, end)
    return cost


def test_three_amounts_stand_side_by_side() -> None:
    """What was expected, what usage comes to, what the provider said; the last one is the cost."""
    cost = told(completed(usage=event_pb2.Usage(output_image_token_count=2000), reported_micros=61_000))
    assert to_micros(cost.estimated) == ESTIMATE
    assert to_micros(cost.computed) == 60_000
    assert to_micros(cost.reported) == 61_000
    assert (to_micros(cost.amount), cost.source) == (61_000, event_pb2.COST_SOURCE_REPORTED)
    assert (cost.price_version, cost.doubt) == ("openai 2026-11-22", "")


def test_without_a_report_the_computed_amount_is_the_cost() -> None:
    """Usage and prices."""
    cost = told(completed(usage=event_pb2.Usage(output_image_token_count=2000)))
    assert (to_micros(cost.amount), cost.source) == (60_000, event_pb2.COST_SOURCE_COMPUTED)
    assert not cost.HasField("reported")


U46_USAGES: list[Any] = [
    "many",
    [1, 2],
    {"input_tokens": 24, "output_tokens": -1756},
    {"input_tokens": 24, "output_tokens": 1e30},
    {"input_tokens": 24, "output_tokens": float("nan")},
    {"input_tokens": 24, "output_tokens": "1756"},
    {"input_tokens": "24", "output_tokens": 1756},
    {"input_tokens": 24, "output_tokens": True},
    {"input_tokens": 24, "output_tokens": 10**12},
    {"output_tokens": 1756, "output_tokens_details": {"image_tokens": -1}},
]


@pytest.mark.parametrize("usage", U46_USAGES, ids=str)
def test_u46_senseless_usage_is_unknown_and_the_estimate_stands(usage: Any) -> None:
    """Nothing is read out of figures that cannot be right, and operators are told why."""
    cost = told(completed(usage=read_usage(usage), doubt=doubt_of(usage)))
    assert not cost.HasField("computed")
    assert (to_micros(cost.amount), cost.source) == (ESTIMATE, event_pb2.COST_SOURCE_ESTIMATED)
    assert cost.doubt


def test_u46_missing_usage_is_unknown_and_the_estimate_stands() -> None:
    """A price by tokens without tokens."""
    cost = told(completed(usage=read_usage(None), doubt=doubt_of(None)))
    assert (to_micros(cost.amount), cost.source) == (ESTIMATE, event_pb2.COST_SOURCE_ESTIMATED)
    assert "did not tell" in cost.doubt


@pytest.mark.parametrize(
    "usage",
    [
        event_pb2.Usage(output_image_token_count=-5),
        event_pb2.Usage(output_token_count=10**15),
        event_pb2.Usage(billed_units=float("nan")),
        event_pb2.Usage(billed_units=-2.0),
        event_pb2.Usage(compute_seconds=float("inf")),
        event_pb2.Usage(output_megapixels=1e30),
    ],
    ids=str,
)
def test_u46_an_adapter_cannot_pass_senseless_usage_on(usage: event_pb2.Usage) -> None:
    """The kit looks at what every adapter says."""
    assert not is_sane(usage)
    cost = told(completed(usage=usage))
    assert to_micros(cost.amount) == ESTIMATE
    assert "cannot be right" in cost.doubt


@pytest.mark.parametrize("value", [-1, "-0.01", "NaN", float("nan"), float("inf"), 1e30, "1e30", "dear", True, [1], {}])
def test_u46_a_senseless_report_is_no_cost(value: Any) -> None:
    """Not 0 either."""
    reported = read_cost(value)
    assert reported.micros is None
    assert reported.doubt


@pytest.mark.parametrize("micros", [-1, 10**12])
def test_u46_an_adapter_cannot_pass_a_senseless_report_on(micros: int) -> None:
    """What usage comes to is the cost then."""
    cost = told(completed(usage=event_pb2.Usage(output_image_token_count=2000), reported_micros=micros))
    assert to_micros(cost.amount) == 60_000
    assert not cost.HasField("reported")
    assert "reported cannot be right" in cost.doubt


def test_u46_another_currency_is_unknown_without_a_rate() -> None:
    """A rate of the configuration makes it known."""
    assert read_cost("0.30", "CNY").micros is None
    assert "CNY" in read_cost("0.30", "CNY").doubt
    assert read_cost("0.30", "cny", rates={"CNY": Decimal("0.14")}).micros == 42_000


def test_a_cost_that_was_not_told_is_nothing_at_all() -> None:
    """Most providers tell none."""
    assert (read_cost(None).micros, read_cost(None).doubt, read_cost("").doubt) == (None, "", "")


def test_u46_what_nobody_can_price_has_no_amount() -> None:
    """Absent, so that the ledger keeps its own reserve."""
    cost = told(completed(), Model("free for all", price=unknown_price))
    assert not cost.HasField("amount")
    assert cost.doubt


def test_parts_add_up_exactly() -> None:
    """Each part is rounded so that their sum is the rounded sum: three thirds of a micro-dollar are one."""
    third = Line(per="image", price=Decimal("0.0000003333"))
    more = Line(per="request", price=Decimal("0.0000003333"))
    most = Line(per="step", price=Decimal("0.0000003334"), default_steps=1)
    tariff = Tariff((third, more, most))
    parts = tariff.parts(Order(64, 64))
    assert parts is not None
    assert sum(to_micros(part.total) for part in components(parts)) == tariff.estimate(Order(64, 64)) == 1


@pytest.mark.parametrize("provider", [*shipped_beside(), "openai", "fal"])
def test_every_shipped_price_has_a_source_a_day_and_an_estimate(provider: str) -> None:
    """A picture of a megapixel has a price in every list, given a rate of its currency; what hangs on more says so by a
    condition."""
    prices = shipped(provider)
    assert prices.source
    for model in prices:
        tariff = prices.tariff(model, {"CNY": Decimal("0.14")})
        assert tariff is not None
        assert prices.told_source(model).endswith(str(prices.find(model).as_of or prices.as_of))  # type: ignore[union-attr]
        asked = Order(1024, 1024, input_sizes=[(1024, 1024)], input_count=1, steps=4)
        seconds = any(line.per == "second" and line.typical_s is None for line in tariff.price_lines)
        assert tariff.estimate(asked) is not None or (seconds and not tariff.quote), model


OWN = """\
provider: acme
version: ours
source: our contract
as_of: 2026-11-01
currency: EUR
models:
  acme-1:
    lines:
      - {per: image, price: "0.10"}
  acme-2:
    currency: USD
    lines:
      - {per: megapixel, price: 0.02, round: up}
"""


def acme(*names: str) -> ModelTable:
    """Models that cost 1 USD by the shipped list."""
    return ModelTable(*(Model(name, price=per_image("1"), price_version="shipped") for name in names))


def test_own_prices_replace_those_that_they_name(tmp_path: Path) -> None:
    """Other models keep theirs; another currency needs a rate."""
    (tmp_path / "own.yaml").write_text(OWN)
    settings = AdapterSettings(prices=str(tmp_path / "own.yaml"))
    models = with_prices(acme("acme-1", "acme-2", "acme-3"), "acme", settings, tmp_path)
    found = {model.name: (model.price.estimate(Order(1025, 1024)), model.price_version) for model in models}
    assert found == {"acme-1": (None, "acme ours"), "acme-2": (40_000, "acme ours"), "acme-3": (1_000_000, "shipped")}
    rated = AdapterSettings(prices=str(tmp_path / "own.yaml"), usd_rates={"EUR": Decimal("1.10")})
    models = with_prices(acme("acme-1"), "acme", rated, tmp_path)
    assert models.get("acme-1").price.estimate(Order()) == 110_000
    assert models.get("acme-1").capability().prices[0].amount.currency_code == "EUR"


def test_an_imported_list_is_used_without_a_word_in_the_configuration(tmp_path: Path) -> None:
    """It stands under state_dir."""
    place = imported_path(tmp_path, "acme")
    place.parent.mkdir()
    place.write_text(OWN)
    models = with_prices(acme("acme-2"), "acme", AdapterSettings(), tmp_path)
    assert models.get("acme-2").price.estimate(Order(1024, 1024)) == 40_000
    assert "our contract" in models.get("acme-2").price_source


@pytest.mark.parametrize(
    ("old", "new", "told_line", "words"),
    [
        ('price: "0.10"', "price: dear", 9, "decimal"),
        ('price: "0.10"', "price: -1", 9, "greater than or equal"),
        ('price: "0.10"', "price: .nan", 9, "finite"),
        ("per: image", "per: picture", 9, "image"),
        ("per: image", "per: million_tokens", 9, "kind of token"),
        ("round: up", "round: sometimes", 13, "none"),
        ("round: up", "rounding: up", 13, "unknown key"),
        ("as_of: 2026-11-01", "as_of: soon", 4, "date"),
        ("currency: EUR", "currency: euros", 5, "pattern"),
        ("provider: acme", "provider: Acme Ltd", 1, "pattern"),
    ],
)
def test_a_faulty_list_is_refused_with_the_line(tmp_path: Path, old: str, new: str, told_line: int, words: str) -> None:
    """Nothing of it is used."""
    place = tmp_path / "own.yaml"
    place.write_text(OWN.replace(old, new, 1))
    with pytest.raises(MeshError) as caught:
        read_price_list(str(place))
    assert f"{place}:{told_line}: " in caught.value.message
    assert words in caught.value.message.lower()


def test_a_list_of_another_provider_is_refused(tmp_path: Path) -> None:
    """A slip of the pen would price everything wrong."""
    (tmp_path / "own.yaml").write_text(OWN)
    with pytest.raises(MeshError, match="holds prices of acme"):
        read_price_list(str(tmp_path / "own.yaml"), "fal")


def test_a_further_name_must_lead_to_a_model(tmp_path: Path) -> None:
    """An alias to nothing is a slip of the pen."""
    (tmp_path / "own.yaml").write_text(OWN + "also:\n  acme-latest: acme-9\n")
    with pytest.raises(MeshError, match=r"15: also\.acme-latest: leads to acme-9"):
        read_price_list(str(tmp_path / "own.yaml"))


def test_megapixels_round_as_the_provider_does() -> None:
    """Up for each picture, exact, or the first one dearer."""
    order = Order(1200, 1000, 2)
    assert per_megapixel("0.01").estimate(order) == 24_000
    assert per_megapixel("0.01", rounding="ceil").estimate(order) == 40_000
    assert per_megapixel("0.01", rounding="ceil", first="0.03").estimate(order) == 80_000
