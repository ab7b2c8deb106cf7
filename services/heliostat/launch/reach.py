"""Whether others can be reached, and have the same time. Nobody is sent a key, or asked for a picture."""

import asyncio
import http.client
import socket
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from heliostat.launch.findings import Finding, bad, note, ok

_CONNECT_S = 3.0
_CLOCK_S = 30.0
_PORTS = {"http": 80, "https": 443}

Place = tuple[str, int]


def place_of(url: str) -> Place | None:
    """Host and port of an address; None where it has none."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme)
    return (parts.hostname, port) if parts.hostname and port else None


async def addresses(urls: Mapping[str, str], *, emulator: Place | None = None) -> list[Finding]:
    """Whether a connection to each adapter's `base_url` can be made; each place is tried once.

    `emulator` is where emulated providers are: they run only while a sandbox does.
    """
    by_place: dict[Place, list[str]] = {}
    for name, url in urls.items():
        place = place_of(url)
        if place is not None:
            by_place.setdefault(place, []).append(name)
    problems = await asyncio.gather(*(_problem(place) for place in by_place))
    found = [
        _told(place, names, problem, emulator)
        for (place, names), problem in zip(by_place.items(), problems, strict=True)
    ]
    reached = sum(each is None for each in problems)
    count = [ok("addresses", f"{reached} of {len(by_place)} places can be reached")] if reached else []
    return [*filter(None, found), *count]


def _told(place: Place, names: Sequence[str], problem: str | None, emulator: Place | None) -> Finding | None:
    if problem is None:
        return None
    who = ", ".join(names) if len(names) <= 3 else f"{len(names)} adapters"
    where = f"{place[0]}:{place[1]} ({who})"
    if place == emulator:
        return note("emulators", f"{where} {problem}", "they start with the sandbox: `make run`")
    return bad("addresses", f"{where} {problem}", "open the way to it (DNS, firewall), or mend base_url")


async def _problem(place: Place) -> str | None:
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(*place)
    except TimeoutError:
        return f"does not answer within {_CONNECT_S:g} s"
    except OSError as error:
        return "has no address" if isinstance(error, socket.gaierror) else "refuses the connection"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return None


def clock(urls: Iterable[str], ask: "Callable[[str], str] | None" = None) -> list[Finding]:
    """Whether the clock agrees with that of the first provider that tells its time. `ask` gives the Date of a URL."""
    for url in urls:
        told = (ask or _date)(url)
        with suppress(TypeError, ValueError):
            difference_s = time.time() - parsedate_to_datetime(told).timestamp()
            who = urlsplit(url).hostname
            if abs(difference_s) > _CLOCK_S:
                way = "fast" if difference_s > 0 else "slow"
                return [
                    bad(
                        "clock", f"{abs(difference_s):.0f} s {way} by {who}", "set it by NTP: signatures fail otherwise"
                    )
                ]
            return [ok("clock", f"within {_CLOCK_S:g} s of {who}'s")]
    return [note("clock", "nobody told the time to compare it with")]


def _date(url: str) -> str:
    """The Date header of an answer to HEAD /; empty where there is none."""
    parts, place = urlsplit(url), place_of(url)
    if place is None:
        return ""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(*place, timeout=_CONNECT_S)
    try:
        connection.request("HEAD", "/")
        return connection.getresponse().headers.get("Date", "")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
