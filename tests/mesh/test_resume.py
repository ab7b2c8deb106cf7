"""After a crash: jobs are gone on with by their id, and what nobody knew is looked up until it is known."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from heliostat.api.ledger.v1 import ledger_pb2
from tests.support.mesh import Mesh, free_port, mesh
from tests.support.processes import installed

BOAT: dict[str, Any] = {"model": "flux-schnell", "prompt": "A red boat", "size": "1024x1024", "response_format": "url"}
FAL_ALONE = {"routes": [{"model": "flux-schnell", "targets": [{"target": "fal/fal-ai/flux/schnell"}]}]}
HELD = {"path": "status", "match": {}, "body": {"status": "IN_PROGRESS"}}


def rows(state_dir: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table of the ledger."""
    connection = sqlite3.connect(state_dir / "heliostat.db")
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
    finally:
        connection.close()


async def until(condition: Callable[[], Awaitable[bool]], within_s: float = 60) -> None:
    """Waits for what processes do."""
    async with asyncio.timeout(within_s):
        while not await condition():
            await asyncio.sleep(0.05)


async def accepted(running: Mesh, asking: "asyncio.Task[httpx.Response] | None" = None) -> None:
    """Returns when a provider's job id is in the journal; fails at once where the request was answered before."""

    async def is_there() -> bool:
        assert asking is None or not asking.done(), asking.result().text
        return any(row["provider_job_id"] for row in rows(running.state_dir, "attempts"))

    await until(is_there)


async def job_of(running: Mesh, request_id: str) -> dict[str, Any]:
    """The job, once it is over."""
    body: dict[str, Any] = {}

    async def is_over() -> bool:
        nonlocal body
        answer = await running.http.get(f"/v1/jobs/{request_id}")
        body = answer.json()
        return answer.status_code == 200 and body["status"] != "in_progress"

    await until(is_over)
    return body


async def test_a_killed_core_goes_on_with_the_job_and_its_result_is_served(tmp_path: Path) -> None:
    """kill -9 after the provider took the work: one submit, the job's result by its id, and a replay of it."""
    async with installed(tmp_path, {"router": FAL_ALONE}, job_seconds=3, adapters=("fal",)) as running:
        headers = {"Prefer": "respond-async", "Idempotency-Key": "once"}
        begun = await running.generate(headers, **BOAT)
        assert begun.status_code == 202, begun.text
        request_id = begun.headers["location"].rpartition("/")[2]
        await accepted(running)
        starts = running.kill("ledger,router")
        await running.mesh_of_processes.started_again("ledger,router", starts, 30)
        job = await job_of(running, request_id)
        assert job["status"] == "completed", job
        again = await running.generate({"Idempotency-Key": "once"}, **BOAT)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["id"] == request_id
        picture = await running.http.get(again.json()["data"][0]["url"])
        assert picture.status_code == 200
        assert (await running.journal())["billable"] == 1


async def test_m1_a_picture_whose_adapter_was_killed_is_found_kept_and_settled(tmp_path: Path) -> None:
    """The request rolled over to the next provider; the first one's picture arrives all the same, and its cost is
    known: reconciled, and no part of the answer.
    """
    async with installed(tmp_path, job_seconds=4) as running:
        await running.reached("fal")
        asking = asyncio.create_task(running.generate(**BOAT))
        await accepted(running, asking)
        os.kill(running.mesh_of_processes.pid("adapter-fal"), signal.SIGKILL)
        running.killed = True
        answer = (await asking).json()
        assert [each["billed"] for each in answer["metadata"]["attempts"]] == ["unknown", "no"]
        assert len(answer["data"]) == 1

        async def is_known() -> bool:
            states = [row["state"] for row in rows(running.state_dir, "attempts")]
            return ledger_pb2.ATTEMPT_STATE_UNKNOWN not in states

        await until(is_known)
        first = rows(running.state_dir, "attempts")[0]
        (request,) = rows(running.state_dir, "requests")
        assert first["state"] == ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED
        assert len(rows(running.state_dir, "media")) == 2
        assert request["reserved_micros"] == 0
        assert rows(running.state_dir, "lookups") == []
        told = (await running.http.get(f"/v1/requests/{request['request_id']}")).json()
        assert sorted(media["late"] for media in told["media"]) == [False, True]


async def test_u36_a_job_that_never_ends_is_cancelled_once_and_its_request_expires(tmp_path: Path) -> None:
    """At the deadline; what the cancel came to is learnt from the provider, and the reservation is given back."""
    over = {"ledger": {"request_deadline_s": 8}, "router": FAL_ALONE}
    async with installed(tmp_path, over, job_seconds=600, adapters=("fal",)) as running:
        answer = await running.generate(**BOAT)
        assert answer.status_code == 504, answer.text

        async def is_known() -> bool:
            (row,) = rows(running.state_dir, "attempts")
            return bool(row["reserved_micros"] == 0)

        await until(is_known)
        (request,) = rows(running.state_dir, "requests")
        assert request["state"] == ledger_pb2.REQUEST_STATE_EXPIRED
        assert (request["cost_micros"], request["reserved_micros"]) == (0, 0)
        journal = await running.journal()
        kinds = [entry["kind"] for entry in journal["entries"]]
        assert (kinds.count("submit"), kinds.count("cancel"), journal["billable"]) == (1, 1, 0)


async def test_u37_a_callback_reaches_the_adapter_along_the_street(tmp_path: Path) -> None:
    """Edge, ledger, router, adapter: it is believed by its signature; forged ones change nothing (U38)."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    over = {"edge": {"port": port}, "adapters": {"fal": {"webhook_url": url}}}
    async with mesh(tmp_path, "unix", over) as running:
        await running.script("fal", HELD)
        asking = asyncio.create_task(running.generate(**BOAT))

        async def is_delivered() -> bool:
            entries = (await running.journal("fal"))["entries"]
            return any(entry["kind"] == "webhook" and entry["status"] == 202 for entry in entries)

        await until(is_delivered)
        forged = await running.http.post("/v1/providers/fal/webhook", json={"request_id": "x", "status": "OK"})
        foreign = await running.http.post("/v1/providers/nobody/webhook", json={})
        large = await running.http.post("/v1/providers/fal/webhook", content=b" " * (5 * 1024 * 1024))
        assert (forged.status_code, forged.json()["error"]["code"]) == (401, "invalid_signature")
        assert (foreign.status_code, large.status_code) == (404, 413)
        assert not asking.done()
        await running.script("fal")
        assert len((await asking).json()["data"]) == 1
        assert (await running.journal())["billable"] == 1


@pytest.mark.parametrize("kind", ["local"])
async def test_operators_list_what_is_unknown(tmp_path: Path, kind: str) -> None:
    """`heliostat admin unknowns`, over the operators' door."""
    from heliostat.launch import admin_cli, unknowns_cli

    async with mesh(tmp_path, kind, {"ledger": {"reconcile_s": 0}}) as running:
        address = running.processes[0].addresses["admin"][0]

        async def told() -> str:
            return await asyncio.to_thread(admin_cli.run, address, lambda channel: unknowns_cli.unknowns(channel, 20))

        assert await told() == "Every attempt is known: bought, or free."
        await running.script("fal", {"path": "submit", "connection": "reset"})
        answer = await running.generate(**BOAT)
        assert answer.status_code == 200, answer.text
        listed = await told()
        request_id = answer.headers["x-heliostat-request-id"]
        assert f"{request_id}/0/1" in listed
        assert "nothing to look it up by" in listed
        assert "1 in all" in listed
