"""Where the time of an attempt goes."""

from collections.abc import Iterator
from contextlib import contextmanager

from heliostat.chassis.clock import Clock


class Stopwatch:
    """Wall time of one attempt: all of it, downloads, conversions. Overlapping downloads count once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self._fetching = 0
        self._fetch_start = 0.0
        self.download_s = 0.0
        self.convert_s = 0.0

    @contextmanager
    def download(self) -> Iterator[None]:
        """Counts the time inside as downloading."""
        if self._fetching == 0:
            self._fetch_start = self._clock.monotonic()
        self._fetching += 1
        try:
            yield
        finally:
            self._fetching -= 1
            if self._fetching == 0:
                self.download_s += self._clock.monotonic() - self._fetch_start

    @contextmanager
    def convert(self) -> Iterator[None]:
        """Counts the time inside as converting."""
        start = self._clock.monotonic()
        try:
            yield
        finally:
            self.convert_s += self._clock.monotonic() - start

    def total_s(self) -> float:
        """Seconds since the attempt began here."""
        return self._clock.monotonic() - self._start

    def provider_s(self) -> float:
        """Seconds that were neither download nor conversion: the provider's work, polls included."""
        return max(0.0, self.total_s() - self.download_s - self.convert_s)
