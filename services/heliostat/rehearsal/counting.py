"""Two bills of one story: what the providers billed, and what they would have billed without a gateway. Pure.

Without a gateway a client speaks to the providers itself. Everything that they billed the gateway, they would have
billed the client, attempts that brought nothing included. And each repetition of a call, by a library's retry or by a
key that was sent again, would have been a purchase of its own: once more what the providers billed last for each part
of the call that it repeats. A repetition of a call that was never billed adds nothing. That is a floor: a client
without a gateway also goes without its picture where its one provider is down, and this counts it as bought once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Amount:
    """Pictures and their price in micro-USD."""

    pictures: int = 0
    micros: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.pictures + other.pictures, self.micros + other.micros)

    def times(self, count: int) -> "Amount":
        """So many times as much."""
        return Amount(self.pictures * count, self.micros * count)


class Tally:
    """Adds bills and repetitions up."""

    def __init__(self) -> None:
        # Request -> how often it was repeated, by processes that are no more, and by the present one.
        self._earlier: dict[str, int] = {}
        self._repeats: dict[str, int] = {}
        self.forget_bills()

    def forget_bills(self) -> None:
        """The journals were reset. What was repeated before is part of a story that is over."""
        # Entry of the journal -> its amount.
        self._entries: dict[int, Amount] = {}
        self._by_provider: dict[str, Amount] = {}
        # Request -> part -> the last attempt at it that was billed, and what for.
        self._last: dict[str, dict[str, tuple[int, Amount]]] = {}
        self._earlier = {name: -count for name, count in self._repeats.items()}

    def add_bill(self, bill: Mapping[str, Any]) -> None:
        """A bill as the emulators tell it; a second one of the same entry takes the place of the first."""
        amount = Amount(int(bill["pictures"]), int(bill["cost_micros"]))
        seq, provider = int(bill["seq"]), str(bill["provider"])
        before = self._entries.get(seq, Amount()).times(-1)
        self._entries[seq] = amount
        self._by_provider[provider] = self.billed_by(provider) + before + amount
        request_id, part, ordinal = _place(str(bill["attempt_id"] or ""))
        parts = self._last.setdefault(request_id, {})
        if part not in parts or parts[part][0] <= ordinal:
            parts[part] = (ordinal, amount)

    def take_all_repeats(self, counts: Mapping[str, int]) -> None:
        """All that a ledger knows, as it says first; one that knows less than before is another process."""
        if any(counts.get(name, 0) < count for name, count in self._repeats.items()):
            for name, count in self._repeats.items():
                self._earlier[name] = self._earlier.get(name, 0) + count
            self._repeats.clear()
        self.take_repeats(counts)

    def take_repeats(self, counts: Mapping[str, int]) -> None:
        """How often requests were repeated, those that changed."""
        self._repeats |= counts

    def repeats(self) -> dict[str, int]:
        """How often each request was repeated."""
        names = self._repeats.keys() | self._earlier.keys()
        counts = {name: self._repeats.get(name, 0) + self._earlier.get(name, 0) for name in names}
        return {name: count for name, count in counts.items() if count > 0}

    def billed_by(self, provider: str) -> Amount:
        """What one provider billed."""
        return self._by_provider.get(provider, Amount())

    def billed(self) -> Amount:
        """What the providers billed."""
        return _sum(self._by_provider.values())

    def without_gateway(self) -> Amount:
        """What they would have billed a client that speaks to them itself."""
        again = (
            _sum(amount for _, amount in self._last.get(name, {}).values()).times(count)
            for name, count in self.repeats().items()
        )
        return self.billed() + _sum(again)


def _place(attempt_id: str) -> tuple[str, str, int]:
    """The request of an attempt, which part of it, and which attempt at that part: "req_1/0/2"."""
    request_id, _, rest = attempt_id.partition("/")
    part, _, ordinal = rest.partition("/")
    return request_id, part, int(ordinal) if ordinal.isdecimal() else 0


def _sum(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, Amount())
