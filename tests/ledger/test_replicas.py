"""Two replicas over one PostgreSQL: one purchase for one key, whoever is asked; a cancel reaches who has the run."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import NullPool, create_engine, event, select
from sqlalchemy.exc import IntegrityError

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.ledger import claims
from heliostat.ledger.schema import CLAIMS
from tests.support.databases import fresh_database, postgres
from tests.support.ledger_room import (
    Room,
    accepted,
    ask,
    completed,
    failed,
    happy,
    ledger,
    picture,
    picture_bytes,
    started,
)

DATA = picture_bytes(1000)
NOW = Duration()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL."""
    with postgres() as address:
        yield address


@pytest.fixture
def url(server: str) -> str:
    """An empty database on it."""
    return fresh_database(server)


@asynccontextmanager
async def two(url: str, folder: Path, script: Any, **settings: Any) -> AsyncIterator[tuple[Room, Room]]:
    """Two replicas over one database and one media store, each in front of a router that plays the same script."""
    async with AsyncExitStack() as stack:
        rooms = [await stack.enter_async_context(ledger(folder, script, url=url, **settings)) for _ in range(2)]
        yield rooms[0], rooms[1]


def gated(gate: asyncio.Event) -> Any:
    """One picture, after the gate opens."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), gate, picture(name, DATA), completed(name)]

    return script


def delivered(events: Sequence[event_pb2.ImageEvent]) -> bytes:
    """The bytes of all chunks."""
    return b"".join(event.media_chunk.data for event in events if event.WhichOneof("event") == "media_chunk")


async def test_c4_twenty_at_once_at_two_replicas_are_one_purchase(url: str, tmp_path: Path) -> None:
    """Their claims race in the database: one wins, the others wait for its picture or join it, and all get it."""
    gate = asyncio.Event()
    async with two(url, tmp_path, gated(gate)) as rooms:
        tasks = [asyncio.create_task(rooms[turn % 2].run(ask(idempotency_key="k"))) for turn in range(20)]
        while not any(room.router.asked for room in rooms):
            await asyncio.sleep(0.005)
        gate.set()
        answers = await asyncio.gather(*tasks)
        purchases = sum(len(room.router.asked) for room in rooms)
        requests = await rooms[0].rows("requests")
    assert purchases == len(requests) == 1
    assert {delivered(events) for events in answers} == {DATA}
    assert len({events[0].admitted.request_id for events in answers}) == 1


async def test_c4_a_claim_that_is_made_between_anothers_look_and_its_write_stands(url: str, tmp_path: Path) -> None:
    """The other replica, which saw the key free, does not take it away: it finds the claim at its next look."""
    asked = {"key_id": "a", "idempotency_key": "k", "request_hash": "1:h"}
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool)
    others: list[str] = []

    def overtaken(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith("SELECT") and not others:
            others.append("first")
            with engine.begin() as other:
                assert claims.claim(other, {**asked, "request_id": "first"}, 0) == ""

    def race() -> list[str]:
        with engine.connect() as connection:
            event.listen(connection, "before_cursor_execute", overtaken)
            with pytest.raises(IntegrityError):
                claims.claim(connection, {**asked, "request_id": "second"}, 0)
            connection.rollback()
            return list(connection.execute(select(CLAIMS.c.request_id)).scalars())

    async with two(url, tmp_path, happy()):
        assert await asyncio.to_thread(race) == others == ["first"]


async def test_c4_another_body_is_a_conflict_at_the_other_replica(url: str, tmp_path: Path) -> None:
    """While the first one runs, and after it."""
    gate = asyncio.Event()
    async with two(url, tmp_path, gated(gate)) as (first, second):
        await first.run(ask(idempotency_key="k", wait=NOW))
        for opens in (True, False):
            with pytest.raises(MeshError) as caught:
                await second.run(ask("another prompt", idempotency_key="k"))
            assert caught.value.reason == reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT
            if opens:
                gate.set()
                assert delivered(await second.run(ask(idempotency_key="k"))) == DATA


async def test_c3_a_librarys_retry_finds_its_call_at_the_other_replica(url: str, tmp_path: Path) -> None:
    """Under way there, or over: nothing is bought again."""
    gate = asyncio.Event()
    async with two(url, tmp_path, gated(gate)) as (first, second):
        await first.run(ask(retry_count=0, wait=NOW))
        while not await first.rows("attempts"):
            await asyncio.sleep(0.005)
        retry = asyncio.create_task(second.run(ask(retry_count=1)))
        gate.set()
        assert delivered(await retry) == DATA
        assert delivered(await second.run(ask(retry_count=2))) == DATA
        assert second.router.asked == []


async def test_a_cancel_reaches_the_replica_that_has_the_run(url: str, tmp_path: Path) -> None:
    """It is carried out there, with what the provider says of it; a second one changes nothing."""
    error = MeshError(reasons.ERROR_REASON_CANCELLED, "The attempt was cancelled.")
    gave_up = asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        free = failed(name, error, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        return [started(name), accepted(name), gave_up, free, error]

    async with two(url, tmp_path, script) as (first, second):
        first.router.gave_up, first.router.is_free = gave_up, True
        name = (await first.run(ask(wait=NOW)))[0].admitted.request_id
        while not await first.rows("attempts"):
            await asyncio.sleep(0.005)
        cancel = ledger_pb2.CancelJobRequest(request_id=name)
        answer = await call(second.jobs.CancelJob, cancel)
        again = await call(second.jobs.CancelJob, cancel)
    assert (answer.cancelled, again.cancelled) == (True, False)
    assert answer.request.state == again.request.state == ledger_pb2.REQUEST_STATE_CANCELLED
    assert answer.request.attempts[0].billed == event_pb2.BILLED_NO
    assert [each.only_free for each in first.router.given_up] == [False]


async def test_a_job_is_told_by_either_replica(url: str, tmp_path: Path) -> None:
    """Its pictures too."""
    async with two(url, tmp_path, happy(DATA)) as (first, second):
        name = (await first.run(ask()))[0].admitted.request_id
        told = (await call(second.jobs.GetJob, ledger_pb2.GetJobRequest(request_id=name))).request
        assert (told.state, len(told.media)) == (ledger_pb2.REQUEST_STATE_SUCCEEDED, 1)
        with pytest.raises(MeshError) as caught:
            await call(second.jobs.GetJob, ledger_pb2.GetJobRequest(request_id=name[:-1] + "x"))
    assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
