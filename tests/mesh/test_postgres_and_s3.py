"""The mesh on a real PostgreSQL and an S3 emulator, by configuration alone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.test_scenarios import SUNSET, picture, told
from tests.support.buckets import bucket_server, credentials
from tests.support.databases import fresh_database, postgres
from tests.support.mesh import mesh


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A fresh database on a server of the test run's own."""
    with postgres() as server:
        yield fresh_database(server)


@pytest.fixture
def bucket() -> Iterator[str]:
    """A bucket of an S3 emulator on loopback, found through the usual variables."""
    with bucket_server() as (_, port), credentials(port):
        yield "s3://pictures/kept"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
async def test_rows_in_postgres_and_pictures_in_s3(
    tmp_path: Path, database: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario of the sandbox holds: a picture, a failover, one purchase for twenty identical requests."""
    monkeypatch.setenv("TEST_DATABASE", database)
    over = {"database": {"url_secret": "env:TEST_DATABASE"}, "blobs": {"url": bucket}}
    async with mesh(tmp_path, "unix", over, database=database) as running:
        body = (await running.generate(**SUNSET)).json()
        assert picture((await running.http.get(body["data"][0]["url"])).content).format == "WEBP"
        headers = {"Idempotency-Key": "once"}
        answers = await asyncio.gather(*(running.generate(headers, **SUNSET) for _ in range(20)))
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert (await running.journal())["billable"] == 2
        await running.script("fal", {"path": "submit", "status": 503})
        body = (await running.generate(**SUNSET)).json()
        assert told(body) == [("fal", "refused", "provider_unavailable"), ("compat", "delivered", "")]
    assert not (tmp_path / "state" / "heliostat.db").exists()
    assert not (tmp_path / "state" / "blobs").exists()
