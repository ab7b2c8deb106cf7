"""What the kit does for every adapter: options, adjustments, grammar, formats, cancelling. Played by the mock."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.adapters.fal import MODULE as FAL
from heliostat.adapters.mock import MODULE
from heliostat.adapters.mock.adapter import MODELS
from heliostat.adapters.openai import MODULE as OPENAI
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import capability_pb2, event_pb2, media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.modules import Module
from heliostat.chassis.money import to_micros
from heliostat.conformance.grammar import check_adapter_stream, check_message
from heliostat.painting.blank import blank_png
from tests.adapters.served import ATTEMPT, Room, pixels, served, wish


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """A running mock adapter."""
    async with served(MODULE, tmp_path) as one:
        yield one


def options_of(**values: Any) -> Struct:
    """Values as a Struct."""
    struct = Struct()
    struct.update(values)
    return struct


SMALL = pixels(32, 16)
NAMES = [
    model.name for model in MODELS if model.name not in {"mock-masks", "mock-broken-media", "mock-empty", "mock-crash"}
]


@pytest.mark.parametrize("model", NAMES)
async def test_an_attempt_keeps_the_grammar(room: Room, model: str) -> None:
    """Each script that ends well, with three pictures and two previews wanted."""
    output = requests.Output(partial_image_count=2)
    answer = await room.ask(model, size=SMALL, image_count=3, output=output)
    assert answer.error is None
    check_adapter_stream(answer.events, ATTEMPT)


async def test_what_is_ready_together_travels_together(room: Room) -> None:
    """A whole small answer is one message."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-image", image=wish(size=SMALL))
    async with stream(room.stub.Generate, request, timeout_s=30) as messages:
        together = [list(message.events) async for message in messages]
    assert [len(events) for events in together] == [5]


async def test_the_result_travels_apart_from_large_pictures(room: Room) -> None:
    """The router changes it, and would have to copy them."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-large", image=wish(size=SMALL))
    async with stream(room.stub.Generate, request, timeout_s=30) as messages:
        together = [[event.WhichOneof("event") for event in message.events] async for message in messages]
    assert together[-1] == ["completed"]
    assert all("completed" not in kinds for kinds in together[:-1])


async def test_what_is_not_ready_does_not_hold_up_what_is(room: Room) -> None:
    """provider_accepted comes while the picture is still being made."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-job-60000", image=wish(size=SMALL))
    async with stream(room.stub.Generate, request, timeout_s=70) as messages:
        first = await anext(messages)
    assert [event.WhichOneof("event") for event in first.events] == ["provider_accepted"]


async def test_large_pictures_travel_in_bounded_messages(room: Room) -> None:
    """8 MB are cut into chunks, and chunks shared out among messages."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-large", image=wish(size=SMALL))
    events: list[event_pb2.ImageEvent] = []
    async with stream(room.stub.Generate, request, timeout_s=30) as messages:
        async for message in messages:
            check_message(message.events)
            events.extend(message.events)
    check_adapter_stream(events, ATTEMPT)
    assert sum(len(event.media_chunk.data) for event in events) > 8_000_000


async def test_the_result_tells_pictures_cost_time_and_target(room: Room) -> None:
    """Size and pixels are measured on what came."""
    answer = await room.ask("mock-priced", size=pixels(100, 50), image_count=2)
    result = answer.result
    assert (result.provider, result.provider_model, result.image_count) == ("mock", "mock-priced", 2)
    assert (result.cost.amount.nanos, result.cost.source) == (80_000_000, event_pb2.COST_SOURCE_COMPUTED)
    assert result.cost.price_version == "mock 2026-11-22"
    assert result.usage.output_megapixels == pytest.approx(0.01)
    assert result.timing.HasField("provider")
    started = answer.of("media_started")
    assert [(one.width_px, one.height_px, one.media_type) for one in started] == [(100, 50, "image/png")] * 2


async def test_fewer_pictures_than_asked_are_counted_truly(room: Room) -> None:
    """The missing one is named, not padded."""
    result = (await room.ask("mock-few", size=SMALL, image_count=3)).result
    assert (result.image_count, result.missing_image_count) == (2, 1)


@pytest.mark.parametrize(
    ("model", "reason", "outcome"),
    [
        ("mock-fail-rate-limited", "rate_limited", event_pb2.OUTCOME_REFUSED),
        ("mock-fail-content-blocked", "content_blocked", event_pb2.OUTCOME_REFUSED),
        ("mock-lost-provider-timeout", "provider_timeout", event_pb2.OUTCOME_ACCEPTED),
        ("mock-empty", "provider_answer_invalid", event_pb2.OUTCOME_ACCEPTED),
        ("mock-broken-media", "media_invalid", event_pb2.OUTCOME_ACCEPTED),
        ("mock-crash", "internal", event_pb2.OUTCOME_ACCEPTED),
    ],
)
async def test_a_failure_tells_how_far_it_came(room: Room, model: str, reason: str, outcome: int) -> None:
    """Also where the adapter itself did not foresee it."""
    answer = await room.ask(model, size=SMALL, prompt="a very private thing")
    error = answer.failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.failure.outcome) == (reason, outcome)
    assert "private" not in error.message + str(error.metadata)
    check_adapter_stream(answer.events, ATTEMPT, failed=True)


async def test_a_model_that_the_table_lacks_plays_a_picture_by_wildcard(room: Room) -> None:
    """The mock takes any name; Describe says so with a star."""
    assert (await room.ask("whatever", size=SMALL)).result.provider_model == "whatever"
    described = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    assert [model.provider_model for model in described.models][-1] == "*"
    assert described.sandbox


async def test_describe_tells_what_a_model_can_do(room: Room) -> None:
    """Operations, sizes, masks, prices."""
    described = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    first = described.models[0]
    assert described.provider == "mock"
    assert capability_pb2.OPERATION_OUTPAINT in first.operations
    assert first.sizes.grid.max_px == 4096
    assert first.mask == capability_pb2.MASK_SUPPORT_EXACT
    assert [account.configured for account in described.accounts] == [True]


@pytest.mark.parametrize(
    ("fields", "parameter", "requested"),
    [
        ({"negative_prompt": "no cats at all"}, "negative_prompt", "14 characters"),
        ({"style": "vivid"}, "style", "vivid"),
        ({"output": requests.Output(quality=requests.QUALITY_HIGH)}, "quality", "high"),
        ({"moderation": requests.MODERATION_LOW}, "moderation", "low"),
        ({"size": pixels(5000, 5000)}, "size", "5000x5000"),
        ({"extra_fields": options_of(colours="many")}, "colours", "given"),
    ],
)
async def test_what_cannot_be_honoured_is_told_or_refused(
    room: Room, fields: dict[str, Any], parameter: str, requested: str
) -> None:
    """Reported by default, silent when off, refused before the submit when strict, refused when required."""
    asked = {"size": SMALL, **fields}
    assert (await room.ask("mock-image", **asked)).adjusted(parameter).requested == requested
    assert not (await room.ask("mock-image", strict=requests.STRICT_OFF, **asked)).result.adjustments
    error = (await room.ask("mock-image", strict=requests.STRICT_REFUSE, **asked)).failure
    assert (reason_name(error.reason), error.field) == ("unsupported", parameter)
    assert error.failure is not None
    assert error.failure.outcome == event_pb2.OUTCOME_NOT_SENT


async def test_a_strict_refusal_says_what_would_be_sent_and_not_that_it_was(room: Room) -> None:
    """Nothing has been sent."""
    told = (await room.ask("mock-image", size=pixels(5000, 5000), strict=requests.STRICT_REFUSE)).failure.message
    assert "2048x2048 would be sent" in told
    assert "was sent" not in told


async def test_a_required_parameter_that_is_ignored_is_refused(room: Room) -> None:
    """The router should not have asked."""
    answer = await room.ask("mock-image", size=SMALL, style="vivid", required_parameters=["style"])
    assert reason_name(answer.failure.reason) == "unsupported"


async def test_the_delivered_size_is_told_beside_the_wish(room: Room) -> None:
    """Measured, not believed."""
    adjustment = (await room.ask("mock-image", size=pixels(5000, 5000))).adjusted("size")
    assert (adjustment.sent, adjustment.delivered) == ("2048x2048", "2048x2048")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"image_count": 11}, "unsupported"),
        ({"references": [requests.Reference()] * 17}, "unsupported"),
        ({"output": requests.Output(media_type="image/tiff")}, "invalid_field"),
        ({"provider_options": {"mock": options_of(color="red")}}, "invalid_field"),
        ({"provider_options": {"mock": options_of(colour="red")}}, "invalid_field"),
    ],
)
async def test_what_cannot_be_done_is_refused_before_the_submit(
    room: Room, fields: dict[str, Any], reason: str
) -> None:
    """And the field that is to blame is named."""
    error = (await room.ask("mock-image", size=SMALL, **fields)).failure
    assert reason_name(error.reason) == reason
    assert error.field


async def test_an_operation_that_a_model_lacks_is_unsupported(room: Room) -> None:
    """mock-masks segments and does nothing else."""
    assert reason_name((await room.ask("mock-masks", size=SMALL)).failure.reason) == "unsupported"


async def test_options_of_the_provider_reach_the_adapter(room: Room) -> None:
    """Whole numbers stay whole on their way through a Struct."""
    answer = await room.ask("mock-image", size=SMALL, provider_options={"mock": options_of(colour=[1, 2, 3])})
    assert answer.pictures == [blank_png(32, 16, (1, 2, 3))]


async def test_options_of_other_providers_do_not_matter(room: Room) -> None:
    """Each adapter reads its own."""
    answer = await room.ask("mock-image", size=SMALL, provider_options={"fal": options_of(steps=4)})
    assert answer.error is None


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp", "image/gif", "image/avif"])
async def test_any_picture_format_is_delivered(room: Room, media_type: str) -> None:
    """What the provider cannot do is converted here, and said to be, strict or not."""
    output = requests.Output(media_type=media_type, compression_percent=40)
    answer = await room.ask("mock-image", size=SMALL, output=output, strict=requests.STRICT_REFUSE)
    (info,) = answer.of("media_started")
    assert info.media_type == media_type
    with Image.open(io.BytesIO(answer.pictures[0])) as picture:
        assert picture.size == (32, 16)
    adjustment = answer.adjusted("output_format")
    assert (adjustment.requested, adjustment.mode) == (media_type, event_pb2.ADJUSTMENT_MODE_EMULATED)
    assert answer.result.timing.HasField("convert")


async def test_masks_are_told_with_their_labels(room: Room) -> None:
    """A mask is never converted to the wished format."""
    answer = await room.ask(
        "mock-masks", segment=requests.Segment(labels=["cat", "dog"]), output=requests.Output(media_type="image/jpeg")
    )
    started = answer.of("media_started")
    assert [(one.label, one.role) for one in started] == [
        ("cat", media_pb2.MEDIA_ROLE_MASK),
        ("dog", media_pb2.MEDIA_ROLE_MASK),
    ]
    assert {one.media_type for one in started} == {"image/png"}


async def test_seeds_are_told_per_picture(room: Room) -> None:
    """The second picture is made with the next seed."""
    answer = await room.ask("mock-image", size=SMALL, seed=7, image_count=2)
    assert [one.seed for one in answer.of("media_ended")] == [7, 8]


async def test_an_estimate_asks_nobody(room: Room) -> None:
    """Cost and adjustments without a call."""
    estimate = await room.estimate("mock-priced", image_count=3, style="vivid")
    assert estimate.cost.amount.nanos == 120_000_000
    assert estimate.cost.source == event_pb2.COST_SOURCE_ESTIMATED
    assert [one.parameter for one in estimate.adjustments] == ["style"]


@pytest.mark.parametrize(("module", "model"), [(FAL, "fal-ai/flux/schnell"), (OPENAI, "gpt-image-2")])
async def test_an_emulated_provider_is_no_sandbox_and_has_its_prices(
    module: Module, model: str, tmp_path: Path
) -> None:
    """What an unknown attempt reserves hangs on it: in a sandbox, the emulator bills as the provider does."""
    async with served(module, tmp_path, sandbox=True) as one:
        described = await call(one.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
        estimate = await one.estimate(model, size=pixels(1024, 1024))
    assert not described.sandbox
    assert to_micros(estimate.cost.amount) > 0


async def test_the_deadline_ends_an_attempt_and_tells_how_far_it_came(room: Room) -> None:
    """A moment before the caller's own deadline, so that it hears it."""
    answer = await room.ask("mock-job-60000", size=SMALL, timeout_s=4)
    error = answer.failure
    assert error.failure is not None
    assert reason_name(error.reason) == "provider_timeout"
    assert error.failure.provider_job_id == f"mock-job-{ATTEMPT}"
    assert error.failure.outcome == event_pb2.OUTCOME_ACCEPTED


async def test_another_caller_can_cancel_an_attempt(room: Room) -> None:
    """The stream ends with CANCELLED; the job was spared."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-job-60000", image=wish(size=SMALL))
    async with stream(room.stub.Generate, request, timeout_s=70) as messages:
        await anext(messages)
        cancelled = await call(room.stub.Cancel, adapter_pb2.CancelRequest(attempt_id=ATTEMPT), timeout_s=30)
        with pytest.raises(MeshError) as caught:
            await anext(messages)
    assert (cancelled.found, cancelled.free) == (True, True)
    assert reason_name(caught.value.reason) == "cancelled"


async def test_a_cancel_of_what_nobody_knows_finds_nothing(room: Room) -> None:
    """Neither an attempt nor a job."""
    assert not (await room.cancel("mock-image", "")).found
    assert not (await room.cancel("mock-image", "foreign")).found
    assert (await room.cancel("mock-image", "mock-job-7")).found


async def test_a_closed_stream_ends_the_attempt(room: Room) -> None:
    """Its id is free again, which it is not while the attempt runs."""
    request = adapter_pb2.GenerateRequest(attempt_id=ATTEMPT, provider_model="mock-job-60000", image=wish(size=SMALL))
    async with stream(room.stub.Generate, request, timeout_s=70) as messages:
        await anext(messages)
        again = await room.ask("mock-image", size=SMALL)
        assert again.failure.field == "attempt_id"
    async with asyncio.timeout(30):
        while (await room.ask("mock-image", size=SMALL)).error is not None:
            await asyncio.sleep(0)


async def test_a_job_is_gone_on_with_by_its_id(room: Room) -> None:
    """Nothing is submitted anew."""
    answer = await room.ask("mock-job-60000", size=SMALL, resume="mock-job-old")
    assert answer.result.provider_job_id == "mock-job-old"


async def test_a_webhook_that_no_adapter_believes_finds_nothing(room: Room) -> None:
    """The mock knows no webhooks."""
    found = await call(room.stub.DeliverWebhook, adapter_pb2.DeliverWebhookRequest(body=b"{}"), timeout_s=30)
    assert not found.found
