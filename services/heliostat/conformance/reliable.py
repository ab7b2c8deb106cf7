"""Silver: the adapter can be relied on. Wishes are honoured or told, options checked; attempts end and do not mix."""

import asyncio
import io

from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.conformance.grammar import check_adapter_stream
from heliostat.conformance.rules import Broken, does_not_apply, holds, rule
from heliostat.conformance.subject import ATTEMPT, SQUARE, Subject

_HONOURED = {event_pb2.ADJUSTMENT_MODE_EMULATED, event_pb2.ADJUSTMENT_MODE_RENAMED}
_OVER = {"provider_timeout", "deadline_exceeded"}


@rule("silver", png=("image/png",), jpeg=("image/jpeg",), webp=("image/webp",))
async def the_wished_format_is_delivered(subject: Subject, media_type: str) -> None:
    """PNG, JPEG and WebP, by the provider or by conversion."""
    told = await subject.ask(size=SQUARE, output=requests.Output(media_type=media_type))
    if told.error is not None:
        raise told.error
    with Image.open(io.BytesIO(told.pictures()[0])) as picture:
        came = Image.MIME[picture.format or ""]
        holds(came == media_type, f"asked for {media_type}, came {came}")


@rule("silver", buys=0)
async def an_unknown_option_is_refused_before_anything_is_bought(subject: Subject) -> None:
    """A mistyped option would change what is paid for."""
    options = Struct()
    options.update({"no_such_option": 1})
    told = await subject.ask(size=SQUARE, provider_options={subject.described.provider: options})
    holds(reason_name(told.failure.reason) == "invalid_field", f"told as {reason_name(told.failure.reason)}")
    holds(told.outcome == event_pb2.OUTCOME_NOT_SENT, "refused after it was sent")
    holds("no_such_option" in (told.failure.field or ""), "the error does not name the option")


@rule("silver")
async def a_strict_request_is_honoured_or_refused(subject: Subject) -> None:
    """Never adjusted."""
    told = await subject.ask(size=SQUARE, style="no-such-style", strict=requests.STRICT_REFUSE)
    if told.error is None:
        modes = {one.mode for one in told.result.adjustments}
        holds(modes <= _HONOURED, "a strict request was adjusted")
    else:
        reason = reason_name(told.error.reason)
        holds(reason in {"unsupported", "invalid_field"}, f"told as {reason}")
        holds(told.outcome == event_pb2.OUTCOME_NOT_SENT, "refused after it was sent")


@rule("silver")
async def an_odd_size_is_honoured_or_told(subject: Subject) -> None:
    """What came is compared with what was asked."""
    told = await subject.ask(size=requests.Size(pixels=requests.PixelSize(width_px=1023, height_px=771)))
    if told.error is not None:
        raise told.error
    (info,) = told.started
    adjusted = [one for one in told.result.adjustments if one.parameter == "size"]
    if (info.width_px, info.height_px) == (1023, 771):
        holds(not adjusted, "an adjustment that was not made is told")
        return
    holds(len(adjusted) == 1, f"{len(adjusted)} adjustments of the size are told, not one")
    (adjustment,) = adjusted
    holds(adjustment.requested == "1023x771", f"asked for {adjustment.requested}, it says")
    came = f"{info.width_px}x{info.height_px}"
    holds(adjustment.delivered == came, f"{came} came, {adjustment.delivered} is told")


@rule("silver", buys=2)
async def closing_the_stream_frees_the_attempt(subject: Subject) -> None:
    """Its id can be used again, and the next attempt is whole."""
    async with stream(subject.stub.Generate, subject.request(size=SQUARE), timeout_s=60) as messages:
        await anext(messages)
    async with asyncio.timeout(10):
        while (told := await subject.ask(size=SQUARE)).error is not None:
            continue
    check_adapter_stream(told.events, ATTEMPT)


@rule("silver")
async def a_deadline_that_is_over_is_told_by_its_name(subject: Subject) -> None:
    """Unless the adapter was faster."""
    told = await subject.ask(size=SQUARE, timeout_s=0.001)
    if told.error is None:
        check_adapter_stream(told.events, ATTEMPT)
        return
    reason = reason_name(told.error.reason)
    # Where gRPC itself was faster than the adapter, it may say either.
    holds(reason in _OVER or (told.error.failure is None and reason == "cancelled"), f"told as {reason}")


@rule("silver", buys=4)
async def two_attempts_at_once_do_not_mix(subject: Subject) -> None:
    """Each stream tells of its own attempt."""

    async def one(number: int) -> None:
        attempt_id = f"req_conformance/{number}/1"
        request = subject.request(attempt_id=attempt_id, prompt=f"boat {number}", size=SQUARE)
        events: list[event_pb2.ImageEvent] = []
        async with stream(subject.stub.Generate, request, timeout_s=60) as messages:
            async for message in messages:
                events.extend(message.events)
        check_adapter_stream(events, attempt_id)

    await asyncio.gather(*(one(number) for number in range(4)))


@rule("silver")
async def a_job_is_gone_on_with_and_not_bought_again(subject: Subject) -> None:
    """Its id is enough to fetch the picture once more."""
    if not subject.capability.resumable:
        does_not_apply("its jobs cannot be gone on with")
    first = await subject.ask(size=SQUARE)
    holds(first.job, "a model with jobs told no job id")
    again = await subject.ask(size=SQUARE, resume=first.job)
    if again.error is not None:
        raise again.error
    check_adapter_stream(again.events, ATTEMPT)
    holds(len(again.pictures()) == 1, "the job's picture did not come again")
    if subject.stage is not None:
        bought = [entry for entry in await subject.stage.entries() if entry["billed"]]
        holds(len(bought) == 1, f"bought {len(bought)} times")


@rule("silver", buys=0)
async def a_job_that_nobody_knows_is_not_bought_instead(subject: Subject) -> None:
    """A wrong id ends in an error, not in a new job."""
    if not subject.capability.resumable:
        does_not_apply("its jobs cannot be gone on with")
    request = subject.request(size=SQUARE)
    request.resume_provider_job_id = "00000000-0000-4000-8000-000000000000"
    request.look_only = True
    try:
        async with stream(subject.stub.Generate, request, timeout_s=10) as messages:
            async for _ in messages:
                pass
    except MeshError:
        if subject.stage is not None:
            holds(not any(entry["billed"] for entry in await subject.stage.entries()), "something was bought")
    else:
        raise Broken("a job that nobody knows brought a picture")
