"""Rules that every adapter keeps, whoever wrote it and in whatever language."""

import asyncio
import hashlib
import io
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from tests.conformance.subject import ATTEMPT, Subject
from tests.support.grammar import check_adapter_stream, check_message

SQUARE = requests.Size(pixels=requests.PixelSize(width_px=1024, height_px=1024))
FREE = {event_pb2.OUTCOME_NOT_SENT, event_pb2.OUTCOME_REFUSED}


async def test_describe_is_complete(subject: Subject) -> None:
    """Names are unique, every model says what it does and delivers, prices say where they come from."""
    described = subject.described
    names = [model.provider_model for model in described.models]
    assert described.provider
    assert names
    assert len(set(names)) == len(names)
    assert described.accounts
    for model in described.models:
        assert model.operations, model.provider_model
        assert model.media_types, model.provider_model
        assert model.max_image_count >= 1, model.provider_model
        costs = any(price.amount.units or price.amount.nanos for price in model.prices)
        assert model.price_source or not costs, model.provider_model
        assert all(price.amount.currency_code == "USD" for price in model.prices), model.provider_model


async def test_estimates_ask_nobody(subject: Subject) -> None:
    """Every model that draws from words answers, in dollars or not at all, and the provider hears nothing."""
    for model in subject.described.models:
        if capability_pb2.OPERATION_TEXT_TO_IMAGE in model.operations and model.provider_model != "*":
            estimate = await subject.estimate(model.provider_model, size=SQUARE)
            assert not estimate.HasField("cost") or estimate.cost.amount.currency_code == "USD"
    if subject.bench is not None:
        assert (await subject.bench.journal())["entries"] == []


async def test_an_attempt_keeps_the_grammar(subject: Subject) -> None:
    """Events in order, under the attempt's id, in bounded messages; bytes match their hash."""
    told = await subject.ask(size=SQUARE)
    assert told.error is None, told.error
    check_adapter_stream(told.events, ATTEMPT)
    for message in told.messages:
        check_message(message)


async def test_a_picture_is_what_it_is_said_to_be(subject: Subject) -> None:
    """Type and size are those of the decoded file."""
    told = await subject.ask(size=SQUARE)
    (data,) = told.pictures()
    (info,) = [event.media_started for event in told.events if event.HasField("media_started")]
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert Image.MIME[picture.format or ""] == info.media_type
        assert picture.size == (info.width_px, info.height_px)
    (ended,) = [event.media_ended for event in told.events if event.HasField("media_ended")]
    assert ended.sha256 == hashlib.sha256(data).digest()


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
async def test_the_wished_format_is_delivered(subject: Subject, media_type: str) -> None:
    """By the provider or by conversion."""
    told = await subject.ask(size=SQUARE, output=requests.Output(media_type=media_type))
    assert told.error is None, told.error
    with Image.open(io.BytesIO(told.pictures()[0])) as picture:
        assert Image.MIME[picture.format or ""] == media_type


async def test_the_result_names_target_and_time(subject: Subject) -> None:
    """What the ledger keeps of every attempt."""
    result = (await subject.ask(size=SQUARE)).result
    assert result.provider == subject.described.provider
    assert result.provider_model == subject.model
    assert result.HasField("timing")
    assert result.HasField("cost")


async def test_a_request_is_not_changed(subject: Subject) -> None:
    """Messages received are read-only: in process they are the router's own."""
    image = requests.ImageRequest(model="m", prompt="a red boat", size=SQUARE, seed=7, negative_prompt="cats")
    before = image.SerializeToString(deterministic=True)
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model=subject.model, image=image)
    held = request.image
    async with stream(subject.stub.Generate, request, timeout_s=60) as messages:
        async for _ in messages:
            pass
    assert held.SerializeToString(deterministic=True) == before


async def test_a_model_that_does_not_exist_is_gone(subject: Subject) -> None:
    """Unless the adapter takes any name."""
    if any(model.provider_model == "*" for model in subject.described.models):
        pytest.skip("takes any model")
    error = (await subject.ask("no-such-model")).error
    assert error is not None
    assert reason_name(error.reason) == "provider_model_gone"


async def test_an_unknown_option_is_refused_before_anything_is_bought(subject: Subject) -> None:
    """A mistyped option would silently change what is paid for."""
    options = Struct()
    options.update({"no_such_option": 1})
    error = (await subject.ask(size=SQUARE, provider_options={subject.described.provider: options})).failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.outcome) == ("invalid_field", event_pb2.OUTCOME_NOT_SENT)
    assert "no_such_option" in (error.field or "")


async def test_a_strict_request_is_honoured_or_refused(subject: Subject) -> None:
    """Never adjusted."""
    told = await subject.ask(size=SQUARE, style="no-such-style", strict=requests.STRICT_REFUSE)
    if told.error is None:
        honoured = {event_pb2.ADJUSTMENT_MODE_EMULATED, event_pb2.ADJUSTMENT_MODE_RENAMED}
        assert {one.mode for one in told.result.adjustments} <= honoured
    else:
        assert reason_name(told.error.reason) in {"unsupported", "invalid_field"}
        assert told.failure.failure is not None
        assert told.failure.failure.outcome == event_pb2.OUTCOME_NOT_SENT


async def test_an_odd_size_is_honoured_or_told(subject: Subject) -> None:
    """What came is compared with what was asked."""
    size = requests.Size(pixels=requests.PixelSize(width_px=1023, height_px=771))
    told = await subject.ask(size=size)
    (info,) = [event.media_started for event in told.events if event.HasField("media_started")]
    adjusted = [one for one in told.result.adjustments if one.parameter == "size"]
    if (info.width_px, info.height_px) == (1023, 771):
        assert not adjusted
    else:
        (adjustment,) = adjusted
        assert adjustment.requested == "1023x771"
        assert adjustment.delivered == f"{info.width_px}x{info.height_px}"


async def test_a_cancel_of_what_nobody_knows_finds_nothing(subject: Subject) -> None:
    """And is no error."""
    answer = await call(subject.stub.Cancel, adapter_pb2.CancelRequest(attempt_id="req_none/0/1"), timeout_s=10)
    assert not answer.found


async def test_a_forged_webhook_finds_nothing(subject: Subject) -> None:
    """Nobody signed it: it is refused, or the provider has no callbacks."""
    request = adapter_pb2.DeliverWebhookRequest(body=b'{"id":"x","request_id":"x","status":"OK"}')
    try:
        told = "found" if (await call(subject.stub.DeliverWebhook, request, timeout_s=10)).found else "not found"
    except MeshError as error:
        told = reason_name(error.reason)
    assert told in ("not found", "caller_unknown")


async def test_closing_the_stream_frees_the_attempt(subject: Subject) -> None:
    """Its id can be used again at once, and the next attempt is whole."""
    request = adapter_pb2.GenerateRequest(
        attempt_id=ATTEMPT,
        provider_model=subject.model,
        image=requests.ImageRequest(model="m", prompt="a red boat", size=SQUARE),
    )
    async with stream(subject.stub.Generate, request, timeout_s=60) as messages:
        await anext(messages)
    async with asyncio.timeout(10):
        while (told := await subject.ask(size=SQUARE)).error is not None:
            await asyncio.sleep(0)
    check_adapter_stream(told.events, ATTEMPT)


async def test_a_deadline_that_is_over_is_told_by_its_name(subject: Subject) -> None:
    """Unless the adapter was faster."""
    told = await subject.ask(size=SQUARE, timeout_s=0.001)
    if told.error is None:
        check_adapter_stream(told.events, ATTEMPT)
    else:
        assert reason_name(told.error.reason) in {"provider_timeout", "deadline_exceeded"}


async def test_the_cost_is_the_providers_bill(subject: Subject) -> None:
    """To the millionth of a dollar."""
    bench, emulated = subject.emulator()
    told = await subject.ask(size=SQUARE)
    billed = sum(entry["cost_micros"] for entry in (await bench.journal(emulated.provider))["entries"])
    assert to_micros(told.result.cost.amount) == billed > 0


async def test_the_providers_bill_names_the_attempt(subject: Subject) -> None:
    """So that a bill can be matched with the journal."""
    bench, emulated = subject.emulator()
    await subject.ask(size=SQUARE)
    billed = [entry for entry in (await bench.journal(emulated.provider))["entries"] if entry["billed"]]
    assert [entry["attempt_id"] for entry in billed] == [ATTEMPT]


@pytest.mark.parametrize(
    ("step", "reason", "free"),
    [
        ({"status": 429, "headers": {"retry-after": "3"}}, "rate_limited", True),
        ({"status": 401}, "provider_auth_failed", True),
        ({"status": 404}, "provider_model_gone", True),
        ({"status": 400, "body": {"error": {"message": "bad"}}}, "invalid_field", True),
        ({"status": 402}, "quota_exhausted", True),
        ({"status": 500}, "provider_unavailable", True),
        ({"status": 503}, "provider_unavailable", True),
        ({"connection": "reset"}, "provider_answer_invalid", False),
        ({"garbage": True}, "provider_answer_invalid", False),
    ],
    ids=lambda value: next(iter(value.values())) if isinstance(value, dict) else None,
)
async def test_a_fault_of_a_submit_has_its_reason_and_is_not_tried_again(
    subject: Subject, step: dict[str, Any], reason: str, free: bool
) -> None:
    """Whether to try again is the router's to decide; no error tells a secret."""
    bench, emulated = subject.emulator()
    await bench.script(emulated.provider, step)
    told = await subject.ask(size=SQUARE)
    error = told.failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert (error.failure.outcome in FREE) is free
    if reason == "rate_limited":
        assert error.retry_after_s == 3.0
    for secret in subject.secrets():
        assert secret not in error.message + str(error.metadata)
    check_adapter_stream(told.events, ATTEMPT, failed=True)
    assert len((await bench.journal(emulated.provider))["entries"]) == 1


async def test_what_the_provider_says_of_a_request_reaches_the_caller_whole(subject: Subject) -> None:
    """Masking keys must not eat other words."""
    bench, emulated = subject.emulator()
    await bench.script(emulated.provider, {"status": 422})
    error = (await subject.ask(size=SQUARE)).failure
    assert reason_name(error.reason) in {"invalid_field", "content_blocked"}
    assert "[" not in error.message


async def test_a_provider_that_is_not_there_bought_nothing(subject: Subject) -> None:
    """A refused connection is NOT_SENT."""
    bench, _ = subject.emulator()
    await bench.server.stop()
    error = (await subject.ask(size=SQUARE)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == "provider_unavailable"
    assert error.failure.outcome == event_pb2.OUTCOME_NOT_SENT


async def test_a_stall_ends_at_the_deadline(subject: Subject) -> None:
    """The money stays open."""
    bench, emulated = subject.emulator()
    await bench.script(emulated.provider, {"stall_after_bytes": 10})
    error = (await subject.ask(size=SQUARE, timeout_s=1.0)).error
    assert error is not None
    assert reason_name(error.reason) in {"provider_timeout", "deadline_exceeded"}
    assert error.failure is None or error.failure.outcome not in FREE


async def test_two_attempts_at_once_do_not_mix(subject: Subject) -> None:
    """Each stream tells of its own attempt."""

    async def one(number: int) -> None:
        attempt_id = f"req_conformance/{number}/1"
        image = requests.ImageRequest(model="m", prompt=f"boat {number}", size=SQUARE)
        request = adapter_pb2.GenerateRequest(attempt_id=attempt_id, provider_model=subject.model, image=image)
        events: list[event_pb2.ImageEvent] = []
        async with stream(subject.stub.Generate, request, timeout_s=60) as messages:
            async for message in messages:
                events.extend(message.events)
        check_adapter_stream(events, attempt_id)

    await asyncio.gather(*(one(number) for number in range(4)))


async def test_an_error_is_a_mesh_error_with_a_sentence(subject: Subject) -> None:
    """For people: it ends in a full stop and says more than a code."""
    with pytest.raises(MeshError) as caught:
        image = requests.ImageRequest(model="m", outpaint=requests.Outpaint(), image_count=10_000)
        request = adapter_pb2.EstimateRequest(provider_model=subject.model, image=image)
        await call(subject.stub.Estimate, request, timeout_s=10)
    assert " " in caught.value.message
    assert caught.value.message.rstrip().endswith((".", "!", "…"))
