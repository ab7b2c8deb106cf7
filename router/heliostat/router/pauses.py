"""How long a target that asked to slow down is left alone. Pure: time and chance are arguments."""

import random

from heliostat.router.settings import HealthSettings


class Pause:
    """The pause of one target: until a time, then one call tries it, then it is over."""

    __slots__ = ("_began", "_settings", "_streak", "until", "why")

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._began = 0.0
        self._streak = 0
        self.until: float | None = None  # None: there is none
        self.why = ""

    def ask(self, now: float, wanted_s: float | None, call_began: float, dice: random.Random) -> float:
        """The target asked to slow down, for `wanted_s` seconds or without saying how long; gives the new end.

        Without a figure: up to 1, 2, 4 … seconds, at most `longest_backoff_s`, any time below being as likely as any
        other. Refusals of calls that began before the last pause did belong to it and make nothing longer.
        """
        rules = self._settings
        if self.until is None or call_began >= self._began:
            self._began = now
            self._streak += 1
            if wanted_s is None:
                ceiling = min(rules.longest_backoff_s, 2.0 ** min(self._streak - 1, 16))
                wanted_s = dice.random() * ceiling
        if wanted_s is not None:
            return self.hold(now, min(max(wanted_s, 0.0), rules.longest_pause_s))
        return self.hold(now, 0.0)

    def hold(self, now: float, pause_s: float) -> float:
        """Leaves it alone for `pause_s` more seconds, or longer where that was agreed already."""
        self.until = max(self.until or 0.0, now + pause_s)
        return self.until

    def end(self) -> None:
        """The target works again."""
        self.until = None
        self._streak = 0
        self.why = ""
