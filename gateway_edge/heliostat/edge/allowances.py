"""What a key may still ask for, as headers: OpenAI's own names, and the standard's beside them. Pure.

OpenAI's libraries know `x-ratelimit-*`; `RateLimit` and `RateLimit-Policy` are draft-ietf-httpapi-ratelimit-headers,
read 2026-11.
"""

import math
from collections.abc import Iterable, Mapping

from heliostat.api.image.v1 import event_pb2
from heliostat.chassis.errors import MeshError

# In a minute; requests under way at once have no window, so the standard has no word for them.
_WINDOWED = ("requests", "images")
_WINDOW_S = 60
_KINDS = (*_WINDOWED, "concurrent")


def allowance_headers(allowances: Iterable[event_pb2.Allowance]) -> dict[str, str]:
    """The headers of an answer; none where the key has no bounds."""
    headers: dict[str, str] = {}
    policies, standings = [], []
    for each in allowances:
        if each.kind not in _KINDS:
            continue
        reset_s = each.reset.seconds + math.ceil(each.reset.nanos / 1e9)
        headers |= _named(each.kind, str(each.limit), str(each.remaining))
        if each.kind in _WINDOWED:
            headers[f"x-ratelimit-reset-{each.kind}"] = f"{reset_s}s"
            policies.append(f'"{each.kind}";q={each.limit};w={_WINDOW_S}')
            standings.append(f'"{each.kind}";r={each.remaining};t={reset_s}')
    return headers | _standard(policies, standings)


def refusal_headers(metadata: Mapping[str, str], retry_after_s: int) -> dict[str, str]:
    """The headers of a 429 whose error says by its metadata which bound of the key was reached; else none."""
    kind, limit = metadata.get("limit_kind", ""), metadata.get("limit", "")
    remaining = metadata.get("limit_remaining", "0")
    if kind not in _KINDS or not (limit.isdecimal() and remaining.isdecimal()):
        return {}
    headers = _named(kind, limit, remaining)
    if kind not in _WINDOWED:
        return headers
    headers[f"x-ratelimit-reset-{kind}"] = f"{retry_after_s}s"
    return headers | _standard([f'"{kind}";q={limit};w={_WINDOW_S}'], [f'"{kind}";r={remaining};t={retry_after_s}'])


def budget_of(error: MeshError) -> dict[str, object] | None:
    """Which budget did not cover a request, for the body of a 402; None where the error tells of none."""
    told = error.metadata
    if "limit_usd" not in told:
        return None
    try:
        limit, left = float(told["limit_usd"]), float(told.get("left_usd", "0"))
    except ValueError:
        return None
    return {
        "budget": told.get("budget", ""),
        "window": told.get("window", ""),
        "limit": limit,
        "left": left,
        "currency": "USD",
        "resets_at": told.get("reset_time"),
    }


def _named(kind: str, limit: str, remaining: str) -> dict[str, str]:
    return {f"x-ratelimit-limit-{kind}": limit, f"x-ratelimit-remaining-{kind}": remaining}


def _standard(policies: list[str], standings: list[str]) -> dict[str, str]:
    if not policies:
        return {}
    return {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(standings)}
