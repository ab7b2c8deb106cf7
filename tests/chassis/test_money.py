"""Money counts in micro-dollars without losing any."""

import pytest
from google.type import money_pb2

from heliostat.chassis.money import to_micros, to_money, usd


@pytest.mark.parametrize("micros", [0, 1, 40_000, 999_999, 1_000_000, 123_456_789, -1, -1_500_000])
def test_micros_survive_the_contract(micros: int) -> None:
    """To Money and back is exact, for either sign."""
    assert to_micros(to_money(micros)) == micros


@pytest.mark.parametrize(
    ("nanos", "micros"), [(0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2), (999_999_999, 1_000_000)]
)
def test_half_a_micro_is_rounded_up(nanos: int, micros: int) -> None:
    """What is finer than a micro-dollar is rounded half up."""
    assert to_micros(money_pb2.Money(currency_code="USD", nanos=nanos)) == micros


def test_money_names_its_currency() -> None:
    """Money is US dollars, in whole units and nanos of one sign."""
    money = to_money(-2_250_000)
    assert (money.currency_code, money.units, money.nanos) == ("USD", -2, -250_000_000)
    assert usd(2_250_000) == 2.25
