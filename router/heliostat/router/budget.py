"""How many attempts beyond the first are allowed at all, so that an outage does not multiply the load. Pure.

An attempt beyond the first is let through while those under way stay within a share of the requests under way (and
never fewer than a few), or while those of the last seconds stay within the same share of the requests of the last
seconds, which is what many calls breaking at one instant need. Last resorts have the second rule only.
"""

from heliostat.router.settings import BudgetSettings

_SLOTS = 10


class Recent:
    """Counts what happened in the last `span_s` seconds, to a tenth of the span."""

    __slots__ = ("_counts", "_latest", "_slot_s")

    def __init__(self, span_s: float) -> None:
        self._slot_s = span_s / _SLOTS
        self._counts = [0] * _SLOTS
        self._latest = 0

    def add(self, now: float, count: int = 1) -> None:
        """It happened."""
        self._turn(now)
        self._counts[self._latest % _SLOTS] += count

    def count(self, now: float) -> int:
        """How often it happened."""
        self._turn(now)
        return sum(self._counts)

    def _turn(self, now: float) -> None:
        slot = int(now / self._slot_s)
        if slot - self._latest >= _SLOTS:
            self._counts = [0] * _SLOTS
        else:
            for passed in range(self._latest + 1, slot + 1):
                self._counts[passed % _SLOTS] = 0
        self._latest = max(self._latest, slot)


class Budget:
    """Calls for pictures (requests, or branches of those that are split) and further attempts of one router."""

    def __init__(self, settings: BudgetSettings) -> None:
        self._share = settings.share
        self._least = settings.least
        self._requests = Recent(settings.window_s)
        self._attempts = Recent(settings.window_s)
        self.requests = 0
        self.attempts = 0

    def begin(self, now: float) -> None:
        """A request begins."""
        self.requests += 1
        self._requests.add(now)

    def end(self) -> None:
        """A request ends."""
        self.requests -= 1

    def may(self, now: float, *, last_resort: bool = False) -> bool:
        """Whether one more attempt beyond the first may begin."""
        recent, allowed = self._attempts.count(now), self._share * self._requests.count(now)
        if last_resort:
            return recent < self._least + allowed
        return self.attempts < max(self._least, self._share * self.requests) or recent < allowed

    def may_try(self, now: float, under_way: int) -> bool:
        """Whether a request may try a target that was put out, while `under_way` others do so.

        It most likely needs another attempt then, so tries take half of the share of the last seconds, and leave the
        rest, and the few that are always allowed, to those who fail without warning. One at a time is always allowed.
        """
        expected = self._attempts.count(now) + under_way
        return expected == 0 or 2 * expected < self._share * self._requests.count(now)

    def take(self, now: float) -> None:
        """An attempt beyond the first begins."""
        self.attempts += 1
        self._attempts.add(now)

    def give_back(self, now: float, *, unsent: bool = False) -> None:
        """It ended; one that was never sent does not count at all."""
        self.attempts -= 1
        if unsent:
            self._attempts.add(now, -1)
