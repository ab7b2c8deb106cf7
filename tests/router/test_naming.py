"""Names that callers use: canonical ones, spellings, providers' own ids, and what people say by mistake."""

import pytest

from heliostat.api.image.v1 import capability_pb2, event_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.money import to_money
from tests.support.router_room import picture_of, route, running_router
from tests.support.scripted_adapter import ScriptedAdapter, capability, fails

EDITS = capability_pb2.OPERATION_EDIT


def schnell(model: str, micros: int | None = None, **fields: object) -> capability_pb2.Capability:
    """FLUX.1 [schnell] at some provider, at a price."""
    names = ["flux-schnell", "flux-1-schnell"]
    told = capability(model, model_names=names, loose_names=["flux"], **fields)
    if micros is not None:
        told.usual_price.CopyFrom(to_money(micros))
    return told


def imagen() -> capability_pb2.Capability:
    """Another model."""
    return capability("publishers/imagen-4.0", model_names=["imagen-4"], loose_names=["imagen"])


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("flux-schnell", "a/black-forest-labs/schnell"),
        ("flux-1-schnell", "a/black-forest-labs/schnell"),
        ("imagen-4", "a/publishers/imagen-4.0"),
    ],
)
async def test_a_model_is_served_under_each_of_its_names(name: str, asked: str) -> None:
    """All of them are its own: nothing is adjusted."""
    models = [schnell("black-forest-labs/schnell"), imagen()]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model=name)
    assert answer.asked == [asked]
    assert list(answer.result.adjustments) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("imagen4", "imagen-4"),
        ("Flux_Schnell", "flux-schnell"),
        ("FLUX.1-schnell", "flux-schnell"),
        ("flux", "flux-schnell"),
        ("black-forest-labs/schnell", "flux-schnell"),
        ("publishers/imagen-4.0", "imagen-4"),
        ("somebody/imagen-4", "imagen-4"),
    ],
)
async def test_a_name_that_means_one_model_is_answered_and_told(name: str, meant: str) -> None:
    """The picture comes, and the answer says which model was taken for the name; so does a dry run."""
    models = [schnell("black-forest-labs/schnell"), imagen()]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model=name)
        dry = await room.stub.Estimate(router_pb2.EstimateRequest(image=picture_of(model=name)))
        (listed,) = (await room.stub.ListModels(router_pb2.ListModelsRequest(model=name))).models
    for adjustments in (answer.result.adjustments, dry.targets[0].adjustments):
        (told,) = adjustments
        assert (told.parameter, told.requested, told.sent) == ("model", name, meant)
        assert told.mode == event_pb2.ADJUSTMENT_MODE_CONVERTED
    assert listed.name == meant


async def test_who_wants_it_exactly_is_refused_with_the_name_to_write() -> None:
    """Nothing is bought under STRICT_REFUSE; STRICT_OFF hears nothing of it."""
    async with running_router([ScriptedAdapter("a", models=[imagen()])]) as room:
        refused = await room.ask(model="imagen4", strict=request_pb2.STRICT_REFUSE)
        quiet = await room.ask(model="imagen4", strict=request_pb2.STRICT_OFF)
    assert refused.error is not None
    assert refused.error.reason == reasons.ERROR_REASON_MODEL_NOT_FOUND
    assert refused.error.message == 'There is no model "imagen4"; did you mean "imagen-4"?'
    assert list(quiet.result.adjustments) == []


async def test_a_misspelt_name_is_told_with_one_name_of_each_model_that_is_near() -> None:
    """Three spellings of one model would leave no room for the others."""
    models = [
        capability("s", model_names=["flux-schnell", "flux-1-schnell", "flux.1-schnell"]),
        capability("d", model_names=["flux-dev"]),
    ]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model="flux-schnel")
    assert answer.error is not None
    assert answer.error.message == 'There is no model "flux-schnel"; did you mean "flux-schnell" or "flux-dev"?'


async def test_a_name_that_may_mean_several_is_refused_with_three_of_them() -> None:
    """Which one is dearer nobody should find out afterwards."""
    models = [capability(f"m{number}", model_names=[f"gpt-{number}"], loose_names=["gpt"]) for number in range(4)]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model="gpt")
    assert answer.error is not None
    assert answer.error.message == 'There is no model "gpt"; did you mean "gpt-0", "gpt-1" or "gpt-2"?'
    assert answer.asked == []


async def test_a_name_that_a_model_has_means_that_model() -> None:
    """Whatever else people use it for."""
    models = [imagen(), capability("first", model_names=["imagen"])]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model="imagen")
    assert answer.asked == ["a/first"]


async def test_a_models_own_name_written_otherwise_comes_first() -> None:
    """Before what people call another model."""
    models = [capability("d", model_names=["dall-e-3"]), capability("g", model_names=["gpt"], loose_names=["dalle3"])]
    async with running_router([ScriptedAdapter("a", models=models)]) as room:
        answer = await room.ask(model="dalle3")
    assert answer.asked == ["a/d"]


async def test_the_cheapest_target_is_asked_first() -> None:
    """A price that nobody knows comes last; at the same price the order of the configuration holds."""
    adapters = [
        ScriptedAdapter(name, [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)], models=[schnell("m", micros)])
        for name, micros in (("unpriced", None), ("dear", 4000), ("cheap", 3000), ("also-cheap", 3000))
    ]
    async with running_router(adapters, max_attempts=4) as room:
        answer = await room.ask(model="flux-schnell")
    assert answer.asked == ["cheap/m", "also-cheap/m", "dear/m", "unpriced/m"]


async def test_at_the_same_price_who_can_do_more_is_asked_first() -> None:
    """More operations, then more parameters that are honoured; who has no key comes last, however cheap."""
    draws = capability_pb2.OPERATION_TEXT_TO_IMAGE
    seed = capability_pb2.Parameter(name="seed")
    own = capability_pb2.Parameter(name="own", provider_option=True)
    down = [fails(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE)]
    adapters = [
        ScriptedAdapter("keyless", down, models=[schnell("m", 0)], configured=False),
        ScriptedAdapter("plain", down, models=[schnell("m", 3000, parameters=[own])]),
        ScriptedAdapter("seeded", down, models=[schnell("m", 3000, parameters=[seed])]),
        ScriptedAdapter("edits", down, models=[schnell("m", 3000, operations=[draws, EDITS])]),
    ]
    async with running_router(adapters, max_attempts=4) as room:
        (listed,) = (await room.stub.ListModels(router_pb2.ListModelsRequest())).models
        answer = await room.ask(model="flux-schnell")
    order = ["edits/m", "seeded/m", "plain/m"]
    assert [target.target for target in listed.targets] == [*order, "keyless/m"]
    assert answer.asked == order


async def test_a_written_route_stands_above_the_made_one_under_every_name() -> None:
    """Other names of its model lead to it, mistaken ones too, and the list shows them as its aliases."""
    adapters = [ScriptedAdapter(name, models=[schnell("m", micros)]) for name, micros in (("a", 1000), ("b", 9000))]
    async with running_router(adapters, route("b/m", model="flux-schnell", aliases=["quick"])) as room:
        asked = [(await room.ask(model=name)).asked for name in ("flux-schnell", "flux-1-schnell", "flux", "quick")]
        models = (await room.stub.ListModels(router_pb2.ListModelsRequest())).models
    assert asked == [["b/m"]] * 4
    assert [(model.name, list(model.aliases)) for model in models] == [("flux-schnell", ["quick", "flux-1-schnell"])]


async def test_a_model_is_listed_once_with_its_other_names_as_aliases() -> None:
    """Two providers that name it in another order are one model's."""
    first = capability("m", model_names=["flux-schnell", "flux-1-schnell"])
    adapters = [ScriptedAdapter("a", models=[first]), ScriptedAdapter("b", models=[schnell("n")])]
    async with running_router(adapters) as room:
        (model,) = (await room.stub.ListModels(router_pb2.ListModelsRequest())).models
    assert (model.name, list(model.aliases)) == ("flux-schnell", ["flux-1-schnell"])
    assert [target.target for target in model.targets] == ["a/m", "b/n"]
