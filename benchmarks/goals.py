"""The figures Heliostat means to reach, as this benchmark measures them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """A bound on one figure of the summary: at least or at most `must`, better still `aim`."""

    target: str
    figure: str
    way: Literal["at least", "at most"]
    must: float
    aim: float | None = None

    def verdict(self, value: float | None) -> str:
        """`not measured`, `missed`, `met` or `aim met`."""
        if value is None:
            return "not measured"
        if not self._holds(value, self.must):
            return "missed"
        return "aim met" if self.aim is not None and self._holds(value, self.aim) else "met"

    def _holds(self, value: float, bound: float) -> bool:
        return value >= bound if self.way == "at least" else value <= bound


# (target, cell): the peer's CPU time per request divided by ours: LiteLLM must, aim; Portkey must, aim.
_CPU_RATIOS = {
    ("all", "small-c16"): (6, 12, 1.4, 3),
    ("all", "b1-c16"): (3, 7, 5, 12),
    ("all", "b4-c16"): (2.5, 5, 5, 12),
    ("mesh", "small-c16"): (3, 5, 1 / 1.4, 1.5),
    ("mesh", "b1-c16"): (2, 3, 3.5, 5),
    ("mesh", "b4-c16"): (2, 3, 4, 6),
}

GOALS = [
    *(
        Goal(target, f"{cell} cpu {peer}", "at least", bounds[at], bounds[at + 1])
        for (target, cell), bounds in _CPU_RATIOS.items()
        for peer, at in (("litellm", 0), ("portkey", 2))
    ),
    Goal("all", "added p50 ms", "at most", 4),
    Goal("all", "added p99 ms", "at most", 15),
    Goal("all", "1,000 in flight: last answer s", "at most", 2.6),
    Goal("all", "1,000 in flight: KB each", "at most", 70, 40),
    Goal("all", "2 MB answer in flight: MB each", "at most", 2.5),
    Goal("all", "start to first answer s", "at most", 1.0),
    Goal("all", "idle PSS MB", "at most", 120),
]
