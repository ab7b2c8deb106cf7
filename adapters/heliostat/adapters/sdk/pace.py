"""When to look at a job that runs at a provider, learned from how long jobs of its kind took. Pure: time and chance are
arguments.

A look costs the provider work, and each moment between a job's end and the next look is lost to the caller. So looks
are few while no end is to be expected and close together while one is:

    nothing known      waits of 0.3 of the time so far, 0.1 to 2 s; nearer to the end that the job's progress foretells
    before the window  one look at 1.5 s, for what fails early, then one every 8 s or quarter of the wait
    in the window      a look every STEP_S; further apart where jobs differ by more than 4 s, so that 40 looks suffice
    after the window   0.3 of the time since, as at the beginning

The window is what the last 50 jobs of the same kind took (model, operation, number of pictures, size, quality), without
the outliers, and a margin that shrinks with every job. Only jobs that ended well count.

The figures are held against a minimum: what somebody needs who knows how long such jobs take, but not this one: a look
every STEP_S from the moment at which one job of a hundred has ended, up to the job's end. For jobs of 10 s, simulated
from the eleventh of their kind on, with answers that take no time (tests/adapters/test_pace.py holds it):

    spread (standard deviation)    0        0.25     0.5      1        2 s
    the minimum                    1.0      6.8      12.5     24.0     47.0 looks per job
    needed                         3.6      7.4      12.0     20.0     22.2
    found after, median            0.06     0.05     0.05     0.06     0.10 s
    found after, 95 of 100         0.10     0.10     0.10     0.13     0.23 s

So 1.2 times the minimum holds from a spread of a quarter of a second on; where all jobs take the same, one look would
do, and there are four: an early one, and a margin. 0.1 s holds for nearly all up to a spread of a second, and for the
mean up to two.

The first job of a kind cannot be known: it is found as the waits of "nothing known" have it, up to 2 s late. Where the
provider's answers take longer than STEP_S, looks are that far apart. What a provider forbids stands above all of it:
after a 429 looks become rarer for all jobs, and adapters of providers with a rule of their own give it to `poll`. What
is known is known to one process, and forgotten with it.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple

STEP_S = 0.1
LONGEST_S = 2.0
GROWTH = 0.3
EARLY_S = 1.5
SELDOM_S = 8.0
MOST_LOOKS = 40
REMEMBERED_JOBS = 50
_KINDS = 1024
_OUTLIERS = 40  # one of so many is left out, at either end
_FIRST_MARGIN = 0.25  # of the duration, where one job is known
_ROUGH_S = 0.25
_ENOUGH = 5
_LEAST_PERCENT = 10.0
_LEAST_PROGRESS_S = 0.5
_FLOOR_S = 0.5  # after a 429 that names no time
_LONGEST_FLOOR_S = 10.0


class Window(NamedTuple):
    """When jobs of a kind end, in seconds since they were taken, and how far looks are apart meanwhile."""

    begin_s: float
    end_s: float
    step_s: float


def window_of(durations: Sequence[float]) -> Window | None:
    """The window after jobs that took so long, in seconds; None where there was none."""
    count = len(durations)
    if not count:
        return None
    ordered = sorted(durations)
    left_out = count // _OUTLIERS
    first, last = ordered[left_out], ordered[count - 1 - left_out]
    margin = _FIRST_MARGIN * ordered[count // 2] / count**1.5 + (last - first) / (count + 1)
    begin, end = max(0.0, first - margin), last + margin
    step = max(STEP_S, (end - begin) / MOST_LOOKS)
    # Who ends at its very beginning is found in time one step later.
    return Window(begin + step, end, step)


class Progress:
    """What a job's progress foretells: straight on as it went so far."""

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None

    def told(self, percent: float, now: float) -> None:
        """The provider said how far the job is, 0 to 100."""
        if math.isfinite(percent) and (self._last is None or percent > self._last[1]):
            self._last = now, percent
            self._first = self._first or self._last

    def end(self) -> float | None:
        """When the job should end, on the clock of `told`; None where too little was said."""
        if self._first is None or self._last is None:
            return None
        took, gained = (after - before for before, after in zip(self._first, self._last, strict=True))
        if took < _LEAST_PROGRESS_S or gained < _LEAST_PERCENT:
            return None
        return self._last[0] + (100.0 - self._last[1]) * took / gained


def wait_s(window: Window | None, elapsed_s: float, chance: float, foretold_s: float | None = None) -> float:
    """Seconds from a look, or from the beginning, to the next one.

    `elapsed_s` is how long the job has run; `chance` is 0 to 1: looks of many jobs shall not come together;
    `foretold_s` is when it should end by its progress, counted as `elapsed_s`.
    """
    step = window.step_s if window is not None else STEP_S
    if window is not None and elapsed_s < window.begin_s - step:
        return _seldom(window, elapsed_s) - step * 0.5 * chance
    jitter = 0.9 + 0.2 * chance
    if window is not None and elapsed_s <= window.end_s:
        return step * jitter
    if foretold_s is not None:
        # Half of the way to an end that may be wrong, and closer and closer to it.
        left = foretold_s - elapsed_s
        wanted = left / 2 if left > 0 else GROWTH * -left
    else:
        wanted = GROWTH * (elapsed_s - (window.end_s if window is not None else 0.0))
    return min(max(wanted, step), LONGEST_S) * jitter


def _seldom(window: Window, elapsed_s: float) -> float:
    """Seconds to the next look before the window."""
    left = window.begin_s - elapsed_s
    early = EARLY_S - elapsed_s
    if early > window.step_s and window.begin_s > 2 * EARLY_S:
        return early
    seldom = max(SELDOM_S, window.begin_s / 4)
    return left if left < 1.5 * seldom else seldom


class _Known:
    """What is known of jobs of one kind."""

    def __init__(self) -> None:
        self._durations: deque[tuple[float, bool]] = deque(maxlen=REMEMBERED_JOBS)  # in seconds, and whether roughly
        self._surprises = 0  # jobs in a row that had ended when the window began
        self.window: Window | None = None

    def learn(self, found_s: float, before_s: float) -> None:
        """A job ended between two looks: in the middle, as far as anybody knows.

        One that had ended before its window began ended a little earlier, for most do; where several in a row had, the
        window was wrong, and moves further each time. First jobs, whose looks were far apart, count until there are
        better ones.
        """
        earlier = (found_s - before_s) / 2
        window = self.window
        is_rough = earlier > _ROUGH_S and (window is None or before_s < window.end_s)
        if window is not None and found_s < window.begin_s + window.step_s and earlier > STEP_S:
            earlier = min(earlier, 2 * window.step_s * 2.0**self._surprises)
            is_rough = False
            self._surprises += 1
        else:
            self._surprises = 0
        self._durations.append((found_s - earlier, is_rough))
        fine = [seconds for seconds, is_rough in self._durations if not is_rough]
        self.window = window_of(fine if len(fine) >= _ENOUGH else [seconds for seconds, _ in self._durations])


class Durations:
    """How long jobs took, of each kind that was asked for lately, and what the provider bears."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, ...], _Known] = OrderedDict()
        self._floor_s = 0.0

    def learn(self, kind: tuple[str, ...], found_s: float, before_s: float) -> None:
        """A job of this kind that ended well was found after so many seconds, and was under way at the look before.

        The first word of a kind is its model.
        """
        for name in (kind, kind[:1]):
            known = self._known.get(name)
            if known is None:
                known = self._known[name] = _Known()
            known.learn(found_s, before_s)
            self._known.move_to_end(name)
        while len(self._known) > _KINDS:
            self._known.popitem(last=False)
        self._floor_s = self._floor_s / 2 if self._floor_s > STEP_S else 0.0

    def window(self, kind: tuple[str, ...]) -> Window | None:
        """When a job of this kind is likely to end; by other kinds of its model where this one is new."""
        known = self._known.get(kind) or self._known.get(kind[:1])
        return None if known is None else known.window

    def slow_down(self, wanted_s: float | None) -> None:
        """The provider refused a look: for a while looks are at least so far apart, or twice as far as before."""
        longer = max(_FLOOR_S, 2 * self._floor_s) if wanted_s is None else wanted_s
        self._floor_s = min(max(self._floor_s, longer), _LONGEST_FLOOR_S)

    @property
    def floor_s(self) -> float:
        """Seconds between two looks at least; 0 mostly."""
        return self._floor_s
