"""A repeated request is joined or replayed: one purchase, however often it is sent."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from tests.ledger.test_recovery import crash_image
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
    """Once its pictures are gone, or purged, the key answers so for its 24 h, and buys nothing."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, keyed_media_retention_s=3600) as room:
        events = await room.run(ask(idempotency_key="k"))
        if how == "expired":
            clock.advance(3601)
        else:
            purge = ledger_pb2.PurgeRequestRequest(request_id=events[0].admitted.request_id)
            await call(room.jobs.PurgeRequest, purge)
        with pytest.raises(MeshError) as caught:
            await room.run(ask(idempotency_key="k"))
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_GONE
        assert len(room.router.asked) == 1


async def test_a_key_is_a_new_one_after_its_time(tmp_path: Path) -> None:
    """Within 24 h it replays; then it may be used again, for another request too."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        await room.run(ask(idempotency_key="k"))
        clock.advance(24 * 3600 - 1)
        assert (await room.run(ask(idempotency_key="k")))[0].admitted.replayed
        clock.advance(1)
        assert not (await room.run(ask("another prompt", idempotency_key="k")))[0].admitted.replayed
        assert len(room.router.asked) == 2


async def test_a_key_of_another_hash_version_replays(tmp_path: Path) -> None:
    """What an earlier version hashed in its own way cannot be compared: it is replayed, never refused."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await room.run(ask(idempotency_key="k"))

        def older(connection: Any) -> None:
            connection.exec_driver_sql("UPDATE claims SET request_hash = '0:' || substr(request_hash, 3)")

        await room.database.write(older)
        events = await room.run(ask("words that hash otherwise", idempotency_key="k"))
        assert len(room.router.asked) == 1
    assert events[0].admitted.replayed
    assert delivered(events) == DATA


async def test_a_replay_tells_when_the_request_came_first(tmp_path: Path) -> None:
    """The moment of the first request stands in the first answer, a joined one and a replayed one."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        first = await room.run(ask(idempotency_key="k"))
        clock.advance(100)
        again = await room.run(ask(idempotency_key="k"))
    assert first[0].admitted.create_time == again[0].admitted.create_time
    assert first[0].admitted.HasField("create_time")


async def test_a_key_may_come_as_metadata(tmp_path: Path) -> None:
    """gRPC callers may send it as idempotency-key beside the message; the field and it must not disagree."""
    metadata = [("idempotency-key", "k")]

    async def run(request: router_pb2.GenerateRequest) -> list[event_pb2.ImageEvent]:
        events: list[event_pb2.ImageEvent] = []
        async with stream(room.generate.Generate, request, metadata=metadata) as responses:
            async for response in responses:
                events.extend(response.events)
        return events

    async with ledger(tmp_path, happy()) as room:
        await run(ask())
        assert (await room.run(ask(idempotency_key="k")))[0].admitted.replayed
        assert (await run(ask(idempotency_key="k")))[0].admitted.replayed
        with pytest.raises(MeshError) as caught:
            await run(ask(idempotency_key="other"))
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
        assert len(room.router.asked) == 1


async def test_a_repetition_is_no_further_request_of_its_key(tmp_path: Path) -> None:
    """A key that may have one request under way still joins and replays it; another one is refused."""
    gate = asyncio.Event()
    async with ledger(tmp_path, gated(gate), open=False) as room:
        one = admin_pb2.Key()
        one.limits.concurrent_requests = 1
        secret = (await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=one))).secret
        first = asyncio.create_task(room.run(ask(idempotency_key="k"), secret))
        while not room.router.asked:
            await asyncio.sleep(0)
        second = asyncio.create_task(room.run(ask(idempotency_key="k"), secret))
        while room.part.runs.all()[0].reader_count < 2:
            await asyncio.sleep(0)
        for other in (ask("another"), ask("another", idempotency_key="l")):
            with pytest.raises(MeshError) as caught:
                await room.run(other, secret)
            assert caught.value.reason == reasons.ERROR_REASON_RATE_LIMITED
        gate.set()
        await asyncio.gather(first, second)
        assert len(room.router.asked) == 1


async def test_c4_killed_in_between_answers_with_the_state_of_the_first(tmp_path: Path) -> None:
    """A process that died after the provider took the work leaves a key that buys nothing anew: the job is gone on
    with, and its picture is what the key gives."""
    (tmp_path / "first").mkdir()
    async with ledger(tmp_path / "first", gated(asyncio.Event())) as room:
        await room.run(ask(idempotency_key="k", wait=Duration()))
        while not any(row["provider_job_id"] for row in await room.rows("attempts")):
            await asyncio.sleep(0.001)
        crash_image(tmp_path / "first", tmp_path / "second")

    def goes_on(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        assert [each.provider_job_id for each in request.resume] == ["job-1"]
        name = request.request_id
        return [started(name), accepted(name), picture(name, DATA), completed(name)]

    async with ledger(tmp_path / "second", goes_on) as room:
        events = await room.run(ask(idempotency_key="k"))
        assert len(room.router.asked) == 1
    assert delivered(events) == DATA
    assert events[0].admitted.joined or events[0].admitted.replayed


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


@pytest.mark.parametrize("billed", [event_pb2.BILLED_UNKNOWN, event_pb2.BILLED_YES])
async def test_a_library_retry_never_buys_again(tmp_path: Path, billed: int) -> None:
    """What failed after it may have been bought is told to the retry as it was; nobody is asked."""
    error = MeshError(reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID, "Cut off.")

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        return [started(name), accepted(name), failed(name, error, cost=40_000, billed=billed), error]

    async with ledger(tmp_path, script) as room:
        for count in (0, 1, 2):
            with pytest.raises(MeshError, match="Cut off"):
                await room.run(ask(retry_count=count))
        assert len(room.router.asked) == 1


async def test_retries_join_one_for_one(tmp_path: Path) -> None:
    """Two calls that are alike are two purchases; the retry of each joins another one of them, a third retry none."""
    gate = asyncio.Event()
    async with ledger(tmp_path, gated(gate)) as room:
        tasks = [asyncio.create_task(room.run(ask(retry_count=0))) for _ in range(2)]
        while len(room.router.asked) < 2:
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        retries = [asyncio.create_task(room.run(ask(retry_count=1))) for _ in range(2)]
        while sum(run.reader_count for run in room.part.runs.all()) < 2:
            await asyncio.sleep(0)
        third = asyncio.create_task(room.run(ask(retry_count=1)))
        while len(room.router.asked) < 3:
            await asyncio.sleep(0)
        again = asyncio.create_task(room.run(ask(retry_count=2)))
        while sum(run.reader_count for run in room.part.runs.all()) < 4:
            await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*retries, third, again)
        assert len(room.router.asked) == 3
    assert [events[0].admitted.joined for events in answers] == [True, True, False, True]
    assert len({events[0].admitted.request_id for events in answers[:3]}) == 3


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
        secrets = [(await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest())).secret for _ in range(2)]
        for secret in secrets:
            assert not (await room.run(ask(idempotency_key="k"), secret))[0].admitted.replayed
        with pytest.raises(MeshError) as caught:
            await room.run(ask(idempotency_key="k" * 256), secrets[0])
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
