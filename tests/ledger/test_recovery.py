"""What a killed process left open is terminal soon after a restart: resumed where the job is known, else closed."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, from_status
from heliostat.ledger.run import COMMIT_POINTS
from tests.support.ledger_room import (
    PRICE,
    Room,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    happy,
    ledger,
    picture,
    picture_bytes,
    started,
)

DATA = picture_bytes(1000)


def crash_image(source: Path, target: Path) -> None:
    """The files as a kill at this moment would leave them."""
    target.mkdir()
    with sqlite3.connect(source / "heliostat.db") as live, sqlite3.connect(target / "heliostat.db") as copy:
        live.backup(copy)
    live.close()
    copy.close()
    if (source / "blobs").is_dir():
        shutil.copytree(source / "blobs", target / "blobs")


async def interrupted(folder: Path, *, bought: bool, job_id: str = "job-1", **fields: Any) -> Path:
    """The files of a ledger that was killed while a request was under way; the first attempt had been refused."""
    error = MeshError(reasons.ERROR_REASON_MEDIA_INVALID, "Broken.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        steps = [accepted(name, job_id, 2)] if bought else []
        paid = failed(name, error, 1, cost=7, more=True)
        return [started(name, 1), paid, started(name, 2), *steps, asyncio.Event()]

    (folder / "first").mkdir()
    async with ledger(folder / "first", script) as room:
        await room.run(ask(wait=Duration(), **fields))
        while not await written(room, bought and bool(job_id)):
            await asyncio.sleep(0.001)
        crash_image(folder / "first", folder / "second")
    return folder / "second"


async def written(room: Room, with_job: bool) -> bool:
    """True once the second attempt, and its job id where there is one, is in the journal."""
    rows = await room.rows("attempts")
    return len(rows) == 2 and (not with_job or bool(rows[1]["provider_job_id"]))


async def ended(room: Room) -> dict[str, Any]:
    """The one request, once it is over."""
    while (row := (await room.rows("requests"))[0])["end_time_us"] is None:
        await asyncio.sleep(0.001)
    return row


@pytest.mark.parametrize(("bought", "job_id"), [(False, ""), (True, "")])
async def test_what_cannot_be_resumed_is_closed_as_unknown(tmp_path: Path, bought: bool, job_id: str) -> None:
    """Without a job id the attempt is unknown and reserved; what was paid before is counted; nothing is asked."""
    folder = await interrupted(tmp_path, bought=bought, job_id=job_id)
    async with ledger(folder, happy(), spend_cap_usd=1) as room:
        (request,) = await room.rows("requests")
        attempts = await room.rows("attempts")
        (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
        assert room.router.asked == []
    assert [(row["state"], row["cost_micros"], row["reserved_micros"]) for row in attempts] == [
        (ledger_pb2.ATTEMPT_STATE_FAILED_BILLED, 7, 0),
        (ledger_pb2.ATTEMPT_STATE_UNKNOWN, 0, PRICE),
    ]
    assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_FAILED, 7)
    assert (balance.spent.nanos, balance.reserved.nanos) == (7_000, PRICE * 1000)
    error = ledger_pb2.Request()
    error.error.MergeFromString(request["error"])
    assert from_status(error.error).reason == reasons.ERROR_REASON_MESH_UNAVAILABLE


async def test_a_known_job_is_resumed_and_its_picture_kept(tmp_path: Path) -> None:
    """The router is asked to go on with the job; the request succeeds, each attempt is paid once."""
    folder = await interrupted(tmp_path, bought=True, idempotency_key="k")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name, 2), picture(name, DATA, ordinal=2), completed(name, attempt(name, 2))]

    async with ledger(folder, script, spend_cap_usd=1) as room:
        request = await ended(room)
        attempts = await room.rows("attempts")
        (asked,) = room.router.asked
        events = await room.run(ask(idempotency_key="k"))
        (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
    assert [(each.target, each.provider_job_id) for each in asked.resume] == [("fal/x", "job-1")]
    assert asked.image.prompt == "a sunset"
    assert request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED
    assert request["cost_micros"] == PRICE + 7
    assert [row["state"] for row in attempts] == [4, 2]
    assert events[0].admitted.replayed
    assert b"".join(event.media_chunk.data for event in events) == DATA
    assert (balance.spent.nanos, balance.reserved.nanos) == ((PRICE + 7) * 1000, 0)


async def test_a_resume_buys_nothing_anew(tmp_path: Path) -> None:
    """Where the router would start another attempt, the request ends instead, and the old one is unknown."""
    folder = await interrupted(tmp_path, bought=True)
    bought: list[int] = []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name, 3), lambda: bought.append(3), completed(name, attempt(name, 3))]

    async with ledger(folder, script) as room:
        request = await ended(room)
        attempts = await room.rows("attempts")
    assert (bought, request["state"]) == ([], ledger_pb2.REQUEST_STATE_FAILED)
    assert attempts[1]["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN


async def test_a_kill_leaves_no_half_of_a_picture(tmp_path: Path) -> None:
    """Half a picture is a file that nobody would ever find again; what others keep in the folder stays."""
    folder = await interrupted(tmp_path, bought=False)
    half = folder / "blobs" / "media" / "7e" / "7e419c.jpg#1"
    half.parent.mkdir(parents=True)
    half.write_bytes(DATA[:10])
    others = folder / "blobs" / "notes #draft"
    others.write_text("not ours")
    async with ledger(folder, happy()) as room:
        await ended(room)
        assert not half.exists()
        assert others.exists()


async def test_a_resume_that_hangs_ends_at_its_deadline(tmp_path: Path) -> None:
    """The request is terminal and its attempt unknown."""
    folder = await interrupted(tmp_path, bought=True)
    async with ledger(folder, lambda _: [asyncio.Event()], resume_deadline_s=0.5) as room:
        request = await ended(room)
        attempts = await room.rows("attempts")
    assert request["state"] == ledger_pb2.REQUEST_STATE_EXPIRED
    assert attempts[1]["reserved_micros"] == PRICE


async def test_a_caller_of_an_open_request_waits_for_its_recovery(tmp_path: Path) -> None:
    """A follower of a request that is being resumed gets its picture."""
    folder = await interrupted(tmp_path, bought=True, idempotency_key="k")
    gate = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name, 2), gate, picture(name, DATA, ordinal=2), completed(name, attempt(name, 2))]

    async with ledger(folder, script) as room:
        task = asyncio.create_task(room.run(ask(idempotency_key="k")))
        while not room.part.runs.all()[0].reader_count:
            await asyncio.sleep(0)
        gate.set()
        events = await task
    assert events[0].admitted.joined
    assert events[-1].completed.provider == "fal"


_CHILD = """
import asyncio, sys
from pathlib import Path
from tests.support.ledger_room import ask, happy, ledger

async def main():
    async with ledger(Path(sys.argv[1]), happy()) as room:
        await room.run(ask(idempotency_key="k"))

asyncio.run(main())
"""


@pytest.mark.parametrize("point", COMMIT_POINTS)
async def test_a_kill_at_any_commit_point_leaves_nothing_open(tmp_path: Path, point: str) -> None:
    """After SIGKILL there and a restart every row is terminal, and no file is without its row."""
    environment = {
        **os.environ,
        "HELIOSTAT_FAILPOINT": point,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    child = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _CHILD, str(tmp_path)], env=environment, timeout=60, check=False
    )
    assert child.returncode == -signal.SIGKILL
    error = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "The job is gone.")
    async with ledger(tmp_path, lambda _: [error]) as room:
        request = await ended(room)
        attempts, media = await room.rows("attempts"), await room.rows("media")
        files = {key.rpartition("/")[2] async for key in room.blobs.list("media")}
    succeeded = point == "ledger.after_terminal"
    assert (request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED) is succeeded
    assert all(row["state"] != ledger_pb2.ATTEMPT_STATE_OPEN for row in attempts)
    assert files == {row["media_id"] for row in media}
    spent = sum(row["cost_micros"] for row in attempts)
    reserved = sum(row["reserved_micros"] for row in attempts)
    assert (request["cost_micros"], request["reserved_micros"]) == (spent, reserved)
    assert spent + reserved == (PRICE if attempts else 0)
