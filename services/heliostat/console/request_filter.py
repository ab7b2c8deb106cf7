"""What the list of requests is narrowed to: from an address to a filter of the contract, and back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError

PERIODS: Mapping[str, tuple[str, float]] = {
    "hour": ("Last hour", 3600),
    "day": ("Last 24 hours", 86_400),
    "week": ("Last 7 days", 7 * 86_400),
    "month": ("Last 31 days", 31 * 86_400),
}
STATES: Mapping[str, Any] = {
    "running": ledger_pb2.REQUEST_STATE_RUNNING,
    "succeeded": ledger_pb2.REQUEST_STATE_SUCCEEDED,
    "failed": ledger_pb2.REQUEST_STATE_FAILED,
    "cancelled": ledger_pb2.REQUEST_STATE_CANCELLED,
    "expired": ledger_pb2.REQUEST_STATE_EXPIRED,
}
_TEXTS = ("model", "provider", "key", "session")
_NAMES = ("status", *_TEXTS, "period", "from", "to")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The fields of the form as they came, without what is empty."""

    fields: Mapping[str, str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Wanted":
        """From the query of an address; what it does not know is left out."""
        return cls({name: query[name] for name in _NAMES if query.get(name)})

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")

    @property
    def is_narrow(self) -> bool:
        """Whether anything is left out of the list."""
        return bool(self.fields)

    def address(self, path: str, **more: str) -> str:
        """The same wish as an address of this console."""
        query = urlencode({**self.fields, **more})
        return f"{path}?{query}" if query else path

    def filter(self, now: float) -> ledger_pb2.RequestFilter:
        """The same for the ledger. `now` is in seconds since the epoch. Raises INVALID_FIELD."""
        told = ledger_pb2.RequestFilter(
            model=self["model"], provider=self["provider"], key_id=self["key"], session_id=self["session"]
        )
        if self["status"]:
            state = STATES.get(self["status"])
            if state is None:
                raise _wrong("status", f"The status is one of {', '.join(STATES)}.")
            told.state = state
        if self["period"]:
            if self["period"] not in PERIODS:
                raise _wrong("period", f"The period is one of {', '.join(PERIODS)}.")
            told.created_after_time.FromMicroseconds(int((now - PERIODS[self["period"]][1]) * 1e6))
        if self["from"]:
            told.created_after_time.FromMicroseconds(_moment(self["from"], "from"))
        if self["to"]:
            told.created_before_time.FromMicroseconds(_moment(self["to"], "to"))
        return told


def _moment(text: str, field: str) -> int:
    """Micro-seconds since the epoch of a time as ISO 8601 writes it; without a zone it is UTC. Raises INVALID_FIELD."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong(field, f"{field} is a time such as 2026-11-22T14:00, in UTC.") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6)


def _wrong(field: str, sentence: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, sentence, field=field)
