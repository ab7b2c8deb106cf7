"""Figures and states as people read them. Pure; everything here is a filter of the templates."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.errors import from_status, reason_name
from heliostat.chassis.money import to_micros

# Longer than anybody reads on one line; the rest is counted.
_MOST_SHOWN = 200

REQUEST_STATES = {
    ledger_pb2.REQUEST_STATE_RUNNING: "running",
    ledger_pb2.REQUEST_STATE_SUCCEEDED: "succeeded",
    ledger_pb2.REQUEST_STATE_FAILED: "failed",
    ledger_pb2.REQUEST_STATE_CANCELLED: "cancelled",
    ledger_pb2.REQUEST_STATE_EXPIRED: "out of time",
}
HEALTH = {
    admin_pb2.HEALTH_STATE_HEALTHY: "in",
    admin_pb2.HEALTH_STATE_PAUSED: "paused",
    admin_pb2.HEALTH_STATE_EJECTED: "out",
    admin_pb2.HEALTH_STATE_PROBING: "trying",
}
_BILLED = {event_pb2.BILLED_YES: "yes", event_pb2.BILLED_NO: "no", event_pb2.BILLED_UNKNOWN: "unknown"}
_OUTCOMES = {
    event_pb2.OUTCOME_NOT_SENT: "never sent",
    event_pb2.OUTCOME_REFUSED: "refused",
    event_pb2.OUTCOME_ACCEPTED: "accepted",
    event_pb2.OUTCOME_DELIVERED: "delivered",
}


def clip(text: Any, most: int = _MOST_SHOWN) -> str:
    """The first `most` characters, and how many more there are."""
    told = str(text)
    return told if len(told) <= most else f"{told[:most]}… ({len(told) - most:,} more characters)"


def money(amount: Any) -> str:
    """An amount in US dollars, from micro-dollars up: "$0.003", "$12.40", "$0"."""
    micros = amount if isinstance(amount, int) else to_micros(amount)
    if micros % 10_000 == 0 and micros:
        return f"${micros / 1e6:,.2f}"
    return f"${f'{micros / 1e6:,.6f}'.rstrip('0').rstrip('.')}"


def span(duration: Any) -> str:
    """A duration: "340 ms", "2.41 s", "3 min 5 s"."""
    seconds = seconds_of(duration)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def seconds_of(duration: Any) -> float:
    """A Duration, a Timestamp or a number in seconds."""
    if isinstance(duration, Duration | Timestamp):
        return float(duration.seconds + duration.nanos / 1e9)
    return float(duration)


def iso(time: Timestamp) -> str:
    """A time as machines read it, in UTC."""
    return _moment(time).isoformat(timespec="seconds").replace("+00:00", "Z")


def moment(time: Timestamp) -> str:
    """A time as people read it, in UTC; the page shows it in the reader's own zone."""
    return _moment(time).strftime("%d %b %H:%M:%S UTC")


def _moment(time: Timestamp) -> datetime:
    return datetime.fromtimestamp(time.seconds, UTC)


def size(count: int) -> str:
    """Bytes: "812 B", "34 kB", "1.4 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def percent(share: float) -> str:
    """A share of one: "37 %"; what is not quite all or nothing does not read as if it were."""
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def plain(number: float) -> str:
    """A number without a needless point."""
    return f"{number:g}"


def state(request: ledger_pb2.Request) -> str:
    """What became of a request, in a word or two."""
    return REQUEST_STATES.get(request.state, "unknown")


def billed(attempt: event_pb2.Attempt) -> str:
    """Whether an attempt is charged for: yes, no or unknown."""
    return _BILLED.get(attempt.billed, "unknown")


def outcome(attempt: event_pb2.Attempt) -> str:
    """How far an attempt came."""
    return _OUTCOMES.get(attempt.outcome, "unknown")


def key(*names: str) -> str:
    """Names as an id of an element: the same for the same names, whatever is in them."""
    return hashlib.sha256("\0".join(names).encode()).hexdigest()[:12]


def word(text: str) -> str:
    """Letters, digits and underscores of a text: fit to be part of a class name."""
    return "".join(character for character in text if character.isascii() and (character.isalnum() or character == "_"))


def shown_picture(request: ledger_pb2.Request, now: float) -> str:
    """The id of the picture that stands for a request; empty where none is kept any more. Pure."""
    for media in request.media:
        if not media.purged and not media.late and media.expire_time.seconds > now:
            return str(media.media_id)
    return ""


def reason(status: Status) -> str:
    """Why a request or an attempt failed, as the closed list of reasons names it; empty where it did not."""
    return reason_words(from_status(status).reason) if status.code else ""


def reason_words(number: int) -> str:
    """A reason by its number: "model not found"."""
    return reason_name(number).replace("_", " ")


FILTERS = {
    "billed": billed,
    "clip": clip,
    "iso": iso,
    "key": key,
    "moment": moment,
    "money": money,
    "outcome": outcome,
    "percent": percent,
    "plain": plain,
    "reason": reason,
    "reason_words": reason_words,
    "seconds": seconds_of,
    "shown_picture": shown_picture,
    "size": size,
    "span": span,
    "state": state,
    "word": word,
}
