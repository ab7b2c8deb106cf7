"""Where the tests of rooms and meshes keep rows and pictures: a file and a folder, or PostgreSQL and S3.

`HELIOSTAT_TEST_STORES=far` (see `make test-stores`) takes the latter for every test that does not say otherwise, on
servers of the test run's own that start with the first test and end with the run.
"""

import atexit
import hashlib
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.databases import everybodys_server

FAR = os.environ.get("HELIOSTAT_TEST_STORES") == "far"

# Tests that are about SQLite's one process and file, or about a local folder: by file, "" for all of it.
NEAR_ONLY = {
    "ledger/test_outages.py": ("",),
    "ledger/test_spool.py": ("",),
    # A restart on SQLite finds its own requests at once; on PostgreSQL a lease has to end first.
    "ledger/test_recovery.py": ("test_what_cannot", "test_a_known", "test_a_resume", "test_a_caller", "test_a_kill"),
    "ledger/test_arms.py": ("test_a_report_finds", "test_a_window"),  # the clock leaps over the lease
    "ledger/test_idempotency.py": ("test_c4_killed", "test_a_key_is_a_new_one", "test_a_library_retry_replays"),
    "ledger/test_keeping.py": ("test_a_sweep_removes", "test_a_picture_that_can_be_kept_nowhere", "test_m15"),
    "ledger/test_runs.py": ("test_the_intent_is_committed",),
    "mesh/test_processes.py": ("",),
}  # fmt: skip


def is_near_only(path: Path, name: str) -> bool:
    """True for a test that says nothing about PostgreSQL or S3."""
    return any(name.startswith(begin) for begin in NEAR_ONLY.get(f"{path.parent.name}/{path.name}", ()))


def rows(folder: Path, query: str) -> list[dict[str, Any]]:
    """What a query gives on the database that belongs to a folder; for tests that look from outside."""
    address = rows_at(folder).replace("postgresql://", "postgresql+psycopg://", 1)
    with create_engine(address, poolclass=NullPool).connect() as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def rows_at(folder: Path) -> str:
    """The address of the database that belongs to a folder; made where it is not there yet."""
    if not FAR:
        return f"sqlite:///{folder}/heliostat.db"
    import psycopg

    name, server = f"at_{_name(folder)}", everybodys_server().address
    with psycopg.connect(server, autocommit=True) as connection, suppress(psycopg.errors.DuplicateDatabase):
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?", 1)


def pictures_at(folder: Path) -> str:
    """The URL of the pictures that belong to a folder."""
    if not FAR:
        return (folder / "blobs").as_uri()
    _bucket()
    return f"s3://pictures/{_name(folder)}"


def _name(folder: Path) -> str:
    return hashlib.sha256(str(folder).encode()).hexdigest()[:16]


@cache
def _bucket() -> None:
    """A process, so that its warnings are not ours; the environment leads to it from now on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(process.kill)
    endpoint = f"http://127.0.0.1:{port}"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ[name] = "test"
    os.environ.update(AWS_REGION="us-east-1", AWS_ENDPOINT_URL=endpoint, AWS_ENDPOINT=endpoint, AWS_ALLOW_HTTP="true")
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(httpx.TransportError):
            httpx.put(f"{endpoint}/pictures").raise_for_status()
            return
        time.sleep(0.1)
    pytest.fail("the S3 emulator does not start")
