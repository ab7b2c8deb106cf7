"""What comes next for a request: ask a target, wait for one, or give up. Pure: time is an argument.

The order is: targets that stand; before a lower priority is asked, a short pause of a higher one is waited for; then
the queue; then, as a last resort, the target among those that failed too often which returns first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from heliostat.router.record import Back, Hold
from heliostat.router.table import Target


@dataclass(frozen=True, slots=True)
class Held:
    """A target that could serve the request, and may not be asked now. `rank` orders: model by model, by priority."""

    target: Target
    label: str
    rank: tuple[int, int]
    hold: Hold


class Ask(NamedTuple):
    """Ask this target now. `forced`: although it is kept back."""

    target: Target
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for one of these, by label, up to a time on the monotonic clock."""

    targets: Mapping[str, Target]
    until: float
    return_at: float  # when the first one may return
    short: bool = False  # somebody else could be asked instead


@dataclass(slots=True)
class Turns:
    """What one branch of a request has behind it, and how long it may still wait."""

    wait_s: float  # in the queue, in all
    short_s: float  # while somebody of a lower priority could be asked
    tries: int = 0
    sent: int = 0  # attempts that reached a provider, or may have
    spent: set[str] = field(default_factory=set)  # names that are not asked again
    limited: dict[str, int] = field(default_factory=dict)  # how often each name asked this request to slow down

    allowed: frozenset[str] | None = None  # names that alone may still be asked; None: any

    def barred(self, granted: str) -> Callable[[str], bool] | None:
        """Tells whether a name may be asked next; None where any may. `granted` has been waited for."""
        allowed = frozenset({granted}) if granted else self.allowed
        return None if allowed is None else allowed.__contains__

    def waited(self, wait: Wait, seconds: float) -> None:
        """Some of the time is used up; a short wait is made once."""
        self.wait_s = max(0.0, self.wait_s - seconds)
        if wait.short:
            self.short_s = 0.0


@dataclass(frozen=True, slots=True)
class Prospects:
    """The targets of a request at one moment: those that may be asked, in order, and those that are held."""

    ready: Sequence[Target]
    held: Sequence[Held]
    rank: tuple[int, int] = (0, 0)  # of the first one that may be asked
    lone: bool = False  # the route has nobody else


def next_step(prospects: Prospects, turns: Turns, now: float) -> Ask | Wait | None:
    """The next step; None where nothing may be tried."""
    if prospects.ready:
        return _short_wait(prospects, turns, now) or Ask(prospects.ready[0])
    return _queue(prospects, turns, now) or _last_resort(prospects)


def _short_wait(prospects: Prospects, turns: Turns, now: float) -> Wait | None:
    longest_s = min(turns.short_s, turns.wait_s)
    if longest_s <= 0:
        return None
    pauses = {
        held.label: (held.target, held.hold.until)
        for held in prospects.held
        if held.rank < prospects.rank
        and held.hold.back is Back.PAUSED
        and held.hold.until is not None
        and held.hold.until - now <= longest_s
    }
    return _wait(pauses, now + longest_s, now, short=True)


def _queue(prospects: Prospects, turns: Turns, now: float) -> Wait | None:
    if turns.wait_s <= 0:
        return None
    end = now + turns.wait_s
    pauses = {
        held.label: (held.target, held.hold.until)
        for held in prospects.held
        if held.hold.back in (Back.PAUSED, Back.BUSY) and (held.hold.until is None or held.hold.until <= end)
    }
    return _wait(pauses, end, now, short=False)


def _wait(pauses: Mapping[str, tuple[Target, float | None]], until: float, now: float, *, short: bool) -> Wait | None:
    if not pauses:
        return None
    return_at = min(now if end is None else end for _, end in pauses.values())
    return Wait({label: target for label, (target, _) in pauses.items()}, until, return_at, short)


def _last_resort(prospects: Prospects) -> Ask | None:
    failed = [held for held in prospects.held if held.hold.back is Back.EJECTED]
    free = failed if prospects.lone else [held for held in failed if not held.hold.tried]
    if not free:
        return None
    first = min(free, key=lambda held: (held.hold.until is None, held.hold.until or 0.0))
    return Ask(first.target, forced=True)
