"""How the targets of a model fared: the report of a split, counted from the journal."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros
from tests.support.databases import fresh_database, postgres
from tests.support.ledger_room import Room, ask, attempt, completed, failed, ledger, picture, picture_bytes, started

OLD, NEW = "fal/old", "fal/new"
REFUSED = {"outcome": event_pb2.OUTCOME_REFUSED, "billed": event_pb2.BILLED_NO}
DOWN = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "It is down; ask later.")

Script = Callable[[router_pb2.GenerateRequest], Sequence[Any]]


def split(clock: FakeClock) -> Script:
    """The prompt says what happens: "old 3" delivers from the old target after 3 s, "fail new" fails on the new one,
    "rescue old" fails on the old one and delivers from the new one.
    """

    def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
        name = request.request_id
        what, _, more = request.image.prompt.partition(" ")
        if what in ("old", "new"):
            return delivered(name, f"fal/{what}", 1, float(more))
        target = f"fal/{more}"
        lost = [started(name, 1, target=target), failed(name, DOWN, 1, target=target, more=what == "rescue", **REFUSED)]
        if what == "rescue":
            return [*lost, *delivered(name, NEW, 2, 1.0)]
        return [*lost, DOWN]

    def delivered(name: str, target: str, ordinal: int, seconds: float) -> Sequence[Any]:
        return [
            started(name, ordinal, target=target),
            lambda: clock.advance(seconds),
            picture(name, picture_bytes(), ordinal=ordinal),
            completed(name, attempt(name, ordinal, target=target)),
        ]

    return script


def served() -> list[router_pb2.Model]:
    """A route that splits, with an alias."""
    targets = [
        router_pb2.ModelTarget(target=target, priority=0, weight=weight)
        for target, weight in ((NEW, 1.0), (OLD, 3.0), ("compat/spare", 1.0))
    ]
    return [router_pb2.Model(name="flux-schnell", aliases=["flux"], targets=targets)]


async def play(room: Room, *prompts: str, key: str = "", model: str = "flux-schnell") -> None:
    """One request after the other, whatever becomes of them."""
    for prompt in prompts:
        request = ask(prompt)
        request.image.model = model
        with contextlib.suppress(MeshError):
            await room.run(request, key)


async def arms(room: Room, model: str = "flux-schnell", **more: Any) -> ledger_pb2.GetArmsResponse:
    """The caller's report."""
    return await call(room.jobs.GetArms, ledger_pb2.GetArmsRequest(model=model, **more))


def row(arm: ledger_pb2.Arm) -> tuple[Any, ...]:
    """An arm's counts."""
    return (
        arm.target.partition("/")[2],
        arm.request_count,
        arm.success_count,
        arm.rescued_count,
        arm.attempt_count,
        arm.delivered_count,
        arm.image_count,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of either kind; empty for the folder's own."""
    if request.param == "sqlite":
        yield ""
    else:
        with postgres() as server:
            yield fresh_database(server)


async def test_each_arm_is_counted(tmp_path: Path, url: str) -> None:
    """Requests by the target that they began with, attempts by the target that was asked; on either database."""
    clock = FakeClock()
    async with ledger(tmp_path, split(clock), clock=clock, url=url, lease_s=600) as room:
        room.router.models = served()
        await play(room, *(f"old {seconds}" for seconds in range(1, 21)), "new 2", "fail new", "rescue old")
        await play(room, "old 1", model="flux")
        await play(room, "new 1", model="another")
        by_alias = await arms(room, "flux")
        report = await arms(room)
    assert list(by_alias.arms) == list(report.arms)
    assert report.route == "flux-schnell"
    new, old, spare = report.arms
    assert row(new) == ("new", 2, 1, 0, 3, 2, 2)
    assert row(old) == ("old", 22, 21, 1, 22, 21, 21)
    assert row(spare) == ("spare", 0, 0, 0, 0, 0, 0)
    assert [(arm.priority, arm.weight) for arm in report.arms] == [(0, 1), (0, 3), (0, 1)]
    assert [to_micros(arm.cost) for arm in report.arms] == [2 * 40_000, 21 * 40_000, 0]
    assert (old.p50_duration.ToMilliseconds(), old.p95_duration.ToMilliseconds()) == (10_000, 19_000)
    assert (new.p50_duration.ToMilliseconds(), new.p95_duration.ToMilliseconds()) == (1_000, 2_000)
    assert not spare.HasField("p50_duration")


async def test_a_window_is_held_to(tmp_path: Path) -> None:
    """The last 24 hours unless something else is asked for; what came before or after is not counted."""
    clock = FakeClock()
    async with ledger(tmp_path, split(clock), clock=clock) as room:
        room.router.models = served()
        await play(room, "old 1")
        clock.advance(90_000)
        await play(room, "new 1", "new 1")
        now = int(clock.time())
        today = await arms(room)
        both = await arms(room, start_time=Timestamp(seconds=now - 172_800))
        first = await arms(room, start_time=Timestamp(seconds=now - 172_800), end_time=Timestamp(seconds=now - 60_000))
    assert [[arm.request_count for arm in each.arms] for each in (today, both, first)] == [
        [2, 0, 0],
        [2, 1, 0],
        [0, 1, 0],
    ]
    assert today.end_time.seconds - today.start_time.seconds == 86_400


@pytest.mark.parametrize("begin", [0, 50, 3_000_000])
async def test_a_window_that_cannot_be_is_refused(tmp_path: Path, begin: int) -> None:
    """Empty, backwards, or over 31 days."""
    async with ledger(tmp_path, split(FakeClock()), clock=FakeClock()) as room:
        room.router.models = served()
        end = int(room.clock.time())
        start = end - begin if begin == 3_000_000 else end + begin
        with pytest.raises(MeshError) as caught:
            await arms(room, start_time=Timestamp(seconds=start), end_time=Timestamp(seconds=end))
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, "start_time")


async def test_callers_see_their_own_and_operators_all(tmp_path: Path) -> None:
    """A key's report counts that key's requests; the operators' door counts everybody's, or one key's."""
    clock = FakeClock()
    async with ledger(tmp_path, split(clock), clock=clock, open=False) as room:
        room.router.models = served()
        keys = [await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest()) for _ in range(2)]
        await play(room, "old 1", key=keys[0].secret)
        await play(room, "old 1", "old 1", key=keys[1].secret)
        own = await call(
            room.jobs.GetArms,
            ledger_pb2.GetArmsRequest(model="flux"),
            metadata=[("authorization", f"Bearer {keys[0].secret}")],
        )
        everybody = await call(room.admin.GetAllArms, admin_pb2.GetAllArmsRequest(model="flux"))
        other = await call(room.admin.GetAllArms, admin_pb2.GetAllArmsRequest(model="flux", key_id=keys[1].key.key_id))
        with pytest.raises(MeshError) as caught:
            await arms(room)
    assert [report.arms[1].request_count for report in (own, everybody, other)] == [1, 3, 2]
    assert caught.value.reason == reasons.ERROR_REASON_CALLER_UNKNOWN


async def test_what_has_left_a_route_is_still_told(tmp_path: Path) -> None:
    """A target that was taken out keeps its figures, with a weight of 0; so does a model that is served no more."""
    clock = FakeClock()
    async with ledger(tmp_path, split(clock), clock=clock) as room:
        await play(room, "old 1", "new 1")
        room.router.models = served()
        del room.router.models[0].targets[1:]
        changed = await arms(room)
        room.router.models = []
        gone = await arms(room)
        with pytest.raises(MeshError) as caught:
            await arms(room, "never-served")
    assert [(arm.target, arm.weight, arm.request_count) for arm in changed.arms] == [(NEW, 1, 1), (OLD, 0, 1)]
    assert [(arm.target, arm.request_count) for arm in gone.arms] == [(NEW, 1), (OLD, 1)]
    assert caught.value.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND


async def test_a_report_finds_its_requests_by_model_and_time(tmp_path: Path) -> None:
    """The database goes through one model's requests of the window, not through everybody's."""
    report = (
        "SELECT target, count(*) FROM attempts JOIN requests USING (request_id) "
        "WHERE model IN ('a', 'b') AND create_time_us >= 1 AND create_time_us < 2 GROUP BY target"
    )
    async with ledger(tmp_path, split(FakeClock())):
        with contextlib.closing(sqlite3.connect(tmp_path / "heliostat.db")) as connection:
            plan = [row[-1] for row in connection.execute(f"EXPLAIN QUERY PLAN {report}")]
    assert any("requests_by_model (model=? AND create_time_us>? AND create_time_us<?)" in step for step in plan), plan
