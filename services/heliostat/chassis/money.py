"""Money of the contract (google.type.Money, US dollars) and the micro-dollars that the code counts in. Pure."""

from google.type import money_pb2

MICROS_PER_USD = 1_000_000
_NANOS_PER_MICRO = 1_000


def to_money(micros: int) -> money_pb2.Money:
    """Micro-dollars, of either sign, as Money."""
    sign = -1 if micros < 0 else 1
    units, rest = divmod(abs(micros), MICROS_PER_USD)
    return money_pb2.Money(currency_code="USD", units=sign * units, nanos=sign * rest * _NANOS_PER_MICRO)


def to_micros(money: money_pb2.Money) -> int:
    """Money as micro-dollars; half a micro-dollar is rounded up."""
    units: int = money.units
    nanos: int = money.nanos
    return units * MICROS_PER_USD + (nanos + _NANOS_PER_MICRO // 2) // _NANOS_PER_MICRO


def usd(micros: int) -> float:
    """Micro-dollars as dollars, for people and JSON; never to be counted with."""
    return micros / MICROS_PER_USD
