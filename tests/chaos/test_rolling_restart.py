"""M7: everything is restarted, one process after the other, while requests come in; nobody notices."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.replicas import TARGETS, Cluster, cluster
from tests.support.checker import check
from tests.support.databases import fresh_database, postgres

_PER_S = 20


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A fresh database on a server of the test run's own."""
    with postgres() as server:
        yield fresh_database(server)


async def _load(running: Cluster, ended: asyncio.Event, told: Counter[str]) -> None:
    """Requests at a steady rate until `ended`; every one is waited for."""
    asked: list[asyncio.Task[None]] = []

    async def one(number: int) -> None:
        answer = await running.balancer.generate(model="flux-schnell", prompt=f"picture {number}", size="256x256")
        told[str(answer.status_code)] += 1
        if answer.status_code != 200:
            told[answer.text[:900]] += 1

    while not ended.is_set():
        asked.append(asyncio.create_task(one(len(asked))))
        await asyncio.sleep(1 / _PER_S)
    for failed in await asyncio.gather(*asked, return_exceptions=True):
        if failed is not None:
            told[repr(failed)] += 1


async def test_m7_a_rolling_restart_of_everything_fails_no_request(tmp_path: Path, database: str) -> None:
    """SIGTERM to each of six processes in turn at 20 requests per second: every answer is a picture."""
    told: Counter[str] = Counter()
    async with cluster(tmp_path, database) as running:
        ended = asyncio.Event()
        load = asyncio.create_task(_load(running, ended, told))
        for target in TARGETS:
            for replica in running.of(target):
                await running.restart(replica)
        ended.set()
        await load
    assert set(told) == {"200"}, told
    assert told["200"] > 100
    assert running.left is not None
    check(running.left)
