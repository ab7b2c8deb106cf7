"""The database answers a write after its commit, and one failing write spoils no other."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, bindparam, insert
from sqlalchemy.exc import IntegrityError

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.database import MAX_WAITING_WRITES, Database, Prepared, in_doubt
from heliostat.chassis.errors import MeshError
from heliostat.chassis.lifeline import Lifeline
from heliostat.ledger.module import MIGRATIONS
from tests.support.databases import PostgresServer, fresh_database, postgres, postgres_server
from tests.support.toll import Toll

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
    database = Database(url, patience_s=60)
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
    database = Database(f"sqlite:///{tmp_path}/test.db", patience_s=20)
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
    database = Database(f"sqlite:///{tmp_path}/test.db", patience_s=20)
    await database.start()
    await database.start()
    await database.stop()
    await database.write(THINGS.create)
    await database.stop()


async def test_a_locked_file_is_unavailable_and_mends_itself(tmp_path: Path) -> None:
    """While somebody else keeps the file locked a write says when to come back; afterwards writes go through."""
    database = Database(f"sqlite:///{tmp_path}/test.db", busy_timeout_s=0.05, patience_s=20)
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
    database = Database(fresh_database(server), patience_s=20)
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
    database = Database(f"sqlite:///{tmp_path}/test.db", patience_s=20)
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


async def test_a_migration_that_takes_long_puts_nobody_out(tmp_path: Path) -> None:
    """It may take as long as it does, on a slow disk or behind another process's: what waits for its end has all its
    time left then, and the database counts as up.
    """
    file = tmp_path / "test.db"
    database = Database(f"sqlite:///{file}", patience_s=1.0, busy_timeout_s=60)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN IMMEDIATE")
    starting = asyncio.create_task(database.start([MIGRATIONS]))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(starting), 2.5)
    waiting = asyncio.create_task(database.write(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 1.5)
    assert database.standing.up
    other.execute("ROLLBACK")
    other.close()
    await starting
    assert await waiting == 1
    await database.stop()


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


# Row M12 of the plan of faults: slow, cut, full, in conflict


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A PostgreSQL that the tests below kill and hold still."""
    with postgres_server() as server:
        yield server


async def refused(attempt: Any) -> MeshError:
    """The error of a call that must not go through."""
    with pytest.raises(MeshError) as caught:
        await attempt
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert caught.value.retry_after_s is not None
    return caught.value


async def test_m11_a_killed_server_is_seen_and_its_return_too(mortal: PostgresServer) -> None:
    """kill -9: without any traffic the standing goes down; writes and reads are refused; later both go through."""
    database = Database(fresh_database(mortal.address), patience_s=20)
    await database.start()
    await database.write(THINGS.create)
    await database.write(put(1))
    changes: list[bool] = []
    fell = asyncio.Event()
    database.standing.on_change(lambda up: (changes.append(up), fell.set()))
    await asyncio.to_thread(mortal.kill)
    async with asyncio.timeout(30):
        await fell.wait()
    await refused(database.write(put(2)))
    await refused(database.read(lambda connection: None))
    await asyncio.to_thread(mortal.start)
    async with asyncio.timeout(30):
        await database.standing.wait_up()
    await database.write(put(3))
    assert (await ids(database), changes) == ([1, 3], [False, True])
    await database.stop()


async def test_m12_slow_statements_are_not_waited_for(mortal: PostgresServer) -> None:
    """Every answer takes 5 s: a write is given up within the wait and never committed, as is all that waits behind."""
    async with Toll.to(mortal.socket) as toll:
        database = Database(toll.address(fresh_database(mortal.address)), patience_s=1.5)
        await database.start()
        await database.write(THINGS.create)
        await ids(database)
        toll.delay_s = 5.0
        running = database.submit(put(1))
        late = [database.submit(put(each)) for each in range(2, 7)]
        errors = [await refused(each) for each in (running, *late)]
        assert {error.metadata.get("committed", "no") for error in errors} == {"no"}
        assert not database.standing.up
        await refused(database.write(put(8)))
        toll.delay_s = 0.0
        await database.standing.wait_up()
        await database.write(put(9))
        assert await ids(database) == [9]
        await database.stop()


async def test_m12_a_slow_read_is_given_up(mortal: PostgresServer) -> None:
    """The reader's connection is cut, so that the next read finds a reader free."""
    async with Toll.to(mortal.socket) as toll:
        database = Database(toll.address(fresh_database(mortal.address)), patience_s=1.5, readers=1)
        await database.start()
        await database.write(THINGS.create)
        await ids(database)
        toll.delay_s = 5.0
        await refused(ids(database))
        toll.delay_s = 0.0
        await database.standing.wait_up()
        assert await ids(database) == []
        await database.stop()


async def test_m12_a_server_that_stands_still_is_down(mortal: PostgresServer) -> None:
    """SIGSTOP: connections stand and nothing answers; when it goes on, so does everything else, and nothing twice."""
    database = Database(fresh_database(mortal.address), patience_s=1.5)
    await database.start()
    await database.write(THINGS.create)
    with mortal.standing_still():
        await refused(database.write(put(1)))
        await refused(database.write(put(2)))
    await database.standing.wait_up()
    await database.write(put(3))
    assert await ids(database) == [3]
    await database.stop()


async def test_m12_connections_that_are_cut_are_made_anew(mortal: PostgresServer) -> None:
    """A failover cuts every connection: what was not begun to commit is run again, unseen by its caller."""
    async with Toll.to(mortal.socket) as toll:
        database = Database(toll.address(fresh_database(mortal.address)), patience_s=20)
        await database.start()
        await database.write(THINGS.create)
        for number in range(5):
            toll.cut()
            assert await database.write(put(number)) == number
        toll.cut()
        assert await ids(database) == list(range(5))
        assert database.standing.up
        await database.stop()


async def test_m12_a_commit_without_an_answer_is_told_as_unknown(mortal: PostgresServer) -> None:
    """The answer to COMMIT is lost on the way: the error says so, and the row may be there; it is never there twice."""
    async with Toll.to(mortal.socket) as toll:
        database = Database(toll.address(fresh_database(mortal.address)), patience_s=1.5)
        await database.start()
        await database.write(THINGS.create)

        def last(connection: Connection) -> None:
            put(1)(connection)
            toll.delay_s = 5.0

        error = await refused(database.write(last))
        assert in_doubt(error)
        toll.delay_s = 0.0
        await database.standing.wait_up()
        assert await ids(database) == [1]
        await database.stop()


async def test_m12_more_readers_than_connections_wait_in_bounds(mortal: PostgresServer) -> None:
    """Two readers are busy: a third read is refused after its wait; the database is not taken for down."""
    database = Database(fresh_database(mortal.address), patience_s=0.3)
    await database.start()
    query = "SELECT pg_sleep(0.6)"
    lengthy = [asyncio.ensure_future(database.report(lambda c: c.exec_driver_sql(query).all())) for _ in range(2)]
    hold = threading.Event()
    busy = [asyncio.ensure_future(database.read(lambda connection: hold.wait(60))) for _ in range(2)]
    await asyncio.sleep(0)
    await refused(database.read(lambda connection: None))
    hold.set()
    await asyncio.gather(*busy, return_exceptions=True)
    assert len(await asyncio.gather(*lengthy)) == 2
    await database.standing.wait_up()
    await database.stop()


async def test_m12_the_servers_limit_of_connections(mortal: PostgresServer) -> None:
    """Others hold every connection: the start says so, and succeeds once there is room."""
    import psycopg

    address = fresh_database(mortal.address)
    name = address.rpartition("?")[0].rpartition("/")[2]
    with psycopg.connect(mortal.address, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE plain_{name} LOGIN")
        admin.execute(f"GRANT ALL ON DATABASE {name} TO plain_{name}")
        admin.execute(f"ALTER DATABASE {name} OWNER TO plain_{name}")
        admin.execute(f"ALTER ROLE plain_{name} CONNECTION LIMIT 0")
        database = Database(address.replace("postgres:@", f"plain_{name}:@", 1), patience_s=20)
        with pytest.raises(MeshError):
            await database.start([MIGRATIONS])
        admin.execute(f"ALTER ROLE plain_{name} CONNECTION LIMIT -1")
        await database.standing.wait_up()
        await database.write(THINGS.create)
        await database.stop()


async def test_m12_who_loses_against_another_transaction_is_run_again(mortal: PostgresServer) -> None:
    """A serialization failure costs the caller nothing: the write is run again and stands once."""
    address = fresh_database(mortal.address)
    one, two = Database(address, patience_s=20), Database(address, patience_s=20)
    await one.start()
    await two.start()
    await one.write(THINGS.create)
    await one.write(put(1, "0"))
    meet = threading.Barrier(2)
    runs: list[int] = []

    def count(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        now = int(connection.exec_driver_sql("SELECT name FROM things WHERE id = 1").scalar() or 0)
        runs.append(now)
        if len(runs) <= 2:
            meet.wait(30)
        connection.exec_driver_sql(f"UPDATE things SET name = '{now + 1}' WHERE id = 1")

    await asyncio.gather(one.write(count), two.write(count))
    query = "SELECT name FROM things WHERE id = 1"
    assert await one.read(lambda connection: connection.exec_driver_sql(query).scalar()) == "2"
    assert sorted(runs) == [0, 0, 1]
    assert one.standing.up
    assert two.standing.up
    await one.stop()
    await two.stop()


# Row M13: SQLite


async def test_m13_a_file_locked_for_long_costs_nobody_more_than_the_wait(tmp_path: Path) -> None:
    """SQLite itself would wait for 5 s: the caller hears before, and what was given up is not written afterwards."""
    database = Database(f"sqlite:///{tmp_path}/test.db", patience_s=1.5)
    await database.start()
    await database.write(THINGS.create)
    intruder = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    await refused(database.write(put(1)))
    assert await ids(database) == []  # what was written before is still read while nobody may write
    intruder.close()
    await database.standing.wait_up()
    await database.write(put(2))
    assert await ids(database) == [2]
    await database.stop()


_COMMITTER = """
import asyncio, sys
from heliostat.chassis.database import Database

async def main():
    database = Database("sqlite:///" + sys.argv[1], patience_s=60)
    await database.start()
    number = 0
    while True:
        numbers = range(number, number + 20)
        number += 20
        writes = [
            database.submit(lambda c, n=n: c.exec_driver_sql("INSERT INTO things VALUES (?, 'x')", (n,)) and None)
            for n in numbers
        ]
        await asyncio.gather(*writes)
        print(number, flush=True)

asyncio.run(main())
"""


async def test_m13_killed_while_it_commits(tmp_path: Path) -> None:
    """kill -9 among commits, five times: every row that was answered is there, and the file is sound."""
    file = tmp_path / "test.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
    connection.close()
    for batches in (1, 3, 7, 12, 20):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _COMMITTER, str(file), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        answered = 0
        for _ in range(batches):
            answered = int(await process.stdout.readline())
        process.kill()
        rest = (await process.stdout.read()).split()
        await process.wait()
        answered = int(rest[-1]) if rest else answered
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            rows = [row[0] for row in connection.execute("SELECT id FROM things ORDER BY id")]
            connection.execute("DELETE FROM things")
        connection.close()
        assert rows[:answered] == list(range(answered))


async def test_m13_a_large_log_is_brought_into_the_file(tmp_path: Path) -> None:
    """A reader held the log open while it grew; once it has gone the log shrinks again by itself."""
    file, wal = tmp_path / "test.db", tmp_path / "test.db-wal"
    database = Database(f"sqlite:///{file}", synchronous="NORMAL", patience_s=20)
    await database.start()
    await database.write(THINGS.create)
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM things").fetchall()
    for number in range(75):
        await database.write(put(number, "x" * 1_000_000))
    assert wal.stat().st_size > 70_000_000
    reader.close()
    for number in range(100, 103):
        await database.write(put(number))
    assert wal.stat().st_size <= 67_108_864
    await database.stop()


@pytest.mark.parametrize("wrong", [OSError(9, "Bad file descriptor"), RuntimeError("the connection is closed")])
def test_m12_a_connection_that_is_gone_is_cut_without_a_word(wrong: Exception) -> None:
    """Its own thread may close it between two looks; the watch over the database must not die of it."""

    class Gone:
        closed = False

        def fileno(self) -> int:
            raise wrong

    lifeline = Lifeline()
    lifeline.hold(cast(Connection, SimpleNamespace(connection=SimpleNamespace(driver_connection=Gone()))))
    lifeline.cut()
    assert lifeline.was_cut


async def test_m12_whoever_hears_that_the_database_is_down_may_write_at_once(mortal: PostgresServer) -> None:
    """The watch goes on all the same, and finds the database back."""
    async with Toll.to(mortal.socket) as toll:
        database = Database(toll.address(fresh_database(mortal.address)), patience_s=1.5)
        await database.start()
        await database.write(THINGS.create)
        written: list[Any] = []
        database.standing.on_change(lambda up: None if up else written.append(database._submit(put(7))))
        toll.delay_s = 5.0
        await refused(database.write(put(1)))
        toll.delay_s = 0.0
        async with asyncio.timeout(30):
            await database.standing.wait_up()
        assert written
        await asyncio.gather(*written, return_exceptions=True)
        await database.stop()
