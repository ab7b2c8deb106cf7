"""Reads text/event-stream as a browser would: frames by blank lines, comments passed over."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson


@dataclass(frozen=True)
class Told:
    """One event: its name and what its data holds."""

    name: str
    data: dict[str, Any]


async def told_by(response: httpx.Response) -> AsyncIterator[Told]:
    """The events of an open answer, as they come; the name always stands in the data too."""
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8", await response.aread()
    name, data = "", ""
    async for line in response.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data += line[6:]
        elif not line and data:
            told = Told(name, orjson.loads(data))
            assert told.data["type"] == name
            yield told
            name, data = "", ""
    assert not data, "an event was cut off"


def names(events: list[Told]) -> list[str]:
    """The events' names; progress with its stage."""
    return [f"{each.name}:{each.data['stage']}" if "stage" in each.data else each.name for each in events]
