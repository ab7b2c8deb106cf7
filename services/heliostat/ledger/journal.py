"""The journal: one row per request and per attempt, committed before anything is bought and closed after.

States are append-only: triggers of the schema refuse to change a terminal one. The statements of the hot path are
compiled once. Functions that queue a write give a future, done when it is committed; the order of queueing is the
order of committing.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.sql import ColumnElement, Select

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.database import Database, Prepared
from heliostat.chassis.errors import MeshError
from heliostat.ledger import claims
from heliostat.ledger.budgets import Guard
from heliostat.ledger.grip import Grip
from heliostat.ledger.lookups import enter_unknown
from heliostat.ledger.schema import ATTEMPTS, INPUTS, IS_KEPT, MEDIA, REQUESTS

Row = Mapping[Any, Any]
_Answer = TypeVar("_Answer")

RUNNING = ledger_pb2.REQUEST_STATE_RUNNING
SUCCEEDED = ledger_pb2.REQUEST_STATE_SUCCEEDED
FAILED = ledger_pb2.REQUEST_STATE_FAILED
CANCELLED = ledger_pb2.REQUEST_STATE_CANCELLED
EXPIRED = ledger_pb2.REQUEST_STATE_EXPIRED
_IDS_AT_ONCE = 500
OPEN = ledger_pb2.ATTEMPT_STATE_OPEN
FAILED_UNBILLED = ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED

_REQUEST_END = [
    "state",
    "end_time_us",
    "cost_micros",
    "reserved_micros",
    "provider",
    "provider_model",
    "client_gone",
    "payload",
    "error",
    "result",
]
_ATTEMPT_END = [
    "state",
    "outcome",
    "billed",
    "cost_micros",
    "reserved_micros",
    "provider_job_id",
    "status",
    "accept_time_us",
    "end_time_us",
    "image_count",
    "estimated_micros",
    "computed_micros",
    "reported_micros",
    "price_version",
    "cost_doubt",
]


# A decision may be long, and is asked for alone.
_ATTEMPT_COLUMNS = [column for column in ATTEMPTS.columns if column.name != "decision"]


def _insert(table: Any) -> Prepared:
    return Prepared(insert(table).values({column.name: bindparam(column.name) for column in table.columns}))


def _update(table: Any, names: Iterable[str], *where: ColumnElement[bool]) -> Prepared:
    return Prepared(update(table).where(*where).values({name: bindparam(name) for name in names}))


_OPEN_REQUEST = _insert(REQUESTS)
_OPEN_ATTEMPT = _insert(ATTEMPTS)
_KEEP = _insert(MEDIA)
_ACCEPT = _update(ATTEMPTS, ("provider_job_id", "accept_time_us"), ATTEMPTS.c.attempt_id == bindparam("id"))
_END_ATTEMPT = _update(
    ATTEMPTS, _ATTEMPT_END, ATTEMPTS.c.attempt_id == bindparam("id"), ATTEMPTS.c.state == bindparam("was")
)
_END_REQUEST = _update(
    REQUESTS, _REQUEST_END, REQUESTS.c.request_id == bindparam("id"), REQUESTS.c.state == bindparam("was")
)


def attempt_state(outcome: int, billed: int, *, failed: bool) -> int:
    """The one table from (outcome, billed) to an attempt's terminal state. What is not known is unknown. Pure."""
    if not failed:
        return ledger_pb2.ATTEMPT_STATE_SUCCEEDED
    if billed == event_pb2.BILLED_YES:
        return ledger_pb2.ATTEMPT_STATE_FAILED_BILLED
    if billed == event_pb2.BILLED_NO or outcome in (event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED):
        return ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED
    return ledger_pb2.ATTEMPT_STATE_UNKNOWN


@dataclass(frozen=True, slots=True)
class Stored:
    """One request as it stands in the journal: its row, its attempts in order, its pictures in order."""

    request: Row
    attempts: Sequence[Row]
    media: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Ending:
    """What the end of a request writes, in one commit: attempts' ends by id, pictures, and the request's own end.

    It is written where `owner` holds the request still, with `fence`.
    """

    request_id: str
    request: Row
    attempts: Mapping[str, Row]
    media: Sequence[Row]
    owner: str
    fence: int


class Journal:
    """What the ledger writes and reads of requests, attempts and pictures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self, request: Row, intent: Row | None = None, guard: Guard | None = None
    ) -> "asyncio.Future[MeshError | None]":
        """Queues a request's row, with its first attempt where it has no other commit of its own.

        Nothing is written where `guard` gives an error, which is the answer then.
        """

        def write(connection: Connection) -> MeshError | None:
            refused = guard(connection) if guard is not None else None
            if refused is None:
                _OPEN_REQUEST.run(connection, request)
                if intent is not None:
                    _OPEN_ATTEMPT.run(connection, intent)
            return refused

        return self._database.submit(write)

    def intend(self, attempt: Row, grip: Grip, guard: Guard | None = None) -> "asyncio.Future[MeshError | None]":
        """Queues an attempt's row: to be awaited before its target is asked. `guard` as in `open`.

        The future raises LostRequest where the request is not held any more.
        """

        def write(connection: Connection) -> MeshError | None:
            grip.check(connection)
            refused = guard(connection) if guard is not None else None
            if refused is None:
                _OPEN_ATTEMPT.run(connection, attempt)
            return refused

        return self._database.submit(write)

    def accept(self, attempt_id: str, provider_job_id: str, time_us: int, grip: Grip) -> "asyncio.Future[None]":
        """Queues the provider's job id, which a resume after a crash goes on with. LostRequest as in `intend`."""
        values = {"id": attempt_id, "provider_job_id": provider_job_id, "accept_time_us": time_us}

        def write(connection: Connection) -> None:
            grip.check(connection)
            _ACCEPT.run(connection, values)

        return self._database.submit(write)

    def end_attempt(self, attempt_id: str, values: Row, grip: Grip) -> "asyncio.Future[None]":
        """Queues the end of one attempt while its request goes on. LostRequest as in `intend`."""

        def write(connection: Connection) -> None:
            grip.check(connection)
            _end_attempt(connection, attempt_id, values)

        return self._database.submit(write)

    def end(self, ending: Ending, opening: Row | None = None) -> "asyncio.Future[None]":
        """Queues the end of a request; `opening` is its row where nothing of it was written yet. LostRequest as in
        `intend`.
        """
        return self._database.submit(lambda connection: write_end(connection, ending, opening))

    async def claim(self, opening: Row, since_us: int) -> Stored | None:
        """Claims (key_id, idempotency_key) for a request and opens it, in one commit.

        Gives the request that holds the claim already, if it came after `since_us`; one that failed and cost nothing
        gives it up. Raises IDEMPOTENCY_CONFLICT where the claim is for another request.
        """

        def write(connection: Connection) -> str:
            held = claims.claim(connection, opening, since_us)
            if not held:
                _OPEN_REQUEST.run(connection, opening)
            return held

        held = await self._database.write(write)
        return await self.find(held) if held else None

    async def holder(self, opening: Row, since_us: int) -> str:
        """Id of the request that holds the claim of an opening one; empty where it is free. Raises as `claim`."""
        asked = opening["key_id"], opening["idempotency_key"], opening["request_hash"]
        return await self._database.read(lambda connection: claims.holder_of(connection, *asked, since_us))

    async def find(self, request_id: str) -> Stored | None:
        """The request with its attempts and pictures; None where there is none."""
        found = await self._database.read(
            lambda connection: load(connection, select(REQUESTS).where(REQUESTS.c.request_id == request_id))
        )
        return found[0] if found else None

    async def repeatable(self, key_id: str, request_hash: str, since_us: int) -> Sequence[str]:
        """Ids of the requests that a library's retry may repeat, the newest first; see `claims.repeatable`."""
        return await self._database.read(
            lambda connection: claims.repeatable(connection, key_id, request_hash, since_us)
        )

    async def decisions(self, request_id: str) -> Sequence[Row]:
        """`attempt_id` and `decision` of a request's attempts, in order."""
        query = (
            select(ATTEMPTS.c.attempt_id, ATTEMPTS.c.decision)
            .where(ATTEMPTS.c.request_id == request_id)
            .order_by(ATTEMPTS.c.start_time_us, ATTEMPTS.c.attempt_id)
        )
        return await self._database.read(lambda connection: connection.execute(query).mappings().all())

    async def read(self, function: Callable[[Connection], _Answer]) -> _Answer:
        """Runs a report's own queries, in one snapshot, for as long as they take."""
        return await self._database.report(function)

    async def write(self, function: Callable[[Connection], _Answer]) -> _Answer:
        """Commits what another room has to say of requests."""
        return await self._database.write(function)

    async def media(self, media_id: str) -> Row | None:
        """A picture's row, with the `key_id` of its request."""
        query = (
            select(MEDIA, REQUESTS.c.key_id)
            .join(REQUESTS, REQUESTS.c.request_id == MEDIA.c.request_id)
            .where(MEDIA.c.media_id == media_id)
        )
        return await self._database.read(lambda connection: connection.execute(query).mappings().first())

    async def remember_inputs(self, request_id: str, blob_ids: Iterable[str], expire_time_us: int) -> None:
        """Notes which blobs a request's inputs are, so that they expire."""
        rows = [{"request_id": request_id, "blob_id": each, "expire_time_us": expire_time_us} for each in blob_ids]
        await self._database.write(lambda connection: _done(connection.execute(insert(INPUTS), rows)))

    async def expired(self, now_us: int, limit: int) -> tuple[Sequence[str], Sequence[str]]:
        """Ids of pictures, and of inputs, whose time is over; at most `limit` of each. An input that another request
        still needs is not among them."""
        media = select(MEDIA.c.media_id).where(IS_KEPT, MEDIA.c.expire_time_us <= now_us).limit(limit)
        needed = select(INPUTS.c.blob_id).where(INPUTS.c.expire_time_us > now_us)
        inputs = (
            select(INPUTS.c.blob_id)
            .where(INPUTS.c.expire_time_us <= now_us, INPUTS.c.blob_id.not_in(needed))
            .distinct()
            .limit(limit)
        )

        def read(connection: Connection) -> tuple[Sequence[str], Sequence[str]]:
            return connection.execute(media).scalars().all(), connection.execute(inputs).scalars().all()

        return await self._database.read(read)

    async def forget_blobs(self, media_ids: Sequence[str], input_ids: Sequence[str], now_us: int) -> None:
        """Notes that these files are gone."""

        def write(connection: Connection) -> None:
            if media_ids:
                connection.execute(update(MEDIA).where(MEDIA.c.media_id.in_(media_ids)).values(purged=1))
            gone = INPUTS.delete().where(INPUTS.c.expire_time_us <= now_us)
            connection.execute(gone.where(INPUTS.c.blob_id.in_(input_ids)))

        await self._database.write(write)

    async def purge(self, request_id: str, now_us: int) -> None:
        """Removes payload and result of a request, and lets its pictures and inputs expire at once."""

        def write(connection: Connection) -> None:
            mine = {"payload": None, "result": None, "purged": 1}
            connection.execute(update(REQUESTS).where(REQUESTS.c.request_id == request_id).values(**mine))
            for table in (MEDIA, INPUTS):
                expire = update(table).where(table.c.request_id == request_id)
                connection.execute(expire.where(table.c.expire_time_us > now_us).values(expire_time_us=now_us))

        await self._database.write(write)

    async def unknown_media(self, media_ids: Sequence[str]) -> Sequence[str]:
        """Those of the ids that no row tells of."""

        def read(connection: Connection) -> Sequence[str]:
            known: set[str] = set()
            for start in range(0, len(media_ids), _IDS_AT_ONCE):
                some = media_ids[start : start + _IDS_AT_ONCE]
                known.update(connection.execute(select(MEDIA.c.media_id).where(MEDIA.c.media_id.in_(some))).scalars())
            return [each for each in media_ids if each not in known]

        return await self._database.read(read)


def write_end(connection: Connection, ending: Ending, opening: Row | None = None) -> None:
    """Writes the end of a request that is open. Raises LostRequest where it is not held any more."""
    if opening is not None:
        _OPEN_REQUEST.run(connection, opening)
    Grip(ending.request_id, ending.owner, ending.fence).check(connection)
    for attempt_id, values in ending.attempts.items():
        _end_attempt(connection, attempt_id, values)
    for row in ending.media:
        _KEEP.run(connection, row)
    _END_REQUEST.run(connection, {**ending.request, "id": ending.request_id, "was": RUNNING})
    enter_unknown(connection, ending.request_id, ending.attempts)


def unwatched(written: "asyncio.Future[Any]") -> None:
    """Takes note of a write that nobody waits for: the end of its request is queued after it and repeats what it says.

    Where it failed, the database failed, and the end is tried for longer.
    """
    if not written.cancelled():
        written.exception()


def _done(_: object) -> None:
    """A write's answer where there is nothing to tell: cursors must not leave the writer's thread."""


def _end_attempt(connection: Connection, attempt_id: str, values: Row) -> None:
    _END_ATTEMPT.run(connection, {**values, "id": attempt_id, "was": OPEN})


def id_taken() -> MeshError:
    """The error of a request id that another request has."""
    return MeshError(
        reasons.ERROR_REASON_INVALID_FIELD,
        "The request id is taken; send another one, or none and have one made.",
        field="request_id",
    )


def load(connection: Connection, query: "Select[Any]") -> Sequence[Stored]:
    """The requests of a query, each with its attempts and pictures in order."""
    requests = connection.execute(query).mappings().all()
    ids = [row["request_id"] for row in requests]
    attempts = _grouped(connection, select(*_ATTEMPT_COLUMNS).where(ATTEMPTS.c.request_id.in_(ids)))
    media = _grouped(connection, select(MEDIA).where(MEDIA.c.request_id.in_(ids)).order_by(MEDIA.c.image_index))
    return [
        Stored(row, sorted(attempts.get(each, ()), key=_attempt_order), media.get(each, ()))
        for row, each in zip(requests, ids, strict=True)
    ]


def _attempt_order(row: Row) -> tuple[int, str]:
    return row["start_time_us"], row["attempt_id"]


def _grouped(connection: Connection, query: "Select[Any]") -> Mapping[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in connection.execute(query).mappings():
        groups.setdefault(row["request_id"], []).append(row)
    return groups
