"""Bronze: the adapter can be used. Streams are in order, pictures are what they are said to be, nothing is harmed."""

import hashlib
import io

from PIL import Image

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.conformance.grammar import check_adapter_stream, check_message
from heliostat.conformance.rules import Broken, does_not_apply, holds, rule
from heliostat.conformance.subject import ATTEMPT, SQUARE, Subject


@rule("bronze", buys=0)
async def describe_is_complete(subject: Subject) -> None:
    """Names are unique, every model says what it does and delivers, prices say where they come from."""
    described = subject.described
    names = [model.provider_model for model in described.models]
    holds(described.provider, "Describe does not name the provider")
    holds(names, "Describe names no model")
    holds(len(set(names)) == len(names), "Describe names a model twice")
    holds(described.accounts, "Describe names no account")
    for model in described.models:
        name = model.provider_model
        holds(model.operations, f"{name} has no operation")
        holds(model.media_types, f"{name} delivers no type")
        holds(model.max_image_count >= 1, f"{name} delivers no picture")
        costs = any(price.amount.units or price.amount.nanos for price in model.prices)
        holds(model.price_source or not costs, f"the prices of {name} have no source")
        holds(all(price.amount.currency_code == "USD" for price in model.prices), f"{name} has prices in other money")


@rule("bronze", buys=0)
async def estimates_ask_nobody(subject: Subject) -> None:
    """An estimate is in dollars or absent, and the provider hears nothing of it."""
    for model in subject.described.models:
        if capability_pb2.OPERATION_TEXT_TO_IMAGE in model.operations and model.provider_model != "*":
            estimate = await subject.estimate(model.provider_model, size=SQUARE)
            money = estimate.cost.amount.currency_code
            holds(not estimate.HasField("cost") or money == "USD", f"{model.provider_model} is estimated in {money!r}")
    if subject.stage is not None:
        holds(await subject.stage.entries() == [], "the provider was asked for an estimate")


@rule("bronze")
async def an_attempt_keeps_the_grammar(subject: Subject) -> None:
    """Events in order, under the attempt's id, in bounded messages; bytes match their hash."""
    told = await subject.ask(size=SQUARE)
    if told.error is not None:
        raise told.error
    check_adapter_stream(told.events, ATTEMPT)
    for message in told.messages:
        check_message(message)


@rule("bronze")
async def a_picture_is_what_it_is_said_to_be(subject: Subject) -> None:
    """Type and size are those of the decoded file."""
    told = await subject.ask(size=SQUARE)
    if told.error is not None:
        raise told.error
    (data,) = told.pictures()
    (info,) = told.started
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        kind = Image.MIME[picture.format or ""]
        holds(kind == info.media_type, f"said to be {info.media_type}, is {kind}")
        said = (info.width_px, info.height_px)
        holds(picture.size == said, f"said to be {said}, is {picture.size}")
    (ended,) = [event.media_ended for event in told.events if event.HasField("media_ended")]
    holds(ended.sha256 == hashlib.sha256(data).digest(), "the hash is another file's")


@rule("bronze")
async def the_result_names_target_and_time(subject: Subject) -> None:
    """Provider, model, timing and cost are told."""
    result = (await subject.ask(size=SQUARE)).result
    holds(result.provider == subject.described.provider, f"made by {result.provider!r}")
    holds(result.provider_model == subject.model, f"made with {result.provider_model!r}")
    holds(result.HasField("timing"), "no timing")
    holds(result.HasField("cost"), "no cost")


@rule("bronze")
async def a_request_is_not_changed(subject: Subject) -> None:
    """The request is read-only: in one process it is the router's own."""
    request = subject.request(prompt="a red boat", size=SQUARE, seed=7, negative_prompt="cats")
    before = request.SerializeToString(deterministic=True)
    async with stream(subject.stub.Generate, request, timeout_s=60) as messages:
        async for _ in messages:
            pass
    holds(request.SerializeToString(deterministic=True) == before, "the request was changed")


@rule("bronze", buys=0)
async def a_model_that_does_not_exist_is_gone(subject: Subject) -> None:
    """It is `provider_model_gone`, unless the adapter takes any name."""
    if any(model.provider_model == "*" for model in subject.described.models):
        does_not_apply("it takes any model")
    told = await subject.ask("no-such-model")
    holds(told.error is not None, "a model that does not exist drew a picture")
    reason = reason_name(told.failure.reason)
    holds(reason == "provider_model_gone", f"told as {reason}")
    holds(told.outcome == event_pb2.OUTCOME_NOT_SENT, "nobody knows whether it was bought")


@rule("bronze", buys=0)
async def a_cancel_of_what_nobody_knows_finds_nothing(subject: Subject) -> None:
    """And is no error."""
    answer = await call(subject.stub.Cancel, adapter_pb2.CancelRequest(attempt_id="req_none/0/1"), timeout_s=10)
    holds(not answer.found, "found what nobody began")


@rule("bronze", buys=0)
async def a_forged_webhook_finds_nothing(subject: Subject) -> None:
    """Nobody signed it: it is refused, or the provider has no callbacks."""
    request = adapter_pb2.DeliverWebhookRequest(body=b'{"id":"x","request_id":"x","status":"OK"}')
    try:
        told = "found" if (await call(subject.stub.DeliverWebhook, request, timeout_s=10)).found else "not found"
    except MeshError as error:
        told = reason_name(error.reason)
    holds(told in ("not found", "caller_unknown"), f"a callback without a signature is {told}")


@rule("bronze", buys=0)
async def an_error_is_a_mesh_error_with_a_sentence(subject: Subject) -> None:
    """For people: it ends in a full stop and says more than a code."""
    image = requests.ImageRequest(model="m", outpaint=requests.Outpaint(), image_count=10_000)
    request = adapter_pb2.EstimateRequest(provider_model=subject.model, image=image)
    try:
        await call(subject.stub.Estimate, request, timeout_s=10)
    except MeshError as error:
        holds(" " in error.message, "an error of one word")
        holds(error.message.rstrip().endswith((".", "!", "…")), "an error that is no sentence")
    else:
        raise Broken("10,000 pictures beyond the edges of none were estimated")
