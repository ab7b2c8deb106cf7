"""One harm at a time, with what has to come of it: the rows M1 to M9 of the fault plan that need real processes.

M6 (kill -9 at each commit point) is in tests/mesh/test_processes.py, M7 (rolling restart) in test_rolling_restart.py,
M4 and M11 to M15 (stores that fail) in tests/mesh and tests/ledger.
"""

import asyncio
import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.processes import Installation, installed

ASKED = {"model": "flux-schnell", "prompt": "a harbour at night", "size": "256x256"}
_LONG_JOB = {"path": "job", "delay_s": 2.0}


async def bought(running: Installation, provider: str) -> None:
    """Returns when the provider has been asked for a picture."""
    async with asyncio.timeout(30):
        while not (await running.journal(provider))["entries"]:
            await asyncio.sleep(0.02)


async def only_request(running: Installation) -> str:
    """The id of the one request that the mesh was sent."""
    (entry, *_) = (await running.journal("fal"))["entries"]
    return str(entry["attempt_id"].split("/")[0])


@pytest.mark.parametrize("part", ["adapter-fal", "ledger,router", "edge"])
async def test_m1_m2_m3_m5_a_paid_picture_outlives_any_part(part: str, tmp_path: Path) -> None:
    """kill -9 after the provider took the job: it is bought once, fetched by its id, kept, and served to who asks."""
    over = {"router": {"routes": [_route("wait")]}, "ledger": {"comeback_s": 30}}
    async with installed(tmp_path, over, adapters=("fal",)) as running:
        await running.reached("fal")
        await running.script("fal", _LONG_JOB)
        headers = {"Idempotency-Key": "once"}
        asking = asyncio.create_task(running.generate(headers, **ASKED))
        async with asyncio.timeout(30):
            while len((await running.journal("fal"))["entries"]) < 2:
                await asyncio.sleep(0.02)
        starts = running.kill(part)
        await running.mesh_of_processes.started_again(part, starts, 30)
        with suppress(httpx.TransportError):
            await asking
        request_id = await only_request(running)
        await running.ready(30)
        await running.quiet(60)
        await settled(running, request_id)
        again = await running.generate(headers, **ASKED)
        assert (await running.journal())["billable"] == 1
        if again.status_code == 200:
            picture = await running.http.get(again.json()["data"][0]["url"])
            assert picture.status_code == 200
        else:
            assert again.headers["x-should-retry"] == "false"


async def settled(running: Installation, request_id: str) -> None:
    """Returns when the picture of a request's attempt is in the ledger."""
    async with asyncio.timeout(60):
        while True:
            with closing(sqlite3.connect(running.state_dir / "heliostat.db")) as connection:
                query = "SELECT count(*) FROM media WHERE request_id = ?"
                if connection.execute(query, (request_id,)).fetchone()[0]:
                    return
            await asyncio.sleep(0.1)


async def test_m8_a_part_that_is_not_given_its_time_to_stop(tmp_path: Path) -> None:
    """SIGTERM, and SIGKILL while it drains: as killed at once; what was under way has its end."""
    async with installed(tmp_path, {"mesh": {"drain_s": 20}}) as running:
        await running.script("fal", {"path": "submit", "delay_s": 30})
        asking = asyncio.create_task(running.generate(**ASKED))
        await bought(running, "fal")
        supervisor = running.mesh_of_processes
        os.kill(supervisor.pid("ledger,router"), signal.SIGTERM)
        async with asyncio.timeout(30):
            while b'"stopping"' not in running.log_bytes():
                await asyncio.sleep(0.05)
        starts = running.kill("ledger,router")
        await supervisor.started_again("ledger,router", starts, 30)
        answer = await asking
        assert answer.status_code in (503, 504)
        assert answer.headers["x-should-retry"] == "false"
        await running.quiet(60)
        assert (await running.journal("compat"))["entries"] == []


async def test_m9_a_part_that_hangs_is_seen_and_left(tmp_path: Path) -> None:
    """SIGSTOP of an adapter: keepalive sees it, the next target answers, and what comes after SIGCONT adds nothing."""
    async with installed(tmp_path) as running:
        await running.script("fal", {"path": "submit", "delay_s": 5})
        asking = asyncio.create_task(running.generate(**ASKED))
        await bought(running, "fal")
        pid = running.mesh_of_processes.pid("adapter-fal")
        os.kill(pid, signal.SIGSTOP)
        try:
            answer = await asyncio.wait_for(asking, 40)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert answer.status_code == 200, answer.text
        attempts = answer.json()["metadata"]["attempts"]
        assert [attempt["provider"] for attempt in attempts] == ["fal", "compat"]
        assert attempts[0]["billed"] == "unknown"
        assert len(answer.json()["data"]) == 1
        running.facts["spans_may_be_lost"] = True


def _route(on_unknown: str) -> dict[str, object]:
    target = {"target": "fal/fal-ai/flux/schnell"}
    return {"model": ASKED["model"], "on_unknown": on_unknown, "targets": [target]}
