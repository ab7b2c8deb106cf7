"""Two replicas on one PostgreSQL: who stood still for longer than its lease cannot write over who took its place."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import text

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.clock import Clock, FakeClock
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.ledger.grip import Grip, LostRequest
from heliostat.ledger.lease import Lease
from tests.support.databases import fresh_database, postgres
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
LEASE_S = 600
Step = Any


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL."""
    with postgres() as address:
        yield address


@pytest.fixture
def url(server: str) -> str:
    """An empty database on it."""
    return fresh_database(server)


async def write(room: Room, statement: str, **values: Any) -> None:
    """What another process, or time, does to the tables."""
    await room.database.write(lambda connection: _done(connection.execute(text(statement), values)))


def _done(_: object) -> None:
    """Nothing to tell."""


async def stop_time_of(room: Room) -> None:
    """As if the process had been stopped for longer than its lease: it has ended for everybody."""
    await write(room, "UPDATE owners SET lease_time_us = 0 WHERE owner = :owner", owner=await owner_of(room))


async def owner_of(room: Room) -> str:
    """Who owns the one request."""
    return str((await room.rows("requests"))[0]["owner"])


async def until(condition: Any) -> None:
    """Waits for what another task does."""
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.005)


async def ended(room: Room) -> dict[str, Any]:
    """The one request, once it is over."""

    async def is_over() -> bool:
        return (await room.rows("requests"))[0]["end_time_us"] is not None

    await until(is_over)
    return (await room.rows("requests"))[0]


@asynccontextmanager
async def two(url: str, folder: Path, first: Any, second: Any) -> AsyncIterator[tuple[Room, Room]]:
    """Two replicas, with a router each, over one database and one media store."""
    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(ledger(folder, script, url=url, lease_s=LEASE_S))
            for script in (first, second)
        ]
        yield rooms[0], rooms[1]


async def begun(room: Room, **fields: Any) -> str:
    """Starts a request and returns its id once its provider's job is in the journal."""
    events = await room.run(ask(wait=Duration(), **fields))

    async def has_job() -> bool:
        rows = await room.rows("attempts")
        return bool(rows) and bool(rows[-1]["provider_job_id"])

    await until(has_job)
    return events[0].admitted.request_id


def delivering(*gates: asyncio.Event) -> Any:
    """A router whose job is accepted, then waits for the gates, then delivers."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        delivered = [*picture(name, DATA), *completed(name, attempt(name))]
        return [started(name), accepted(name), *gates, delivered]

    return script


async def test_who_wakes_up_after_its_request_was_taken_over_writes_nothing(url: str, tmp_path: Path) -> None:
    """The new owner resumes by job id and ends it; the late answer of the old one makes no second record."""
    gate = asyncio.Event()
    async with two(url, tmp_path, delivering(gate), delivering()) as (old, new):
        name = await begun(old)
        await stop_time_of(old)
        await new.part.recovery.recover()
        request = await ended(new)
        before = [await new.rows(table) for table in ("requests", "attempts", "media")]
        gate.set()
        await asyncio.gather(*(run.wait_end() for run in old.part.runs.all()))
        after = [await new.rows(table) for table in ("requests", "attempts", "media")]
        files = [key async for key in new.blobs.list("media")]
    assert before == after
    assert (request["state"], request["fence"]) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, 1)
    assert [(each.attempt_id, each.provider_job_id) for each in new.router.asked[0].resume] == [
        (f"{name}/0/1", "job-1")
    ]
    assert len(after[2]) == len(files) == 1


async def test_a_living_owner_keeps_its_requests(url: str, tmp_path: Path) -> None:
    """Nobody takes over what is held."""
    gate = asyncio.Event()
    async with two(url, tmp_path, delivering(gate), happy()) as (old, new):
        await begun(old)
        await new.part.recovery.recover()
        assert new.part.runs.all() == []
        gate.set()
        assert (await ended(old))["fence"] == 0
    assert new.router.asked == []


async def test_only_one_of_two_takes_an_orphan(url: str, tmp_path: Path) -> None:
    """However they race."""
    gate = asyncio.Event()
    async with two(url, tmp_path, delivering(gate), delivering(gate)) as (old, new):
        await begun(old)
        await stop_time_of(old)
        database = Database(url)
        await database.start()
        third = Lease(database, "third", LEASE_S, Clock())
        await third.renew()
        taken = await asyncio.gather(third.take_orphans(), new.part.recovery.recover())
        running = len(new.part.runs.all())
        assert len(taken[0]) + running == 1
        await third.release()
        await database.stop()
        gate.set()


async def test_who_lost_its_request_buys_nothing_more(url: str, tmp_path: Path) -> None:
    """Its next intent is refused by the fence; its caller is told where to ask."""
    gate, bought = asyncio.Event(), []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        broken = failed(name, MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down."), more=True)
        return [started(name), accepted(name), gate, broken, started(name, 2), lambda: bought.append(2)]

    async with two(url, tmp_path, script, delivering()) as (old, new):
        asking = asyncio.create_task(old.run(ask()))

        async def has_job() -> bool:
            rows = await old.rows("attempts")
            return bool(rows) and bool(rows[0]["provider_job_id"])

        await until(has_job)
        await stop_time_of(old)
        await new.part.recovery.recover()
        request = await ended(new)
        gate.set()
        with pytest.raises(MeshError) as caught:
            await asking
        attempts = await new.rows("attempts")
    assert bought == []
    assert reason_name(caught.value.reason) == "mesh_unavailable"
    assert request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED
    assert [row["state"] for row in attempts] == [ledger_pb2.ATTEMPT_STATE_SUCCEEDED]


async def test_what_the_loser_knows_ends_an_unknown_attempt(url: str, tmp_path: Path) -> None:
    """No job id had been told when its request was taken over and closed: the picture that comes late is kept, its
    cost settled, and the request stays as it ended.
    """
    gate = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        return [started(name), gate, [*picture(name, DATA), *completed(name, attempt(name))]]

    async with two(url, tmp_path, script, happy()) as (old, new):
        await old.run(ask(wait=Duration()))

        async def is_intended() -> bool:
            return bool(await old.rows("attempts"))

        await until(is_intended)
        await stop_time_of(old)
        await new.part.recovery.recover()
        closed = await ended(new)
        (unknown,) = await new.rows("attempts")
        gate.set()
        await asyncio.gather(*(run.wait_end() for run in old.part.runs.all()))
        (request,) = await new.rows("requests")
        (settled,) = await new.rows("attempts")
        media = await new.rows("media")
    assert (closed["state"], closed["cost_micros"], closed["reserved_micros"]) == (3, 0, PRICE)
    assert unknown["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN
    assert (request["state"], request["end_time_us"]) == (closed["state"], closed["end_time_us"])
    assert (request["cost_micros"], request["reserved_micros"]) == (PRICE, 0)
    assert (settled["state"], settled["cost_micros"]) == (ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED, PRICE)
    assert len(media) == 1


async def test_a_job_id_that_comes_too_late_is_remembered(url: str, tmp_path: Path) -> None:
    """The provider took the work after its request was closed as unknown: the job is looked up by its id."""
    gate, never = asyncio.Event(), asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        lost = MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "The adapter is away.")
        return [started(name), gate, accepted(name, "job-late"), lost]

    async with two(url, tmp_path, script, lambda _: [never]) as (old, new):
        await old.run(ask(wait=Duration()))

        async def is_intended() -> bool:
            return bool(await old.rows("attempts"))

        await until(is_intended)
        await stop_time_of(old)
        await new.part.recovery.recover()
        await ended(new)
        gate.set()
        await asyncio.gather(*(run.wait_end() for run in old.part.runs.all()))
        (row,) = await new.rows("attempts")
        lookups = await new.rows("lookups")
    assert (row["state"], row["provider_job_id"]) == (ledger_pb2.ATTEMPT_STATE_UNKNOWN, "job-late")
    assert [each["attempt_id"] for each in lookups] == [row["attempt_id"]]


async def test_a_stopped_process_leaves_nothing_to_wait_for(url: str, tmp_path: Path) -> None:
    """Its lease is given up at its end: others need not wait until it ends by itself."""
    async with ledger(tmp_path, happy(), url=url, lease_s=LEASE_S) as room:
        assert len(await room.rows("owners")) == 1
    database = Database(url)
    await database.start()
    owners = await database.read(lambda connection: connection.execute(text("SELECT owner FROM owners")).all())
    await database.stop()
    assert owners == []


async def test_a_clock_that_jumps_takes_nothing_away(url: str, tmp_path: Path) -> None:
    """Leases end by the database's clock (M17): two hours ahead takes nothing from anybody."""
    gate, ahead = asyncio.Event(), FakeClock()
    async with ledger(tmp_path, delivering(gate), url=url, lease_s=LEASE_S) as room:
        await begun(room)
        database = Database(url)
        await database.start()
        hasty = Lease(database, "hasty", LEASE_S, ahead)
        await hasty.renew()
        ahead.advance(7200)
        assert await hasty.take_orphans() == ()
        assert not hasty.stands
        assert not await hasty.renew()
        assert hasty.stands
        await database.stop()
        gate.set()
        assert (await ended(room))["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED


async def test_a_fence_that_was_raised_lets_nobody_through(tmp_path: Path) -> None:
    """The same owner with an older fence holds nothing, nor does anybody hold what is over. On SQLite as well."""
    gate = asyncio.Event()
    async with ledger(tmp_path, delivering(gate)) as room:
        name = await begun(room)
        owner = await owner_of(room)
        await room.database.write(Grip(name, owner, 0).check)
        for grip in (Grip(name, "other", 0), Grip(name, owner, 1), Grip("req_none", owner, 0)):
            with pytest.raises(LostRequest):
                await room.database.write(grip.check)
        gate.set()
        await ended(room)
        with pytest.raises(LostRequest):
            await room.database.write(Grip(name, owner, 0).check)


async def test_a_process_that_stood_still_asks_no_new_target(url: str, tmp_path: Path) -> None:
    """Its lease is over by its own clock: between the commit of an intent and its submit nothing is bought any more."""
    clock, bought = FakeClock(), []

    def script(request: router_pb2.GenerateRequest) -> Sequence[Step]:
        name = request.request_id
        return [lambda: clock.advance(LEASE_S + 1), started(name), lambda: bought.append(1), completed(name)]

    async with ledger(tmp_path, script, url=url, lease_s=LEASE_S, clock=clock) as room:
        with pytest.raises(MeshError) as caught:
            await room.run(ask())
        (row,) = await room.rows("attempts")
    assert bought == []
    assert reason_name(caught.value.reason) == "mesh_unavailable"
    assert row["state"] == ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED
