"""Moments as Replicate writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def shown(unix: float) -> str | None:
    """Write a Unix time in seconds as RFC 3339 in UTC; None for 0, which is not known yet."""
    if not unix:
        return None
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
