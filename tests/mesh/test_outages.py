"""Database or media store are out under a mesh: nothing is bought that could not be written down, nothing is lost.

Rows M4, M11, M12 and M14 of the plan of faults, over real sockets: PostgreSQL is killed, held up and cut, S3 goes away.
When a mesh ends the checker holds the ledger against the providers' bills.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.mesh.test_scenarios import SUNSET, picture
from tests.support.buckets import bucket_server, credentials
from tests.support.databases import PostgresServer, fresh_database, postgres_server
from tests.support.mesh import Mesh, mesh
from tests.support.toll import Toll

BASE64 = {**SUNSET, "response_format": "b64_json"}
# A job of fal's that goes on until another script is put.
HELD = {"path": "status", "match": {}, "body": {"status": "IN_PROGRESS"}}


@pytest.fixture(scope="module")
def mortal() -> Iterator[PostgresServer]:
    """A PostgreSQL that these tests kill."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def server(mortal: PostgresServer) -> PostgresServer:
    """What a test before has killed runs again."""
    mortal.start()
    return mortal


@asynccontextmanager
async def on_postgres(folder: Path, kind: str, address: str, seen: str = "", **over: Any) -> AsyncIterator[Mesh]:
    """A mesh whose rows are at `address`, where the checker reads them at `seen`."""
    database = {"url": address, "wait_s": 3.0}
    async with mesh(folder, kind, {"database": database, **over}, database=seen or address) as running:
        yield running


async def until_ready(running: Mesh, ready: bool) -> None:
    """Waits until the mesh says that it is ready, or that it is not; a minute at most."""
    async with asyncio.timeout(60):
        while ((await running.http.get("/readyz")).status_code == 200) != ready:
            await asyncio.sleep(0.05)


def check_refused(answer: httpx.Response) -> None:
    """An answer that sends the caller away with nothing bought."""
    assert answer.status_code == 503, answer.text
    assert 1 <= int(answer.headers["retry-after"]) <= 120
    assert answer.json()["error"]["code"] == "mesh_unavailable"
    assert answer.headers.get("x-should-retry") != "false"


async def bought(running: Mesh) -> int:
    """How many calls the providers bill."""
    return int((await running.journal())["billable"])


async def under_way(running: Mesh, count: int) -> None:
    """Waits until the providers have taken so many jobs."""
    async with asyncio.timeout(60):
        while await bought(running) < count:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["local", "unix"])
async def test_m11_the_database_is_killed_and_comes_back(tmp_path: Path, server: PostgresServer, kind: str) -> None:
    """Running work ends and its caller has the picture; new work is refused with no call; then all goes on."""
    async with on_postgres(tmp_path, kind, fresh_database(server.address)) as running:
        assert (await running.generate(**SUNSET)).status_code == 200
        await running.script("fal", HELD)
        tasks = [asyncio.create_task(running.generate(**BASE64)) for _ in range(3)]
        await under_way(running, 4)
        await asyncio.to_thread(server.kill)
        await until_ready(running, False)
        for answer in await asyncio.gather(*(running.generate(**SUNSET) for _ in range(10))):
            check_refused(answer)
        check_refused(await running.generate({"Idempotency-Key": "once"}, **SUNSET))
        await running.script("fal")
        for answer in await asyncio.gather(*tasks):
            assert answer.status_code == 200, answer.text
            assert picture(base64.b64decode(answer.json()["data"][0]["b64_json"])).format == "WEBP"
        assert await bought(running) == 4
        assert len(list((running.state_dir / "spool").glob("*.end"))) == 3
        await asyncio.to_thread(server.start)
        await until_ready(running, True)
        async with asyncio.timeout(60):
            while list((running.state_dir / "spool").glob("*.end")):
                await asyncio.sleep(0.05)
        for task in tasks:
            job = await running.http.get(f"/v1/jobs/{task.result().headers['x-heliostat-request-id']}")
            assert job.status_code == 200, job.text
        assert (await running.generate({"Idempotency-Key": "once"}, **SUNSET)).status_code == 200
        assert await bought(running) == 5


@pytest.mark.parametrize("kind", ["local", "unix"])
async def test_m12_every_statement_takes_five_seconds(tmp_path: Path, server: PostgresServer, kind: str) -> None:
    """Nobody waits for that: twenty requests are refused, not one of them is bought, and none is left open."""
    async with Toll.to(server.socket) as toll:
        address = fresh_database(server.address)
        async with on_postgres(tmp_path, kind, toll.address(address), address) as running:
            assert (await running.generate(**SUNSET)).status_code == 200
            toll.delay_s = 5.0
            for answer in await asyncio.gather(*(running.generate(**SUNSET) for _ in range(20))):
                check_refused(answer)
            await until_ready(running, False)
            assert await bought(running) == 1
            toll.delay_s = 0.0
            await until_ready(running, True)
            assert (await running.generate(**SUNSET)).status_code == 200
            assert await bought(running) == 2


async def test_m12_connections_are_cut_all_the_time(tmp_path: Path, server: PostgresServer) -> None:
    """Forty requests while every connection is cut again and again: each is served or refused, each bill is known."""
    async with Toll.to(server.socket) as toll:
        address = fresh_database(server.address)
        async with on_postgres(tmp_path, "local", toll.address(address), address) as running:
            tasks = [asyncio.create_task(running.generate(**SUNSET, user=str(number))) for number in range(40)]
            while not all(task.done() for task in tasks):
                toll.cut()
                await asyncio.sleep(0.03)
            answers = [task.result() for task in tasks]
            for answer in answers:
                if answer.status_code != 200:
                    assert answer.status_code == 503, answer.text
            await until_ready(running, True)
            served = sum(answer.status_code == 200 for answer in answers)
            assert served <= await bought(running) <= 40
            assert (await running.generate(**SUNSET)).status_code == 200


async def test_m14_a_disk_that_is_known_to_be_full(tmp_path: Path) -> None:
    """The media volume has less than it must have free: refused before anything is asked of a provider."""
    async with mesh(tmp_path, "local", {"blobs": {"min_free_mb": 10**9}}) as running:
        for answer in await asyncio.gather(*(running.generate(**SUNSET) for _ in range(5))):
            check_refused(answer)
        check_refused(await running.generate({"Idempotency-Key": "once"}, **SUNSET))
        assert (await running.journal())["entries"] == []
        assert (await running.http.get("/v1/models")).status_code == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
async def test_m4_the_media_store_goes_away_under_a_bought_picture(tmp_path: Path) -> None:
    """S3 is gone when the picture comes: its caller has it, new work is refused, and later the store has it too."""
    with bucket_server() as place:
        async with Toll.to(place) as toll:
            with credentials(toll.port):
                async with mesh(tmp_path, "local", {"blobs": {"url": "s3://pictures/kept"}}) as running:
                    assert (await running.generate(**SUNSET)).status_code == 200
                    await running.script("fal", HELD)
                    task = asyncio.create_task(running.generate(**SUNSET))
                    await under_way(running, 2)
                    toll.closed = True
                    toll.cut()
                    await running.script("fal")
                    answer = await task
                    assert answer.status_code == 200, answer.text
                    url = answer.json()["data"][0]["url"]
                    kept = (await running.http.get(url)).content
                    assert picture(kept).format == "WEBP"
                    check_refused(await running.generate(**SUNSET))
                    assert await bought(running) == 2
                    toll.closed = False
                    async with asyncio.timeout(60):
                        while list((running.state_dir / "spool").glob("*.end")):
                            await asyncio.sleep(0.05)
                    assert (await running.http.get(url)).content == kept
                    assert (await running.generate(**SUNSET)).status_code == 200
                    assert await bought(running) == 3
