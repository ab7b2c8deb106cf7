"""Usage by group, filters by label, and what is kept for how long; on SQLite and PostgreSQL."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros
from tests.support.databases import fresh_database, postgres
from tests.support.jumping_clock import JumpingClock
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
    started,
)

DAY_S = 86_400
Rows = dict[tuple[str, ...], tuple[int, int, int, int, int]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL for this file."""
    with postgres() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the ledger keeps its rows: a file, or a database of this test's own."""
    return fresh_database(request.getfixturevalue("server")) if request.param == "postgresql" else ""


def script(request: router_pb2.GenerateRequest) -> Sequence[Any]:
    """Ends as the prompt says: billed at `fal` and then delivered by `compat`, unknown, refused, or well."""
    name, kind = request.request_id, request.image.prompt
    error = MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "Down.")
    if kind == "twice":
        told = failed(name, error, cost=PRICE, outcome=event_pb2.OUTCOME_ACCEPTED, billed=event_pb2.BILLED_YES)
        second = attempt(name, 2, cost=1000, target="compat/y")
        end = completed(name, second)
        end[0].completed.provider = "compat"
        return [started(name), told, started(name, 2, target="compat/y"), picture(name, b"x", ordinal=2), end]
    if kind == "unknown":
        return [started(name), accepted(name), error]
    if kind == "refused":
        return [MeshError(reasons.ERROR_REASON_NO_TARGET, "All out.")]
    return [started(name), picture(name, b"x"), completed(name)]


async def new_key(room: Room, **fields: Any) -> tuple[str, str]:
    """Id and secret of a new key."""
    made = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=admin_pb2.Key(**fields)))
    return made.key.key_id, made.secret


async def run(room: Room, secret: str, kind: str = "good", model: str = "flux-schnell", **tags: str) -> str:
    """One request; its id."""
    request = ask(kind)
    request.image.model = model
    request.image.tags.update(tags)
    known = {row["request_id"] for row in await room.rows("requests")}
    with contextlib.suppress(MeshError):
        await room.run(request, secret)
    (made,) = {row["request_id"] for row in await room.rows("requests")} - known
    return str(made)


def read(rows: Any) -> Rows:
    """group -> requests, succeeded, pictures, cost, reserved."""
    return {
        tuple(row.group): (
            row.request_count, row.success_count, row.image_count, to_micros(row.cost), to_micros(row.reserved)
        )
        for row in rows
    }  # fmt: skip


async def usage(room: Room, *group_by: str, secret: str = "", **wanted: Any) -> Rows:
    """What an operator reads; with a secret, what its caller does."""
    asked = ledger_pb2.RequestFilter(**wanted)
    if not secret:
        request = admin_pb2.GetTotalUsageRequest(filter=asked, group_by=group_by)
        return read((await call(room.admin.GetTotalUsage, request)).rows)
    header = [("authorization", f"Bearer {secret}")]
    answer = await call(
        room.jobs.GetUsage, ledger_pb2.GetUsageRequest(filter=asked, group_by=group_by), metadata=header
    )
    return read(answer.rows)


async def fill(room: Room, clock: JumpingClock) -> tuple[str, str, str]:
    """Requests of two keys on two days (2027-01-15 and -16); id and secret of the first key, id of the second."""
    (mine, secret), (other, other_secret) = await new_key(room), await new_key(room)
    for kind in ("good", "twice", "refused"):
        await run(room, secret, kind, team="art")
    await run(room, other_secret, "good", model="gpt-image-2")
    clock.jump(DAY_S)
    await run(room, secret, "good")
    return mine, secret, other


async def test_usage_is_summed_by_group(tmp_path: Path, url: str) -> None:
    """By key, model, provider and day; a failed but billed attempt counts at its own provider, once over all."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, url=url, open=False) as room:
        mine, secret, other = await fill(room, clock)
        total = 4 * PRICE + 1000
        assert await usage(room) == {(): (5, 4, 4, total, 0)}
        assert await usage(room, "key") == {
            (mine,): (4, 3, 3, total - PRICE, 0),
            (other,): (1, 1, 1, PRICE, 0),
        }
        assert await usage(room, "provider") == {
            ("",): (1, 0, 0, 0, 0),
            ("fal",): (4, 3, 3, 4 * PRICE, 0),
            ("compat",): (1, 1, 1, 1000, 0),
        }
        assert await usage(room, "day", "model", secret=secret) == {
            ("2027-01-15", "flux-schnell"): (3, 2, 2, 2 * PRICE + 1000, 0),
            ("2027-01-16", "flux-schnell"): (1, 1, 1, PRICE, 0),
        }
        assert await usage(room, provider="compat") == {(): (1, 1, 1, 1000, 0)}
        assert await usage(room, model="gpt-image-2", key_id=other) == {(): (1, 1, 1, PRICE, 0)}
        assert await usage(room, tags={"team": "art"}) == {(): (3, 2, 2, 2 * PRICE + 1000, 0)}
        assert await usage(room, state=ledger_pb2.REQUEST_STATE_FAILED) == {(): (1, 0, 0, 0, 0)}
        begin = {"seconds": 1_800_000_000 + DAY_S}
        assert await usage(room, created_after_time=begin) == {(): (1, 1, 1, PRICE, 0)}


@pytest.mark.parametrize(
    ("group_by", "wanted", "field"),
    [
        (["colour"], {}, "group_by"),
        (["day", "day"], {}, "group_by"),
        ([], {"created_after_time": {"seconds": 1}}, "created_after_time"),
        ([], {"created_after_time": {"seconds": 1_900_000_000}}, "created_after_time"),
        ([], {"key_id": "other"}, "key_id"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(
    tmp_path: Path, group_by: list[str], wanted: dict[str, Any], field: str
) -> None:
    """By its field; a caller does not ask for another key."""
    async with ledger(tmp_path, script, clock=JumpingClock(), open=False) as room:
        _, secret = await new_key(room)
        with pytest.raises(MeshError) as caught:
            await usage(room, *group_by, secret=secret, **wanted)
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("tags", "wanted", "found"),
    [
        ({"team": "art"}, {"team": "art"}, True),
        ({"a": "1", "team": "art", "z": "2"}, {"team": "art"}, True),
        ({"a": "1", "team": "art"}, {"team": "art", "a": "1"}, True),
        ({"a": "1", "team": "art"}, {"team": "art", "a": "2"}, False),
        ({"team": "Art"}, {"team": "art"}, False),
        ({"team": "artist"}, {"team": "art"}, False),
        ({"xteam": "art"}, {"team": "art"}, False),
        ({"note": ',"team":"art",'}, {"team": "art"}, False),
        ({"note": '{"team":"art"}'}, {"team": "art"}, False),
        ({"50%_": 'a"b\\'}, {"50%_": 'a"b\\'}, True),
        ({"50x": "y"}, {"50%": "y"}, False),
        ({"größe": "日本"}, {"größe": "日本"}, True),
        ({}, {"team": "art"}, False),
    ],
)
async def test_labels_are_found_as_they_are(
    tmp_path: Path, tags: dict[str, str], wanted: dict[str, str], found: bool
) -> None:
    """Whole, by capital letters too, and not where they stand inside of another one."""
    async with ledger(tmp_path, script) as room:
        await run(room, "", **tags)
        request = ledger_pb2.ListRequestsRequest(filter=ledger_pb2.RequestFilter(tags=wanted))
        assert len((await call(room.jobs.ListRequests, request)).requests) == int(found)


async def test_a_list_tells_what_all_that_match_come_to(tmp_path: Path, url: str) -> None:
    """Unless only the rows are asked for; what is cancelled or under way counts for no rate."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, url=url) as room:
        for kind in ("good", "good", "refused", "unknown"):
            await run(room, "", kind)
        request = ledger_pb2.ListRequestsRequest(page_size=1)
        page = await call(room.jobs.ListRequests, request)
        assert (page.total_count, page.success_count, page.ended_count) == (4, 2, 4)
        assert (to_micros(page.total_cost), to_micros(page.total_reserved)) == (2 * PRICE, PRICE)
        request.rows_only = True
        page = await call(room.jobs.ListRequests, request)
        assert (len(page.requests), page.total_count, page.HasField("total_cost")) == (1, 0, False)
        tagged = ledger_pb2.ListRequestsRequest(filter=ledger_pb2.RequestFilter(tags={"team": "art"}))
        await run(room, "", "good", team="art")
        assert (await call(room.jobs.ListRequests, tagged)).total_count == 1


async def test_rows_are_kept_as_long_as_their_key_says(tmp_path: Path, url: str) -> None:
    """Then their sums remain: usage and budgets are as they were. What is open or kept stays, whatever its age."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, url=url, open=False, metadata_retention_s=2 * DAY_S) as room:
        mine, secret, _ = await fill(room, clock)
        _, own_secret = await new_key(room, retention={"metadata": {"seconds": 10 * DAY_S}})
        kept = {await run(room, own_secret), await run(room, secret, "unknown")}
        before = {by: await usage(room, by) for by in ("key", "model", "provider", "day")}
        clock.jump(DAY_S)
        retention = room.part.recovery.retention
        await retention.sweep()
        assert await retention.sweep_rows(int(clock.time() * 1e6)) == 0
        for row in await room.rows("media"):
            await room.part.journal.forget_blobs([row["media_id"]], (), int(clock.time() * 1e6))
        await retention.sweep_rows(int((clock.time() + 1.5 * DAY_S) * 1e6))
        left = {row["request_id"] for row in await room.rows("requests")}
        assert left == kept
        assert {row["request_id"] for row in await room.rows("attempts")} == kept
        assert {row["request_id"] for row in await room.rows("media")} < kept
        assert {by: await usage(room, by) for by in before} == before
        assert await usage(room, "key", secret=secret) == {(mine,): before["key"][(mine,)]}
        budget = admin_pb2.Budget(key_id=mine, window="total", limit={"units": 9})
        answer = await call(room.admin.SetBudget, admin_pb2.SetBudgetRequest(budget=budget))
        assert to_micros(answer.budget.balance.spent) == before["key"][(mine,)][3]
        assert to_micros(answer.budget.balance.reserved) == PRICE
        assert await usage(room, "key", tags={"team": "art"}) == {}


async def test_prompts_are_kept_as_long_as_their_key_says(tmp_path: Path, url: str) -> None:
    """Not at all, for the configuration's time, or for the key's own; a change of the key holds for what it has."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, url=url, open=False, payload_retention_s=60) as room:
        keys = {
            "none": await new_key(room, retention={"payload": {"seconds": 0}}),
            "ours": await new_key(room),
            "long": await new_key(room, retention={"payload": {"seconds": 600}}),
        }
        ids = {name: await run(room, secret) for name, (_, secret) in keys.items()}

        async def with_prompt() -> set[str]:
            await room.part.recovery.sweep()
            there = {row["request_id"] for row in await room.rows("requests") if row["payload"] is not None}
            return {name for name, request_id in ids.items() if request_id in there}

        assert await with_prompt() == {"ours", "long"}
        clock.advance(20)
        assert await with_prompt() == {"ours", "long"}
        mask = FieldMask(paths=["retention.payload"])
        shorter = admin_pb2.Key(key_id=keys["long"][0], retention={"payload": {"seconds": 10}})
        await call(room.admin.UpdateKey, admin_pb2.UpdateKeyRequest(key=shorter, update_mask=mask))
        assert await with_prompt() == {"ours"}


async def test_m17_nothing_is_thrown_away_because_a_clock_jumped(tmp_path: Path) -> None:
    """Two hours forward: pictures of an hour stay; when the hour has passed they go, also with the clock set back."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, media_retention_s=3600, payload_retention_s=3600) as room:
        await run(room, "")
        for shift in (7200, -7200, 7200):
            clock.jump(shift)
            assert await room.part.recovery.sweep() == 0
        clock.jump(-7200)
        assert [row["payload"] is not None for row in await room.rows("requests")] == [True]
        clock.advance(3500)
        assert await room.part.recovery.sweep() == 0
        clock.advance(200)
        assert await room.part.recovery.sweep() == 1
        assert [row["purged"] for row in await room.rows("media")] == [1]
        assert [row["payload"] for row in await room.rows("requests")] == [None]


async def test_a_swept_idempotency_key_is_new(tmp_path: Path, url: str) -> None:
    """Its claim goes with its row, a day later at the earliest; the key buys anew then."""
    clock = JumpingClock()
    async with ledger(tmp_path, script, clock=clock, url=url, metadata_retention_s=DAY_S, media_retention_s=60) as room:
        await room.run(ask(idempotency_key="once"))
        clock.jump(DAY_S + 60)
        (media,) = await room.rows("media")
        await room.part.journal.forget_blobs([media["media_id"]], (), int(clock.time() * 1e6))
        retention = room.part.recovery.retention
        assert await retention.sweep_rows(int(clock.time() * 1e6)) == 1
        assert [await room.rows(table) for table in ("claims", "attempts", "media")] == [[], [], []]
        await room.run(ask(idempotency_key="once"))
        assert len(room.router.asked) == 2
