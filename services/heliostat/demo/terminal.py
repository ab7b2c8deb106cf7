"""What people read while the story is played: plain lines, with colour where there is a terminal."""

import asyncio
import sys
import textwrap
from typing import TextIO

_COLUMNS = 88
_STYLES = {"bold": "1", "quiet": "2", "good": "32", "bad": "31", "warm": "33", "title": "1;33"}


class Terminal:
    """Writes the story. `pace` scales the pauses in which people read; 0 makes none."""

    def __init__(self, out: TextIO = sys.stdout, *, pace: float = 1.0, colour: bool = True) -> None:
        self._out = out
        self._pace = pace
        self._colour = colour

    def styled(self, text: str, style: str) -> str:
        """Text in a style, where there is colour."""
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._colour else text

    def line(self, text: str = "") -> None:
        """One line."""
        self._out.write(f"{text}\n")
        self._out.flush()

    async def pause(self, seconds: float) -> None:
        """Time to read."""
        await asyncio.sleep(seconds * self._pace)

    async def title(self, number: int, text: str, *sentences: str) -> None:
        """The beginning of an act."""
        self.line()
        self.line(f" {self.styled(f'{number}', 'title')}  {self.styled(text, 'bold')}")
        for row in textwrap.wrap(" ".join(sentences), _COLUMNS - 4):
            self.line(f"    {self.styled(row, 'quiet')}")
        await self.pause(1.9)

    def good(self, who: str, what: str) -> None:
        """Something went well."""
        self.line(f"    {self.styled('✓', 'good')} {who:<12} {what}")

    def bad(self, who: str, what: str) -> None:
        """Something went wrong."""
        self.line(f"    {self.styled('✗', 'bad')} {who:<12} {what}")

    def note(self, who: str, what: str) -> None:
        """Something happens."""
        self.line(f"    {self.styled('·', 'warm')} {who:<12} {what}")
