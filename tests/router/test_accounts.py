"""Several accounts of one provider: each is a target of its own, with its share, its health, its pauses and limits."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2, router_pb2
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import from_status, reason_name
from tests.support.router_room import RouterRoom, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, Step, accepted, delivers, fails, stalls

A, B, ELSEWHERE = "p@a/model", "p@b/model", "q/model"
AUTH = reasons.ERROR_REASON_PROVIDER_AUTH_FAILED
ACCEPTED = event_pb2.OUTCOME_ACCEPTED
# The first account has nearly all of the share, so that it is the one that is asked first.
FIRST = {"a": 1e9, "b": 1e-9}


def provider(a: Step | None = None, b: Step | None = None, **fields: Any) -> ScriptedAdapter:
    """A provider with two accounts, the first of which is asked first."""
    accounts = {"a": [a or delivers(), delivers()], "b": [b or delivers(), delivers()]}
    return ScriptedAdapter("p", accounts=accounts, **{"weights": dict(FIRST), **fields})


async def health(room: RouterRoom) -> dict[str, int]:
    """The health of every target, by name."""
    answer = await room.admin.ListTargets(admin_pb2.ListTargetsRequest())
    return {target.name: target.health_state for target in answer.targets}


HEALTHY, PAUSED, EJECTED = (
    admin_pb2.HEALTH_STATE_HEALTHY,
    admin_pb2.HEALTH_STATE_PAUSED,
    admin_pb2.HEALTH_STATE_EJECTED,
)


async def test_requests_are_shared_out_by_the_weights_of_accounts() -> None:
    """Three to one; the adapter is told whose key to use, and the attempt tells it to the caller."""
    painter = ScriptedAdapter("p", accounts={"a": [delivers()], "b": [delivers()]}, weights={"a": 3.0, "b": 1.0})
    async with running_router([painter], route("p/model")) as room:
        answers = [await room.ask() for _ in range(200)]
    asked = Counter(request.account for request in painter.requests)
    assert 120 <= asked["a"] <= 180
    assert asked["a"] + asked["b"] == 200
    for answer, request in zip(answers, painter.requests, strict=True):
        (attempt,) = answer.result.attempts
        assert (attempt.target, attempt.account) == (f"p@{request.account}/model", request.account)
        assert answer.of("attempt_started")[0].account == request.account


REFUSED_BEFORE = [
    pytest.param(fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=7.0), PAUSED, id="rate_limited"),
    pytest.param(fails(AUTH), EJECTED, id="provider_auth_failed"),
    pytest.param(fails(AUTH, provider_status="403"), EJECTED, id="provider_auth_failed 403"),
    pytest.param(fails(reasons.ERROR_REASON_QUOTA_EXHAUSTED), EJECTED, id="quota_exhausted"),
]


@pytest.mark.parametrize(("failure", "state"), REFUSED_BEFORE)
async def test_what_concerns_one_account_is_followed_by_the_other(failure: Step, state: int) -> None:
    """The other one stays well, is asked at once, and asked first from then on."""
    painter, other = provider(failure), ScriptedAdapter("q")
    async with running_router([painter, other], route("p/model", ELSEWHERE), clock=FakeClock()) as room:
        first, second = await room.ask(), await room.ask()
        states = await health(room)
    assert first.asked == [A, B]
    assert first.of("attempt_failed")[0].failing_over
    assert second.asked == [B]
    assert (states[A], states[B], states[ELSEWHERE]) == (state, HEALTHY, HEALTHY)
    assert other.requests == []


async def test_a_refused_key_is_followed_by_no_other_provider() -> None:
    """An operator has to know: the request fails, and the next one goes elsewhere."""
    painter, other = provider(fails(AUTH, message="bad key a"), fails(AUTH, message="bad key b")), ScriptedAdapter("q")
    async with running_router([painter, other], route("p/model", ELSEWHERE), clock=FakeClock()) as room:
        first, second = await room.ask(), await room.ask()
    assert first.asked == [A, B]
    assert first.error is not None
    assert reason_name(first.error.reason) == "provider_auth_failed"
    assert [failed.failing_over for failed in first.of("attempt_failed")] == [True, False]
    assert second.asked == [ELSEWHERE]


async def test_after_a_refused_key_whatever_else_goes_wrong_stays_with_the_provider() -> None:
    """The second account is down: the request fails with that, and nobody else is asked for it."""
    painter = provider(fails(AUTH), fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE))
    async with running_router([painter, ScriptedAdapter("q")], route("p/model", ELSEWHERE)) as room:
        answer = await room.ask()
    assert answer.asked == [A, B]
    assert answer.error is not None


async def test_a_key_that_is_refused_after_the_work_was_taken_buys_nothing_again() -> None:
    """Nobody knows what became of the job: the other account is not asked for the same picture."""
    painter = provider(fails(AUTH, ACCEPTED, before=[accepted("job-9")]))
    async with running_router([painter], route("p/model")) as room:
        answer = await room.ask()
    assert answer.asked == [A]
    (failed,) = answer.of("attempt_failed")
    assert (failed.attempt.billed, failed.attempt.account) == (event_pb2.BILLED_UNKNOWN, "a")


async def test_an_account_is_out_for_all_of_its_models() -> None:
    """And only that account: a refused key says nothing of the other one."""
    painter = provider(fails(AUTH))
    routes = [route("p/model"), route("p/model", model="n")]
    async with running_router([painter], *routes, clock=FakeClock()) as room:
        await room.ask()
        again = await room.ask(model="n")
    assert again.asked == [B]


async def test_an_account_without_a_key_or_with_a_weight_of_0_gets_nothing() -> None:
    """It says why."""
    accounts = {name: [delivers()] for name in ("a", "b", "c")}
    painter = ScriptedAdapter("p", accounts=accounts, weights={"c": 0.0}, keyless={"b"})
    async with running_router([painter], route("p/model")) as room:
        answers = [await room.ask() for _ in range(20)]
        listed = await room.admin.ListTargets(admin_pb2.ListTargetsRequest())
    assert {target for answer in answers for target in answer.asked} == {A}
    assert {target.name: target.why_out for target in listed.targets}[B] == "Its account has no key."
    (started,) = answers[0].of("attempt_started")
    why = {each.target: each.excluded_because for each in started.decision.candidates}
    assert why == {A: "", B: "has no key", "p@c/model": "has a weight of 0"}


async def test_a_route_may_put_accounts_into_an_order() -> None:
    """What is written stands: the other accounts are not added to a target that names its own."""
    painter = provider()
    async with running_router([painter], route(B, A)) as room:
        listed = await room.admin.ListTargets(admin_pb2.ListTargetsRequest())
        answer = await room.ask()
    assert [(target.name, target.priority, target.account) for target in listed.targets] == [(B, 0, "b"), (A, 1, "a")]
    assert answer.asked == [B]


async def test_an_account_that_nobody_has_is_out() -> None:
    """A typing error in a route is told like an unknown model."""
    async with running_router([provider()], route("p@z/model", A)) as room:
        answer = await room.ask()
    assert answer.asked == [A]
    (started,) = answer.of("attempt_started")
    assert "an account that" in started.decision.candidates[0].excluded_because


@pytest.mark.parametrize(
    ("routing", "asked"),
    [
        (request_pb2.Routing(only=["p@b"]), [B]),
        (request_pb2.Routing(only=[B]), [B]),
        (request_pb2.Routing(only=["p"]), [A]),
        (request_pb2.Routing(only=["p/model"]), [A]),
        (request_pb2.Routing(ignore=["p@a"]), [B]),
        (request_pb2.Routing(ignore=["p/model"]), [ELSEWHERE]),
        (request_pb2.Routing(ignore=["p"]), [ELSEWHERE]),
        (request_pb2.Routing(order=["p@b"]), [B]),
        (request_pb2.Routing(order=["q"]), [ELSEWHERE]),
    ],
)
async def test_preferences_may_mean_one_account_or_all(routing: request_pb2.Routing, asked: list[str]) -> None:
    """By target or by adapter, with and without the account."""
    async with running_router([provider(), ScriptedAdapter("q")], route("p/model", ELSEWHERE)) as room:
        assert (await room.ask(routing=routing)).asked == asked


@pytest.mark.parametrize(("model", "asked"), [("p@b/model", B), ("p/model", A)])
async def test_a_forced_target_may_name_its_account(model: str, asked: str) -> None:
    """Without a route of that name."""
    async with running_router([provider()], route(A)) as room:
        assert (await room.ask(model=model)).asked == [asked]


@pytest.mark.parametrize(
    ("target", "account", "told"), [(B, "b", "b"), ("p/model", "b", "b"), ("p/model", "", "")], ids=str
)
async def test_a_job_is_gone_on_with_by_its_account(target: str, account: str, told: str) -> None:
    """Whatever the shares say; a job of the time before there were accounts is left to the adapter."""
    painter = provider(script=[delivers()])
    attempt = router_pb2.ResumeAttempt(
        attempt_id="req_test/0/1", target=target, provider_job_id="job-7", account=account
    )
    async with running_router([painter], route("p/model")) as room:
        answer = await room.ask(resume=[attempt])
    assert answer.error is None
    (request,) = painter.requests
    assert (request.account, request.resume_provider_job_id) == (told, "job-7")


async def test_an_abandoned_job_is_cancelled_by_its_account() -> None:
    """Another key would not find it."""
    painter = provider(stalls(accepted("job-5")))
    target = {"target": "p/model", "timeout_s": 0.5}
    async with running_router([painter], route(target)) as room:
        answer = await room.ask()
        async with asyncio.timeout(30):
            await painter.cancelled.wait()
    assert answer.asked == [A, B]
    (cancel,) = painter.cancels
    assert (cancel.provider_job_id, cancel.account) == ("job-5", "a")


async def test_providers_are_told_with_their_accounts() -> None:
    """Each target with its own calls; models are told once, for callers do not choose among keys."""
    painter = provider(fails(reasons.ERROR_REASON_RATE_LIMITED, retry_after_s=7.0))
    async with running_router([painter], route("p/model"), clock=FakeClock()) as room:
        await room.ask()
        told = await room.stub.ListProviders(router_pb2.ListProvidersRequest())
        models = await room.stub.ListModels(router_pb2.ListModelsRequest(model="m"))
    (one,) = told.providers
    statuses = [(each.target, each.account, each.status, each.pulse.call_count) for each in one.targets]
    assert statuses == [
        (A, "a", router_pb2.TARGET_STATUS_PAUSED, 1),
        (B, "b", router_pb2.TARGET_STATUS_UP, 1),
    ]
    assert one.status == router_pb2.PROVIDER_STATUS_DEGRADED
    assert [target.target for target in models.models[0].targets] == ["p/model"]
    assert models.models[0].targets[0].weight == pytest.approx(1.0)


@pytest.mark.parametrize("pacing", [{"p": {"per_minute": 2}}, {"p@a": {"per_minute": 2}, "p@b": {"per_minute": 2}}])
async def test_limits_hold_for_each_account(pacing: dict[str, Any]) -> None:
    """Two calls a minute for each of two keys are four."""
    painter = provider()
    async with running_router([painter], route("p/model"), clock=FakeClock(), pacing=pacing, max_wait_s=0) as room:
        answers = [await room.ask() for _ in range(5)]
    assert [answer.asked for answer in answers] == [[A], [A], [B], [B], []]
    assert answers[-1].error is not None
    assert reason_name(answers[-1].error.reason) == "rate_limited"


def change(name: str, path: str, **values: Any) -> admin_pb2.UpdateTargetRequest:
    """A change of one thing."""
    request = admin_pb2.UpdateTargetRequest(target=admin_pb2.Target(name=name, **values))
    request.update_mask.paths.append(path)
    return request


async def test_operators_change_one_account_or_all() -> None:
    """An account is drained alone; what is said of the target holds for each of its accounts."""
    painter, other = provider(), ScriptedAdapter("q")
    draining = admin_pb2.ADMIN_STATE_DRAINING
    async with running_router([painter, other], route("p/model", ELSEWHERE)) as room:
        changed = await room.admin.UpdateTarget(change(A, "admin_state", admin_state=draining))
        one = await room.ask()
        whole = await room.admin.UpdateTarget(change("p/model", "admin_state", admin_state=draining))
        none = await room.ask()
        await room.admin.UpdateTarget(
            admin_pb2.UpdateTargetRequest(target=admin_pb2.Target(name="p/model"), clear_override=True)
        )
        back = await room.ask()
    assert [target.name for target in changed.targets] == [A]
    assert one.asked == [B]
    assert [(target.name, target.admin_state) for target in whole.targets] == [(A, draining), (B, draining)]
    assert none.asked == [ELSEWHERE]
    assert back.asked == [B]


async def test_a_weight_of_a_target_is_shared_out_among_its_accounts() -> None:
    """Operators' weights are split as the configuration's are."""
    painter = ScriptedAdapter("p", accounts={"a": [delivers()], "b": [delivers()]}, weights={"a": 3.0})
    async with running_router([painter], route("p/model")) as room:
        changed = await room.admin.UpdateTarget(change("p/model", "weight", weight=8))
    assert {target.name: target.weight for target in changed.targets} == {A: 6.0, B: 2.0}


async def test_a_reset_of_a_target_forgets_what_is_held_against_its_accounts() -> None:
    """Both are asked again."""
    painter = provider(fails(AUTH), fails(AUTH))
    async with running_router([painter], route("p/model"), clock=FakeClock()) as room:
        await room.ask()
        assert set((await health(room)).values()) == {EJECTED}
        await room.admin.ResetTarget(admin_pb2.ResetTargetRequest(name="p/model"))
        assert set((await health(room)).values()) == {HEALTHY}
        assert (await room.ask()).asked == [A]


async def test_content_that_was_refused_goes_to_all_accounts_of_a_listed_target() -> None:
    """A route lists targets, not keys."""
    blocked = fails(reasons.ERROR_REASON_CONTENT_BLOCKED)
    painter, other = provider(), ScriptedAdapter("q", [blocked])
    one = route(ELSEWHERE, "p/model", content_failover=["p/model"])
    async with running_router([painter, other], one) as room:
        assert (await room.ask()).asked == [ELSEWHERE, A]


async def test_an_event_names_the_account_whose_key_is_refused() -> None:
    """So that an operator mends the right one."""
    painter = provider(fails(AUTH, message="Mend KEY_A."))
    async with running_router([painter], route("p/model"), clock=FakeClock()) as room:
        answer = await room.ask()
        listed = await room.admin.ListTargets(admin_pb2.ListTargetsRequest())
    status = answer.of("attempt_failed")[0].attempt.status
    assert from_status(status).message == "Mend KEY_A."
    why = {target.name: target.why_out for target in listed.targets}
    assert why == {A: "It refuses our key.", B: ""}
