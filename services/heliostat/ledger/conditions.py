"""A filter of requests as conditions of a query. A caller's own key is always part of it. Pure."""

from collections.abc import Sequence

import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import func, or_
from sqlalchemy.sql import ColumnElement

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.ledger.schema import REQUESTS

_MOST_TAGS = 16


def check_own(asked: ledger_pb2.RequestFilter, key_id: str | None) -> None:
    """Raises CALLER_FORBIDDEN where a caller (`key_id`; None is an operator) asks for another key's requests."""
    if key_id is not None and asked.key_id not in ("", key_id):
        raise MeshError(reasons.ERROR_REASON_CALLER_FORBIDDEN, "A key lists its own requests only.", field="key_id")


def conditions_of(asked: ledger_pb2.RequestFilter, key_id: str | None) -> Sequence[ColumnElement[bool]]:
    """What a filter asks for. Raises CALLER_FORBIDDEN for a foreign key, INVALID_FIELD for more than 16 labels."""
    check_own(asked, key_id)
    conditions: list[ColumnElement[bool]] = []
    for name, value in (
        ("key_id", key_id or asked.key_id),
        ("state", asked.state),
        ("model", asked.model),
        ("provider", asked.provider),
        ("session_id", asked.session_id),
    ):
        if value:
            conditions.append(REQUESTS.c[name] == value)
    if asked.HasField("created_after_time"):
        conditions.append(REQUESTS.c.create_time_us >= micros_of(asked.created_after_time))
    if asked.HasField("created_before_time"):
        conditions.append(REQUESTS.c.create_time_us < micros_of(asked.created_before_time))
    if len(asked.tags) > _MOST_TAGS:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD, f"At most {_MOST_TAGS} labels can be asked for.", field="tags"
        )
    conditions.extend(_labelled(name, value) for name, value in asked.tags.items())
    return conditions


def _labelled(name: str, value: str) -> ColumnElement[bool]:
    """True for rows that carry a label.

    Labels are kept as compact JSON: a quotation mark inside of one is escaped there, so the pair's own text between the
    marks that stand around it is found nowhere else. `replace` tells capital letters apart in both databases, LIKE does
    not in SQLite.
    """
    pair = orjson.dumps({name: value}).decode()[1:-1]
    return or_(
        *(
            func.replace(REQUESTS.c.tags, before + pair + after, "") != REQUESTS.c.tags
            for before in "{,"
            for after in ",}"
        )
    )


def micros_of(time: Timestamp) -> int:
    """A time in micro-seconds since the epoch."""
    return int(time.seconds) * 1_000_000 + time.nanos // 1_000
