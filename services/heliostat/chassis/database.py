"""The database: one writer thread that commits for everybody who waits, a few readers, and migrations at start.

SQLite by file (`sqlite:////folder/file.db`), PostgreSQL by DSN (`postgresql://…`). Rooms own their tables and hand in
functions of a connection; this room owns drivers, transactions and what happens when they fail. A write is answered
after its COMMIT. All writes that wait are committed together, so their number in flight does not multiply syncs.

Nobody waits for it longer than `patience_s`: a write that was not begun by then is never run, one that runs loses its
connection, and from then on everything is refused at once until the database has been seen to work again.
"""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.lifeline import Lifeline
from heliostat.chassis.logs import get_logger
from heliostat.chassis.standing import Standing
from heliostat.chassis.writer import OVER, RETRY_AFTER_S, Job, Writer, is_failure, unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql import Executable

_Answer = TypeVar("_Answer")

MAX_WAITING_WRITES = 10_000
_CONNECT_S = 2
_TICK_S = 0.25
# How often it is looked at while nobody writes, and while it is down.
_PULSE_S, _PULSE_WHEN_DOWN_S = 1.0, 0.5
_MIGRATION_LOCK = 0x4E110_57A7  # any number that no other program locks in this database

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migrations:
    """Tables of one owner: its folder of Alembic revisions, and the newest of them.

    `owner` names the version table, `heliostat_<owner>_version`; `package` is the importable folder with `env.py` and
    `versions/`; `head` is the newest revision's id, so that a current schema is seen without importing Alembic.
    """

    owner: str
    package: str
    head: str

    @property
    def version_table(self) -> str:
        """Where Alembic keeps this owner's revision."""
        return f"heliostat_{self.owner}_version"


class Prepared:
    """A statement compiled once per dialect and run on the driver itself, past SQLAlchemy's work per call.

    Made of a Core statement whose every value is a named `bindparam` of a plain type (int, float, str, bytes, None).
    """

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: "Executable") -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def run(self, connection: "Connection", values: Mapping[str, Any]) -> None:
        """Runs the statement with `values` in the connection's transaction. Raises SQLAlchemy's errors."""
        self._execute(connection, values).close()

    def fetch(self, connection: "Connection", values: Mapping[str, Any]) -> Sequence[Any]:
        """Runs a statement that reads, as `run` does; gives its rows as plain tuples."""
        rows: Sequence[Any] = self._execute(connection, values).fetchall()
        return rows

    def _execute(self, connection: "Connection", values: Mapping[str, Any]) -> Any:
        text, order = self._compiled.get(connection.dialect.name) or self._compile(connection)
        parameters: Any = values if order is None else [values[key] for key in order]
        if not connection.in_transaction():
            connection.begin()  # as SQLAlchemy's own methods do: nothing is written outside of a transaction
        driver: Any = connection.connection.driver_connection
        try:
            return driver.execute(text, parameters)
        except Exception as error:
            raise _as_sqlalchemys(connection, error, text) from error

    def _compile(self, connection: "Connection") -> tuple[str, Sequence[str] | None]:
        compiled: Any = self._statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        made = (str(compiled), tuple(compiled.positiontup) if compiled.positional else None)
        self._compiled[connection.dialect.name] = made
        return made


class Database:
    """One database of this process, shared by the rooms that keep tables in it."""

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "FULL",
        clock: Clock | None = None,
        busy_timeout_s: float = 5.0,
        patience_s: float = 2.0,
        readers: int = 2,
    ) -> None:
        """`synchronous` (FULL or NORMAL) and `busy_timeout_s`, for which a locked file is waited for, are SQLite's.

        `patience_s` is the longest that a caller waits. `readers` connections read beside the one that writes and one
        for reports.
        """
        if synchronous not in ("FULL", "NORMAL"):
            raise ValueError("synchronous is FULL or NORMAL")
        self._url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._synchronous = synchronous
        self._busy_timeout_s = busy_timeout_s
        self._patience_s = patience_s
        self._reader_count = readers
        self._clock = clock or Clock()
        self.standing = Standing("database")
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._outstanding: deque[Job] = deque()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._writer: Writer | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._reporter: ThreadPoolExecutor | None = None
        self._write_engine: Engine | None = None
        self._read_engine: Engine | None = None
        self._migrated: set[str] = set()
        self._starting: asyncio.Lock | None = None
        self._watching: asyncio.Task[None] | None = None
        self._seen_at = 0.0
        self._patient_at = 0.0

    @property
    def is_shared(self) -> bool:
        """True where other processes may use the same database: PostgreSQL."""
        return not self._url.startswith("sqlite")

    async def start(self, migrations: Sequence[Migrations] = ()) -> None:
        """Opens the database for one more user and brings that user's tables up to date.

        Raises MESH_UNAVAILABLE where the database cannot be reached.
        """
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if self._users == 0:
                self._open()
            self._users += 1
            for each in migrations:
                if each.owner not in self._migrated:
                    await self._submit(lambda connection, each=each: _migrate(connection, each), patient=True)  # type: ignore[misc]
                    self._migrated.add(each.owner)

    async def stop(self) -> None:
        """Closes the database for one user; the last one waits until everything that was asked for is written."""
        self._users -= 1
        if self._users > 0 or self._thread is None or self._readers is None or self._reporter is None:
            return
        thread, self._thread = self._thread, None
        self._jobs.put(None)
        await asyncio.to_thread(thread.join)
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        for readers in (self._readers, self._reporter):
            await asyncio.to_thread(readers.shutdown)
        for engine in (self._write_engine, self._read_engine):
            if engine is not None:
                engine.dispose()
        self._migrated.clear()
        await asyncio.sleep(0)  # lets the writer's last answers, queued on the loop, arrive

    def submit(
        self, function: "Callable[[Connection], _Answer]", *, savepoint: bool = False
    ) -> "asyncio.Future[_Answer]":
        """Queues a write at once; the future is done when it is committed.

        `function` may run twice (after another one's failure rolled both back), so it does nothing but SQL. With
        `savepoint`, its own failure is expected and costs the others nothing. Writes are committed in the order in
        which they were queued. Raises OVERLOADED when 10,000 wait; the future raises what `function` raised, or
        MESH_UNAVAILABLE where the database is down, failed, or had no time. What failed so was not written, unless
        `in_doubt` says so of the error.
        """
        if not self.standing.up and self._loop is not None:
            refused: asyncio.Future[_Answer] = self._loop.create_future()
            refused.set_exception(_away())
            return refused
        return self._submit(function, savepoint=savepoint)

    def _submit(
        self, function: "Callable[[Connection], _Answer]", *, savepoint: bool = False, patient: bool = False
    ) -> "asyncio.Future[_Answer]":
        if self._thread is None or self._loop is None:
            sentence = "The database is closed: this process is stopping."
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, sentence, retry_after_s=RETRY_AFTER_S)
        if self._waiting >= MAX_WAITING_WRITES:
            raise MeshError(
                reasons.ERROR_REASON_OVERLOADED,
                "Too many writes wait for the database; ask again in a moment.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._waiting += 1
        future: asyncio.Future[_Answer] = self._loop.create_future()
        job = Job(function, future, self._loop.time(), savepoint=savepoint, patient=patient)
        self._outstanding.append(job)
        self._jobs.put(job)
        return future

    async def write(self, function: "Callable[[Connection], _Answer]", *, savepoint: bool = False) -> _Answer:
        """Runs `function` in a transaction and gives its answer once that is committed; see `submit`."""
        return await self.submit(function, savepoint=savepoint)

    async def read(self, function: "Callable[[Connection], _Answer]") -> _Answer:
        """Runs `function` on a reader's connection, in one snapshot that is never committed.

        Raises MESH_UNAVAILABLE where no connection is free in time, or the database fails or is down. A file that is
        locked, full or read-only can be read all the while.
        """
        if not self.standing.up and self.is_shared:
            raise _away()
        return await self._read_within(function)

    async def report(self, function: "Callable[[Connection], _Answer]") -> _Answer:
        """Reads as `read` does, one report at a time and for as long as that takes. Raises MESH_UNAVAILABLE."""
        if (not self.standing.up and self.is_shared) or self._loop is None or self._reporter is None:
            raise _away()
        return await self._loop.run_in_executor(self._reporter, self._read, function, Lifeline())

    async def _read_within(self, function: "Callable[[Connection], _Answer]") -> _Answer:
        if self._loop is None or self._readers is None:
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The database is not open.")
        lifeline = Lifeline()
        asked = self._readers.submit(self._read, function, lifeline)
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.shield(asyncio.wrap_future(asked))
        except TimeoutError as error:
            if asked.cancel():  # every reader was busy: others ask for much, which is no fault of the database
                raise unavailable(error) from None
            lifeline.cut()
            self.standing.set(False)
            raise unavailable(error) from None

    def _read(self, function: "Callable[[Connection], _Answer]", lifeline: Lifeline) -> _Answer:
        from sqlalchemy import exc

        if self._read_engine is None:
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The database is not open.")
        for last in (False, True):
            try:
                with self._read_engine.connect() as connection:
                    lifeline.hold(connection)
                    try:
                        return function(connection)
                    finally:
                        lifeline.let_go()
            except exc.DBAPIError as error:
                # The connection may have been lost while nobody used it; asking it beforehand could not be cut short.
                if error.connection_invalidated and not last and not lifeline.was_cut:
                    continue
                raise unavailable(error) if is_failure(error) else error from error
        raise _away()

    def _open(self) -> None:
        if self._url.startswith("sqlite:///"):
            Path(self._url.removeprefix("sqlite:///")).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        self._jobs = queue.SimpleQueue()
        self._waiting = 0
        self._outstanding.clear()
        self.standing.set(True)
        self._write_engine = self._engine(pool_size=1, begin="BEGIN IMMEDIATE")
        self._read_engine = self._engine(pool_size=self._reader_count + 1, begin="BEGIN")
        self._readers = ThreadPoolExecutor(self._reader_count, thread_name_prefix="database-reader")
        self._reporter = ThreadPoolExecutor(1, thread_name_prefix="database-reporter")
        self._writer = Writer(self._write_engine, self._jobs, self._answer, self._clock)
        self._thread = threading.Thread(target=self._writer.run, name="database-writer", daemon=True)
        self._thread.start()
        self._watching = self._loop.create_task(self._watch(self._loop, self._writer))

    def _engine(self, *, pool_size: int, begin: str) -> "Engine":
        from sqlalchemy import create_engine, event

        if self.is_shared:
            return create_engine(
                self._url,
                pool_size=pool_size,
                max_overflow=0,
                connect_args={"connect_timeout": _CONNECT_S},
            )
        # Python's own transaction control begins too late and never for reads: ours is explicit.
        arguments = {"isolation_level": None, "timeout": self._busy_timeout_s, "check_same_thread": False}
        engine = create_engine(self._url, pool_size=pool_size, max_overflow=0, connect_args=arguments)

        @event.listens_for(engine, "connect")
        def configure(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA journal_size_limit=67108864")

        @event.listens_for(engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def _answer(self, batch: Sequence[Job]) -> None:
        """Called by the writer's thread: one wake-up of the loop for the whole batch."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve, batch)

    def _resolve(self, batch: Sequence[Job]) -> None:
        self._waiting -= len(batch)
        if self._loop is not None and not batch[-1].failed:
            self._seen_at = self._loop.time()
        for job in batch:
            job.state = OVER
            if job.failed:
                self.standing.set(False)
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.answer)
            else:
                job.future.set_exception(job.error)

    # Is it there?

    async def _watch(self, loop: asyncio.AbstractEventLoop, writer: Writer) -> None:
        """Ends what takes too long, and looks at the database while nobody else does."""
        looking: asyncio.Task[None] | None = None
        while True:
            await asyncio.sleep(_TICK_S)
            now = loop.time()
            try:
                self._end_overdue(writer, now)
            except Exception as error:  # without this watch nobody would ever find a database back
                log.unforeseen("the watch over the database stumbled", error)
            rest_s = _PULSE_S if self.standing.up else _PULSE_WHEN_DOWN_S
            if (looking is None or looking.done()) and now - self._seen_at >= rest_s and self._thread is not None:
                looking = loop.create_task(self._look())

    def _end_overdue(self, writer: Writer, now: float) -> None:
        jobs = self._outstanding
        while jobs and jobs[0].state == OVER:
            jobs.popleft()
        if any(job.patient and job.state != OVER for job in jobs):
            self._patient_at = now  # what waits for a migration's end has all its time from then on
            return
        # Who hears that the database is down may write something at once.
        for job in list(jobs):
            if now - max(job.queued_at, self._patient_at) < self._patience_s:
                break
            if job.state == OVER:
                continue
            if writer.give_up(job):
                if not job.future.done():
                    job.future.set_exception(_away())
            else:
                writer.cut()
            self.standing.set(False)

    async def _look(self) -> None:
        """Writes nothing, as a writer does; where the database was down, a trace of a write, and a read as well."""
        was_up = self.standing.up
        with contextlib.suppress(MeshError):
            await self._submit(_beat if was_up else _try_out)
            if not was_up:
                await self._read_within(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
                self.standing.set(True)


def in_doubt(error: BaseException) -> bool:
    """True for the error of a write whose COMMIT was sent and not answered: it may have taken place. Pure."""
    return isinstance(error, MeshError) and error.metadata.get("committed") == "unknown"


def _away() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        "The database does not answer; nothing new is taken on until it does. Ask again in a moment.",
        retry_after_s=RETRY_AFTER_S,
    )


def _beat(connection: "Connection") -> None:
    """Asks for an answer; SQLite has given it by letting the transaction begin."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT 1").close()


def _try_out(connection: "Connection") -> None:
    """Makes the COMMIT write something: a database that is read-only, or whose disk is full, is still down."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT txid_current()").close()
        return
    version = connection.exec_driver_sql("PRAGMA user_version").scalar()
    connection.exec_driver_sql(f"PRAGMA user_version = {version}").close()


def _as_sqlalchemys(connection: "Connection", error: Exception, text: str) -> BaseException:
    """A driver's error as SQLAlchemy would have raised it; a connection that broke is invalidated."""
    from sqlalchemy import exc

    driver, dialect = connection.connection.driver_connection, connection.dialect
    base: Any = dialect.loaded_dbapi.Error
    broken = isinstance(error, base) and dialect.is_disconnect(error, driver, None)
    told = exc.DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=broken, dialect=dialect
    )
    if broken:
        connection.invalidate(error)
    return told


def _migrate(connection: "Connection", migrations: Migrations) -> None:
    """Brings one owner's tables to its newest revision; a current schema costs one SELECT."""
    from sqlalchemy import inspect, text

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
    if inspect(connection).has_table(migrations.version_table):
        version = connection.exec_driver_sql(f"SELECT version_num FROM {migrations.version_table}").scalar()  # noqa: S608
        if version == migrations.head:
            return
    from alembic import command
    from alembic.config import Config

    module = import_module(migrations.package)
    config = Config()
    config.set_main_option("script_location", str(Path(module.__path__[0])))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = migrations.version_table
    command.upgrade(config, migrations.head)
