"""The database answers a write after its commit, and one failing write spoils no other."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, insert
from sqlalchemy.exc import IntegrityError

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.database import MAX_WAITING_WRITES, Database, Prepared
from heliostat.chassis.errors import MeshError
from heliostat.ledger.module import MIGRATIONS
from tests.support.databases import fresh_database, postgres

THINGS = Table("things", MetaData(), Column("id", Integer, primary_key=True), Column("name", Text))
INSERT = Prepared(insert(THINGS).values(id=bindparam("id"), name=bindparam("name")))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An open database of either kind with one table of two columns."""
    url = f"sqlite:///{tmp_path}/test.db"
    if request.param == "postgresql":
        url = fresh_database(request.getfixturevalue("server"))
    database = Database(url)
    await database.start()
    await database.write(THINGS.create)
    yield database
    await database.stop()


def put(identity: int, name: str = "x") -> Any:
    """A write of one row, which gives its id."""

    def write(connection: Connection) -> int:
        INSERT.run(connection, {"id": identity, "name": name})
        return identity

    return write


async def ids(database: Database) -> list[int]:
    """What the table holds, as a reader sees it."""
    query = "SELECT id FROM things ORDER BY id"
    return await database.read(lambda connection: list(connection.exec_driver_sql(query).scalars()))


async def test_a_write_is_seen_once_it_is_answered(database: Database) -> None:
    """Another connection reads what was written."""
    assert await database.write(put(1)) == 1
    assert await ids(database) == [1]


async def test_many_writes_are_all_answered(database: Database) -> None:
    """600 at once, each with its own answer."""
    assert await asyncio.gather(*(database.write(put(each)) for each in range(600))) == list(range(600))
    assert len(await ids(database)) == 600


async def test_a_failing_write_fails_alone(database: Database) -> None:
    """Of ten that may be committed together, the one that breaks a constraint raises, the others stand."""
    await database.write(put(5))
    answers = await asyncio.gather(*(database.write(put(each)) for each in range(10)), return_exceptions=True)
    assert [index for index, answer in enumerate(answers) if isinstance(answer, IntegrityError)] == [5]
    assert await ids(database) == list(range(10))


async def test_a_failing_write_leaves_nothing_behind(database: Database) -> None:
    """What a write did before it failed is undone."""

    def half(connection: Connection) -> None:
        put(1)(connection)
        raise MeshError(reasons.ERROR_REASON_BUDGET_EXHAUSTED, "No.")

    with pytest.raises(MeshError, match="No"):
        await database.write(half)
    with pytest.raises(MeshError, match="No"):
        await database.write(half, savepoint=True)
    assert await ids(database) == []


async def test_writes_are_committed_in_order(database: Database) -> None:
    """The later of two writes sees the earlier one, though nobody waited for it."""
    first = database.submit(put(1))
    seen = await database.write(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM things").scalar())
    assert (seen, first.done()) == (1, True)


async def test_a_read_changes_nothing(database: Database) -> None:
    """Writing through a reader is undone."""
    await database.read(put(1))
    assert await ids(database) == []


async def test_too_many_waiting_writes_are_refused(database: Database) -> None:
    """The queue is bounded; who was let in is served."""
    let_in = [database.submit(lambda connection: None) for _ in range(MAX_WAITING_WRITES)]
    with pytest.raises(MeshError) as caught:
        database.submit(lambda connection: None)
    assert caught.value.reason == reasons.ERROR_REASON_OVERLOADED
    assert caught.value.retry_after_s is not None
    await asyncio.gather(*let_in)
    await database.write(put(1))


async def test_stopping_writes_what_was_asked_for(tmp_path: Path) -> None:
    """What waits when the database is stopped is committed and answered; later writes are refused."""
    database = Database(f"sqlite:///{tmp_path}/test.db")
    await database.start()
    await database.write(THINGS.create)
    futures = [database.submit(put(each)) for each in range(300)]
    await database.stop()
    assert [await future for future in futures] == list(range(300))
    with pytest.raises(MeshError) as caught:
        await database.write(put(1000))
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    await database.start()
    assert len(await ids(database)) == 300
    await database.stop()


async def test_the_last_of_two_users_closes(tmp_path: Path) -> None:
    """Two rooms share one database; the first one's end does not end the other."""
    database = Database(f"sqlite:///{tmp_path}/test.db")
    await database.start()
    await database.start()
    await database.stop()
    await database.write(THINGS.create)
    await database.stop()


async def test_a_locked_file_is_unavailable_and_mends_itself(tmp_path: Path) -> None:
    """While somebody else keeps the file locked a write says when to come back; afterwards writes go through."""
    database = Database(f"sqlite:///{tmp_path}/test.db", busy_timeout_s=0.05)
    await database.start()
    await database.write(THINGS.create)
    intruder = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(MeshError) as caught:
        await database.write(put(1))
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert caught.value.retry_after_s == 2
    intruder.close()
    await database.standing.wait_up()
    await database.write(put(1))
    assert await ids(database) == [1]
    await database.stop()


async def test_a_lost_connection_is_made_anew(server: str) -> None:
    """PostgreSQL ends our connections; the next write and read go through on new ones."""
    database = Database(fresh_database(server))
    await database.start()
    await database.write(THINGS.create)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    await database.read(lambda connection: connection.exec_driver_sql(kill).all())
    await database.write(put(1))
    assert await ids(database) == [1]
    await database.stop()


async def test_full_disk_is_unavailable(tmp_path: Path) -> None:
    """A file that may not grow fails a write with a sentence, and serves again once it may."""
    database = Database(f"sqlite:///{tmp_path}/test.db")
    await database.start()
    await database.write(THINGS.create)
    pages = await database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=3").scalar())
    assert pages == 3
    with pytest.raises(MeshError) as caught:
        await database.write(put(1, "x" * 100_000))
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    await database.standing.wait_up()
    await database.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000").all())
    await database.write(put(2, "x" * 100_000))
    assert await ids(database) == [2]
    await database.stop()


async def test_a_database_that_cannot_be_reached_is_unavailable() -> None:
    """A port where nobody listens: a sentence, no address and no password in it."""
    database = Database("postgresql://user:hunter2@127.0.0.1:1/none")
    with pytest.raises(MeshError) as caught:
        await database.start([MIGRATIONS])
    await database.stop()
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert "hunter2" not in f"{caught.value.message}{caught.value.metadata}"


async def test_migrations_run_once(database: Database) -> None:
    """The first start makes the tables; the next one finds them current."""
    await database.start([MIGRATIONS])
    query = f"SELECT version_num FROM {MIGRATIONS.version_table}"
    assert await database.read(lambda connection: connection.exec_driver_sql(query).scalar()) == MIGRATIONS.head
    await database.write(lambda connection: connection.exec_driver_sql("SELECT count(*) FROM requests").scalar())
    await database.stop()
    await database.start([MIGRATIONS])
    assert await database.read(lambda connection: connection.exec_driver_sql(query).scalar()) == MIGRATIONS.head
    await database.stop()
    await database.start()
