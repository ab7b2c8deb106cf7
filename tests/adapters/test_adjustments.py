"""What becomes of every parameter is told: passed on, converted, done here, dropped; or refused before it is bought."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.mock import MODULE
from heliostat.adapters.openai import MODULE as OPENAI
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
from heliostat.launch.targets import ADAPTER, load
from heliostat.painting.blank import blank_png
from tests.adapters.emulated import running
from tests.adapters.raw_server import Exchange, RawServer, raw_server
from tests.adapters.served import Room, media, pixels, plain, served

PASSTHROUGH = event_pb2.ADJUSTMENT_MODE_PASSTHROUGH
DROPPED = event_pb2.ADJUSTMENT_MODE_DROPPED
EMULATED = event_pb2.ADJUSTMENT_MODE_EMULATED
SMALL = pixels(64, 64)

# A provider, a model of it, a field of its that no option names, and one that the adapter fills itself.
PROVIDERS = [
    ("fal", "fal-ai/flux/schnell", "loras_of_tomorrow", "num_images"),
    ("bfl", "flux-2-pro", "tomorrow", "width"),
    ("replicate", "black-forest-labs/flux-schnell", "tomorrow", "num_outputs"),
    ("openai", "gpt-image-2", "tomorrow", "partial_images"),
]


def fields(**values: Any) -> Struct:
    """Unknown fields of a body."""
    struct = Struct()
    struct.update(values)
    return struct


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider has a key."""
    for name in ("FAL_KEY", "BFL_API_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY", "RECRAFT_API_TOKEN"):
        monkeypatch.setenv(name, "canary")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """The mock, which passes nothing on."""
    async with served(MODULE, tmp_path) as one:
        yield one


@asynccontextmanager
async def listening(provider: str, folder: Path) -> AsyncIterator[tuple[Room, RawServer]]:
    """The adapter of a provider over a server that refuses whatever it is asked."""

    async def refuse(exchange: Exchange) -> None:
        await exchange.answer(400, b'{"detail": "no", "error": {"message": "no"}}', content_type="application/json")

    module = load(ADAPTER + provider)
    async with raw_server(refuse) as server, served(module, folder, {"base_url": server.base}) as one:
        yield one, server


@pytest.mark.parametrize(("provider", "model", "unknown", "managed"), PROVIDERS)
async def test_an_unknown_field_reaches_the_provider_as_it_is_and_the_answer_says_so(
    provider: str, model: str, unknown: str, managed: str, tmp_path: Path
) -> None:
    """What the adapter fills itself is not taken from there: a caller could buy more than was asked and counted."""
    extra = fields(**{unknown: {"a": [1, 2.5]}, managed: 3})
    async with listening(provider, tmp_path) as (one, server):
        await one.ask(model, extra_fields=extra)
        estimate = await one.estimate(model, extra_fields=extra)
    sent = orjson.loads(server.seen[0].body)
    sent = sent.get("input", sent)
    assert sent[unknown] == {"a": [1, 2.5]}
    assert sent.get(managed) != 3
    told = {each.parameter: each for each in estimate.adjustments}
    assert (told[unknown].requested, told[unknown].sent, told[unknown].mode) == ("given", "as given", PASSTHROUGH)
    assert told[managed].mode == DROPPED


@pytest.mark.parametrize(("provider", "model", "unknown", "managed"), PROVIDERS)
async def test_an_unknown_field_is_refused_where_the_request_is_strict(
    provider: str, model: str, unknown: str, managed: str, tmp_path: Path
) -> None:
    """Nothing reaches the provider."""
    async with listening(provider, tmp_path) as (one, server):
        answer = await one.ask(model, extra_fields=fields(**{unknown: 1}), strict=requests.STRICT_REFUSE)
    assert server.seen == []
    error = answer.failure
    assert error.failure is not None
    assert (reason_name(error.reason), error.field) == ("unsupported", unknown)
    assert error.failure.outcome == event_pb2.OUTCOME_NOT_SENT


async def test_an_unknown_field_travels_in_a_form_too(tmp_path: Path) -> None:
    """Edits at OpenAI are forms: objects are JSON there."""
    edit = requests.Edit(image=media(plain(1024, 1024)))
    async with listening("openai", tmp_path) as (one, server):
        await one.ask("gpt-image-2", edit=edit, extra_fields=fields(tomorrow={"a": 1}))
    assert b'name="tomorrow"\r\n\r\n{"a": 1}\r\n' in server.seen[0].body


@pytest.mark.parametrize("name", ['x"; filename="y', "a\r\nb", "é", "n" * 101])
async def test_a_field_whose_name_could_break_a_form_is_dropped(name: str, tmp_path: Path) -> None:
    """Its name never reaches a provider."""
    async with listening("openai", tmp_path) as (one, server):
        estimate = await one.estimate("gpt-image-2", extra_fields=fields(**{name: 1}))
        await one.ask(
            "gpt-image-2", edit=requests.Edit(image=media(plain(1024, 1024))), extra_fields=fields(**{name: 1})
        )
    assert [each.mode for each in estimate.adjustments] == [DROPPED]
    assert name.encode() not in server.seen[0].body


async def test_openais_own_words_break_no_other_provider(tmp_path: Path) -> None:
    """An application for OpenAI sends input_fidelity to whatever stands behind the model's name."""
    async with listening("fal", tmp_path) as (one, server):
        await one.ask("fal-ai/flux/schnell", extra_fields=fields(input_fidelity="high"))
        estimate = await one.estimate("fal-ai/flux/schnell", extra_fields=fields(input_fidelity="high"))
    assert "input_fidelity" not in orjson.loads(server.seen[0].body)
    assert [(each.parameter, each.mode) for each in estimate.adjustments] == [("input_fidelity", DROPPED)]


async def test_a_providers_option_may_stand_in_the_body(tmp_path: Path) -> None:
    """It is checked as an option, and what stands in provider_options is above it."""
    async with listening("fal", tmp_path) as (one, server):
        own = {"fal": fields(num_inference_steps=8)}
        extra = fields(num_inference_steps=3, guidance_scale=2)
        await one.ask("fal-ai/flux/dev", extra_fields=extra, provider_options=own)
        bad = await one.ask("fal-ai/flux/dev", extra_fields=fields(num_inference_steps=5000))
    sent = orjson.loads(server.seen[0].body)
    assert (sent["num_inference_steps"], sent["guidance_scale"]) == (8, 2)
    assert (reason_name(bad.failure.reason), bad.failure.field) == ("invalid_field", "num_inference_steps")


async def test_a_provider_that_takes_nothing_unknown_drops_it(room: Room) -> None:
    """And says so."""
    assert (await room.ask("mock-image", size=SMALL, extra_fields=fields(tomorrow=1))).adjusted(
        "tomorrow"
    ).mode == DROPPED


async def test_compression_that_a_provider_lacks_is_done_here(tmp_path: Path) -> None:
    """fal delivers JPEG and takes no wish about its quality; strict or not, the caller gets what was asked for."""
    async with running("fal", tmp_path) as one:
        sizes = {}
        for percent in (10, 90):
            output = requests.Output(media_type="image/jpeg", compression_percent=percent)
            answer = await one.room.ask("fal-ai/flux/schnell", output=output, strict=requests.STRICT_REFUSE)
            told = answer.adjusted("output_compression")
            assert (told.requested, told.sent, told.mode) == (str(percent), "", EMULATED)
            assert answer.of("media_started")[0].media_type == "image/jpeg"
            assert answer.result.timing.HasField("convert")
            sizes[percent] = len(answer.pictures[0])
    assert sizes[10] < sizes[90]


@pytest.mark.parametrize("media_type", ["", "image/png"])
async def test_compression_of_what_is_not_lossy_is_dropped_and_told(media_type: str, tmp_path: Path) -> None:
    """Nothing is encoded anew for it."""
    output = requests.Output(media_type=media_type, compression_percent=10)
    async with running("fal", tmp_path) as one:
        answer = await one.room.ask("fal-ai/flux/schnell", output=output)
        strict = await one.room.ask("fal-ai/flux/schnell", output=output, strict=requests.STRICT_REFUSE)
    assert answer.adjusted("output_compression").mode == DROPPED
    assert not answer.result.timing.HasField("convert")
    assert strict.failure.field == "output_compression"


async def test_a_prompt_that_a_tool_does_not_take_is_told_by_its_length(tmp_path: Path) -> None:
    """What it says stays with the caller; strict, or required, it is refused before anything is sent."""
    cut: dict[str, Any] = {
        "remove_background": requests.RemoveBackground(image=media(plain(64, 64))),
        "prompt": "a secret boat",
    }
    async with running("recraft", tmp_path) as one:
        answer = await one.room.ask("removeBackground", **cut)
        strict = await one.room.ask("removeBackground", strict=requests.STRICT_REFUSE, **cut)
        required = await one.room.ask("removeBackground", required_parameters=["prompt"], **cut)
        asked = await one.journal()
    told = answer.adjusted("prompt")
    assert (told.requested, told.sent, told.mode) == ("13 characters", "", DROPPED)
    assert "secret" not in str(answer.result)
    for refused in (strict.failure, required.failure):
        assert (reason_name(refused.reason), refused.field) == ("unsupported", "prompt")
        assert "secret" not in str(refused)
    assert len(asked) == 1


@pytest.mark.parametrize("words", ["", "a red boat"])
async def test_a_variation_by_the_images_api_takes_no_words(words: str, tmp_path: Path) -> None:
    """Its form has no place for them."""

    async def answer(exchange: Exchange) -> None:
        picture = base64.b64encode(blank_png(64, 64)).decode()
        body = orjson.dumps({"created": 1, "data": [{"b64_json": picture}]})
        await exchange.answer(200, body, content_type="application/json")

    async with raw_server(answer) as server:
        own = {"base_url": server.base, "compatible": True, "operations": ["text_to_image", "variation"]}
        async with served(OPENAI, tmp_path, own) as room:
            work = requests.Variation(image=media(plain(64, 64)))
            varied = await room.ask("any", prompt=words, variation=work)
    assert b"red boat" not in server.seen[0].body
    assert [one.parameter for one in varied.result.adjustments] == ["prompt"] * bool(words)


async def test_a_size_that_is_seen_to_differ_only_when_it_is_there_is_told_and_not_refused(tmp_path: Path) -> None:
    """It is bought by then; before it is bought a strict request is refused."""

    async def answer(exchange: Exchange) -> None:
        picture = base64.b64encode(blank_png(60, 50)).decode()
        body = orjson.dumps({"created": 1, "data": [{"b64_json": picture}]})
        await exchange.answer(200, body, content_type="application/json")

    async with raw_server(answer) as server:
        own = {"base_url": server.base, "compatible": True, "size_step_px": 8}
        async with served(OPENAI, tmp_path, own) as room:
            late = await room.ask("any", size=pixels(64, 64), strict=requests.STRICT_REFUSE)
            early = await room.ask("any", size=pixels(65, 64), strict=requests.STRICT_REFUSE)
    told = late.adjusted("size")
    assert (told.requested, told.sent, told.delivered) == ("64x64", "64x64", "60x50")
    assert (reason_name(early.failure.reason), early.failure.field) == ("unsupported", "size")
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("wanted", "given", "refused"),
    [
        ("size", {"size": pixels(5000, 5000)}, True),
        ("size", {"size": pixels(64, 64)}, False),
        ("style", {"style": "vivid"}, True),
        ("output_format", {"output": requests.Output(media_type="image/webp")}, False),
    ],
)
async def test_what_is_required_is_honoured_or_the_target_is_out(
    room: Room, wanted: str, given: dict[str, Any], refused: bool
) -> None:
    """The next target may be able to; nothing is sent to this one."""
    answer = await room.ask("mock-image", required_parameters=[wanted], **{"size": SMALL, **given})
    assert (answer.error is not None) is refused
    if refused:
        failure = answer.failure.failure
        assert failure is not None
        assert (answer.failure.field, failure.outcome) == (wanted, event_pb2.OUTCOME_NOT_SENT)
