"""What becomes of every parameter is told: passed on, converted, done here, dropped; or refused before it is bought."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.struct_pb2 import Struct

from heliostat.adapters.mock import MODULE
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import reason_name
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
    for name in ("FAL_KEY", "BFL_API_KEY", "REPLICATE_API_TOKEN", "OPENAI_API_KEY"):
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

    module = import_module(f"heliostat.adapters.{provider}").MODULE
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
