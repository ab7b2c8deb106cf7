"""What the router tells without painting: which target would be asked, what is served, how targets fare."""

from typing import Any

import pytest

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import admin_pb2, router_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.money import to_micros, to_money
from heliostat.router.recall import MOST_CANDIDATES, Recall
from tests.support.router_room import REQUEST_ID, picture_of, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, delivers, fails, per_image

EDITS = [capability_pb2.OPERATION_TEXT_TO_IMAGE, capability_pb2.OPERATION_EDIT]


def edit(mask: bool = False, **fields: Any) -> dict[str, Any]:
    """Fields of a request to change a picture."""
    operation = request_pb2.Edit()
    operation.image.data = b"picture"
    if mask:
        operation.mask.data = b"mask"
    return {"edit": operation, **fields}


@pytest.mark.parametrize(
    ("able", "fields", "missing"),
    [
        ({}, edit(), "does not edit pictures"),
        ({"operations": EDITS}, edit(mask=True), "does not take masks"),
        ({"operations": EDITS, "mask": capability_pb2.MASK_SUPPORT_EXACT}, edit(mask=True), ""),
        ({}, {"references": [request_pb2.Reference()]}, "does not take reference pictures"),
        ({"max_reference_count": 1}, {"references": [request_pb2.Reference()] * 2}, "takes at most 1 reference"),
        ({"max_reference_count": 2}, {"references": [request_pb2.Reference()] * 2}, ""),
        ({}, {"required_parameters": ["seed"]}, "does not honour seed"),
        ({"parameters": [capability_pb2.Parameter(name="seed")]}, {"required_parameters": ["seed"]}, ""),
        ({"sizes": capability_pb2.SizeRule(exact={})}, {"required_parameters": ["size", "n"]}, ""),
        ({}, {"output": request_pb2.Output(media_type="image/avif")}, ""),
        ({}, {"outpaint": request_pb2.Outpaint()}, "does not outpaint"),
    ],
)
async def test_a_target_that_cannot_is_not_asked(able: dict[str, Any], fields: dict[str, Any], missing: str) -> None:
    """Capabilities decide before the call; the sentence says what is missing, and a fit target is asked instead."""
    unsure = ScriptedAdapter("a", models=[capability(**able)])
    fit_models = [
        capability(
            operations=list(capability_pb2.Operation.values()),
            mask=capability_pb2.MASK_SUPPORT_EXACT,
            max_reference_count=16,
            parameters=[capability_pb2.Parameter(name=name) for name in ("seed", "size")],
        )
    ]
    fit = ScriptedAdapter("b", models=fit_models)
    async with running_router([unsure, fit], route("a/model", "b/model"), route("a/model", model="only-a")) as room:
        answer = await room.ask(**fields)
        alone = await room.ask(model="only-a", **fields)
    assert answer.asked == [("b" if missing else "a") + "/model"]
    if missing:
        assert alone.error is not None
        assert alone.error.reason == reasons.ERROR_REASON_UNSUPPORTED
        assert f"a/model {missing}" in alone.error.message
    else:
        assert alone.error is None


@pytest.mark.parametrize("forced", ["a/model", "a/any/thing"])
async def test_a_forced_target_is_asked_alone(forced: str) -> None:
    """adapter/provider model needs no route and has no fallback."""
    models = [capability(), capability("any/thing")]
    adapter = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)], models=models)
    async with running_router([adapter, ScriptedAdapter("b")], route("a/model", "b/model")) as room:
        answer = await room.ask(model=forced)
    assert answer.asked == [forced]
    assert answer.error is not None
    assert answer.error.reason == reasons.ERROR_REASON_PROVIDER_UNAVAILABLE


async def test_an_adapter_with_a_wildcard_takes_any_model() -> None:
    """A server of unknown models is asked for the name as it stands."""
    adapter = ScriptedAdapter("local", models=[capability("*")])
    async with running_router([adapter]) as room:
        answer = await room.ask(model="local/some/new-model")
    assert answer.error is None
    assert adapter.requests[0].provider_model == "some/new-model"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("flux-schnel", 'did you mean "flux-schnell"?'),
        ("flux-schnell-typo-2", "did you mean"),
        ("a/modle", 'did you mean "a/model"?'),
        ("zzz", "GET /v1/models"),
        ("", "GET /v1/models"),
        ("x" * 5000, "GET /v1/models"),
    ],
)
async def test_an_unknown_model_is_told_with_what_is_near(name: str, hint: str) -> None:
    """MODEL_NOT_FOUND, the field, and a name to try; a monstrous name is not repeated whole."""
    async with running_router([ScriptedAdapter("a")], route("a/model", model="flux-schnell")) as room:
        answer = await room.ask(model=name)
    assert answer.error is not None
    assert (answer.error.reason, answer.error.field) == (reasons.ERROR_REASON_MODEL_NOT_FOUND, "model")
    assert hint in answer.error.message
    assert len(answer.error.message) < 250
    assert answer.messages == []


async def test_a_model_that_adapters_know_needs_no_route() -> None:
    """They are asked in the order of the configuration, unless the configuration says otherwise."""
    first = ScriptedAdapter(
        "a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)], models=[capability(model_names=["flux"])]
    )
    second = ScriptedAdapter("b", models=[capability("other", model_names=["flux", "flux-1"])])
    async with running_router([first, second]) as room:
        answer = await room.ask(model="flux")
    assert answer.asked == ["a/model", "b/other"]
    async with running_router([first, second], auto_routes=False) as room:
        refused = await room.ask(model="flux")
    assert refused.error is not None
    assert refused.error.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND


async def test_an_adapter_without_a_key_is_passed_over() -> None:
    """Another target is asked; where there is none, the adapter itself says which variable is missing."""
    keyless = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_AUTH_FAILED)], configured=False)
    second = ScriptedAdapter("b")
    async with running_router([keyless, second], route("a/model", "b/model"), route("a/model", model="only-a")) as room:
        answer = await room.ask()
        alone = await room.ask(model="only-a")
    assert answer.asked == ["b/model"]
    assert alone.asked == ["a/model"]
    assert alone.error is not None
    assert alone.error.reason == reasons.ERROR_REASON_PROVIDER_AUTH_FAILED


async def test_fallback_models_follow_the_models_own_targets() -> None:
    """All targets of the first model, then those of the next; the decision lists both."""
    down = ScriptedAdapter("a", [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)])
    up = ScriptedAdapter("b")
    async with running_router([down, up], route("a/model"), route("a/model", "b/model", model="n")) as room:
        answer = await room.ask(routing=request_pb2.Routing(fallback_models=["n"]))
    assert answer.asked == ["a/model", "b/model"]
    assert len(answer.of("attempt_started")[0].decision.candidates) == 3


async def test_max_cost_keeps_dear_and_unpriced_targets_out() -> None:
    """What a request may cost holds before anything is bought."""
    models = [capability("dear"), capability("cheap"), capability("unpriced")]
    adapter = ScriptedAdapter("a", models=models, estimates={"dear": 50_000, "cheap": 4000})
    routes = route("a/dear", "a/unpriced", "a/cheap")
    async with running_router([adapter], routes) as room:
        answer = await room.ask(routing=request_pb2.Routing(max_cost=to_money(10_000)))
        refused = await room.ask(routing=request_pb2.Routing(max_cost=to_money(1000)))
    assert answer.asked == ["a/cheap"]
    assert refused.error is not None
    assert (refused.error.reason, refused.error.field) == (reasons.ERROR_REASON_INVALID_FIELD, "routing")
    assert "a/dear would cost about 0.0500 USD" in refused.error.message


async def test_estimate_tells_every_target_and_calls_none() -> None:
    """In the order in which they would be asked, with cost and calls; those that are out at the end, with why."""
    first = ScriptedAdapter("a", models=[capability(max_image_count=1)], estimates={"model": 4000})
    second = ScriptedAdapter("b", models=[capability(operations=EDITS)], estimates={"model": 9000})
    async with running_router([first, second], route("b/model", "a/model")) as room:
        image = picture_of(image_count=3, routing=request_pb2.Routing(ignore=["b"]))
        answer = await room.stub.Estimate(router_pb2.EstimateRequest(image=image))
        explained = await room.admin.ExplainRequest(admin_pb2.ExplainRequestRequest(image=image))
    assert answer.route == "m"
    assert [target.target for target in answer.targets] == ["a/model", "b/model"]
    assert (to_micros(answer.targets[0].cost.amount), answer.targets[0].call_count) == (12_000, 3)
    assert answer.targets[1].excluded_because == "is among the providers that the request ignores"
    assert to_micros(answer.targets[1].cost.amount) == 9000
    assert list(explained.targets) == list(answer.targets)
    assert [candidate.target for candidate in explained.decision.candidates] == ["b/model", "a/model"]
    assert first.requests == second.requests == []


async def test_models_are_listed_by_name_with_targets_and_aliases() -> None:
    """Configured routes and models that adapters know; a target is available when its adapter has its key."""
    models = [capability(model_names=["known"], creator="Somebody", description="Draws.")]
    first, second = ScriptedAdapter("a", models=models), ScriptedAdapter("b", configured=False)
    routes = route("a/model", "b/model", model="zeta", aliases=["omega"], description="Ours.")
    async with running_router([first, second], routes) as room:
        listed = (await room.stub.ListModels(router_pb2.ListModelsRequest())).models
        one = (await room.stub.ListModels(router_pb2.ListModelsRequest(model="omega"))).models
        with pytest.raises(MeshError, match="no model"):
            await room.stub.ListModels(router_pb2.ListModelsRequest(model="nothing"))
    assert [model.name for model in listed] == ["known", "zeta"]
    assert (listed[0].creator, listed[0].description) == ("Somebody", "Draws.")
    assert (listed[1].creator, listed[1].description, list(listed[1].aliases)) == ("Somebody", "Ours.", ["omega"])
    assert [(target.target, target.available) for target in listed[1].targets] == [
        ("a/model", True),
        ("b/model", False),
    ]
    assert listed[1].targets[0].capability.provider_model == "model"
    assert [model.name for model in one] == ["zeta"]


async def test_targets_tell_how_they_fared() -> None:
    """Failures in a row, the last error, the share of successes; a bad request is no mark against a target."""
    script = [
        delivers(),
        fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE),
        fails(reasons.ERROR_REASON_INVALID_FIELD),
        fails(reasons.ERROR_REASON_PROVIDER_TIMEOUT, message="It took too long."),
    ]
    async with running_router([ScriptedAdapter("a", script)], route("a/model", "a/gone")) as room:
        for _ in range(4):
            await room.ask(routing=request_pb2.Routing(only=["a/model"]))
        targets = (await room.admin.ListTargets(admin_pb2.ListTargetsRequest(route="m"))).targets
        none = (await room.admin.ListTargets(admin_pb2.ListTargetsRequest(route="other"))).targets
    first, gone = targets
    assert first.consecutive_failure_count == 2
    assert first.last_error.message == "It took too long."
    assert first.success_ratio == pytest.approx(1 / 3)
    assert first.p50_seconds > 0
    assert first.health_state == admin_pb2.HEALTH_STATE_HEALTHY
    assert gone.why_out == "Its adapter does not know the model."
    assert list(none) == []


async def test_one_of_the_last_requests_is_explained_by_its_id() -> None:
    """The decision before its first attempt, as it was drawn, and the targets in that order; who was out is last."""
    served = route({"target": "c/model", "weight": 0}, "a/model", {"target": "b/model", "priority": 2})
    async with running_router([ScriptedAdapter(name) for name in "abc"], served) as room:
        answer = await room.ask()
        asked = admin_pb2.ExplainRequestRequest(request_id=REQUEST_ID)
        explained = await room.admin.ExplainRequest(asked)
    (started,) = answer.of("attempt_started")
    assert explained.decision == started.decision
    assert [(target.target, target.excluded_because) for target in explained.targets] == [
        ("a/model", ""),
        ("b/model", ""),
        ("c/model", "has a weight of 0"),
    ]
    assert [(target.provider, target.priority) for target in explained.targets[:2]] == [("a", 1), ("b", 2)]


async def test_older_requests_are_the_ledgers() -> None:
    """What is not remembered is refused with where to look."""
    async with running_router([ScriptedAdapter("a")], route("a/model")) as room:
        with pytest.raises(MeshError, match="heliostat admin explain") as refusal:
            await room.admin.ExplainRequest(admin_pb2.ExplainRequestRequest(request_id="req_old"))
    assert refusal.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND


def test_only_the_last_decisions_are_remembered() -> None:
    """The oldest goes first, and one about very many targets is left to the ledger."""
    recall = Recall(most=2)
    decisions = {name: event_pb2.Decision(route=name) for name in ("one", "two", "three")}
    for name, decision in decisions.items():
        recall.keep(name, decision)
    recall.keep("many", event_pb2.Decision(candidates=[event_pb2.Decision.Candidate()] * (MOST_CANDIDATES + 1)))
    assert [recall.decision(name) for name in ("one", "two", "three", "many")] == [
        None,
        decisions["two"],
        decisions["three"],
        None,
    ]


async def test_a_callback_reaches_its_adapter() -> None:
    """Headers and body as they came; behind an unknown name nobody waits."""
    adapter = ScriptedAdapter("a")
    callback = router_pb2.DeliverWebhookRequest(provider="a", headers={"x-signature": "s"}, body=b"{}")
    async with running_router([adapter], route("a/model")) as room:
        found = await room.stub.DeliverWebhook(callback)
        nobody = await room.stub.DeliverWebhook(router_pb2.DeliverWebhookRequest(provider="z"))
    assert (found.found, nobody.found) == (True, False)
    (delivered,) = adapter.webhooks
    assert list(delivered.headers) == [adapter_pb2.Header(name="x-signature", value="s")]
    assert delivered.body == b"{}"


@pytest.mark.parametrize(
    ("prices", "sandbox", "size", "micros"),
    [
        ([per_image(4000)], False, None, 8000),
        ([], False, None, None),
        ([], True, None, 0),
        ([per_image(4000), per_image(9000)], False, None, None),
        ([capability_pb2.Price(unit=capability_pb2.PRICE_UNIT_MEGAPIXEL, amount=to_money(3000))], False, None, 6000),
        (
            [capability_pb2.Price(unit=capability_pb2.PRICE_UNIT_MEGAPIXEL, amount=to_money(3000))],
            False,
            request_pb2.Size(pixels=request_pb2.PixelSize(width_px=1536, height_px=1024)),
            12_000,
        ),
        ([capability_pb2.Price(unit=capability_pb2.PRICE_UNIT_SECOND, amount=to_money(3000))], False, None, None),
    ],
)
async def test_what_an_attempt_is_expected_to_cost(
    prices: list[capability_pb2.Price], sandbox: bool, size: request_pb2.Size | None, micros: int | None
) -> None:
    """Plain prices are reckoned before the call; others are left open, never guessed as 0."""
    adapter = ScriptedAdapter("a", models=[capability(prices=prices)], sandbox=sandbox)
    async with running_router([adapter], route("a/model")) as room:
        answer = await room.ask(picture_of(image_count=2, size=size))
    (started,) = answer.of("attempt_started")
    assert started.HasField("estimated_cost") is (micros is not None)
    assert to_micros(started.estimated_cost) == (micros or 0)
