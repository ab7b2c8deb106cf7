"""While the database is out nothing is bought, and what was bought is not forgotten."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import PRICE, accepted, ask, completed, happy, ledger, picture, started


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


async def test_without_a_journal_nothing_is_bought(tmp_path: Path) -> None:
    """The intent cannot be written: the caller is told to come back, the router is never let go on."""
    bought: list[int] = []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), lambda: bought.append(1), picture(name, b"x"), completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02, spend_cap_usd=1) as room:
        intruder = Intruder(tmp_path)
        intruder.lock()
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        assert (bought, await room.rows("requests")) == ([], [])
        intruder.leave()
        (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
        assert (caught.value.reason, caught.value.retry_after_s) == (reasons.ERROR_REASON_MESH_UNAVAILABLE, 2)
        assert balance.reserved.nanos == 0
        await room.run(ask())
    assert bought == [1]


async def test_an_end_is_written_once_the_database_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The picture was bought while the file became locked: the answer waits for its rows, and then comes."""
    caplog.set_level(logging.WARNING, logger="heliostat")
    intruders: list[Intruder] = []

    def lock() -> None:
        intruders.append(Intruder(tmp_path))
        intruders[0].lock()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), [*accepted(name, ""), *picture(name, b"x")], lock, completed(name)]

    async with ledger(tmp_path, script, busy_timeout_s=0.02) as room:
        task = asyncio.create_task(room.run(ask()))
        while not any("could not be written" in record.getMessage() for record in caplog.records):
            await asyncio.sleep(0.001)
        intruders[0].leave()
        events = await task
        (request,) = await room.rows("requests")
    assert events[-1].WhichOneof("event") == "completed"
    assert (request["state"], request["cost_micros"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, PRICE)


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
        clock.advance(601)
        await room.part.recovery.close_lost()
        states = {row["request_id"]: row["state"] for row in await room.rows("requests")}
        assert states.pop(lost["request_id"]) == ledger_pb2.REQUEST_STATE_FAILED
        assert list(states.values()) == [ledger_pb2.REQUEST_STATE_RUNNING]
        gate.set()
        assert (await task)[-1].WhichOneof("event") == "completed"
