"""Claims of idempotency keys, and requests that a library's own retry may repeat: the statements. Pure but for SQL.

A claim stands for `since_us` at most, counted from when its request came; then the key is a new one. It never lapses
while its request is under way, and is given up where its request failed and cost nothing.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, or_, select

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.ledger.schema import CLAIMS, REQUESTS

_RUNNING = ledger_pb2.REQUEST_STATE_RUNNING
_SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED
# So many calls of one caller with the same body are told apart.
_MOST_REPEATED = 50


def holder_of(connection: Connection, key_id: str, idempotency_key: str, request_hash: str, since_us: int) -> str:
    """Id of the request that holds a claim; empty where the claim is free. Raises IDEMPOTENCY_CONFLICT where another
    request holds it."""
    held = _look_up(connection, key_id, idempotency_key)
    return str(held.request_id) if _holds(held, request_hash, since_us) else ""


def claim(connection: Connection, opening: Any, since_us: int) -> str:
    """As `holder_of`; where the claim is free it is the opening request's from now on.

    Raises IntegrityError where another process has claimed since this one looked: its claim stands.
    """
    held = _look_up(connection, opening["key_id"], opening["idempotency_key"])
    if _holds(held, opening["request_hash"], since_us):
        return str(held.request_id)
    if held is not None:
        mine = (CLAIMS.c.key_id == opening["key_id"]) & (CLAIMS.c.idempotency_key == opening["idempotency_key"])
        # The one that was looked at, and none that took its place since.
        connection.execute(CLAIMS.delete().where(mine & (CLAIMS.c.request_id == held.request_id)))
    names = ("key_id", "idempotency_key", "request_hash", "request_id")
    connection.execute(insert(CLAIMS).values({name: opening[name] for name in names}))
    return ""


def repeatable(connection: Connection, key_id: str, request_hash: str, since_us: int) -> Sequence[str]:
    """Ids of requests without an idempotency key that a library's retry may repeat, the newest first: those since
    `since_us` that run, succeeded, or cost something or may have."""
    query = (
        select(REQUESTS.c.request_id)
        .where(
            REQUESTS.c.request_hash == request_hash,
            REQUESTS.c.key_id == key_id,
            REQUESTS.c.idempotency_key.is_(None),
            REQUESTS.c.create_time_us >= since_us,
            or_(
                REQUESTS.c.state.in_((_RUNNING, _SUCCEEDED)),
                REQUESTS.c.cost_micros > 0,
                REQUESTS.c.reserved_micros > 0,
            ),
        )
        .order_by(REQUESTS.c.create_time_us.desc())
        .limit(_MOST_REPEATED)
    )
    return connection.execute(query).scalars().all()


def check_same_request(held: str, asked: str) -> None:
    """Raises IDEMPOTENCY_CONFLICT where two hashes of one version differ; other versions cannot be compared."""
    if held != asked and held.partition(":")[0] == asked.partition(":")[0]:
        raise MeshError(
            reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT,
            "This idempotency key was used before with another request; use a new key, or repeat the request exactly.",
            field="idempotency_key",
        )


def _look_up(connection: Connection, key_id: str, idempotency_key: str) -> Any:
    query = select(
        CLAIMS.c.request_hash, REQUESTS.c.request_id, REQUESTS.c.state, REQUESTS.c.create_time_us,
        REQUESTS.c.cost_micros, REQUESTS.c.reserved_micros,
    ).join(REQUESTS, REQUESTS.c.request_id == CLAIMS.c.request_id)  # fmt: skip
    mine = (CLAIMS.c.key_id == key_id) & (CLAIMS.c.idempotency_key == idempotency_key)
    return connection.execute(query.where(mine)).first()


def _holds(held: Any, request_hash: str, since_us: int) -> bool:
    if held is None or _has_lapsed(held, since_us):
        return False
    check_same_request(held.request_hash, request_hash)
    return _stands(held)


def _has_lapsed(held: Any, since_us: int) -> bool:
    return bool(held.state != _RUNNING and held.create_time_us <= since_us)


def _stands(held: Any) -> bool:
    return bool(held.state in (_RUNNING, _SUCCEEDED) or held.cost_micros or held.reserved_micros)
