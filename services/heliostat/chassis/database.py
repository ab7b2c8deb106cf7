"""The database: one writer thread that commits for everybody who waits, a few readers, and migrations at start.

SQLite by file (`sqlite:////folder/file.db`), PostgreSQL by DSN (`postgresql://…`). Rooms own their tables and hand in
functions of a connection; this room owns drivers, transactions and what happens when they fail. A write is answered
after its COMMIT. All writes that wait are committed together, so their number in flight does not multiply syncs.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql import Executable

_Answer = TypeVar("_Answer")

MAX_WAITING_WRITES = 10_000
_MAX_BATCH = 256
_READERS = 2
_RETRY_AFTER_S = 2.0
_SLOW_S = 1.0
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
    """A writing statement compiled once per dialect and run on the driver itself, past SQLAlchemy's work per call.

    Made of a Core statement whose every value is a named `bindparam` of a plain type (int, float, str, bytes, None).
    """

    __slots__ = ("_compiled", "_statement")

    def __init__(self, statement: "Executable") -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, Sequence[str] | None]] = {}

    def run(self, connection: "Connection", values: Mapping[str, Any]) -> None:
        """Runs the statement with `values` in the connection's transaction. Raises SQLAlchemy's errors."""
        text, order = self._compiled.get(connection.dialect.name) or self._compile(connection)
        parameters: Any = values if order is None else [values[key] for key in order]
        if not connection.in_transaction():
            connection.begin()  # as SQLAlchemy's own methods do: nothing is written outside of a transaction
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute(text, parameters).close()
        except Exception as error:
            raise _as_sqlalchemys(connection, error, text) from error

    def _compile(self, connection: "Connection") -> tuple[str, Sequence[str] | None]:
        compiled: Any = self._statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
        made = (str(compiled), tuple(compiled.positiontup) if compiled.positional else None)
        self._compiled[connection.dialect.name] = made
        return made


class _Job:
    __slots__ = ("answer", "error", "function", "future", "savepoint")

    def __init__(self, function: Callable[..., Any], future: "asyncio.Future[Any]", savepoint: bool) -> None:
        self.function = function
        self.future = future
        self.savepoint = savepoint
        self.answer: Any = None
        self.error: BaseException | None = None


class Database:
    """One database of this process, shared by the rooms that keep tables in it."""

    def __init__(
        self, url: str, *, synchronous: str = "FULL", clock: Clock | None = None, busy_timeout_s: float = 5.0
    ) -> None:
        """`synchronous` (FULL or NORMAL) and `busy_timeout_s`, for which a locked file is waited for, are SQLite's."""
        if synchronous not in ("FULL", "NORMAL"):
            raise ValueError("synchronous is FULL or NORMAL")
        self._url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self._synchronous = synchronous
        self._busy_timeout_s = busy_timeout_s
        self._clock = clock or Clock()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._readers: ThreadPoolExecutor | None = None
        self._write_engine: Engine | None = None
        self._read_engine: Engine | None = None
        self._migrated: set[str] = set()
        self._starting: asyncio.Lock | None = None

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
                    await self.write(lambda connection, each=each: _migrate(connection, each))  # type: ignore[misc]
                    self._migrated.add(each.owner)

    async def stop(self) -> None:
        """Closes the database for one user; the last one waits until everything that was asked for is written."""
        self._users -= 1
        if self._users > 0 or self._thread is None or self._readers is None:
            return
        thread, readers, self._thread = self._thread, self._readers, None
        self._jobs.put(None)
        await asyncio.to_thread(thread.join)
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
        MESH_UNAVAILABLE where the database failed.
        """
        if self._thread is None or self._loop is None:
            raise MeshError(
                reasons.ERROR_REASON_MESH_UNAVAILABLE,
                "The database is closed: this process is stopping.",
                retry_after_s=_RETRY_AFTER_S,
            )
        if self._waiting >= MAX_WAITING_WRITES:
            raise MeshError(
                reasons.ERROR_REASON_OVERLOADED,
                "Too many writes wait for the database; ask again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._waiting += 1
        future: asyncio.Future[_Answer] = self._loop.create_future()
        self._jobs.put(_Job(function, future, savepoint))
        return future

    async def write(self, function: "Callable[[Connection], _Answer]", *, savepoint: bool = False) -> _Answer:
        """Runs `function` in a transaction and gives its answer once that is committed; see `submit`."""
        return await self.submit(function, savepoint=savepoint)

    async def read(self, function: "Callable[[Connection], _Answer]") -> _Answer:
        """Runs `function` on a reader's connection, in one snapshot that is never committed."""
        if self._loop is None or self._readers is None:
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The database is not open.")
        return await self._loop.run_in_executor(self._readers, self._read, function)

    def _read(self, function: "Callable[[Connection], _Answer]") -> _Answer:
        from sqlalchemy import exc

        if self._read_engine is None:
            raise MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The database is not open.")
        try:
            with self._read_engine.connect() as connection:
                return function(connection)
        except exc.DBAPIError as error:
            raise _unavailable(error) if _is_failure(error) else error from error

    def _open(self) -> None:
        if self._url.startswith("sqlite:///"):
            Path(self._url.removeprefix("sqlite:///")).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.get_running_loop()
        self._jobs = queue.SimpleQueue()
        self._waiting = 0
        self._write_engine = self._engine(pool_size=1, begin="BEGIN IMMEDIATE")
        self._read_engine = self._engine(pool_size=_READERS, begin="BEGIN")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="database-reader")
        writer = _Writer(self._write_engine, self._jobs, self._answer, self._clock)
        self._thread = threading.Thread(target=writer.run, name="database-writer", daemon=True)
        self._thread.start()

    def _engine(self, *, pool_size: int, begin: str) -> "Engine":
        from sqlalchemy import create_engine, event

        if self.is_shared:
            return create_engine(self._url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)
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

    def _answer(self, batch: Sequence[_Job]) -> None:
        """Called by the writer's thread: one wake-up of the loop for the whole batch."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._resolve, batch)

    def _resolve(self, batch: Sequence[_Job]) -> None:
        self._waiting -= len(batch)
        for job in batch:
            if job.future.done():
                continue
            if job.error is None:
                job.future.set_result(job.answer)
            else:
                job.future.set_exception(job.error)


class _Writer:
    """The thread that writes: takes all jobs that wait, runs them in one transaction, answers after COMMIT."""

    def __init__(
        self,
        engine: "Engine",
        jobs: "queue.SimpleQueue[_Job | None]",
        answer: Callable[[Sequence[_Job]], None],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._answer = answer
        self._clock = clock
        self._connection: Connection | None = None

    def run(self) -> None:
        """Works until a None comes."""
        going = True
        while going:
            batch, going = self._take()
            if batch:
                began = self._clock.monotonic()
                self._commit(batch)
                self._answer(batch)
                passed_s = self._clock.monotonic() - began
                if passed_s > _SLOW_S:
                    log.warning("the database was slow", seconds=round(passed_s, 3), writes=len(batch))
        self._disconnect()

    def _take(self) -> tuple[list[_Job], bool]:
        job = self._jobs.get()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == _MAX_BATCH:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: Sequence[_Job]) -> None:
        """All at once; where that fails, one by one, so that a failing job spoils no other."""
        try:
            self._transact(batch)
        except _CommitLost as lost:
            for job in batch:
                job.error = _unavailable(lost)
        except BaseException as error:  # whatever a job raises belongs to its caller
            if len(batch) == 1:
                self._settle_alone(batch[0], error)
            else:
                for job in batch:
                    self._commit([job])

    def _settle_alone(self, job: _Job, error: BaseException) -> None:
        from sqlalchemy import exc

        if not isinstance(error, exc.DBAPIError) or not _is_failure(error):
            job.error = error
            return
        # The connection may have been lost while nobody used it: nothing of this job is written, so it is run again.
        try:
            self._transact([job])
        except _CommitLost as lost:
            job.error = _unavailable(lost)
        except exc.DBAPIError as again:
            job.error = _unavailable(again) if _is_failure(again) else again
        except BaseException as again:  # see above
            job.error = again

    def _transact(self, batch: Sequence[_Job]) -> None:
        connection = self._connect()
        try:
            transaction = connection.begin()
            for job in batch:
                job.error = None
                if job.savepoint:
                    self._guarded(connection, job)
                else:
                    job.answer = job.function(connection)
        except BaseException:
            self._disconnect_if_broken(connection)
            raise
        try:
            transaction.commit()
        except BaseException as error:
            self._disconnect()
            log.unforeseen("a commit failed", error)
            raise _CommitLost from error

    @staticmethod
    def _guarded(connection: "Connection", job: _Job) -> None:
        from sqlalchemy import exc

        try:
            with connection.begin_nested():
                job.answer = job.function(connection)
        except exc.DBAPIError as error:
            if _is_failure(error):
                raise
            job.error = error
        except Exception as error:  # see _commit
            job.error = error

    def _connect(self) -> "Connection":
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect_if_broken(self, connection: "Connection") -> None:
        try:
            connection.rollback()
        except Exception as error:  # a connection that cannot roll back is thrown away
            log.unforeseen("a rollback failed", error)
            self._disconnect()
        else:
            if connection.invalidated:
                self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception as error:  # it is gone either way
                log.unforeseen("a connection would not close", error)


class _CommitLost(Exception):
    """COMMIT itself failed: whether it took place is unknown, so its jobs are not run again."""


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


def _is_failure(error: BaseException) -> bool:
    """True where the database failed (lost, locked, full), false where the statement was at fault."""
    from sqlalchemy import exc

    return isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError) or (
        isinstance(error, exc.DBAPIError) and error.connection_invalidated
    )


def _unavailable(error: BaseException) -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        "The database failed; check that it runs, that it has space left, and ask again.",
        retry_after_s=_RETRY_AFTER_S,
        database_error=type(error.__cause__ or error).__name__,
    )


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
