"""The request log: a caller's own requests in pages, filtered; everybody's on the operators' door."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError, from_status
from heliostat.chassis.money import to_micros
from tests.support.ledger_room import PRICE, Room, ask, happy, ledger


async def fill(room: Room, clock: FakeClock) -> list[str]:
    """Five requests a second apart, the third of which failed; their ids."""
    names = []
    for number in range(5):
        clock.advance(1)
        request = ask(f"{number}", request_id="req_" + f"{number}" * 24)
        request.image.session_id = f"session-{number % 2}"
        request.image.tags["team"] = "art"
        with contextlib.suppress(MeshError):
            await room.run(request)
        names.append(request.request_id)
    return names


def third_fails(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """Every picture but number 2."""
    if request.image.prompt == "2":
        return [MeshError(reasons.ERROR_REASON_NO_TARGET, "All out.")]
    return happy()(request)


async def test_requests_come_in_pages(tmp_path: Path) -> None:
    """Newest first, each once, with the count and cost of all that match."""
    clock = FakeClock()
    async with ledger(tmp_path, third_fails, clock=clock) as room:
        names = await fill(room, clock)
        seen, token = [], ""
        for _ in range(3):
            page = await call(room.jobs.ListRequests, ledger_pb2.ListRequestsRequest(page_size=2, page_token=token))
            seen += [record.request_id for record in page.requests]
            token = page.next_page_token
            assert (page.total_count, to_micros(page.total_cost)) == (5, 4 * PRICE)
    assert (seen, token) == (names[::-1], "")


async def test_requests_are_filtered(tmp_path: Path) -> None:
    """By state, session, provider, model and time."""
    clock = FakeClock()
    async with ledger(tmp_path, third_fails, clock=clock) as room:
        names = await fill(room, clock)

        async def listed(**wanted: Any) -> list[str]:
            request = ledger_pb2.ListRequestsRequest(filter=ledger_pb2.RequestFilter(**wanted))
            answer = await call(room.jobs.ListRequests, request)
            return sorted(record.request_id for record in answer.requests)

        now = int(clock.time())
        assert await listed(state=ledger_pb2.REQUEST_STATE_FAILED) == [names[2]]
        assert await listed(session_id="session-1") == [names[1], names[3]]
        assert await listed(provider="fal", model="flux-schnell") == [names[0], names[1], names[3], names[4]]
        assert await listed(created_after_time={"seconds": now - 1}, created_before_time={"seconds": now}) == [names[3]]
        assert await listed(model="other") == []


async def test_one_request_is_told_whole(tmp_path: Path) -> None:
    """State, cost, attempts, pictures, labels, trace and result; a failed one tells its reason."""
    clock = FakeClock()
    async with ledger(tmp_path, third_fails, clock=clock) as room:
        names = await fill(room, clock)
        good = (await call(room.jobs.GetRequest, ledger_pb2.GetRequestRequest(request_id=names[0]))).request
        bad = (await call(room.jobs.GetRequest, ledger_pb2.GetRequestRequest(request_id=names[2]))).request
    assert (good.state, good.model, good.operation) == (2, "flux-schnell", "text_to_image")
    assert (to_micros(good.cost), good.provider, good.image_count) == (PRICE, "fal", 1)
    assert [(each.target, each.provider_job_id) for each in good.attempts] == [("fal/x", "job-1")]
    assert [(each.media_type, each.width_px, each.purged) for each in good.media] == [("image/png", 64, False)]
    assert (dict(good.tags), len(good.trace_id), good.result.image_count) == ({"team": "art"}, 32, 1)
    assert from_status(bad.error).reason == reasons.ERROR_REASON_NO_TARGET


async def test_operators_see_everybody(tmp_path: Path) -> None:
    """All keys' requests in one list; any of them in full, and purged."""
    async with ledger(tmp_path, happy(), open=False) as room:
        for _ in range(2):
            made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest())
            await room.run(ask(), made.secret)
        everything = await call(room.admin.ListAllRequests, admin_pb2.ListAllRequestsRequest())
        assert (len({each.key_id for each in everything.requests}), everything.total_count) == (2, 2)
        wanted = ledger_pb2.RequestFilter(key_id=made.key.key_id)
        (one,) = (await call(room.admin.ListAllRequests, admin_pb2.ListAllRequestsRequest(filter=wanted))).requests
        purge = admin_pb2.PurgeAnyRequestRequest(request_id=one.request_id)
        assert (await call(room.admin.PurgeAnyRequest, purge)).media_count == 1
        got = await call(room.admin.GetAnyRequest, admin_pb2.GetAnyRequestRequest(request_id=one.request_id))
        assert got.request.purged


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"page_size": 101}, "page_size"), ({"page_size": -1}, "page_size"), ({"page_token": "x' OR 1=1"}, "page_token")],
)
async def test_a_malformed_page_is_refused(tmp_path: Path, fields: dict[str, Any], field: str) -> None:
    """By the name of the field."""
    async with ledger(tmp_path, happy()) as room:
        with pytest.raises(MeshError) as caught:
            await call(room.jobs.ListRequests, ledger_pb2.ListRequestsRequest(**fields))
        assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, field)


async def test_a_caller_does_not_filter_by_another_key(tmp_path: Path) -> None:
    """Asking for somebody else's requests is forbidden, not empty."""
    async with ledger(tmp_path, happy()) as room:
        request = ledger_pb2.ListRequestsRequest(filter=ledger_pb2.RequestFilter(key_id="other"))
        with pytest.raises(MeshError) as caught:
            await call(room.jobs.ListRequests, request)
        assert caught.value.reason == reasons.ERROR_REASON_CALLER_FORBIDDEN
