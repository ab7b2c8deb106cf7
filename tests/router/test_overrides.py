"""What operators change while the router runs: what it means, where it is kept, and who hears of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.database import Database
from heliostat.chassis.errors import MeshError
from heliostat.router.overrides import AdminState, Override, Overrides
from heliostat.router.table import route_of, target_of
from tests.support.router_room import RouterRoom, route, running_router
from tests.support.scripted_adapter import Events, ScriptedAdapter, capability, delivers, fails

SOON_S = 10.0
OFTEN_S = 0.02


def update(name: str, paths: list[str], route: str = "", **values: Any) -> admin_pb2.UpdateTargetRequest:
    """A change of what `paths` name."""
    request = admin_pb2.UpdateTargetRequest(target=admin_pb2.Target(name=name, route=route, **values))
    request.update_mask.paths.extend(paths)
    return request


def clear(name: str, route: str = "") -> admin_pb2.UpdateTargetRequest:
    """Back to the configuration."""
    return admin_pb2.UpdateTargetRequest(target=admin_pb2.Target(name=name, route=route), clear_override=True)


async def listed(room: RouterRoom, route: str = "") -> dict[tuple[str, str], admin_pb2.Target]:
    """Targets by route and name."""
    answer = await room.admin.ListTargets(admin_pb2.ListTargetsRequest(route=route))
    return {(target.route, target.name): target for target in answer.targets}


async def until(room: RouterRoom, name: str, **values: Any) -> None:
    """Returns when a target of route "m" stands as `values` say."""
    async with asyncio.timeout(SOON_S):
        while True:
            target = (await listed(room))["m", name]
            if all(getattr(target, key) == value for key, value in values.items()):
                return
            await asyncio.sleep(OFTEN_S)


@pytest.fixture
def two() -> list[ScriptedAdapter]:
    """Two adapters that deliver."""
    return [ScriptedAdapter("a"), ScriptedAdapter("b")]


class TestMeaning:
    """Overrides as values."""

    ROUTE = route_of("m", [target_of("a/x"), target_of("b/x", priority=1)])

    def test_without_overrides_the_route_is_the_very_same(self) -> None:
        """Requests pay nothing for what nobody uses."""
        overrides = Overrides()
        assert overrides.applied(self.ROUTE) is self.ROUTE
        overrides.replace([Override("c/x", weight=0)])
        assert overrides.applied(self.ROUTE) is self.ROUTE

    def test_a_route_is_made_once(self) -> None:
        """And made again when something changes."""
        overrides = Overrides()
        overrides.replace([Override("a/x", weight=0)])
        made = overrides.applied(self.ROUTE)
        assert overrides.applied(self.ROUTE) is made
        assert overrides.replace([Override("a/x", weight=3)]) == {"a/x"}
        assert overrides.applied(self.ROUTE).targets[0].weight == 3
        assert overrides.replace([Override("a/x", weight=3)]) == set()

    def test_what_is_said_of_a_route_stands_above_what_is_said_of_all(self) -> None:
        """Value by value."""
        overrides = Overrides()
        overrides.replace([Override("a/x", "m", weight=5), Override("a/x", weight=2, priority=7)])
        first = overrides.applied(self.ROUTE).targets[0]
        assert (first.weight, first.priority) == (5, 7)

    @pytest.mark.parametrize(
        ("override", "tiers"),
        [
            (Override("a/x", weight=0), [["b/x"]]),
            (Override("a/x", priority=1), [["a/x", "b/x"]]),
            (Override("a/x", priority=2), [["b/x"], ["a/x"]]),
            (Override("a/x", admin_state=AdminState.ENABLED), [["a/x"], ["b/x"]]),
            (Override("a/x", "other", weight=0), [["a/x"], ["b/x"]]),
        ],
    )
    def test_tiers_follow(self, override: Override, tiers: list[list[str]]) -> None:
        """Who may be drawn, and in which order."""
        overrides = Overrides()
        overrides.replace([override])
        made = overrides.applied(self.ROUTE)
        assert [[target.name for target in tier] for tier in made.tiers] == tiers


async def test_a_change_holds_for_the_next_request_and_is_undone(two: list[ScriptedAdapter]) -> None:
    """Weight 0, the first priority for the other, and back."""
    async with running_router(two, route("a/model", "b/model")) as room:
        assert (await room.ask()).asked == ["a/model"]
        changed = (await room.admin.UpdateTarget(update("a/model", ["weight"], weight=0))).targets
        assert [(target.route, target.weight, target.overridden) for target in changed] == [("m", 0, True)]
        assert (await room.ask()).asked == ["b/model"]
        await room.admin.UpdateTarget(update("a/model", ["weight", "priority"], weight=1, priority=2))
        assert (await room.ask()).asked == ["b/model"]
        cleared = (await room.admin.UpdateTarget(clear("a/model"))).targets
        assert [(target.priority, target.weight, target.overridden) for target in cleared] == [(0, 1, False)]
        assert (await room.ask()).asked == ["a/model"]


async def test_what_the_mask_does_not_name_stays(two: list[ScriptedAdapter]) -> None:
    """A weight in the message is no change without its name in the mask."""
    async with running_router(two, route("a/model", "b/model")) as room:
        await room.admin.UpdateTarget(update("a/model", ["weight"], weight=4))
        await room.admin.UpdateTarget(update("a/model", ["priority"], weight=9, priority=3))
        target = (await listed(room))["m", "a/model"]
    assert (target.priority, target.weight, target.admin_state) == (3, 4, admin_pb2.ADMIN_STATE_ENABLED)


async def test_one_route_may_be_meant(two: list[ScriptedAdapter]) -> None:
    """By its name or an alias; a change for all routes holds on that one too."""
    routes = (route("a/model", "b/model", aliases=["mm"]), route("a/model", "b/model", model="n"))
    async with running_router(two, *routes) as room:
        (changed,) = (await room.admin.UpdateTarget(update("a/model", ["weight"], "mm", weight=0))).targets
        assert (changed.route, changed.weight) == ("m", 0)
        assert (await room.ask()).asked == ["b/model"]
        assert (await room.ask(model="n")).asked == ["a/model"]
        everywhere = (await room.admin.UpdateTarget(update("a/model", ["weight"], weight=2))).targets
        assert [(target.route, target.weight) for target in everywhere] == [("m", 2), ("n", 2)]


async def test_a_drained_target_finishes_what_it_has_and_takes_nothing_new() -> None:
    """The request under way gets its picture; the next one goes elsewhere, and is told why."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(adapter: ScriptedAdapter, request: adapter_pb2.GenerateRequest) -> AsyncIterator[Events]:
        began.set()
        await go_on.wait()
        async for events in delivers()(adapter, request):
            yield events

    first = ScriptedAdapter("a", [slow])
    async with running_router([first, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        under_way = asyncio.create_task(room.ask())
        await began.wait()
        await room.admin.UpdateTarget(update("a/model", ["admin_state"], admin_state=admin_pb2.ADMIN_STATE_DRAINING))
        meanwhile = await room.ask()
        go_on.set()
        answer = await under_way
        target = (await listed(room))["m", "a/model"]
    assert answer.asked == ["a/model"]
    assert answer.error is None
    assert meanwhile.asked == ["b/model"]
    (decision,) = [started.decision for started in meanwhile.of("attempt_started")]
    assert decision.candidates[0].excluded_because == "is draining, as an operator asked"
    assert target.why_out == "It is draining, as an operator asked."
    assert target.admin_state == admin_pb2.ADMIN_STATE_DRAINING


async def test_undraining_leaves_nothing_behind(two: list[ScriptedAdapter]) -> None:
    """A target that was only drained is as the configuration has it again; what else was changed of it stays."""
    drain = update("a/model", ["admin_state"], admin_state=admin_pb2.ADMIN_STATE_DRAINING)
    undrain = update("a/model", ["admin_state"], admin_state=admin_pb2.ADMIN_STATE_ENABLED)
    async with running_router(two, route("a/model", "b/model")) as room:
        assert (await room.admin.UpdateTarget(drain)).targets[0].overridden
        (back,) = (await room.admin.UpdateTarget(undrain)).targets
        assert (back.admin_state, back.overridden) == (admin_pb2.ADMIN_STATE_ENABLED, False)
        for request in (update("a/model", ["weight"], weight=4), drain, undrain):
            (changed,) = (await room.admin.UpdateTarget(request)).targets
        assert (changed.weight, changed.overridden) == (4, True)
        assert (await room.ask()).asked == ["a/model"]


async def test_one_route_may_be_undrained_while_the_others_are_not(two: list[ScriptedAdapter]) -> None:
    """What is said of a route stands above what is said of all, also that a target takes requests."""
    state = ["admin_state"]
    everywhere = update("a/model", state, admin_state=admin_pb2.ADMIN_STATE_DRAINING)
    here = update("a/model", state, "m", admin_state=admin_pb2.ADMIN_STATE_ENABLED)
    async with running_router(two, route("a/model", "b/model"), route("a/model", "b/model", model="n")) as room:
        await room.admin.UpdateTarget(everywhere)
        await room.admin.UpdateTarget(here)
        assert (await room.ask()).asked == ["a/model"]
        assert (await room.ask(model="n")).asked == ["b/model"]
        await room.admin.UpdateTarget(update("a/model", state, admin_state=admin_pb2.ADMIN_STATE_ENABLED))
        assert not any(target.overridden for target in (await listed(room)).values())


async def test_routes_that_nobody_wrote_down_are_on_the_board_and_can_be_changed() -> None:
    """As `run --live` has them: both adapters know the model, and the operator takes one out and orders the others."""
    knowing = [capability(model_names=["flux"])]
    adapters = [ScriptedAdapter(name, models=knowing) for name in "abc"]
    async with running_router(adapters) as room:
        assert [(each.name, each.priority) for each in (await listed(room)).values()] == [
            ("a/model", 0),
            ("b/model", 1),
            ("c/model", 2),
        ]
        assert (await room.ask(model="flux")).asked == ["a/model"]
        drain = update("a/model", ["admin_state"], "flux", admin_state=admin_pb2.ADMIN_STATE_DRAINING)
        (drained,) = (await room.admin.UpdateTarget(drain)).targets
        assert (drained.route, drained.overridden) == ("flux", True)
        await room.admin.UpdateTarget(update("c/model", ["priority"], priority=0))
        assert (await room.ask(model="flux")).asked == ["c/model"]
        await room.admin.UpdateTarget(clear("c/model"))
        await room.admin.UpdateTarget(clear("a/model", "flux"))
        assert (await room.ask(model="flux")).asked == ["a/model"]


async def test_a_written_route_hides_the_one_that_would_be_made() -> None:
    """The board shows each route once."""
    adapters = [ScriptedAdapter(name, models=[capability(model_names=["m"])]) for name in "ab"]
    async with running_router(adapters, route("b/model")) as room:
        assert list(await listed(room)) == [("m", "b/model")]


async def test_all_targets_drained_is_said_at_once(two: list[ScriptedAdapter]) -> None:
    """503 with a time to come back, and nobody is asked."""
    async with running_router(two, route("a/model", "b/model")) as room:
        for name in ("a/model", "b/model"):
            request = update(name, ["admin_state"], admin_state=admin_pb2.ADMIN_STATE_DISABLED)
            await room.admin.UpdateTarget(request)
        answer = await room.ask()
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_NO_TARGET
    assert "a/model is disabled by an operator" in answer.error.message
    assert answer.error.retry_after_s
    assert [adapter.requests for adapter in two] == [[], []]


@pytest.mark.parametrize(
    ("request_", "reason", "sentence"),
    [
        (update("a/modle", ["weight"]), reasons.ERROR_REASON_RESOURCE_NOT_FOUND, 'did you mean "a/model"'),
        (update("zzz/q", ["weight"]), reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "`heliostat admin targets` lists"),
        (update("a/model", ["weight"], "n"), reasons.ERROR_REASON_RESOURCE_NOT_FOUND, 'it belongs to "m"'),
        (update("a/model", []), reasons.ERROR_REASON_INVALID_FIELD, "Name what to change"),
        (update("a/model", ["account"]), reasons.ERROR_REASON_INVALID_FIELD, '"account" cannot be changed'),
        (update("a/model", ["weight"], weight=-1), reasons.ERROR_REASON_INVALID_FIELD, "0 or more, not -1"),
        (update("a/model", ["weight"], weight=float("nan")), reasons.ERROR_REASON_INVALID_FIELD, "not nan"),
        (update("a/model", ["weight"], weight=float("inf")), reasons.ERROR_REASON_INVALID_FIELD, "not inf"),
        (update("a/model", ["priority"], priority=-1), reasons.ERROR_REASON_INVALID_FIELD, "0 to 1000, not -1"),
        (update("a/model", ["admin_state"], admin_state=9), reasons.ERROR_REASON_INVALID_FIELD, "DRAINING"),
        (
            admin_pb2.UpdateTargetRequest(clear_override=True, update_mask={"paths": ["weight"]}),
            reasons.ERROR_REASON_INVALID_FIELD,
            "Either clear_override or an update_mask",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_makes_no_sense_is_refused(
    two: list[ScriptedAdapter], request_: admin_pb2.UpdateTargetRequest, reason: int, sentence: str
) -> None:
    """The sentence says what to send instead; nothing is kept, also not among the changes."""
    async with running_router(two, route("a/model", "b/model")) as room:
        with pytest.raises(MeshError) as refusal:
            await room.admin.UpdateTarget(request_)
        assert refusal.value.reason == reason
        assert sentence in refusal.value.message
        assert not any(target.overridden for target in (await listed(room)).values())
        assert not (await room.admin.ListTargetChanges(admin_pb2.ListTargetChangesRequest())).changes


async def test_a_reset_lets_a_target_back_in() -> None:
    """What is held against it is forgotten; an unknown name is refused."""
    failing = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED), delivers()])
    async with running_router([failing, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        assert (await room.ask()).asked == ["a/model", "b/model"]
        before = (await listed(room))["m", "a/model"]
        assert (await room.ask()).asked == ["b/model"]
        (after,) = (await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/model"))).targets
        assert (await room.ask()).asked == ["a/model"]
        with pytest.raises(MeshError, match="There is no target"):
            await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/nothing"))
    assert before.health_state == admin_pb2.HEALTH_STATE_EJECTED
    assert before.HasField("return_time")
    assert before.why_out
    assert after.health_state == admin_pb2.HEALTH_STATE_HEALTHY
    assert not after.HasField("return_time")


async def test_every_change_is_listed_with_who_and_how_it_was(two: list[ScriptedAdapter]) -> None:
    """The newest first, page by page, by target."""
    who = (("heliostat-operator", "ann@ops"),)
    async with running_router(two, route("a/model", "b/model")) as room:
        await room.admin.UpdateTarget(update("a/model", ["weight"], "m", weight=0), metadata=who)
        await room.admin.UpdateTarget(update("b/model", ["priority"], priority=4))
        await room.admin.UpdateTarget(clear("a/model", "m"), metadata=who)
        await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/model"), metadata=who)
        first = await room.admin.ListTargetChanges(admin_pb2.ListTargetChangesRequest(page_size=3))
        second = await room.admin.ListTargetChanges(
            admin_pb2.ListTargetChangesRequest(page_size=3, page_token=first.next_page_token)
        )
        ours = await room.admin.ListTargetChanges(admin_pb2.ListTargetChangesRequest(target="b/model"))
        with pytest.raises(MeshError, match="page token"):
            await room.admin.ListTargetChanges(admin_pb2.ListTargetChangesRequest(page_token="x"))
    changes = [*first.changes, *second.changes]
    assert [(change.what, change.target, change.route, change.who) for change in changes] == [
        ("reset", "a/model", "", "ann@ops"),
        ("clear", "a/model", "m", "ann@ops"),
        ("update", "b/model", "", "somebody"),
        ("update", "a/model", "m", "ann@ops"),
    ]
    assert not second.next_page_token
    assert (changes[3].before, changes[3].after) == (
        "priority 0, weight 1, enabled",
        "priority 0, weight 0, enabled",
    )
    assert changes[1].before == "priority 0, weight 0, enabled"
    assert [change.target for change in ours.changes] == ["b/model"]


@pytest.fixture
def shared(tmp_path: Path) -> str:
    """The address of a database that two routers use."""
    return f"sqlite:///{tmp_path}/heliostat.db"


class TestReplicas:
    """Two routers on one database, each over adapters of its own."""

    async def test_overrides_reach_every_replica(self, shared: str) -> None:
        """And a replica that starts later, and the same one after a restart."""
        routes = route("a/model", "b/model")
        async with running_router(
            [ScriptedAdapter("a"), ScriptedAdapter("b")], routes, database=Database(shared), follow_interval_s=OFTEN_S
        ) as one:
            async with running_router(
                [ScriptedAdapter("a"), ScriptedAdapter("b")],
                routes,
                database=Database(shared),
                follow_interval_s=OFTEN_S,
            ) as other:
                await one.admin.UpdateTarget(update("a/model", ["weight"], weight=0))
                await until(other, "a/model", weight=0.0, overridden=True)
                assert (await other.ask()).asked == ["b/model"]
            async with running_router(
                [ScriptedAdapter("a"), ScriptedAdapter("b")], routes, database=Database(shared)
            ) as later:
                assert (await later.ask()).asked == ["b/model"]
                await later.admin.UpdateTarget(clear("a/model"))
            await until(one, "a/model", weight=1.0, overridden=False)

    async def test_m24_a_pause_of_a_rate_limit_is_shared(self, shared: str) -> None:
        """M24: one replica is told to slow down; the other does not call that provider in between, and says why."""
        limited = [fails(reasons.ERROR_REASON_RATE_LIMITED, event_pb2.OUTCOME_REFUSED, retry_after_s=30), delivers()]
        routes = route("a/model", "b/model")
        calm = ScriptedAdapter("a")
        async with (
            running_router(
                [ScriptedAdapter("a", limited), ScriptedAdapter("b")],
                routes,
                database=Database(shared),
                follow_interval_s=OFTEN_S,
            ) as one,
            running_router(
                [calm, ScriptedAdapter("b")], routes, database=Database(shared), follow_interval_s=OFTEN_S
            ) as other,
        ):
            assert (await one.ask()).asked == ["a/model", "b/model"]
            await until(other, "a/model", health_state=admin_pb2.HEALTH_STATE_PAUSED)
            assert (await other.ask()).asked == ["b/model"]
            paused = (await listed(other))["m", "a/model"]
            await other.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/model"))
            await until(one, "a/model", health_state=admin_pb2.HEALTH_STATE_HEALTHY)
            assert (await one.ask()).asked == ["a/model"]
        assert paused.why_out
        assert paused.HasField("return_time")
        assert calm.requests == []

    async def test_m24_ejections_stay_with_the_replica_that_saw_them(self, shared: str) -> None:
        """M24: the other replica goes by its own traffic."""
        failing = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED)])
        routes = route("a/model", "b/model")
        async with (
            running_router(
                [failing, ScriptedAdapter("b")], routes, database=Database(shared), follow_interval_s=OFTEN_S
            ) as one,
            running_router(
                [ScriptedAdapter("a"), ScriptedAdapter("b")],
                routes,
                database=Database(shared),
                follow_interval_s=OFTEN_S,
            ) as other,
        ):
            await one.ask()
            await one.admin.UpdateTarget(update("b/model", ["weight"], weight=2))
            await until(other, "b/model", weight=2.0)
            assert (await other.ask()).asked == ["a/model"]

    async def test_m24_without_the_database_each_replica_goes_by_its_own_view(self, tmp_path: Path) -> None:
        """M24: requests and pauses go on; a change that cannot be kept is refused, with a time to try again."""
        (tmp_path / "heliostat.db").mkdir()
        limited = [fails(reasons.ERROR_REASON_RATE_LIMITED, event_pb2.OUTCOME_REFUSED, retry_after_s=30)]
        adapters = [ScriptedAdapter("a", limited), ScriptedAdapter("b")]
        away = Database(f"sqlite:///{tmp_path}/heliostat.db")
        async with running_router(
            adapters, route("a/model", "b/model"), database=away, follow_interval_s=OFTEN_S
        ) as room:
            assert (await room.ask()).asked == ["a/model", "b/model"]
            assert (await room.ask()).asked == ["b/model"]
            with pytest.raises(MeshError) as refusal:
                await room.admin.UpdateTarget(update("b/model", ["weight"], weight=0))
            (tmp_path / "heliostat.db").rmdir()
            async with asyncio.timeout(SOON_S):
                while True:
                    try:
                        await room.admin.UpdateTarget(update("b/model", ["weight"], weight=3))
                        break
                    except MeshError:
                        await asyncio.sleep(OFTEN_S)
            back = (await listed(room))["m", "b/model"]
        assert refusal.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
        assert back.weight == 3
