"""The thread that writes: takes all jobs that wait, runs them in one transaction, answers after COMMIT."""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.lifeline import Lifeline
from heliostat.chassis.logs import get_logger

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

RETRY_AFTER_S = 2.0
_MAX_BATCH = 256
_SLOW_S = 1.0
# A transaction that lost against another one is run again this often; one whose connection was lost, once.
_TRIES_OF_A_LOSER = 4
_LOST_AGAINST_ANOTHER = ("40001", "40P01")

WAITING, RUNNING, OVER = range(3)

log = get_logger(__name__)


class Job:
    """One write: waiting until the writer takes it, running until it is answered; or given up while it waited."""

    __slots__ = ("answer", "error", "failed", "function", "future", "patient", "queued_at", "savepoint", "state")

    def __init__(
        self, function: Callable[..., Any], future: "asyncio.Future[Any]", queued_at: float, *,
        savepoint: bool, patient: bool,
    ) -> None:  # fmt: skip
        self.function = function
        self.future = future
        self.queued_at = queued_at
        self.savepoint = savepoint
        self.patient = patient
        self.state = WAITING
        self.answer: Any = None
        self.error: BaseException | None = None
        self.failed = False
        """True where the database failed it, and not the job itself."""


class Writer:
    """Commits for everybody who waits. `run` is a thread's; `give_up` and `cut` are called from the event loop."""

    def __init__(
        self,
        engine: "Engine",
        jobs: "queue.SimpleQueue[Job | None]",
        answer: Callable[[Sequence[Job]], None],
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._jobs = jobs
        self._answer = answer
        self._clock = clock
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._lifeline = Lifeline()

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

    def give_up(self, job: Job) -> bool:
        """Takes a job back that waits still; False where it runs already, so that its end must be awaited."""
        with self._lock:
            if job.state == WAITING:
                job.state = OVER
                return True
        return False

    def cut(self) -> None:
        """Ends the connection under a statement that takes too long: what was not committed is rolled back."""
        self._lifeline.cut()

    def _take(self) -> tuple[list[Job], bool]:
        job = self._jobs.get()
        batch: list[Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == _MAX_BATCH:
                return batch, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: Sequence[Job]) -> None:
        """All at once; where one of them fails, one by one, so that a failing job spoils no other."""
        error = self._attempt(batch)
        if error is None:
            return
        if isinstance(error, CommitLost):
            _fail(batch, unavailable(error, committed="unknown"))
        elif is_failure(error):
            _fail(batch, unavailable(error))
        elif len(batch) == 1:
            batch[0].error = error
        else:
            for job in batch:
                self._commit([job])

    def _attempt(self, batch: Sequence[Job]) -> BaseException | None:
        """Transacts; what was surely not written is tried again. Gives why it failed, or None."""
        tries = 0
        self._lifeline.was_cut = False
        while True:
            try:
                self._transact(batch)
            except BaseException as error:  # whatever a job raises belongs to its caller
                tries += 1
                if isinstance(error, CommitLost) or not is_failure(error) or self._lifeline.was_cut:
                    return error
                # The connection may have been lost while nobody used it.
                if tries >= (_TRIES_OF_A_LOSER if _lost_against_another(error) else 2) or _is_tired(batch):
                    return error
            else:
                return None

    def _transact(self, batch: Sequence[Job]) -> None:
        connection = self._connect()
        try:
            transaction = connection.begin()
            with self._lock:
                taken = [job for job in batch if job.state != OVER]
                for job in taken:
                    job.state = RUNNING
            for job in taken:
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
            known = _is_refusal(connection, error)
            self._disconnect()
            log.unforeseen("a commit failed", error)
            if known:
                raise
            raise CommitLost from error

    @staticmethod
    def _guarded(connection: "Connection", job: Job) -> None:
        from sqlalchemy import exc

        try:
            with connection.begin_nested():
                job.answer = job.function(connection)
        except exc.DBAPIError as error:
            if is_failure(error):
                raise
            job.error = error
        except Exception as error:  # see _attempt
            job.error = error

    def _connect(self) -> "Connection":
        if self._connection is None:
            self._connection = self._engine.connect()
            self._lifeline.hold(self._connection)
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
        self._lifeline.let_go()
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.invalidate()
                connection.close()
            except Exception as error:  # it is gone either way
                log.unforeseen("a connection would not close", error)


class CommitLost(Exception):
    """COMMIT was sent and not answered: whether it took place is unknown, so its jobs are not run again."""


def _fail(batch: Sequence[Job], error: MeshError) -> None:
    for job in batch:
        job.failed = True
        job.error = error


def _is_tired(batch: Sequence[Job]) -> bool:
    """True where nobody waits any more for what would be tried again."""
    return all(job.state == OVER for job in batch)


def _lost_against_another(error: BaseException) -> bool:
    """True for a serialization failure or a deadlock: the transaction was rolled back and may be run again."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in _LOST_AGAINST_ANOTHER


def _is_refusal(connection: "Connection", error: BaseException) -> bool:
    """True where the database itself said that it did not commit, so that nothing was written.

    PostgreSQL's errors carry an SQLSTATE; SQLite says that it is locked or full. What SQLite could not sync may be
    found in its log after a crash, so that is not known.
    """
    if connection.invalidated:
        return False
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorname", "")
    return bool(getattr(original, "sqlstate", None)) or code.startswith(("SQLITE_BUSY", "SQLITE_FULL"))


def is_failure(error: BaseException) -> bool:
    """True where the database failed (lost, locked, full), false where the statement was at fault."""
    from sqlalchemy import exc

    if getattr(getattr(error, "orig", None), "sqlite_errorname", "") == "SQLITE_ERROR":
        return False  # what SQLite calls an operational error may be a wrong statement
    return isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError) or (
        isinstance(error, exc.DBAPIError) and error.connection_invalidated
    )


def unavailable(error: BaseException, *, committed: str = "no") -> MeshError:
    """The database's failure in our words: its own text may hold an address and a password."""
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        "The database failed; check that it runs, that it has space left, and ask again.",
        retry_after_s=RETRY_AFTER_S,
        database_error=type(error.__cause__ or error).__name__,
        committed=committed,
    )
