"""When the traffic puts a target out, for how long, and how it comes back. Pure: time and chance are arguments.

Three kinds of calls are counted apart: those that came back well, failures of the provider (theirs), and failures to
reach it at all (ours). A slow answer is a good one that is also noted as slow.
"""

import random
from collections import deque
from enum import IntEnum
from typing import Literal

from heliostat.router.settings import HealthSettings


class Ending(IntEnum):
    """How a call ended, as far as the target's health is concerned. Numbers, since they count in every request."""

    GOOD = 0
    SLOW = 1  # good, and it took several times what good ones take
    THEIRS = 2
    OURS = 3


_WINDOW_WORDS = {
    Ending.THEIRS: "failed {count} of its last {total} calls",
    Ending.OURS: "could not be reached in {count} of its last {total} calls",
    Ending.SLOW: "was slow in {count} of its last {total} answers",
}
_ROW_WORDS = {
    Ending.THEIRS: "failed {count} times in a row",
    Ending.OURS: "could not be reached {count} times in a row",
}


class Window:
    """How the calls of the last `span_s` seconds ended."""

    __slots__ = ("_calls", "_counts", "_span_s")

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._calls: deque[tuple[float, Ending]] = deque()
        self._counts = [0, 0, 0, 0]

    def add(self, now: float, ending: Ending) -> None:
        """One call ended."""
        self._calls.append((now, ending))
        self._counts[ending] += 1
        self._forget(now)

    def of(self, now: float, ending: Ending) -> tuple[int, int]:
        """How many ended so, and of how many: a failure to reach it counts among all, the others among the reached."""
        self._forget(now)
        total = sum(self._counts)
        if ending is Ending.OURS:
            return self._counts[Ending.OURS], total
        reached = total - self._counts[Ending.OURS]
        if ending is Ending.SLOW:
            reached -= self._counts[Ending.THEIRS]
        return self._counts[ending], reached

    def clear(self) -> None:
        """Forgets everything."""
        self._calls.clear()
        self._counts = [0, 0, 0, 0]

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0][0] <= now - self._span_s:
            self._counts[self._calls.popleft()[1]] -= 1


class Breaker:
    """Whether one target is out, and until when.

    Out until `until`, then probing: one real call decides. `by_count` tells a judgement of the traffic from a plain
    fact, such as a key that was refused.
    """

    __slots__ = (
        *("_earlier", "_row_began", "_settings", "_window", "by_count", "failed_probes", "in_a_row", "out_s"),
        *("since", "until", "why"),
    )

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._window = Window(settings.window_s)
        self.in_a_row = {Ending.THEIRS: 0, Ending.OURS: 0}
        self._row_began = 0.0
        self._earlier = 0  # good ends, in this row, of calls that began before it
        self.until: float | None = None  # None: it is in
        self.since = 0.0  # when it last came in or went out: calls that began earlier say nothing new
        self.out_s = 0.0
        self.why = ""
        self.by_count = True
        self.failed_probes = 0

    def state(self, now: float) -> Literal["in", "out", "probing"]:
        """Where it stands."""
        if self.until is None:
            return "in"
        return "out" if now < self.until else "probing"

    @property
    def is_doubted(self) -> bool:
        """True where the traffic put it out and no success has brought it back yet."""
        return self.by_count and self.until is not None

    def good(self, now: float, began: float, *, slow: bool = False) -> None:
        """A call that began at `began` came back well: that ends a row of failures.

        Calls that began before the row did tell of the time before it: only as many as failed end it.
        """
        longest = max(self.in_a_row.values())
        if longest:
            if began < self._row_began and self._earlier < longest:
                self._earlier += 1
            else:
                self.in_a_row[Ending.THEIRS] = self.in_a_row[Ending.OURS] = 0
        self._window.add(now, Ending.SLOW if slow else Ending.GOOD)

    def failed(self, now: float, ending: Ending) -> None:
        """A call failed: theirs or ours. Whoever failed was reached, so theirs ends a row of ours."""
        if not any(self.in_a_row.values()):
            self._row_began = now
            self._earlier = 0
        self.in_a_row[ending] += 1
        if ending is Ending.THEIRS:
            self.in_a_row[Ending.OURS] = 0
        self._window.add(now, ending)

    def verdict(self, now: float, others_stand: bool) -> str:
        """Why it should be put out, as a sentence without a subject; empty where it should not.

        Nobody is put out by count where no other target of the route stands.
        """
        if self.until is not None or not others_stand:
            return ""
        rules = self._settings
        for ending, words in _ROW_WORDS.items():
            if self.in_a_row[ending] >= rules.consecutive_failures:
                return words.format(count=self.in_a_row[ending])
        for ending, words in _WINDOW_WORDS.items():
            count, total = self._window.of(now, ending)
            if total >= rules.many_calls and count > rules.many_share * total:
                return words.format(count=count, total=total)
            if ending is not Ending.SLOW and total >= rules.some_calls and count > rules.some_share * total:
                return words.format(count=count, total=total)
        return ""

    def put_out(self, now: float, why: str, dice: random.Random, *, out_s: float | None = None) -> None:
        """Out from now on: for `out_s` seconds where a fact says so, else by the rules for counts, less jitter."""
        self.by_count = out_s is None
        self.out_s = self._settings.out_s if out_s is None else out_s
        self._go_out(now, why, dice)
        self.failed_probes = 0

    def probe_failed(self, now: float, why: str, dice: random.Random) -> None:
        """The one real call failed: out again; after many such calls for twice as long, up to a limit."""
        rules = self._settings
        self.failed_probes += 1
        if self.by_count and self.failed_probes > rules.probes_before_doubling:
            self.out_s = min(self.out_s * 2, rules.longest_out_s)
        self._go_out(now, why, dice)

    def come_in(self, now: float) -> None:
        """One success heals: everything before is forgotten."""
        self.until = None
        self.since = now
        self.why = ""
        self.failed_probes = 0
        self.in_a_row = {Ending.THEIRS: 0, Ending.OURS: 0}
        self._window.clear()

    def _go_out(self, now: float, why: str, dice: random.Random) -> None:
        self.until = now + self.out_s * (1 - self._settings.out_jitter * dice.random())
        self.since = now
        self.why = why
        self._window.clear()


class Pulse:
    """Tells slow answers from good ones: several times what 99 of 100 good ones take.

    Longer answers do not move that figure, or a target that gets slower would always seem well; only where there was
    nothing but slow ones for a while, they are the new measure.
    """

    __slots__ = ("_good", "_settings", "_slow", "_slow_since", "_usual_s")

    LEAST = 20  # answers that must be known before any is called slow
    KEPT = 200
    LEARNED_S = 300.0  # after so long without any other answer, slow is the usual pace

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._good: deque[float] = deque(maxlen=self.KEPT)
        self._slow: deque[float] = deque(maxlen=self.KEPT)
        self._slow_since = 0.0
        self._usual_s = 0.0  # as it was when it was last looked at

    def is_slow(self, now: float, duration_s: float) -> bool:
        """Takes note of an answer; True where it was a slow one."""
        good, rules = self._good, self._settings
        if duration_s > self._usual_s and len(good) >= self.LEAST:
            ordered = sorted(good)
            self._usual_s = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
            limit_s = max(rules.slow_floor_s, rules.slow_factor * self._usual_s)
            if rules.slow_factor and duration_s > limit_s:
                self._note_slow(now, duration_s)
                return True
            duration_s = min(duration_s, self._usual_s)
        self._slow.clear()
        good.append(duration_s)
        return False

    def _note_slow(self, now: float, duration_s: float) -> None:
        self._slow_since = self._slow_since if self._slow else now
        self._slow.append(duration_s)
        if len(self._slow) >= self.LEAST and now - self._slow_since >= self.LEARNED_S:
            self._good.clear()
            self._good.extend(self._slow)
            self._slow.clear()
            self._usual_s = 0.0
