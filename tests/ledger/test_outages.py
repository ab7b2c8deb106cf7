"""While database or media store are out nothing is bought, and what was bought is neither lost nor forgotten.

Rows M11, M13, M14 and M4 of the plan of faults, at the ledger; tests/mesh/test_outages.py has them end to end.
"""

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from heliostat.ledger.settings import LedgerSettings
from tests.ledger.test_keeping import read
from tests.support.ledger_room import (
    PRICE,
    Room,
    accepted,
    ask,
    completed,
    happy,
    ledger,
    picture,
    picture_bytes,
    started,
)

DATA = picture_bytes(900_000)


class Intruder:
    """Somebody who keeps the database file locked."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "heliostat.db", isolation_level=None, check_same_thread=False)

    def lock(self) -> None:
        """From now on nobody else writes."""
        self._connection.execute("BEGIN IMMEDIATE")

    def leave(self) -> None:
        """Others may write again."""
        self._connection.close()


async def emptied(room: Room) -> None:
    """Waits until nothing is left in the spool."""
    async with asyncio.timeout(60):
        while room.part.spool.entries:
            await asyncio.sleep(0.01)


def bytes_of(events: Sequence[event_pb2.ImageEvent]) -> bytes:
    """The picture as the caller got it."""
    return b"".join(event.media_chunk.data for event in events if event.WhichOneof("event") == "media_chunk")


async def test_without_a_journal_nothing_is_bought(tmp_path: Path) -> None:
    """The intent cannot be written: the caller is told to come back, the router is never let go on. Later it is."""
    bought: list[int] = []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), lambda: bought.append(1), picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02, spend_cap_usd=1) as room:
        intruder = Intruder(tmp_path)
        intruder.lock()
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert (caught.value.reason, caught.value.retry_after_s) == (reasons.ERROR_REASON_MESH_UNAVAILABLE, 2)
        asked = len(room.router.asked)
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert (caught.value.reason, caught.value.retry_after_s) == (reasons.ERROR_REASON_MESH_UNAVAILABLE, 2)
        assert len(room.router.asked) == asked  # known to be down: not even the router is asked
        intruder.leave()
        await room.database.standing.wait_up()
        assert (bought, await room.rows("requests"), room.part.spool.entries) == ([], [], [])
        (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
        assert balance.reserved.nanos == 0
        await room.run(ask())
    assert bought == [1]


async def test_a_claim_is_not_made_while_the_database_is_out(tmp_path: Path) -> None:
    """A request with an idempotency key is refused before it claims anything, and is made with the same key later."""
    async with ledger(tmp_path, happy(), busy_timeout_s=0.02) as room:
        intruder = Intruder(tmp_path)
        intruder.lock()
        for _ in range(2):
            with pytest.raises(MeshError) as caught:
                await room.run(ask(idempotency_key="mine"))
            assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
        intruder.leave()
        await room.database.standing.wait_up()
        assert (await room.run(ask(idempotency_key="mine")))[-1].WhichOneof("event") == "completed"
        assert len(await room.rows("requests")) == 1


async def test_m11_an_end_waits_in_the_spool_while_the_database_is_out(tmp_path: Path) -> None:
    """The picture was bought while the file became locked: the caller has it at once, the rows follow, once."""
    intruder = Intruder(tmp_path)

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), [*accepted(name, ""), *picture(name, DATA)], intruder.lock, completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02) as room:
        events = await room.run(ask())
        assert (events[-1].WhichOneof("event"), bytes_of(events)) == ("completed", DATA)
        assert len(room.part.spool.entries) == 1
        intruder.leave()
        await emptied(room)
        (request,), (attempt,) = await room.rows("requests"), await room.rows("attempts")
        (kept,) = await room.rows("media")
        assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, PRICE)
        assert (attempt["state"], attempt["reserved_micros"]) == (ledger_pb2.ATTEMPT_STATE_SUCCEEDED, 0)
        assert await read(room, kept["media_id"]) == DATA


async def test_m11_the_spool_outlives_the_process(tmp_path: Path) -> None:
    """The process is gone before the database is back: the next one writes the end, and does not guess instead."""
    intruder = Intruder(tmp_path)

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), [*accepted(name, ""), *picture(name, DATA)], intruder.lock, completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02) as room:
        await room.run(ask())
    intruder.leave()
    async with ledger(tmp_path, script) as room:
        (request,), (attempt,) = await room.rows("requests"), await room.rows("attempts")
        assert room.part.spool.entries == []
        assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, PRICE)
        assert attempt["state"] == ledger_pb2.ATTEMPT_STATE_SUCCEEDED


async def test_m11_the_order_of_the_ends_is_kept(tmp_path: Path) -> None:
    """Five requests end while the database is out: their ends are written in the order in which they came."""
    intruder = Intruder(tmp_path)
    gates = [asyncio.Event() for _ in range(5)]

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        gate = gates[int(request.image.prompt)]
        return [started(name), [*accepted(name, ""), *picture(name, b"x")], gate, completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02) as room:
        tasks = [asyncio.create_task(room.run(ask(str(number)))) for number in range(5)]
        while len(await room.rows("attempts")) < 5:
            await asyncio.sleep(0.005)
        intruder.lock()
        order = []
        for number in (3, 1, 4, 0, 2):
            gates[number].set()
            order.append((await tasks[number])[0].admitted.request_id)
        spooled = [await room.part.spool.load(entry.path) for entry in room.part.spool.entries]
        assert [each.late.request_id for each in spooled if each is not None] == order
        intruder.leave()
        await emptied(room)
        rows = sorted(await room.rows("requests"), key=lambda row: row["end_time_us"])
        assert [row["request_id"] for row in rows] == order
        assert {row["state"] for row in rows} == {ledger_pb2.REQUEST_STATE_SUCCEEDED}


async def test_m14_a_picture_waits_in_the_spool_while_the_store_is_out(tmp_path: Path) -> None:
    """The store fails under a bought picture: the caller has it, it can be read, and reaches the store later."""
    folder, gate = tmp_path / "blobs", asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), gate, [*accepted(name, ""), *picture(name, DATA)], completed(name)]

    async with ledger(tmp_path, script) as room:
        task = asyncio.create_task(room.run(ask()))
        while not await room.rows("attempts"):
            await asyncio.sleep(0.005)
        folder.mkdir(exist_ok=True)
        shutil.rmtree(folder)
        folder.write_bytes(b"in the way")
        gate.set()
        events = await task
        assert (events[-1].WhichOneof("event"), bytes_of(events)) == ("completed", DATA)
        (request,), (kept,) = await room.rows("requests"), await room.rows("media")
        assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, PRICE)
        assert await read(room, kept["media_id"]) == DATA
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert (caught.value.reason, caught.value.retry_after_s) == (reasons.ERROR_REASON_MESH_UNAVAILABLE, 2)
        assert len(await room.rows("requests")) == 1
        folder.unlink()
        await room.blobs.standing.wait_up()
        await emptied(room)
        (file,) = [file for file in folder.rglob(kept["media_id"]) if file.is_file()]
        assert hashlib.sha256(file.read_bytes()).digest() == kept["sha256"]
        assert await read(room, kept["media_id"]) == DATA


async def test_m14_a_full_spool_closes_the_doors(tmp_path: Path) -> None:
    """From half of its bound on nothing new is bought; when it has been emptied the next request is."""
    intruder = Intruder(tmp_path)

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), [*accepted(name, ""), *picture(name, DATA)], intruder.lock, completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02, spool_max_mb=1) as room:
        (tmp_path / "blobs").mkdir(exist_ok=True)
        (tmp_path / "blobs" / "media").write_bytes(b"in the way")
        await room.run(ask())
        assert room.part.spool.is_crowded
        with suppress(sqlite3.OperationalError):
            intruder.leave()
        await room.database.standing.wait_up()
        await room.blobs.standing.wait_up()
        with pytest.raises(MeshError, match="waits to be written down"):
            await room.run(ask())
        (tmp_path / "blobs" / "media").unlink()
        await emptied(room)
        room.router.script = happy()
        assert (await room.run(ask()))[-1].WhichOneof("event") == "completed"


async def test_m13_a_read_only_file_closes_the_doors(tmp_path: Path) -> None:
    """Nothing can be written: nothing is bought, what was written before can still be asked for."""
    async with ledger(tmp_path, happy()) as room:
        name = (await room.run(ask()))[0].admitted.request_id
    # Root may write to every file, so the connection itself is made read-only: the same error of SQLite.
    async with ledger(tmp_path, happy()) as room:

        def freeze(connection: Any) -> None:
            connection.exec_driver_sql("PRAGMA query_only = 1")

        await room.database.write(freeze)
        for _ in range(2):
            with pytest.raises(MeshError) as caught:
                await room.run(ask())
            assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
        assert not room.database.standing.up
    async with ledger(tmp_path, happy()) as room:
        record = (await call(room.jobs.GetJob, ledger_pb2.GetJobRequest(request_id=name))).request
        assert record.state == ledger_pb2.REQUEST_STATE_SUCCEEDED
        assert len(await room.rows("requests")) == 1


async def test_an_end_that_was_lost_is_closed_later(tmp_path: Path) -> None:
    """A row that stays open though its run is over is closed by a later round; one that still runs is left alone."""
    clock = FakeClock()
    gate = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        return [started(request.request_id), gate, *happy()(request)[1:]]

    async with ledger(tmp_path, script, clock=clock) as room:
        task = asyncio.create_task(room.run(ask()))
        while not await room.rows("attempts"):
            await asyncio.sleep(0.001)
        (row,) = await room.rows("requests")
        lost = {**row, "request_id": "req_" + "0" * 24}
        await room.part.journal.open(lost)
        clock.advance(2 * LedgerSettings().request_deadline_s + 1)
        await room.part.recovery.close_lost()
        states = {row["request_id"]: row["state"] for row in await room.rows("requests")}
        assert states.pop(lost["request_id"]) == ledger_pb2.REQUEST_STATE_FAILED
        assert list(states.values()) == [ledger_pb2.REQUEST_STATE_RUNNING]
        gate.set()
        assert (await task)[-1].WhichOneof("event") == "completed"
