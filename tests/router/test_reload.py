"""A changed configuration while the router runs: checked beside what runs, taken up at once, health untouched."""

import asyncio
from typing import Any

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import Refusal
from heliostat.router.reload import told
from heliostat.router.settings import RouterSettings
from heliostat.router.table import Table
from tests.support.router_room import RouterRoom, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails


def settings(*routes: dict[str, Any], **values: Any) -> RouterSettings:
    """The router's section."""
    return RouterSettings.model_validate({"routes": routes, **values})


def reload(room: RouterRoom, *routes: dict[str, Any], **values: Any) -> None:
    """Takes up other settings, as the process does after it has read a file."""
    room.router.prepare(settings(*routes, **values))("heliostat.yaml", [])


def pair() -> list[ScriptedAdapter]:
    """Two adapters that deliver."""
    return [ScriptedAdapter("a"), ScriptedAdapter("b")]


async def test_routes_change_for_the_next_request() -> None:
    """New ones are served, gone ones are not, changed ones go where they say now."""
    async with running_router(pair(), route("a/model"), route("a/model", model="old"), auto_routes=False) as room:
        reload(room, route("b/model", "a/model"), route("b/model", model="new"), auto_routes=False)
        assert (await room.ask()).asked == ["b/model"]
        assert (await room.ask(model="new")).asked == ["b/model"]
        gone = await room.ask(model="old")
        targets = (await room.admin.ListTargets(admin_pb2.ListTargetsRequest())).targets
    assert gone.error is not None
    assert gone.error.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND
    assert [(target.route, target.name) for target in targets] == [
        ("m", "b/model"),
        ("m", "a/model"),
        ("new", "b/model"),
    ]


async def test_f16_cooldowns_and_overrides_survive_a_reload() -> None:
    """F16: what a target did, and what an operator asked for, is not forgotten with the file."""
    failing = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED), delivers()])
    async with running_router([failing, *pair()[1:]], route("a/model", "b/model")) as room:
        await room.ask()
        request = admin_pb2.UpdateTargetRequest(
            target=admin_pb2.Target(name="b/model", weight=7), update_mask={"paths": ["weight"]}
        )
        await room.admin.UpdateTarget(request)
        reload(room, route("a/model", "b/model"), route("a/model", "b/model", model="n"))
        assert (await room.ask()).asked == ["b/model"]
        assert (await room.ask(model="n")).asked == ["b/model"]
        targets = (await room.admin.ListTargets(admin_pb2.ListTargetsRequest())).targets
    states = {(target.route, target.name): (target.health_state, target.weight) for target in targets}
    assert states["m", "a/model"] == (admin_pb2.HEALTH_STATE_EJECTED, 1)
    assert states["n", "a/model"] == (admin_pb2.HEALTH_STATE_EJECTED, 1)
    assert states["m", "b/model"] == (admin_pb2.HEALTH_STATE_HEALTHY, 7)


async def test_requests_under_way_keep_what_they_chose() -> None:
    """A reload in the middle of a request changes nothing for it; none fails."""
    async with running_router(pair(), route("a/model", "b/model")) as room:

        async def ask_often() -> list[MeshError | None]:
            return [(await room.ask()).error for _ in range(20)]

        asking = [asyncio.create_task(ask_often()) for _ in range(4)]
        turns = 0
        while not all(task.done() for task in asking):
            reload(room, route(*(("b/model", "a/model") if turns % 2 else ("a/model", "b/model"))))
            turns += 1
            await asyncio.sleep(0)
        errors = [error for task in asking for error in task.result()]
    assert turns > 1
    assert errors == [None] * 80


@pytest.mark.parametrize(
    ("routes", "place", "sentence"),
    [
        ([route("a/model"), route("b/modell", model="n")], ("router", "routes", 1, "targets", 0, "target"), '"model"'),
        ([route("c/model")], ("router", "routes", 0, "targets", 0, "target"), 'there is no adapter "c"'),
    ],
)
async def test_targets_that_nobody_knows_are_refused(routes: list[Any], place: tuple[Any, ...], sentence: str) -> None:
    """By their place in the file, with what may have been meant; the running table stays."""
    async with running_router(pair(), route("a/model", "b/model")) as room:
        with pytest.raises(Refusal) as refusal:
            room.router.prepare(settings(*routes))
        assert (await room.ask()).asked == ["a/model"]
    (fault,) = refusal.value.faults
    assert tuple(fault.place) == place
    assert sentence in fault.sentence


async def test_a_target_that_was_there_before_stays_allowed() -> None:
    """What a start took, a reload takes too: the rest of the file may be what somebody mends in a hurry."""
    models = [capability("known")]
    async with running_router([ScriptedAdapter("a", models=models)], route("a/known", "a/unknown")) as room:
        reload(room, route("a/known", "a/unknown"), route("a/known", model="n"))
        assert (await room.ask(model="n")).error is None


async def test_a_refused_reload_is_an_event() -> None:
    """With its reason, for all who watch; a taken one is among the changes."""
    async with running_router(pair(), route("a/model")) as room:
        events: list[Any] = []
        room.router._operations.bulletin.listen(events.append)
        room.router.refused(Refusal([]))
        reload(room, route("a/model"), route("a/model", model="n"))
        await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="a/model"))
        changes = (await room.admin.ListTargetChanges(admin_pb2.ListTargetChangesRequest())).changes
    assert [event.kind for event in events[:2]] == ["reload_refused", "reloaded"]
    assert events[1].message == "heliostat.yaml: 2 routes; new: n."
    reloads = [change for change in changes if change.what == "reload"]
    assert [(change.who, change.before, change.after) for change in reloads] == [
        ("heliostat.yaml", "1 routes", "2 routes; new: n")
    ]


def test_what_changed_is_told_in_words() -> None:
    """Routes by name, a few of them."""
    before = Table(settings(route("a/x"), route("a/x", model="n"), route("a/x", model="o")), ["a"])
    many = [route("a/x", model=f"new-{number:02}") for number in range(12)]
    after = Table(settings(route("a/x"), route("a/y", model="n"), *many), ["a"])
    assert told(before, after) == [
        "14 routes",
        "new: " + ", ".join(f"new-{number:02}" for number in range(10)) + " and 2 more",
        "gone: o",
        "changed: n",
    ]
