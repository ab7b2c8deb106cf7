"""What all requests that match a filter come to: how many, how many of them succeeded, what they cost."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select
from sqlalchemy.sql import ColumnElement

from heliostat.chassis.money import to_money
from heliostat.ledger import journal as states
from heliostat.ledger.schema import REQUESTS

_ENDED = (states.SUCCEEDED, states.FAILED, states.EXPIRED)


def totals_of(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> dict[str, Any]:
    """The fields of a list response that tell of all that match."""
    query = select(
        func.count().label("total_count"),
        func.coalesce(func.sum(case((REQUESTS.c.state == states.SUCCEEDED, 1), else_=0)), 0).label("success_count"),
        func.coalesce(func.sum(case((REQUESTS.c.state.in_(_ENDED), 1), else_=0)), 0).label("ended_count"),
        func.coalesce(func.sum(REQUESTS.c.cost_micros), 0).label("total_cost"),
        func.coalesce(func.sum(REQUESTS.c.reserved_micros), 0).label("total_reserved"),
    ).where(*conditions)
    row = connection.execute(query).mappings().one()
    counts: dict[str, Any] = {name: int(row[name]) for name in ("total_count", "success_count", "ended_count")}
    return counts | {name: to_money(int(row[name])) for name in ("total_cost", "total_reserved")}
