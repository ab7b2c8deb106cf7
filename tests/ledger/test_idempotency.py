"""A repeated request is joined or replayed: one purchase, however often it is sent."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from tests.support.ledger_room import (
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

DATA = picture_bytes(2_000_000)


def delivered(events: Sequence[event_pb2.ImageEvent]) -> bytes:
    """The bytes of all chunks."""
    return b"".join(event.media_chunk.data for event in events if event.WhichOneof("event") == "media_chunk")


def gated(gate: asyncio.Event) -> Callable[[router_pb2.GenerateRequest], Sequence[Any]]:
    """One picture, after the gate opens."""

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), gate, picture(name, DATA), completed(name)]

    return script


async def test_a_key_replays_the_stored_answer(tmp_path: Path) -> None:
    """The second request of a key gets the same pictures and result, marked as replayed; the router is asked once."""
    async with ledger(tmp_path, happy(DATA)) as room:
        first = await room.run(ask(idempotency_key="k"))
        second = await room.run(ask(idempotency_key="k"))
        assert len(room.router.asked) == 1
    assert (first[0].admitted.replayed, second[0].admitted.replayed) == (False, True)
    assert first[0].admitted.request_id == second[0].admitted.request_id
    assert delivered(first) == delivered(second) == DATA
    assert first[-1].completed == second[-1].completed
    assert [each.WhichOneof("event") for each in first] == [each.WhichOneof("event") for each in second]


async def test_a_replay_without_bytes_names_the_pictures(tmp_path: Path) -> None:
    """A stored delivery is replayed with media ids and no chunks."""
    request = ask(idempotency_key="k", delivery=request_pb2.DELIVERY_STORED)
    async with ledger(tmp_path, happy(DATA)) as room:
        first, second = await room.run(request), await room.run(request)
    assert delivered(first) == delivered(second) == b""
    ids = [[e.media_ended.media_id for e in each if e.WhichOneof("event") == "media_ended"] for each in (first, second)]
    assert ids[0] == ids[1] != [""]


async def test_a_key_survives_a_restart(tmp_path: Path) -> None:
    """A new process over the same journal replays."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await room.run(ask(idempotency_key="k"))
    async with ledger(tmp_path, happy(b"other")) as room:
        events = await room.run(ask(idempotency_key="k"))
        assert room.router.asked == []
    assert delivered(events) == DATA


async def test_a_key_for_another_request_is_a_conflict(tmp_path: Path) -> None:
    """While the first runs and after it ended."""
    gate = asyncio.Event()
    async with ledger(tmp_path, gated(gate)) as room:
        first = asyncio.create_task(room.run(ask(idempotency_key="k", progressive=True)))
        while not room.router.asked:
            await asyncio.sleep(0)
        for opens in (True, False):
            with pytest.raises(MeshError) as caught:
                await room.run(ask("another prompt", idempotency_key="k"))
            assert caught.value.reason == reasons.ERROR_REASON_IDEMPOTENCY_CONFLICT
            if opens:
                gate.set()
                await first


async def test_parallel_requests_of_one_key_are_one_run(tmp_path: Path) -> None:
    """Twenty at once: one asks the router, the others join it, all get the picture."""
    gate = asyncio.Event()
    async with ledger(tmp_path, gated(gate)) as room:
        tasks = [asyncio.create_task(room.run(ask(idempotency_key="k"))) for _ in range(20)]
        while not room.router.asked:
            await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*tasks)
        assert len(room.router.asked) == 1
        assert len(await room.rows("requests")) == 1
    assert all(delivered(events) == DATA for events in answers)
    assert sum(not events[0].admitted.joined and not events[0].admitted.replayed for events in answers) == 1


async def test_a_late_one_joins_and_gets_everything(tmp_path: Path) -> None:
    """One that comes after the picture was stored and let go of still gets it whole, from the store."""
    gate, stored = asyncio.Event(), asyncio.Event()

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), picture(name, DATA), stored.set, gate, completed(name)]

    async with ledger(tmp_path, script) as room:
        first = asyncio.create_task(room.run(ask(idempotency_key="k", progressive=True)))
        await stored.wait()
        while [each async for each in room.blobs.list("media")] == []:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(room.run(ask(idempotency_key="k", progressive=True)))
        while room.part.runs.all()[0].reader_count < 2:
            await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(first, second)
    assert [delivered(events) for events in answers] == [DATA, DATA]
    assert answers[1][0].admitted.joined


async def test_a_free_failure_gives_its_key_up(tmp_path: Path) -> None:
    """A request that failed without cost is made anew under the same key; a second success is then replayed."""
    outcomes = [MeshError(reasons.ERROR_REASON_NO_TARGET, "All out."), None]

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        error = outcomes.pop(0)
        return [error] if error is not None else happy()(request)

    async with ledger(tmp_path, script) as room:
        with pytest.raises(MeshError, match="All out"):
            await room.run(ask(idempotency_key="k"))
        await room.run(ask(idempotency_key="k"))
        events = await room.run(ask(idempotency_key="k"))
        states = [row["state"] for row in await room.rows("requests")]
    assert events[0].admitted.replayed
    assert sorted(states) == [ledger_pb2.REQUEST_STATE_SUCCEEDED, ledger_pb2.REQUEST_STATE_FAILED]


async def test_a_failure_that_may_have_been_bought_is_not_bought_again(tmp_path: Path) -> None:
    """The key replays the failure: its attempt is unknown."""
    error = MeshError(reasons.ERROR_REASON_PROVIDER_TIMEOUT, "No answer.")
    async with ledger(tmp_path, lambda r: [started(r.request_id), accepted(r.request_id), error]) as room:
        for _ in range(2):
            with pytest.raises(MeshError) as caught:
                await room.run(ask(idempotency_key="k"))
            assert caught.value.reason == reasons.ERROR_REASON_PROVIDER_TIMEOUT
        assert len(room.router.asked) == 1


@pytest.mark.parametrize("how", ["expired", "purged"])
async def test_what_is_gone_is_not_made_anew(tmp_path: Path, how: str) -> None:
    """After 24 h, or a purge, the key answers that its pictures are gone, and buys nothing."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        events = await room.run(ask(idempotency_key="k"))
        if how == "expired":
            clock.advance(24 * 3600 + 1)
        else:
            purge = ledger_pb2.PurgeRequestRequest(request_id=events[0].admitted.request_id)
            await call(room.jobs.PurgeRequest, purge)
        with pytest.raises(MeshError) as caught:
            await room.run(ask(idempotency_key="k"))
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        assert len(room.router.asked) == 1


async def test_a_library_retry_joins_the_run_under_way(tmp_path: Path) -> None:
    """An SDK that lost its connection and sends the same body again pays once."""
    gate = asyncio.Event()
    async with ledger(tmp_path, gated(gate)) as room:
        first = asyncio.create_task(room.run(ask(retry_count=0)))
        while not room.router.asked:
            await asyncio.sleep(0)
        first.cancel()
        second = asyncio.create_task(room.run(ask(retry_count=1, progressive=True)))
        await asyncio.sleep(0)
        gate.set()
        events = await second
        assert len(room.router.asked) == 1
    assert events[0].admitted.joined
    assert delivered(events) == DATA


async def test_a_library_retry_replays_what_succeeded(tmp_path: Path) -> None:
    """Within ten minutes; later it is a new request. A first try, and another body, are always new."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        await room.run(ask(retry_count=0))
        assert (await room.run(ask(retry_count=2)))[0].admitted.replayed
        assert not (await room.run(ask("another", retry_count=1)))[0].admitted.replayed
        assert not (await room.run(ask()))[0].admitted.replayed
        clock.advance(601)
        assert not (await room.run(ask(retry_count=1)))[0].admitted.replayed


async def test_a_library_retry_of_a_failure_is_a_new_request(tmp_path: Path) -> None:
    """What failed is not replayed to a retry: that is what it retries for."""
    outcomes: list[MeshError | None] = [MeshError(reasons.ERROR_REASON_NO_TARGET, "All out."), None]

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        error = outcomes.pop(0)
        return [error] if error is not None else happy()(request)

    async with ledger(tmp_path, script) as room:
        with pytest.raises(MeshError, match="All out"):
            await room.run(ask(retry_count=0))
        events = await room.run(ask(retry_count=1))
    assert not events[0].admitted.replayed


async def test_failed_attempts_are_replayed_too(tmp_path: Path) -> None:
    """A replay tells of the failed first target, and that another one followed."""
    slow = MeshError(reasons.ERROR_REASON_RATE_LIMITED, "Slow down.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        refused = failed(name, slow, 1, more=True, outcome=event_pb2.OUTCOME_REFUSED, billed=event_pb2.BILLED_NO)
        return [started(name, 1), refused, started(name, 2), picture(name, b"x", ordinal=2), completed(name)]

    async with ledger(tmp_path, script) as room:
        await room.run(ask(idempotency_key="k"))
        events = await room.run(ask(idempotency_key="k"))
    told = [event.attempt_failed for event in events if event.WhichOneof("event") == "attempt_failed"]
    assert [(each.failing_over, each.attempt.target) for each in told] == [(True, "fal/x")]


async def test_keys_of_different_callers_are_different(tmp_path: Path) -> None:
    """One caller's key says nothing to another, and a key of 256 characters is refused."""
    async with ledger(tmp_path, happy(), open=False) as room:
        from heliostat.api.ledger.v1 import admin_pb2

        secrets = [(await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest())).secret for _ in range(2)]
        for secret in secrets:
            assert not (await room.run(ask(idempotency_key="k"), secret))[0].admitted.replayed
        with pytest.raises(MeshError) as caught:
            await room.run(ask(idempotency_key="k" * 256), secrets[0])
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
