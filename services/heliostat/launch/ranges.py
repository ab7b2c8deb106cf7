"""Numbers on the command line: what is no number, or out of range, is refused with what is asked for."""

import argparse
from collections.abc import Callable

BILLION = 1_000_000_000


def whole(least: int, most: int = BILLION) -> Callable[[str], int]:
    """Reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"a whole number, {least:,} to {most:,}, is asked for, not {text[:32]!r}")
        return value

    return read


def above_zero(most: float) -> Callable[[str], float]:
    """Reads a number above 0 and up to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= most:
            raise argparse.ArgumentTypeError(f"a number above 0, {most:,g} at most, is asked for, not {text[:32]!r}")
        return value

    return read
