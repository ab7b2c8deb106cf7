"""Calls per second at each provider, over the last two minutes: what the street's chart shows. Pure."""

import json
from collections import deque
from collections.abc import Mapping

SPAN_S = 120
# So many providers have a band of their own; the rest share one.
_BANDS = 5
OTHERS = "others"


class Pulse:
    """Takes the counts of calls once a second, and remembers what was added in each."""

    def __init__(self) -> None:
        self._before: Mapping[str, int] | None = None
        self._seconds: deque[tuple[int, Mapping[str, int]]] = deque(maxlen=SPAN_S)

    def take(self, now: float, calls: Mapping[str, int]) -> bool:
        """Counts as they are at `now` (seconds since the epoch); True where the chart looks different since.

        Counts that are less than before are those of a router that was started anew.
        """
        before, self._before = self._before, dict(calls)
        added = {}
        if before is not None:
            added = {name: count - before[name] for name, count in calls.items() if count > before.get(name, count)}
            added |= {name: count for name, count in calls.items() if name not in before and count}
        was_moving = self.is_moving
        self._seconds.append((int(now), added))
        return was_moving or self.is_moving

    @property
    def is_moving(self) -> bool:
        """Whether there was any call."""
        return any(added for _, added in self._seconds)

    def totals(self) -> dict[str, int]:
        """Provider -> calls in the span, the busiest first."""
        totals: dict[str, int] = {}
        for _, added in self._seconds:
            for name, count in added.items():
                totals[name] = totals.get(name, 0) + count
        return dict(sorted(totals.items(), key=lambda item: -item[1]))

    def told(self) -> str:
        """The chart as JSON: its seconds, and each band's calls in each of them, the busiest first."""
        totals = self.totals()
        names = list(totals)
        own, rest = (names, []) if len(names) <= _BANDS + 1 else (names[:_BANDS], names[_BANDS:])
        bands = {name: [added.get(name, 0) for _, added in self._seconds] for name in own}
        if rest:
            bands[OTHERS] = [sum(added.get(name, 0) for name in rest) for _, added in self._seconds]
        return json.dumps({"name": "pulse", "seconds": [second for second, _ in self._seconds], "bands": bands})
