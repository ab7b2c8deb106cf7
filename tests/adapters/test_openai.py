"""The OpenAI adapter against the emulated API and a self-hosted server, over real sockets."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from heliostat.adapters.openai import MODULE
from heliostat.adapters.openai.settings import OpenAISettings
from heliostat.adapters.sdk import Pixels
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from heliostat.chassis.errors import reason_name
from heliostat.chassis.money import to_micros
from heliostat.conformance.grammar import check_adapter_stream
from tests.adapters.served import ATTEMPT, Room, media, opened, pixels, plain, served, wish
from tests.emulators.conftest import Bench
from tests.emulators.conftest import opened as emulators

KEY = "sk-secret-of-openai-0123456789"
SQUARE = pixels(1024, 1024)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Emulators, retired models included, and a key in the environment."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async for one in emulators(openai_legacy=True, compat_prices_micros={"dear": 1_500}):
        yield one


@asynccontextmanager
async def adapter(bench: Bench, folder: Path, **settings: Any) -> AsyncIterator[Room]:
    """The adapter, pointed at the emulated OpenAI."""
    async with served(MODULE, folder, {"base_url": f"{bench.base}/openai/v1", **settings}, sandbox=True) as room:
        yield room


@asynccontextmanager
async def compatible(bench: Bench, folder: Path, **settings: Any) -> AsyncIterator[Room]:
    """The adapter, pointed at the self-hosted server."""
    usual = {"base_url": f"{bench.base}/compat/v1", "compatible": True, "api_key": "env:OPENAI_API_KEY"}
    async with served(MODULE, folder, {**usual, **settings}) as room:
        yield room


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        ("gpt-image-2", {"size": SQUARE}),
        ("gpt-image-2", {"size": pixels(1536, 1024), "image_count": 3}),
        ("gpt-image-2", {"output": requests.Output(quality=requests.QUALITY_LOW)}),
        ("gpt-image-2.6-flare", {"size": SQUARE, "output": requests.Output(quality=requests.QUALITY_MAX)}),
        ("gpt-image-1.5", {"output": requests.Output(media_type="image/webp", compression_percent=30)}),
        ("gpt-image-1-mini", {"output": requests.Output(background=requests.BACKGROUND_TRANSPARENT)}),
        ("gpt-image-2.5-flare", {"output": requests.Output(background=requests.BACKGROUND_TRANSPARENT)}),
        ("gpt-image-2", {"edit": requests.Edit(image=media(plain(64, 64)))}),
        ("gpt-image-1-mini", {"edit": requests.Edit(image=media(plain(96, 64)))}),
        ("gpt-image-2", {"output": requests.Output(partial_image_count=2)}),
        ("dall-e-3", {"size": SQUARE, "style": "natural"}),
        ("dall-e-3", {"size": pixels(1792, 1024), "output": requests.Output(quality=requests.QUALITY_HIGH)}),
        ("dall-e-2", {"size": pixels(256, 256), "image_count": 2}),
        ("dall-e-2", {"variation": requests.Variation(image=media(plain(64, 64)))}),
    ],
)
async def test_our_cost_is_the_providers_bill(bench: Bench, tmp_path: Path, model: str, fields: dict[str, Any]) -> None:
    """To the millionth of a dollar; the attempt's id went along."""
    async with adapter(bench, tmp_path) as room:
        answer = await room.ask(model, **fields)
    check_adapter_stream(answer.events, ATTEMPT)
    journal = await bench.journal("openai")
    assert journal["billable"] == 1
    (entry,) = journal["entries"]
    assert to_micros(answer.result.cost.amount) == entry["cost_micros"] > 0
    assert entry["attempt_id"] == ATTEMPT


async def test_previews_come_before_their_picture(bench: Bench, tmp_path: Path) -> None:
    """Two previews, numbered, then the picture itself."""
    async with adapter(bench, tmp_path) as room:
        answer = await room.ask("gpt-image-2", size=SQUARE, output=requests.Output(partial_image_count=2))
    started = answer.of("media_started")
    assert [(one.partial, one.partial_index) for one in started] == [(True, 0), (True, 1), (False, 0)]


async def test_what_the_provider_resolved_is_told(bench: Bench, tmp_path: Path) -> None:
    """Quality and size were left to it."""
    async with adapter(bench, tmp_path) as room:
        told = (await room.ask("gpt-image-2")).result.provider_metadata
    assert told["size"] == "1024x1024"
    assert told["quality"] in {"low", "medium", "high"}


async def test_a_mask_arrives_in_openais_convention(bench: Bench, tmp_path: Path) -> None:
    """White means repaint here and transparent means repaint there; only that part changes."""
    image = plain(64, 64, "red")
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    edit = requests.Edit(image=media(image), mask=media(mask))
    async with adapter(bench, tmp_path) as room:
        answer = await room.ask("gpt-image-1.5", size=SQUARE, edit=edit)
    assert answer.error is None
    async with compatible(bench, tmp_path, white_mask=True) as room:
        answer = await room.ask("qwen-image-edit", edit=edit)
    drawn = opened(answer.pictures[0]).convert("RGB")
    assert drawn.getpixel((4, 32)) == (0, 0, 0)
    assert drawn.getpixel((60, 32)) == (255, 0, 0)


async def test_a_mask_of_another_shape_is_refused_before_anything_is_sent(bench: Bench, tmp_path: Path) -> None:
    """The sentence names both sizes."""
    edit = requests.Edit(image=media(plain(64, 64)), mask=media(plain(32, 64)))
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask("gpt-image-2", edit=edit)).failure
    assert (reason_name(error.reason), error.field) == ("invalid_field", "mask")
    assert "32x64" in error.message
    assert (await bench.journal())["entries"] == []


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n"])
async def test_an_unreadable_input_is_refused_before_anything_is_sent(
    bench: Bench, tmp_path: Path, data: bytes
) -> None:
    """By its structure."""
    edit = requests.Edit(image=medias.Media(data=data))
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask("gpt-image-2", edit=edit)).failure
    assert (reason_name(error.reason), error.field) == ("input_unreadable", "image")
    assert (await bench.journal())["entries"] == []


async def test_references_go_along_as_further_pictures(bench: Bench, tmp_path: Path) -> None:
    """Also where there is no picture to edit."""
    reference = requests.Reference(image=media(plain(32, 32)))
    async with adapter(bench, tmp_path) as room:
        answer = await room.ask("gpt-image-2", references=[reference, reference])
    assert answer.error is None
    assert (await bench.last("openai"))["kind"] == "edits"


@pytest.mark.parametrize(
    ("fields", "parameter", "sent"),
    [
        ({"size": pixels(1920, 1080)}, "size", "1920x1088"),
        ({"seed": 4}, "seed", ""),
        ({"negative_prompt": "cats"}, "negative_prompt", ""),
        ({"output": requests.Output(quality=requests.QUALITY_MAX)}, "quality", "high"),
        ({"output": requests.Output(media_type="image/avif")}, "output_format", "image/png"),
        ({"output": requests.Output(compression_percent=5)}, "output_compression", ""),
        ({"output": requests.Output(background=requests.BACKGROUND_TRANSPARENT)}, "background", ""),
        (
            {"edit": requests.Edit(image=media(plain())), "moderation": requests.MODERATION_LOW},
            "moderation",
            "",
        ),
    ],
)
async def test_what_openai_cannot_do_is_adjusted(
    bench: Bench, tmp_path: Path, fields: dict[str, Any], parameter: str, sent: str
) -> None:
    """And said."""
    async with adapter(bench, tmp_path) as room:
        assert (await room.ask("gpt-image-2", **fields)).adjusted(parameter).sent == sent


@pytest.mark.parametrize(
    ("step", "reason", "outcome", "billed"),
    [
        ({"status": 429, "headers": {"retry-after": "7"}}, "rate_limited", "REFUSED", "NO"),
        ({"status": 500}, "provider_unavailable", "REFUSED", "NO"),
        ({"status": 503}, "provider_unavailable", "REFUSED", "NO"),
        ({"status": 401}, "provider_auth_failed", "REFUSED", "NO"),
        ({"status": 404}, "provider_model_gone", "REFUSED", "NO"),
        (
            {"status": 400, "body": json.dumps({"error": {"message": "x", "code": "moderation_blocked"}})},
            "content_blocked",
            "REFUSED",
            "NO",
        ),
        ({"cut_after_bytes": 200}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"connection": "reset"}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"garbage": True}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"status": 200, "body": "null"}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"status": 200, "body": "[]"}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"status": 200, "body": '{"data":[]}'}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"status": 200, "body": '{"data":[{}]}'}, "provider_answer_invalid", "UNSPECIFIED", "UNKNOWN"),
        ({"status": 200, "body": '{"data":[{"b64_json":"####"}]}'}, "media_invalid", "ACCEPTED", "YES"),
        ({"status": 200, "body": '{"data":[{"b64_json":"aGVsbG8="}]}'}, "media_invalid", "ACCEPTED", "YES"),
        (
            {"status": 200, "body": '{"data":[{"url":"https://169.254.169.254/x"}]}'},
            "provider_answer_invalid",
            "ACCEPTED",
            "YES",
        ),
    ],
)
async def test_a_fault_of_the_provider_has_its_reason_and_its_bill(
    bench: Bench, tmp_path: Path, step: dict[str, Any], reason: str, outcome: str, billed: str
) -> None:
    """What came after a good status is charged, whatever is wrong with it."""
    await bench.script("openai", step)
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask("gpt-image-2", size=SQUARE)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == reason
    assert event_pb2.Outcome.Name(error.failure.outcome) == f"OUTCOME_{outcome}"
    assert event_pb2.Billed.Name(error.failure.billed) == f"BILLED_{billed}"
    assert KEY not in error.message + str(error.metadata)


async def test_a_stall_ends_at_the_deadline_as_unknown(bench: Bench, tmp_path: Path) -> None:
    """The provider may have charged."""
    await bench.script("openai", {"stall_after_bytes": 100})
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask("gpt-image-2", size=SQUARE, timeout_s=4)).failure
    assert error.failure is not None
    assert reason_name(error.reason) == "provider_timeout"
    assert error.failure.billed == event_pb2.BILLED_UNKNOWN


async def test_a_missing_key_is_named(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent without it."""
    monkeypatch.delenv("OPENAI_API_KEY")
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask("gpt-image-2")).failure
        described = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    assert error.failure is not None
    assert "OPENAI_API_KEY" in error.message
    assert error.failure.outcome == event_pb2.OUTCOME_NOT_SENT
    assert [one.configured for one in described.accounts] == [False]


@pytest.mark.parametrize("model", ["sandbox-rate-limited", "sandbox-down"])
async def test_the_sandboxs_faults_can_be_asked_for(bench: Bench, tmp_path: Path, model: str) -> None:
    """They have models of their own."""
    async with adapter(bench, tmp_path) as room:
        error = (await room.ask(model)).failure
    assert reason_name(error.reason) == {"sandbox-down": "provider_unavailable"}.get(model, "rate_limited")


@pytest.mark.parametrize("form", ["b64_json", "url", ""])
async def test_a_compatible_server_is_asked_in_its_own_words(bench: Bench, tmp_path: Path, form: str) -> None:
    """Any model, seed and negative prompt, pictures as text or by address."""
    async with compatible(bench, tmp_path, response_format=form) as room:
        answer = await room.ask("qwen-image", size=pixels(320, 200), seed=7, negative_prompt="cats", image_count=2)
    assert [opened(data).size for data in answer.pictures] == [(320, 200)] * 2
    assert not answer.result.adjustments
    assert to_micros(answer.result.cost.amount) == 0


async def test_a_compatible_servers_own_fields_pass(bench: Bench, tmp_path: Path) -> None:
    """Under provider_options of the instance's name or of openai."""
    fields = requests.ImageRequest()
    fields.provider_options["openai"].update({"num_inference_steps": 4, "output_format": "webp"})
    async with compatible(bench, tmp_path) as room:
        answer = await room.ask("z-image", wish(provider_options=fields.provider_options))
    assert Image.open(io.BytesIO(answer.pictures[0])).format == "WEBP"


async def test_a_compatible_servers_own_fields_stay_in_their_place(bench: Bench, tmp_path: Path) -> None:
    """A name that would end a part's head, and begin another part, is refused before anything is sent."""
    fields = requests.ImageRequest()
    fields.provider_options["openai"].update({'a"\r\n\r\n1\r\n--b\r\ncontent-disposition: form-data; name="n': 9})
    async with compatible(bench, tmp_path) as room:
        answer = await room.ask("z-image", wish(provider_options=fields.provider_options))
    assert reason_name(answer.failure.reason) == "invalid_field"
    assert "is no name of a field" in answer.failure.message


async def test_a_price_of_the_configuration_is_charged(bench: Bench, tmp_path: Path) -> None:
    """The server itself tells none."""
    async with compatible(bench, tmp_path, price_per_image_usd="0.0015") as room:
        answer = await room.ask("dear", image_count=2, size=pixels(64, 64))
    assert to_micros(answer.result.cost.amount) == (await bench.last("compat", "generations"))["cost_micros"] == 3000


async def test_the_providers_address_is_passed_through(bench: Bench, tmp_path: Path) -> None:
    """No bytes come, and the address is the provider's."""
    output = requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)
    async with compatible(bench, tmp_path) as room:
        answer = await room.ask("qwen-image", output=output)
    (info,) = answer.of("media_started")
    assert info.uri.startswith(f"{bench.base}/compat/files/")
    assert not answer.of("media_chunk")
    check_adapter_stream(answer.events, ATTEMPT)


def test_openais_key_is_not_sent_to_a_server_that_did_not_ask_for_it() -> None:
    """A compatible server has no key unless its section says so."""
    assert OpenAISettings.model_validate({"compatible": True, "base_url": "http://gpu:8000/v1"}).api_key is None
    assert OpenAISettings().api_key is not None


async def test_a_compatible_server_describes_any_model(bench: Bench, tmp_path: Path) -> None:
    """One capability under a star."""
    async with compatible(bench, tmp_path, size_step_px=16) as room:
        described = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    (capability,) = described.models
    assert capability.provider_model == "*"
    assert capability.sizes == Pixels(64, 8192, step=16).rule()
