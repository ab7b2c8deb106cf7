"""Whether router and ledger answer: what the banner of every page says."""

from collections.abc import Callable

from heliostat.console.live import Live

TOPIC = "standing"
ELEMENT = "standing"


class Standing:
    """Who is away, and why. It is found out by the streams that the console holds open, so a loss is seen at once."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._away: dict[str, str] = {}
        self.render: Callable[[], str] = str

    @property
    def away(self) -> dict[str, str]:
        """Who is away -> why, in a sentence."""
        return dict(self._away)

    def lost(self, who: str, why: str) -> None:
        """A peer does not answer."""
        if self._away.get(who) != why:
            self._away[who] = why
            self._live.publish(TOPIC, ELEMENT, self.render)

    def found(self, who: str) -> None:
        """A peer answers."""
        if self._away.pop(who, None) is not None:
            self._live.publish(TOPIC, ELEMENT, self.render)
