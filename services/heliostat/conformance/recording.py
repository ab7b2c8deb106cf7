"""What a provider answers, as shapes: enough to compare dialects, nothing of what was asked or made. Pure.

A shape keeps the names of fields and the kinds of their values. Of texts it keeps closed words only, and only where a
field's name says that one is expected there; keys, prompts, addresses, ids and pictures have no way in.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from heliostat.chassis.modules import Exchange

# Fields whose value is one of few words: states, kinds, codes.
_WORDED = frozenset({"status", "state", "object", "type", "finish_reason", "finishreason", "code", "reason", "unit"})
_WORD = re.compile(r"[A-Za-z][A-Za-z_ .-]{0,31}")
_NAME = re.compile(r"[A-Za-z_$][A-Za-z_.-]{0,39}")
_BASE64 = re.compile(r"(data:[^,]{1,64},)?[A-Za-z0-9+/_\n-]{200,}={0,2}")
# A part of a path that names one thing rather than a kind of thing: it has a digit, or is long.
_PARTICULAR = re.compile(r"(?!v\d).*\d.*|.{25,}")
_TOLD_HEADERS = re.compile(r"content-type|.*(?:ratelimit|rate-limit|retry|request-?id|idempot|billing|cost|units).*")


@dataclass(frozen=True)
class Heard:
    """One exchange as a shape: which call it was, how it ended, what kinds of things the answer holds."""

    call: str
    """Method and path below base_url, particular parts as "*": "POST /jobs/*"."""
    status: int
    content_type: str
    fields: tuple[str, ...]
    """Such as "data[].url: address", in order."""
    headers: tuple[str, ...]
    """Names of headers that tell of limits, pauses, ids and bills, in order."""
    took_ms: int

    def as_json(self) -> dict[str, Any]:
        """For the file of a recording."""
        return {
            "call": self.call,
            "status": self.status,
            "content_type": self.content_type,
            "fields": list(self.fields),
            "headers": list(self.headers),
            "took_ms": self.took_ms,
        }


def heard(exchange: Exchange, base_url: str) -> Heard:
    """The shape of one exchange with the provider at `base_url`."""
    kind = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Heard(
        f"{exchange.method} {_path(exchange.url, base_url)}",
        exchange.status,
        kind if _TYPE.fullmatch(kind) else "",
        tuple(sorted(set(_fields(_parsed(exchange.body, kind), "", "")))),
        tuple(sorted(name for name in exchange.headers if _TOLD_HEADERS.fullmatch(name))),
        round(exchange.took_s * 1000),
    )


_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")


def _path(url: str, base_url: str) -> str:
    base, path = urlsplit(base_url).path.rstrip("/"), urlsplit(url).path
    below = path.removeprefix(base) if path.startswith(base) else path
    return "/".join("*" if _PARTICULAR.fullmatch(part) else part for part in below.split("/")) or "/"


def _parsed(body: bytes, kind: str) -> Any:
    if "json" not in kind:
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return {"$broken": None}


def _fields(value: Any, place: str, name: str) -> Iterable[str]:
    """Every leaf below `place`: where it is and what kind of thing it is."""
    if isinstance(value, dict):
        for key, below in value.items():
            told = key if _NAME.fullmatch(key) else "*"
            yield from _fields(below, f"{place}.{told}" if place else told, told)
    elif isinstance(value, list):
        for below in value:
            yield from _fields(below, f"{place}[]", name)
    else:
        yield f"{place}: {_kind(value, name)}"


def _kind(value: Any, name: str) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "yes or no"
    if isinstance(value, int | float):
        return "number"
    if name.lower() in _WORDED and _WORD.fullmatch(value):
        return f"the word {value}"
    if _BASE64.fullmatch(value):
        return "base64"
    return "address" if value.startswith(("http://", "https://")) else "text"


@dataclass(frozen=True)
class Difference:
    """One thing that only one of two providers says."""

    call: str
    status: int
    what: str
    only: str
    """"provider" or "emulator"."""


def differences(provider: Iterable[Heard], emulator: Iterable[Heard]) -> list[Difference]:
    """What the answers of calls that both saw, with one status, hold on one side only; and calls that one saw alone."""
    real, emulated = _together(provider), _together(emulator)
    found: list[Difference] = []
    for place in sorted({*real, *emulated}):
        sides = (("provider", real, emulated), ("emulator", emulated, real))
        for only, here, there in sides:
            if place in here and place not in there:
                found.append(Difference(*place, "the call itself", only))
            elif place in here:
                found += [Difference(*place, what, only) for what in sorted(here[place] - there[place])]
    return found


def _together(several: Iterable[Heard]) -> Mapping[tuple[str, int], set[str]]:
    told: dict[tuple[str, int], set[str]] = {}
    for one in several:
        things = {*one.fields, *(f"header {name}" for name in one.headers), f"content type {one.content_type}"}
        told.setdefault((one.call, one.status), set()).update(things)
    return told
