"""How the targets of a model fared: the arms of a split between them, over a window of the journal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, and_, case, func, select
from sqlalchemy.sql import ColumnElement

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_money
from heliostat.ledger import journal as states
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import Row
from heliostat.ledger.records import timestamp
from heliostat.ledger.schema import ATTEMPTS, REQUESTS

_ASK_S = 10.0
_DAY_US = 86_400_000_000
_MOST_US = 31 * _DAY_US
_DELIVERED = ATTEMPTS.c.state == ledger_pb2.ATTEMPT_STATE_SUCCEEDED
# The attempt that a request began with: branch 0, first in order.
_IS_FIRST = ATTEMPTS.c.attempt_id == REQUESTS.c.request_id + "/0/1"
_IS_OVER = REQUESTS.c.state.in_((states.SUCCEEDED, states.FAILED, states.EXPIRED))
_TOOK_US = ATTEMPTS.c.end_time_us - ATTEMPTS.c.start_time_us


class Arms:
    """Reports of arms."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def report(
        self, model: str, begin: Timestamp | None, end: Timestamp | None, key_id: str | None
    ) -> dict[str, Any]:
        """The fields of a report; `key_id` None means everybody's requests.

        Raises MODEL_NOT_FOUND for a model that is neither served nor known from the window, INVALID_FIELD for a window
        that is empty or too long.
        """
        begin_us, end_us = self._window(begin, end)
        route, refusal = await self._route(model)
        conditions = [
            REQUESTS.c.model.in_({route.name, *route.aliases, model}),
            REQUESTS.c.create_time_us >= begin_us,
            REQUESTS.c.create_time_us < end_us,
        ]
        if key_id is not None:
            conditions.append(REQUESTS.c.key_id == key_id)
        found = await self._desk.journal.read(lambda connection: _count(connection, conditions))
        if refusal is not None and not found:
            raise refusal
        return {
            "route": route.name,
            "arms": _arms(route.targets, found),
            "start_time": timestamp(begin_us),
            "end_time": timestamp(end_us),
        }

    async def _route(self, model: str) -> tuple[router_pb2.Model, MeshError | None]:
        """The route of a model; where it is served no more, its name alone and why."""
        try:
            answer = await call(
                self._desk.router.ListModels, router_pb2.ListModelsRequest(model=model), timeout_s=_ASK_S
            )
        except MeshError as error:
            if error.reason != reasons.ERROR_REASON_MODEL_NOT_FOUND:
                raise
            return router_pb2.Model(name=model), error
        return answer.models[0], None

    def _window(self, begin: Timestamp | None, end: Timestamp | None) -> tuple[int, int]:
        end_us = self._desk.now_us() if end is None else _micros(end)
        begin_us = end_us - _DAY_US if begin is None else _micros(begin)
        if not 0 < end_us - begin_us <= _MOST_US:
            raise MeshError(
                reasons.ERROR_REASON_INVALID_FIELD,
                "start_time lies before end_time, by 31 days at most; send such a window, or leave both out.",
                field="start_time",
            )
        return begin_us, end_us


def window_of(request: Any) -> tuple[Timestamp | None, Timestamp | None]:
    """Begin and end of the window that a request asks for; None where it leaves one open. Pure."""
    return (
        request.start_time if request.HasField("start_time") else None,
        request.end_time if request.HasField("end_time") else None,
    )


def _micros(time: Timestamp) -> int:
    return int(time.seconds) * 1_000_000 + time.nanos // 1_000


def _count(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> dict[str, Row]:
    """Counts, costs and percentiles of every target that was asked, by its name."""
    asked = ATTEMPTS.join(REQUESTS, REQUESTS.c.request_id == ATTEMPTS.c.request_id)
    first = and_(_IS_FIRST, _IS_OVER)
    totals = (
        select(
            ATTEMPTS.c.target,
            _sum(first).label("request_count"),
            _sum(and_(first, _DELIVERED)).label("success_count"),
            _sum(and_(first, ~_DELIVERED, REQUESTS.c.state == states.SUCCEEDED)).label("rescued_count"),
            _sum(ATTEMPTS.c.end_time_us.is_not(None)).label("attempt_count"),
            _sum(_DELIVERED).label("delivered_count"),
            _sum(_DELIVERED, ATTEMPTS.c.image_count).label("image_count"),
            func.sum(ATTEMPTS.c.cost_micros).label("cost_micros"),
        )
        .select_from(asked)
        .where(*conditions)
        .group_by(ATTEMPTS.c.target)
        .order_by(ATTEMPTS.c.target)
    )
    ranked = (
        select(
            ATTEMPTS.c.target,
            _TOOK_US.label("took_us"),
            func.row_number().over(partition_by=ATTEMPTS.c.target, order_by=_TOOK_US).label("place"),
            func.count().over(partition_by=ATTEMPTS.c.target).label("total"),
        )
        .select_from(asked)
        .where(_DELIVERED, *conditions)
        .subquery()
    )
    # The nearest rank: the least duration that at least that share stayed within.
    percentiles = select(
        ranked.c.target,
        func.min(case((ranked.c.place * 2 >= ranked.c.total, ranked.c.took_us))).label("p50_us"),
        func.min(case((ranked.c.place * 20 >= ranked.c.total * 19, ranked.c.took_us))).label("p95_us"),
    ).group_by(ranked.c.target)
    found: dict[str, dict[str, Any]] = {row["target"]: dict(row) for row in connection.execute(totals).mappings()}
    for row in connection.execute(percentiles).mappings():
        found[row["target"]].update(row)
    return dict(found)


def _sum(condition: Any, value: Any = 1) -> ColumnElement[int]:
    return func.sum(case((condition, value), else_=0))


def _arms(targets: Iterable[router_pb2.ModelTarget], found: Mapping[str, Row]) -> list[ledger_pb2.Arm]:
    """The route's targets in order, then those that were asked and have left it."""
    arms = [_arm(each.target, found.get(each.target, {}), each.priority, each.weight) for each in targets]
    known = {arm.target for arm in arms}
    return arms + [_arm(name, row) for name, row in found.items() if name not in known]


def _arm(target: str, row: Row, priority: int = 0, weight: float = 0.0) -> ledger_pb2.Arm:
    arm = ledger_pb2.Arm(
        target=target,
        priority=priority,
        weight=weight,
        request_count=int(row.get("request_count", 0)),
        success_count=int(row.get("success_count", 0)),
        rescued_count=int(row.get("rescued_count", 0)),
        attempt_count=int(row.get("attempt_count", 0)),
        delivered_count=int(row.get("delivered_count", 0)),
        image_count=int(row.get("image_count", 0)),
        cost=to_money(int(row.get("cost_micros", 0))),
    )
    if "p50_us" in row:
        arm.p50_duration.CopyFrom(_duration(row["p50_us"]))
        arm.p95_duration.CopyFrom(_duration(row["p95_us"]))
    return arm


def _duration(micros: int) -> Duration:
    return Duration(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1_000)
