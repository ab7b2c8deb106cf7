"""What was used: requests, pictures and money, summed up by key, model, provider and day (UTC).

Money and pictures are summed over attempts, so a failed but billed one counts at its own provider. What is left of
swept requests is added where the filter asks for nothing that was swept with them.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, Text, case, cast, distinct, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.ledger.conditions import check_own, conditions_of, micros_of
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import SUCCEEDED
from heliostat.ledger.records import timestamp
from heliostat.ledger.schema import ATTEMPTS, REQUESTS, USAGE

GROUPS = ("key", "model", "provider", "day")
DAY_US = 86_400_000_000
_DEFAULT_US, _MOST_US = 31 * DAY_US, 366 * DAY_US
_MOST_ROWS = 10_000
_COUNTS = ("request_count", "success_count", "image_count", "cost_micros", "reserved_micros")

# `//` of whole numbers is whole in both databases. A day is counted from 1970 and named when it is told. Constants of
# groups are part of the text: PostgreSQL takes two parameters for two values, whatever they are.
DAY = REQUESTS.c.create_time_us // literal_column(str(DAY_US))
NOBODY: ColumnElement[str] = literal_column("''")
_COLUMNS = {
    "key": REQUESTS.c.key_id,
    "model": REQUESTS.c.model,
    "provider": func.coalesce(ATTEMPTS.c.provider, NOBODY),
    "day": cast(DAY, Text),
}
_SWEPT = {"key": USAGE.c.key_id, "model": USAGE.c.model, "provider": USAGE.c.provider, "day": USAGE.c.day}
DELIVERING = (ledger_pb2.ATTEMPT_STATE_SUCCEEDED, ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED)

Group = tuple[str, ...]


class Usage:
    """Reports of usage."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def report(
        self, asked: ledger_pb2.RequestFilter, group_by: Sequence[str], key_id: str | None
    ) -> dict[str, Any]:
        """The fields of a report; `key_id` None means everybody's requests.

        Raises INVALID_FIELD for a group that is none, for a window that is empty or over 366 days, and for more than
        10,000 groups; CALLER_FORBIDDEN where a caller asks for another key.
        """
        for position, name in enumerate(group_by):
            if name not in GROUPS or name in group_by[:position]:
                raise _refused("group_by", f"names {', '.join(GROUPS)}, each at most once")
        check_own(asked, key_id)
        window = self._window(asked)
        found = await self._desk.journal.read(lambda connection: _count(connection, asked, group_by, key_id, window))
        rows = [_row(group, found[group]) for group in sorted(found)]
        return {"rows": rows, "start_time": timestamp(window[0]), "end_time": timestamp(window[1])}

    def _window(self, asked: ledger_pb2.RequestFilter) -> tuple[int, int]:
        end_us = self._desk.now_us() + 1
        if asked.HasField("created_before_time"):
            end_us = micros_of(asked.created_before_time)
        begin_us = max(0, end_us - _DEFAULT_US)
        if asked.HasField("created_after_time"):
            begin_us = micros_of(asked.created_after_time)
        if not 0 < end_us - begin_us <= _MOST_US:
            raise _refused("created_after_time", "lies before created_before_time, by 366 days at most")
        return begin_us, end_us


def _count(
    connection: Connection,
    asked: ledger_pb2.RequestFilter,
    group_by: Sequence[str],
    key_id: str | None,
    window: tuple[int, int],
) -> Mapping[Group, Mapping[str, int]]:
    found: dict[Group, dict[str, int]] = {}
    _add(found, connection, _kept(asked, group_by, key_id, window), group_by)
    if not (asked.state or asked.session_id or asked.tags):
        _add(found, connection, _swept(asked, group_by, key_id, window), group_by)
    return found


def _kept(
    asked: ledger_pb2.RequestFilter, group_by: Sequence[str], key_id: str | None, window: tuple[int, int]
) -> "Select[Any]":
    """Sums over the rows that are there."""
    by_provider = "provider" in group_by or bool(asked.provider)
    good = REQUESTS.c.state == SUCCEEDED
    if by_provider:
        good &= REQUESTS.c.provider == ATTEMPTS.c.provider
    without_window = ledger_pb2.RequestFilter()
    without_window.CopyFrom(asked)
    for name in ("created_after_time", "created_before_time", "provider"):
        without_window.ClearField(name)
    conditions = [
        *conditions_of(without_window, key_id),
        REQUESTS.c.create_time_us >= window[0],
        REQUESTS.c.create_time_us < window[1],
    ]
    if asked.provider:
        conditions.append(ATTEMPTS.c.provider == asked.provider)
    groups = [_COLUMNS[name].label(name) for name in group_by]
    delivered = case((ATTEMPTS.c.state.in_(DELIVERING), ATTEMPTS.c.image_count), else_=0)
    return (
        select(
            *groups,
            func.count(distinct(REQUESTS.c.request_id)).label("request_count"),
            func.count(distinct(case((good, REQUESTS.c.request_id)))).label("success_count"),
            func.coalesce(func.sum(delivered), 0).label("image_count"),
            func.coalesce(func.sum(ATTEMPTS.c.cost_micros), 0).label("cost_micros"),
            func.coalesce(func.sum(ATTEMPTS.c.reserved_micros), 0).label("reserved_micros"),
        )
        .select_from(REQUESTS.outerjoin(ATTEMPTS, ATTEMPTS.c.request_id == REQUESTS.c.request_id))
        .where(*conditions)
        .group_by(*[_COLUMNS[name] for name in group_by])
        .limit(_MOST_ROWS + 1)
    )


def _swept(
    asked: ledger_pb2.RequestFilter, group_by: Sequence[str], key_id: str | None, window: tuple[int, int]
) -> "Select[Any]":
    """Sums over what is left of swept requests: by whole days, those that lie in the window with their beginning."""
    begin, end = day_of(window[0]), day_of(window[1] - 1 + DAY_US)
    conditions: list[ColumnElement[bool]] = [USAGE.c.day >= begin, USAGE.c.day < end]
    for name, value in (("key", key_id or asked.key_id), ("model", asked.model), ("provider", asked.provider)):
        if value:
            conditions.append(_SWEPT[name] == value)
    by_provider = "provider" in group_by or bool(asked.provider)
    requests = USAGE.c.asked_count if by_provider else USAGE.c.request_count
    sums = [
        func.coalesce(func.sum(column), 0).label(name)
        for name, column in zip(
            _COUNTS,
            (requests, USAGE.c.success_count, USAGE.c.image_count, USAGE.c.cost_micros, USAGE.c.reserved_micros),
            strict=True,
        )
    ]
    columns = [_SWEPT[name] for name in group_by]
    query = select(*[column.label(name) for name, column in zip(group_by, columns, strict=True)], *sums)
    return query.where(*conditions).group_by(*columns).limit(_MOST_ROWS + 1)


def _add(
    found: dict[Group, dict[str, int]], connection: Connection, query: "Select[Any]", group_by: Sequence[str]
) -> None:
    for row in connection.execute(query).mappings():
        counts = {name: int(row[name]) for name in _COUNTS}
        if not any(counts.values()):
            continue
        group = tuple(_named(name, row[name]) for name in group_by)
        sums = found.setdefault(group, dict.fromkeys(_COUNTS, 0))
        for name, count in counts.items():
            sums[name] += count
    if len(found) > _MOST_ROWS:
        raise _refused("filter", f"finds more than {_MOST_ROWS:,} groups; narrow it, or group by less")


def _named(name: str, value: str) -> str:
    return day_of(int(value) * DAY_US) if name == "day" and value.isdecimal() else value


def day_of(time_us: int) -> str:
    """The UTC day of a time, such as "2026-11-22". Pure."""
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).strftime("%Y-%m-%d")


def _row(group: Group, counts: Mapping[str, int]) -> ledger_pb2.UsageRow:
    return ledger_pb2.UsageRow(
        group=group,
        request_count=counts["request_count"],
        success_count=counts["success_count"],
        image_count=counts["image_count"],
        cost=to_money(counts["cost_micros"]),
        reserved=to_money(counts["reserved_micros"]),
    )


def _refused(field: str, must: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, f"{field} {must}.", field=field)
