"""What a run left behind, gathered for the checker: rows, providers' journals, files, answers, spans, texts, sockets.

The providers' journal is the truth for bills; the ledger is held against it, never the other way round.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from heliostat.api.ledger.v1 import ledger_pb2
from tests.support.collector import Span

Row = Mapping[str, Any]
Entry = Mapping[str, Any]

RUNNING = ledger_pb2.REQUEST_STATE_RUNNING
OPEN = ledger_pb2.ATTEMPT_STATE_OPEN
_SUBMITS = {"submit", "generations", "edits", "variations"}


@dataclass(frozen=True)
class Answer:
    """What a caller was told: the HTTP status, the request's id where the answer has one, and how it ended."""

    status: int
    request_id: str
    replayed: bool = False
    picture_sha256: tuple[bytes, ...] = ()
    """SHA-256 of each picture that the caller read, where a test read them."""


@dataclass(frozen=True)
class Evidence:
    """Everything that the invariants are held against. What a run did not gather is empty, and is not checked."""

    requests: Mapping[str, Row]
    attempts: Mapping[str, Row]
    media: Sequence[Row]
    inputs: Sequence[Row] = ()
    budgets: Sequence[Row] = ()
    changeable: Sequence[str] = ()
    """Terminal rows whose state the database let us change."""
    entries: Sequence[Entry] = ()
    """The providers' journals."""
    files: Mapping[str, Path] | None = None
    """Kept pictures by media id; None where they are kept beyond this machine."""
    answers: Sequence[Answer] = ()
    spans: Sequence[Span] | None = None
    spans_may_be_lost: bool = False
    """True where a process was killed: what it had not exported yet is gone."""
    texts: Mapping[str, bytes] = field(default_factory=dict)
    """Logs, metrics, error bodies, and the files of the state folder, by where they were found."""
    secrets: Mapping[str, bytes] = field(default_factory=dict)
    """Canaries by what they are: none may be in any text."""
    strangers: Sequence[str] = ()
    """Connections to addresses that nobody is configured to talk to."""
    leftovers: Sequence[str] = ()
    """Files and sessions that a quiet system has no use for."""
    descriptors: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Open file descriptors by process: when it was ready, and when it was quiet again."""
    deadline_s: float = 300.0
    retry_share: float = 0.2
    retry_least: int = 3
    router_deaths_us: Sequence[int] = ()
    """When a router was killed: the next one counts anew."""
    hedged: bool = False
    """True where two attempts of one branch may be open at once."""

    @property
    def submits(self) -> list[Entry]:
        """The journal's entries that could be billed and say which attempt they are for."""
        return [entry for entry in self.entries if entry["kind"] in _SUBMITS and entry["attempt_id"]]

    def attempts_of(self, request_id: str) -> list[Row]:
        """Attempts of one request by branch and ordinal."""
        own = [row for row in self.attempts.values() if row["request_id"] == request_id]
        return sorted(own, key=lambda row: place(row["attempt_id"]))


def place(attempt_id: str) -> tuple[int, int]:
    """(branch, ordinal) of "<request>/<branch>/<ordinal>"."""
    _, branch, ordinal = attempt_id.rsplit("/", 2)
    return int(branch), int(ordinal)


def rows_of(database: str) -> dict[str, Any]:
    """Requests, attempts, media, inputs and budgets of a database, and the terminal rows that it lets be changed.

    `database` is SQLAlchemy's URL or PostgreSQL's own.
    """
    engine = create_engine(database.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            requests = {row["request_id"]: row for row in _all(connection, "requests")}
            attempts = {row["attempt_id"]: row for row in _all(connection, "attempts")}
            found = {
                "requests": requests,
                "attempts": attempts,
                "media": _all(connection, "media"),
                "inputs": [*_all(connection, "inputs"), *map(_blob_of, _all(connection, "files"))],
                "budgets": _all(connection, "budgets"),
            }
            connection.rollback()
            found["changeable"] = [
                *_changeable(connection, "requests", "request_id", requests, RUNNING),
                *_changeable(connection, "attempts", "attempt_id", attempts, OPEN),
            ]
        return found
    finally:
        engine.dispose()


def _all(connection: Connection, table: str) -> list[Row]:
    return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]


def _blob_of(file: Row) -> Row:
    """A caller's file, told as an input is told."""
    return {"blob_id": f"inputs/files/{file['file_id']}", "expire_time_us": file["expire_time_us"]}


def _changeable(connection: Connection, table: str, key: str, rows: Mapping[str, Row], live: int) -> list[str]:
    """Tries to open one terminal row of each state again."""
    one_of_each = {row["state"]: name for name, row in rows.items() if row["state"] != live}
    changed = []
    for name in one_of_each.values():
        try:
            connection.execute(text(f"UPDATE {table} SET state = {live} WHERE {key} = :name"), {"name": name})
        except DBAPIError:
            continue
        finally:
            connection.rollback()
        changed.append(f"{table} {name}")
    return changed


def files_of(state_dir: Path) -> dict[str, Path]:
    """Kept pictures of a local store, by media id."""
    folder = state_dir / "blobs" / "media"
    return {path.name: path for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else {}


def leftovers_of(state_dir: Path, inputs: Sequence[Row]) -> list[str]:
    """Files of a local store that are no kept picture and no input that a row tells of."""
    folder = state_dir / "blobs"
    known = {row["blob_id"] for row in inputs}
    left = []
    for path in folder.rglob("*") if folder.is_dir() else ():
        key = path.relative_to(folder).as_posix()
        if path.is_file() and not key.startswith("media/") and key not in known:
            left.append(f"file {key}")
    return left


def texts_of(state_dir: Path) -> dict[str, bytes]:
    """Every file of the state folder but the pictures and the installation's own secrets."""
    kept = state_dir / "blobs" / "media", state_dir / "secrets"
    return {
        path.relative_to(state_dir).as_posix(): path.read_bytes()
        for path in state_dir.rglob("*")
        if path.is_file() and not any(path.is_relative_to(folder) for folder in kept)
    }


def gather(
    state_dir: Path, entries: Sequence[Entry], *, database: str = "", far_pictures: bool = False, **more: Any
) -> Evidence:
    """The evidence of an installation that keeps its state in `state_dir`; `database` where it is another one.

    `far_pictures`: pictures are kept elsewhere. `more` are fields of Evidence that only the test knows.
    """
    rows = rows_of(database or f"sqlite:///{state_dir / 'heliostat.db'}")
    texts = {**texts_of(state_dir), **more.pop("texts", {})}
    leftovers = [*leftovers_of(state_dir, rows["inputs"]), *more.pop("leftovers", ())]
    files = None if far_pictures else files_of(state_dir)
    return Evidence(entries=entries, files=files, leftovers=leftovers, texts=texts, **rows, **more)
