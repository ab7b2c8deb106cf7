"""The journal's tables, on SQLite and on PostgreSQL: terminal states never change, whoever asks."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.database import Database, Migrations
from heliostat.ledger.journal import attempt_state
from heliostat.ledger.module import MIGRATIONS
from heliostat.ledger.schema import METADATA
from tests.support.databases import fresh_database, postgres
from tests.support.ledger_room import PRICE, ask, happy, ledger

S = ledger_pb2


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return fresh_database(request.getfixturevalue("server"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    database = Database(url)
    await database.start([MIGRATIONS])
    yield database
    await database.stop()


async def run(database: Database, sql: str) -> Any:
    """One statement, committed."""
    return await database.write(lambda connection: connection.exec_driver_sql(sql).rowcount)


async def insert_attempt(database: Database, state: int) -> None:
    """One attempt in that state."""
    await run(
        database,
        "INSERT INTO attempts (attempt_id, request_id, target, provider, provider_model, account, state, outcome, "
        "billed, cost_micros, reserved_micros, provider_job_id, start_time_us, image_count) "
        f"VALUES ('a', 'r', 't', 'p', 'm', '', {state}, 0, 0, 0, 0, '', 0, 1)",
    )


async def test_a_request_goes_through_either_database(tmp_path: Path, url: str) -> None:
    """Open, intent, end, list, replay: the whole path."""
    async with ledger(tmp_path, happy(), url=url) as room:
        await room.run(ask(idempotency_key="k"))
        assert (await room.run(ask(idempotency_key="k")))[0].admitted.replayed
        (request,), (made,) = await room.rows("requests"), await room.rows("attempts")
        assert await room.part.recovery.sweep() == 0
    assert (request["state"], made["state"], request["cost_micros"]) == (2, 2, PRICE)


@pytest.mark.parametrize("state", [S.REQUEST_STATE_SUCCEEDED, S.REQUEST_STATE_FAILED, S.REQUEST_STATE_CANCELLED])
async def test_a_terminal_request_stays_as_it_ended(database: Database, state: int) -> None:
    """Neither state nor end time changes; a purge may still remove its words."""
    await run(
        database,
        "INSERT INTO requests (request_id, key_id, owner, state, model, operation, image_count, create_time_us, "
        "end_time_us, cost_micros, reserved_micros, request_hash, trace_id, client_gone, purged) "
        f"VALUES ('r', 'k', 'o', {state}, 'm', 'op', 1, 0, 5, 0, 0, 'h', 't', 0, 0)",
    )
    for change in ("state = 1", f"state = {state + 1}", "end_time_us = 6"):
        with pytest.raises(DBAPIError):
            await run(database, f"UPDATE requests SET {change}")
    assert await run(database, "UPDATE requests SET purged = 1, payload = NULL") == 1


@pytest.mark.parametrize("state", range(1, 8))
async def test_an_attempt_moves_only_forward(database: Database, state: int) -> None:
    """Open becomes anything, unknown becomes reconciled, all else stays."""
    await insert_attempt(database, state)
    moves: dict[int, set[int]] = {S.ATTEMPT_STATE_OPEN: set(range(1, 8)), S.ATTEMPT_STATE_UNKNOWN: {5, 6, 7}}
    allowed = moves.get(state, {state})
    for to in range(1, 8):
        if to in allowed:
            continue
        with pytest.raises(DBAPIError):
            await run(database, f"UPDATE attempts SET state = {to}")
    assert await run(database, f"UPDATE attempts SET state = {max(allowed)}") == 1


async def test_the_migrated_tables_are_those_of_the_schema(database: Database) -> None:
    """Columns, their being required, and indexes: what revisions made is what statements are compiled for."""
    from sqlalchemy import inspect

    def look(connection: Any) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            name: (
                {column["name"]: column["nullable"] for column in inspector.get_columns(name)},
                {index["name"] for index in inspector.get_indexes(name)},
            )
            for name in inspector.get_table_names()
            if not name.startswith("heliostat_")
        }

    wanted = {
        table.name: (
            {column.name: bool(column.nullable) for column in table.columns},
            {str(index.name) for index in table.indexes},
        )
        for table in METADATA.sorted_tables
    }
    assert await database.read(look) == wanted


@pytest.mark.parametrize(
    ("outcome", "billed", "failed", "state"),
    [
        (event_pb2.OUTCOME_DELIVERED, event_pb2.BILLED_YES, False, S.ATTEMPT_STATE_SUCCEEDED),
        (event_pb2.OUTCOME_DELIVERED, event_pb2.BILLED_YES, True, S.ATTEMPT_STATE_FAILED_BILLED),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_YES, True, S.ATTEMPT_STATE_FAILED_BILLED),
        (event_pb2.OUTCOME_NOT_SENT, event_pb2.BILLED_UNSPECIFIED, True, S.ATTEMPT_STATE_FAILED_UNBILLED),
        (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_UNSPECIFIED, True, S.ATTEMPT_STATE_FAILED_UNBILLED),
        (event_pb2.OUTCOME_REFUSED, event_pb2.BILLED_YES, True, S.ATTEMPT_STATE_FAILED_BILLED),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_NO, True, S.ATTEMPT_STATE_FAILED_UNBILLED),
        (event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_UNSPECIFIED, True, S.ATTEMPT_STATE_UNKNOWN),
        (event_pb2.OUTCOME_UNSPECIFIED, event_pb2.BILLED_UNSPECIFIED, True, S.ATTEMPT_STATE_UNKNOWN),
        (event_pb2.OUTCOME_UNSPECIFIED, event_pb2.BILLED_UNKNOWN, True, S.ATTEMPT_STATE_UNKNOWN),
    ],
)
def test_an_outcome_has_one_state(outcome: int, billed: int, failed: bool, state: int) -> None:
    """What nobody told is unknown, never free."""
    assert attempt_state(outcome, billed, failed=failed) == state


async def test_a_database_of_the_first_version_is_brought_up_to_date(url: str) -> None:
    """Its rows stay; attempts of then have no decision."""
    first = Database(url)
    await first.start([Migrations(MIGRATIONS.owner, MIGRATIONS.package, "0001")])
    await insert_attempt(first, S.ATTEMPT_STATE_SUCCEEDED)
    await first.stop()
    database = Database(url)
    await database.start([MIGRATIONS])
    query = "SELECT attempt_id, decision FROM attempts"
    rows = await database.read(lambda connection: connection.exec_driver_sql(query).all())
    await database.stop()
    assert [tuple(row) for row in rows] == [("a", None)]
