"""What routers keep, on both databases: overrides, pauses, changes; and two replicas on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.database import Database
from heliostat.router.overrides import AdminState, Override
from heliostat.router.store import Change, Pause, Store
from tests.router.test_overrides import OFTEN_S, until, update
from tests.support.databases import fresh_database, postgres
from tests.support.router_room import route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, fails

NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL of this file's own."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/heliostat.db"
    return fresh_database(request.getfixturevalue("server"))


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    """An open store."""
    opened = Store(Database(address))
    await opened.open()
    yield opened
    await opened.close()


def change(what: str = "update", target: str = "a/x", time_us: int = NOW_US) -> Change:
    """Somebody's change."""
    return Change(time_us, "ann", what, target, before="weight 1", after="weight 0")


async def test_overrides_come_back_as_they_were_kept(store: Store) -> None:
    """Every value, those that say nothing included; a later one takes the place of an earlier one."""
    rows = [Override("a/x", "m", 2, 0.1, AdminState.DRAINING), Override("a/x", weight=3.0)]
    await store.override(rows, change())
    assert sorted((await store.look(NOW_US, 0)).overrides, key=lambda row: row.route) == rows[::-1]
    await store.override([Override("a/x", "m", priority=1)], change())
    assert Override("a/x", "m", priority=1) in (await store.look(NOW_US, 0)).overrides
    await store.clear("a/x", "m", change("clear"))
    assert (await store.look(NOW_US, 0)).overrides == [rows[1]]
    await store.clear("a/x", "", change("clear"))
    assert (await store.look(NOW_US, 0)).overrides == []


async def test_of_two_pauses_the_later_end_holds(store: Store) -> None:
    """Whoever tells it; those that have ended are not told of."""
    late = Pause("a/x", NOW_US + HOUR_US, "asked to slow down", "one")
    await store.pause([late, Pause("b/x", NOW_US - 1, "was slow", "one")], NOW_US - HOUR_US)
    await store.pause([Pause("a/x", NOW_US + 1, "asked again", "other")], NOW_US - HOUR_US)
    assert (await store.look(NOW_US, 0)).pauses == [late]
    assert (await store.look(NOW_US + 2 * HOUR_US, 0)).pauses == []


async def test_a_reset_forgets_the_pause_and_is_told(store: Store) -> None:
    """To those who look soon enough."""
    await store.pause([Pause("a/x", NOW_US + HOUR_US, "asked to slow down", "one")], NOW_US)
    await store.reset(change("reset"))
    seen = await store.look(NOW_US, NOW_US - 1)
    assert (seen.pauses, [reset.target for reset in seen.resets]) == ([], ["a/x"])
    assert (await store.look(NOW_US, NOW_US + 1)).resets == []


async def test_changes_are_kept_in_order(store: Store) -> None:
    """The newest first, page by page."""
    for number in range(5):
        await store.note(change(target=f"a/{number % 2}", time_us=NOW_US + number))
    first = await store.changes("", 3, None)
    second = await store.changes("", 3, first[-1].change_id)
    assert [each.time_us - NOW_US for each in (*first, *second)] == [4, 3, 2, 1, 0]
    assert [each.target for each in await store.changes("a/1", 10, None)] == ["a/1", "a/1"]
    assert first[0].who == "ann"


async def test_what_is_kept_is_there_after_a_restart(address: str) -> None:
    """Also for whoever migrates a second time."""
    for weight in (1.0, 2.0):
        store = Store(Database(address))
        await store.open()
        await store.override([Override(f"a/{weight:g}", weight=weight)], change())
        rows = (await store.look(NOW_US, 0)).overrides
        await store.close()
    assert {row.weight for row in rows} == {1.0, 2.0}


async def test_m24_two_replicas_share_pauses_and_overrides(address: str) -> None:
    """M24: what one is told, the other knows; on PostgreSQL as on a file."""
    limited = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=30)])
    calm = ScriptedAdapter("a")
    routes = route("a/model", "b/model")
    async with (
        running_router(
            [limited, ScriptedAdapter("b")], routes, database=Database(address), follow_interval_s=OFTEN_S
        ) as one,
        running_router(
            [calm, ScriptedAdapter("b")], routes, database=Database(address), follow_interval_s=OFTEN_S
        ) as other,
    ):
        assert (await one.ask()).asked == ["a/model", "b/model"]
        await until(other, "a/model", health_state=admin_pb2.HEALTH_STATE_PAUSED)
        answers = await asyncio.gather(*(other.ask() for _ in range(5)))
        await other.admin.UpdateTarget(update("b/model", ["weight"], weight=3))
        await until(one, "b/model", weight=3.0)
    assert [answer.asked for answer in answers] == [["b/model"]] * 5
    assert calm.requests == []
