"""Attempts that ended unknown: looked up again until it is known what became of them, or nobody can tell."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.ledger.lookups import LONGEST_S, wait_s
from tests.support.databases import fresh_database, postgres
from tests.support.ledger_room import (
    PRICE,
    Room,
    accepted,
    ask,
    attempt,
    completed,
    failed,
    ledger,
    picture,
    picture_bytes,
    started,
)

DATA = picture_bytes(1000)
DAY_S = 86_400
Script = Callable[[router_pb2.GenerateRequest], Sequence[Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Either database; the empty address is a file of the test's folder."""
    return fresh_database(request.getfixturevalue("server")) if request.param == "postgresql" else ""


def late(look: Script, *, job_id: str = "job-1") -> Script:
    """A provider that takes the work and then does not answer in time; `look` plays for later looks at the job."""
    error = MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No answer in time.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        if request.resume:
            return look(request)
        name = request.request_id
        told = failed(name, error, outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_UNKNOWN)
        return [started(name), accepted(name, job_id) if job_id else [], told, error]

    return script


def goes_on(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """The job is still under way."""
    error = MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "Still under way.")
    told = failed(request.request_id, error, outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_UNKNOWN)
    return [started(request.request_id), told, error]


def arrived(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """The picture is there."""
    name = request.request_id
    return [started(name), accepted(name), picture(name, DATA), completed(name, attempt(name))]


def free(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """The provider says that it refused the job, or cancelled it, for nothing."""
    error = MeshError(reasons.ERROR_REASON_CANCELLED, "The job was cancelled.")
    told = failed(request.request_id, error, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
    return [started(request.request_id), told, error]


def charged(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """The provider charged for a picture that it does not give."""
    error = MeshError(reasons.ERROR_REASON_CONTENT_BLOCKED, "Blocked.")
    told = failed(
        request.request_id, error, cost=PRICE, outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_YES
    )
    return [started(request.request_id), told, error]


def unsent(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """The adapter could not ask at all."""
    error = MeshError(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED, "No key.")
    told = failed(request.request_id, error, outcome=event_pb2.OUTCOME_NOT_SENT, billed=event_pb2.BILLED_NO)
    return [started(request.request_id), told, error]


async def lost(room: Room, **fields: Any) -> None:
    """One request that fails with an unknown attempt."""
    with pytest.raises(MeshError):
        await room.run(ask(**fields))


async def looked(room: Room, clock: FakeClock, seconds: float) -> int:
    """Lets time pass and looks at what is due; gives how many attempts are known now."""
    clock.advance(seconds)
    return await room.part.reconciliation.round()


async def reserved(room: Room) -> tuple[int, int]:
    """(spent, reserved) of the budget, in micro-dollars."""
    (balance,) = (await call(room.jobs.GetBalance, ledger_pb2.GetBalanceRequest())).balances
    return to_micros(balance.spent), to_micros(balance.reserved)


async def test_a_picture_that_arrived_is_kept_and_paid_for(url: str, tmp_path: Path) -> None:
    """It is fetched by a look, its cost takes the place of the reservation, and the request stays as it ended."""
    clock = FakeClock()
    async with ledger(tmp_path, late(arrived), clock=clock, url=url, spend_cap_usd=1) as room:
        await lost(room)
        (before,) = await room.rows("requests")
        assert await reserved(room) == (0, PRICE)
        assert await looked(room, clock, 6) == 1
        (request,), (row,), (kept,) = [await room.rows(table) for table in ("requests", "attempts", "media")]
        money = await reserved(room)
        record = (await call(room.jobs.GetRequest, ledger_pb2.GetRequestRequest(request_id=row["request_id"]))).request
        asked = room.router.asked[1]
        left = await room.rows("lookups")
        stored = await room.blobs.get(f"media/{kept['media_id'][:2]}/{kept['media_id']}")
    assert (row["state"], row["cost_micros"], row["reserved_micros"], row["billed"]) == (
        ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED,
        PRICE,
        0,
        event_pb2.BILLED_YES,
    )
    assert (request["state"], request["end_time_us"]) == (before["state"], before["end_time_us"])
    assert (request["cost_micros"], request["reserved_micros"]) == (PRICE, 0)
    assert money == (PRICE, 0)
    assert stored == DATA
    assert kept["expire_time_us"] == int(clock.time() + 3600) * 1_000_000
    assert [each.late for each in record.media] == [True]
    assert [(each.provider_job_id, each.look_only) for each in asked.resume] == [("job-1", True)]
    assert left == []


@pytest.mark.parametrize(
    ("look", "state", "cost"),
    [
        (free, ledger_pb2.ATTEMPT_STATE_RECONCILED_UNBILLED, 0),
        (charged, ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED, PRICE),
    ],
)
async def test_a_job_without_a_picture_is_settled_as_well(
    url: str, tmp_path: Path, look: Script, state: int, cost: int
) -> None:
    """Free ones give their reservation back; this is also how the result of a cancel is learnt."""
    clock = FakeClock()
    async with ledger(tmp_path, late(look), clock=clock, url=url, spend_cap_usd=1) as room:
        await lost(room)
        assert await looked(room, clock, 6) == 1
        (row,), media = await room.rows("attempts"), await room.rows("media")
        money = await reserved(room)
    assert (row["state"], row["cost_micros"], media) == (state, cost, [])
    assert money == (cost, 0)


@pytest.mark.parametrize("look", [goes_on, unsent, lambda _: [MeshError(reasons.ERROR_REASON_MESH_UNAVAILABLE, "x")]])
async def test_what_a_look_does_not_tell_stays_unknown(tmp_path: Path, look: Script) -> None:
    """Also where nobody could be asked: that is no news of the job."""
    clock = FakeClock()
    async with ledger(tmp_path, late(look), clock=clock, spend_cap_usd=1) as room:
        await lost(room)
        assert await looked(room, clock, 6) == 0
        (row,), (lookup,) = await room.rows("attempts"), await room.rows("lookups")
        money = await reserved(room)
    assert (row["state"], row["reserved_micros"], money) == (ledger_pb2.ATTEMPT_STATE_UNKNOWN, PRICE, (0, PRICE))
    assert lookup["look_count"] == 1
    assert lookup["note"]


async def test_looks_back_off_and_end(tmp_path: Path) -> None:
    """Twice the wait after each, an hour at most, for a day; then operators see it stay unknown."""
    clock = FakeClock()
    assert [wait_s(count) for count in (0, 1, 2, 5)] == [5, 10, 20, 160]
    assert wait_s(10) == wait_s(10_000) == LONGEST_S
    async with ledger(tmp_path, late(goes_on), clock=clock) as room:
        await lost(room)
        began = clock.time()
        times = []
        while (due := (await room.rows("lookups"))[0]["look_time_us"]) is not None:
            clock.advance(max(0.0, due / 1e6 - clock.time()) + 0.001)
            times.append(clock.time() - began)
            await room.part.reconciliation.round()
        await room.part.reconciliation.round()
        listed = await call(room.admin.ListUnknownAttempts, admin_pb2.ListUnknownAttemptsRequest())
        (row,) = await room.rows("requests")
    assert len(room.router.asked) == 1 + len(times)
    assert 25 <= len(times) <= 40
    assert DAY_S - LONGEST_S <= times[-1] <= DAY_S
    (unknown,) = listed.attempts
    assert not unknown.HasField("look_time")
    assert (unknown.look_count, unknown.note) == (len(times), "provider_timeout")
    assert row["state"] == ledger_pb2.REQUEST_STATE_FAILED


async def test_operators_see_what_is_unknown_and_why(tmp_path: Path) -> None:
    """With and without a job id, page by page, with what stays reserved."""
    clock = FakeClock()
    async with ledger(tmp_path, late(goes_on), clock=clock) as room:
        await lost(room)
        await lost(room)
        room.router.script = late(goes_on, job_id="")
        clock.advance(1)
        await lost(room)
        assert await looked(room, clock, 5) == 0
        first = await call(room.admin.ListUnknownAttempts, admin_pb2.ListUnknownAttemptsRequest(page_size=1))
        token = first.next_page_token
        rest = await call(room.admin.ListUnknownAttempts, admin_pb2.ListUnknownAttemptsRequest(page_token=token))
        with pytest.raises(MeshError) as caught:
            await call(room.admin.ListUnknownAttempts, admin_pb2.ListUnknownAttemptsRequest(page_token="x"))
        asked = [each.resume[0].provider_job_id for each in room.router.asked if each.resume]
    assert (first.total_count, to_micros(first.total_reserved)) == (3, 3 * PRICE)
    assert (len(rest.attempts), rest.next_page_token) == (2, "")
    (bare,) = first.attempts
    assert (bare.attempt.provider_job_id, bare.HasField("look_time")) == ("", False)
    assert "nothing to look it up by" in bare.note
    assert all(each.HasField("look_time") and each.note == "provider_timeout" for each in rest.attempts)
    assert asked == ["job-1", "job-1"]
    assert reason_name(caught.value.reason) == "invalid_field"


async def test_a_late_picture_is_no_part_of_a_replay(tmp_path: Path) -> None:
    """The request was served by the next target; what the first one delivers later is kept beside the answer."""
    clock = FakeClock()
    error = MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No answer in time.")
    other = picture_bytes(1000, seed=1)

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        if request.resume:
            return arrived(request)
        name = request.request_id
        unknown = {"outcome": event_pb2.OUTCOME_ACCEPTED, "billed": event_pb2.BILLED_UNKNOWN}
        told = failed(name, error, more=True, **unknown)
        second = [
            started(name, 2, target="openai/y"),
            picture(name, other, ordinal=2),
            completed(name, attempt(name, 2)),
        ]
        return [started(name), accepted(name), told, *second]

    async with ledger(tmp_path, script, clock=clock) as room:
        first = await room.run(ask(idempotency_key="k"))
        assert await looked(room, clock, 6) == 1
        again = await room.run(ask(idempotency_key="k"))
        (request,), media = await room.rows("requests"), await room.rows("media")
        spent = sum(row["cost_micros"] for row in await room.rows("attempts"))
    for events in (first, again):
        assert b"".join(event.media_chunk.data for event in events) == other
    assert again[0].admitted.replayed
    assert len(media) == 2
    assert request["cost_micros"] == spent == 2 * PRICE


async def test_a_free_key_may_be_used_again_once_its_attempt_is_known_to_be_free(tmp_path: Path) -> None:
    """As long as it is unknown, the key stands for a request that may have cost money."""
    clock = FakeClock()
    async with ledger(tmp_path, late(free), clock=clock) as room:
        await lost(room, idempotency_key="k")
        await lost(room, idempotency_key="k")
        assert len(room.router.asked) == 1
        assert await looked(room, clock, 6) == 1
        room.router.script = lambda request: [
            started(request.request_id),
            picture(request.request_id, DATA),
            completed(request.request_id),
        ]
        events = await room.run(ask(idempotency_key="k"))
    assert not events[0].admitted.replayed


async def test_a_purged_request_is_not_looked_up(tmp_path: Path) -> None:
    """Nobody wants its picture, and its prompt is gone: it stays unknown and reserved."""
    clock = FakeClock()
    async with ledger(tmp_path, late(arrived), clock=clock) as room:
        await lost(room)
        (row,) = await room.rows("requests")
        assert row["payload"] is not None
        await call(room.jobs.PurgeRequest, ledger_pb2.PurgeRequestRequest(request_id=row["request_id"]))
        assert await looked(room, clock, 6) == 0
        (attempt_row,) = await room.rows("attempts")
    assert len(room.router.asked) == 1
    assert attempt_row["state"] == ledger_pb2.ATTEMPT_STATE_UNKNOWN


async def test_the_prompt_is_kept_as_long_as_a_job_is_looked_up(tmp_path: Path) -> None:
    """Only then: afterwards it goes with the next sweep, as others do at once."""
    clock = FakeClock()
    async with ledger(tmp_path, late(arrived), clock=clock) as room:
        await lost(room)
        clock.advance(1)
        await room.part.recovery.sweep()
        assert (await room.rows("requests"))[0]["payload"] is not None
        assert await looked(room, clock, 6) == 1
        await room.part.recovery.sweep()
        assert (await room.rows("requests"))[0]["payload"] is None


async def test_two_replicas_make_one_look(server: str, tmp_path: Path) -> None:
    """They share the list; whoever is first looks, and a state that was reached does not change."""
    url, clock = fresh_database(server), FakeClock()
    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(ledger(tmp_path, late(arrived), url=url, clock=clock, lease_s=600))
            for _ in range(2)
        ]
        await lost(rooms[0])
        clock.advance(6)
        known = await asyncio.gather(*(room.part.reconciliation.round() for room in rooms))
        looks = sum(bool(each.resume) for room in rooms for each in room.router.asked)
        media = await rooms[0].rows("media")
        files = [key async for key in rooms[0].blobs.list("media")]
    assert (sum(known), looks) == (1, 1)
    assert len(media) == len(files) == 1


async def test_nothing_is_looked_up_where_the_settings_say_so(tmp_path: Path) -> None:
    """The background work does not begin."""
    async with ledger(tmp_path, late(arrived), reconcile_s=0) as room:
        await lost(room)
        assert len(await room.rows("lookups")) == 1
    assert len(room.router.asked) == 1
