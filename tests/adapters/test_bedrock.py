"""Amazon Bedrock: what is sent, what comes back, and what it costs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from PIL import Image

from heliostat.adapters.bedrock.adapter import BedrockAdapter
from heliostat.adapters.bedrock.body import encoded, make_body
from heliostat.adapters.bedrock.catalog import models_of
from heliostat.adapters.bedrock.endpoints import SERVICES
from heliostat.adapters.bedrock.options import BedrockOptions
from heliostat.adapters.sdk.masks import MaskForm, in_form
from heliostat.adapters.stability.catalog import MODELS as STABILITYS
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.bedrock import amazon, stable
from heliostat.emulators.bedrock.catalogue import AMAZON, STABLE
from tests.adapters.bedrock_requests import (
    CAREFUL,
    CORE,
    CREATIVE,
    ERASE,
    EXTENDED,
    FAST,
    INPAINT,
    KEY,
    LARGE,
    MODELS,
    ULTRA,
    edit,
    masked,
    signing,
    upscale,
)
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain

OUTPAINT, REPLACE = "stability.stable-outpaint-v1:0", "stability.stable-image-search-replace-v1:0"
CUT, SKETCH = "stability.stable-image-remove-background-v1:0", "stability.stable-image-control-sketch-v1:0"
GUIDE, TRANSFER = "stability.stable-image-style-guide-v1:0", "stability.stable-style-transfer-v1:0"
NOVA, TITAN = "amazon.nova-canvas-v1:0", "amazon.titan-image-generator-v2:0"
TEXT = {"text": "a red boat"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API key where the settings look for it; no access key."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated runtime."""
    async with running("bedrock", tmp_path) as one:
        yield one


def outpaint(**sides: int) -> dict[str, Any]:
    """A blue picture on a larger canvas."""
    return {"outpaint": requests.Outpaint(image=media(plain()), **sides)}


def reference(colour: str = "green", **more: Any) -> requests.Reference:
    """A picture to look at."""
    return requests.Reference(image=media(plain(colour=colour)), **more)


def options(**given: Any) -> dict[str, Struct]:
    """provider_options."""
    told = Struct()
    told.update(given)
    return {"bedrock": told}


async def body_of(model: str, given: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; the emulated model takes it.

    Pictures are shown as PNG, seeds that nobody wished as ANY.
    """
    asked = call_of(MODELS.get(model), **fields)
    body = json.loads(encoded(await make_body(asked, BedrockOptions(**(given or {})))))
    if model in STABLE:
        stable.read_order(STABLE[model], body)
        return {name: _shown(value) for name, value in body.items()}
    amazon.read_task(AMAZON[model], body)
    config = body.get("imageGenerationConfig", {})
    if "seed" in config and not asked.request.HasField("seed"):
        config["seed"] = "ANY"
    return {
        name: {key: _shown(one) for key, one in value.items()} if isinstance(value, dict) else value
        for name, value in body.items()
    }


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return "PNG" if isinstance(value, str) and value.startswith("iVBORw0KGgo") else value


@pytest.mark.parametrize(
    ("model", "given", "fields", "sent"),
    [
        (CORE, {}, {}, {"aspect_ratio": "1:1"}),
        (
            *(CORE, {}, {"size": pixels(1536, 640), "seed": 7, "negative_prompt": "cats"}),
            {"aspect_ratio": "21:9", "seed": 7, "negative_prompt": "cats"},
        ),
        (
            *(ULTRA, {}, {"output": requests.Output(media_type="image/jpeg")}),
            {"aspect_ratio": "1:1", "output_format": "jpeg"},
        ),
        (LARGE, {}, {"size": pixels(1344, 768)}, {"aspect_ratio": "16:9"}),
        (LARGE, {}, edit(strength=0.3), {"image": "PNG", "mode": "image-to-image", "strength": 0.3}),
        (LARGE, {}, edit(), {"image": "PNG", "mode": "image-to-image", "strength": 0.6}),
        (INPAINT, {"grow_mask": 3}, masked(), {"image": "PNG", "mask": "PNG", "grow_mask": 3}),
        (INPAINT, {}, {**masked(), "style": "anime"}, {"grow_mask": 0, "style_preset": "anime"}),
        (ERASE, {}, masked(), {"image": "PNG", "mask": "PNG", "grow_mask": 0, "prompt": None}),
        (
            *(
                OUTPAINT,
                {"creativity": 0.2},
                {"outpaint": requests.Outpaint(image=media(plain()), left_px=64, top_px=8)},
            ),
            {"image": "PNG", "left": 64, "up": 8, "creativity": 0.2},
        ),
        (REPLACE, {"search_prompt": "cat"}, edit(), {"image": "PNG", "search_prompt": "cat"}),
        (CUT, {}, {"remove_background": requests.RemoveBackground(image=media(plain()))}, {"image": "PNG"}),
        (SKETCH, {}, edit(strength=0.25), {"image": "PNG", "control_strength": 0.75}),
        (GUIDE, {}, {"references": [reference(weight=0.8)]}, {"image": "PNG", "fidelity": 0.8, "aspect_ratio": "1:1"}),
        (
            TRANSFER,
            {"change_strength": 0.5},
            {
                "style_transfer": requests.StyleTransfer(
                    image=media(plain()), style=media(plain(colour="red")), strength=0.9
                )
            },
            {"init_image": "PNG", "style_image": "PNG", "style_strength": 0.9, "change_strength": 0.5},
        ),
        (FAST, {}, upscale(), {"image": "PNG", "prompt": None}),
        (CAREFUL, {}, upscale(creativity=0.9), {"image": "PNG", "creativity": 0.5}),
        (CREATIVE, {}, upscale(creativity=0.2), {"image": "PNG", "creativity": 0.2}),
    ],
)
async def test_what_stabilitys_models_are_sent(
    model: str, given: dict[str, Any], fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """And nothing that the emulated ones refuse, which know no field beyond their own."""
    body = await body_of(model, given, **fields)
    assert {name: body.get(name) for name in sent} == sent
    assert body.get("output_format", "png") in {"png", "jpeg"}


@pytest.mark.parametrize("model", [CORE, ULTRA])
async def test_core_and_ultra_get_no_field_beyond_theirs(model: str) -> None:
    """They refuse whatever Stability's own API takes beside these."""
    fields: dict[str, Any] = {"seed": 7, "negative_prompt": "cats", "style": "anime", "end_user_id": "u"}
    assert set(await body_of(model, **fields)) == {"prompt", "seed", "negative_prompt", "aspect_ratio", "output_format"}


@pytest.mark.parametrize(
    ("model", "given", "fields", "task", "params"),
    [
        (NOVA, {}, {}, "TEXT_IMAGE", TEXT),
        (
            *(NOVA, {}, {"style": "flat-vector-illustration", "negative_prompt": "cats"}, "TEXT_IMAGE"),
            {**TEXT, "style": "FLAT_VECTOR_ILLUSTRATION", "negativeText": "cats"},
        ),
        (NOVA, {"colors": ("#ff8800",)}, {}, "COLOR_GUIDED_GENERATION", {**TEXT, "colors": ["#ff8800"]}),
        (NOVA, {}, {"references": [reference(), reference()]}, "IMAGE_VARIATION", {**TEXT, "images": ["PNG", "PNG"]}),
        (NOVA, {}, edit(320, 320), "IMAGE_VARIATION", {**TEXT, "images": ["PNG"]}),
        (
            *(NOVA, {}, edit(320, 320, strength=0.4), "IMAGE_VARIATION"),
            {**TEXT, "images": ["PNG"], "similarityStrength": 0.6},
        ),
        (
            *(TITAN, {}, {"variation": requests.Variation(image=media(plain()), similarity=0.1)}, "IMAGE_VARIATION"),
            {**TEXT, "images": ["PNG"], "similarityStrength": 0.2},
        ),
        (NOVA, {}, masked(320, 320), "INPAINTING", {**TEXT, "image": "PNG", "maskImage": "PNG"}),
        (TITAN, {"mask_prompt": "the sky"}, edit(), "INPAINTING", {**TEXT, "image": "PNG", "maskPrompt": "the sky"}),
        (
            *(NOVA, {}, {"remove_background": requests.RemoveBackground(image=media(plain()))}, "BACKGROUND_REMOVAL"),
            {"image": "PNG"},
        ),
    ],
)
async def test_what_amazons_models_are_sent(
    model: str, given: dict[str, Any], fields: dict[str, Any], task: str, params: dict[str, Any]
) -> None:
    """A task with its parameters."""
    body = await body_of(model, given, **fields)
    assert body["taskType"] == task
    (sent,) = [value for name, value in body.items() if name.endswith("Params")]
    assert sent == params


async def test_how_amazons_models_are_configured() -> None:
    """Two words of quality, the size, the number, a seed in any case."""
    premium = requests.Output(quality=requests.QUALITY_HIGH)
    body = await body_of(NOVA, {"cfg_scale": 3}, size=pixels(1280, 720), image_count=3, output=premium, seed=5)
    config = {"numberOfImages": 3, "quality": "premium", "seed": 5, "width": 1280, "height": 720, "cfgScale": 3}
    assert body["imageGenerationConfig"] == config
    assert (await body_of(TITAN))["imageGenerationConfig"]["seed"] == "ANY"


@pytest.mark.parametrize(
    ("model", "given", "fields", "reason", "field"),
    [
        (CORE, {"grow_mask": 3}, {}, "invalid_field", "provider_options.bedrock.grow_mask"),
        (REPLACE, {}, edit(), "invalid_field", "provider_options.bedrock.search_prompt"),
        (INPAINT, {}, edit(), "invalid_field", "mask"),
        (GUIDE, {}, {}, "invalid_field", "references"),
        (OUTPAINT, {}, outpaint(), "invalid_field", "outpaint"),
        (FAST, {}, upscale(1600, 64), "invalid_field", "image"),
        (CREATIVE, {}, upscale(2048, 1024), "unsupported", "image"),
        (NOVA, {"grow_mask": 3}, {}, "invalid_field", "provider_options.bedrock.grow_mask"),
        (NOVA, {"mask_prompt": "x"}, masked(320, 320), "invalid_field", "provider_options.bedrock.mask_prompt"),
        (NOVA, {}, {**masked(320, 320), "references": [reference()]}, "unsupported", "references"),
        (TITAN, {}, {"prompt": "x" * 513}, "invalid_field", "prompt"),
        (NOVA, {}, {"negative_prompt": "x" * 1025}, "invalid_field", "negative_prompt"),
    ],
)
async def test_what_is_refused_before_anything_is_sent(
    model: str, given: dict[str, Any], fields: dict[str, Any], reason: str, field: str
) -> None:
    """With the field, and what to do instead."""
    with pytest.raises(MeshError) as refused:
        await make_body(call_of(MODELS.get(model), **fields), BedrockOptions(**given))
    assert (reason_name(refused.value.reason), refused.value.field) == (reason, field)


def test_models_are_known_by_the_names_that_stability_gave_them() -> None:
    """So that each is reached through either provider; prices are Bedrock's own."""
    known = {name for model in STABILITYS for name in model.names}
    for model in models_of(legacy=False):
        assert set(model.names) <= known, model.name
        assert model.price_source
        assert STABLE[model.name].profile == (model.name in SERVICES)


@pytest.mark.parametrize("model", [model for model in STABLE if model not in {GUIDE, TRANSFER}])
async def test_our_cost_is_the_providers_bill(provider: EmulatedProvider, model: str) -> None:
    """Of every model, by the operation that it has."""
    fields: dict[str, Any] = {
        **{name: {} for name in (CORE, ULTRA, LARGE)},
        **dict.fromkeys((INPAINT, ERASE), masked()),
        OUTPAINT: outpaint(left_px=64),
        CUT: {"remove_background": requests.RemoveBackground(image=media(plain()))},
        **dict.fromkeys((FAST, CAREFUL, CREATIVE), upscale()),
    }.get(model, edit())
    given = {REPLACE: {"search_prompt": "x"}, "stability.stable-image-search-recolor-v1:0": {"select_prompt": "x"}}
    answer = await provider.room.ask(model, **fields, provider_options=options(**given.get(model, {})))
    told = answer.result
    (entry,) = await provider.journal()
    assert to_micros(told.cost.amount) == entry["cost_micros"] == STABLE[model].micros
    assert (entry["model"], entry["attempt_id"]) == (model, ATTEMPT)
    assert told.provider == "bedrock"
    if model in {FAST, CAREFUL, CREATIVE}:
        assert opened(answer.pictures[0]).size == ((256, 256) if model == FAST else (2048, 2048))
    (ended,) = answer.of("media_ended")
    assert ended.seed > 0


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (GUIDE, {"references": [reference()]}),
        (
            TRANSFER,
            {"style_transfer": requests.StyleTransfer(image=media(plain()), style=media(plain(colour="red")))},
        ),
    ],
)
async def test_styles_of_pictures(provider: EmulatedProvider, model: str, fields: dict[str, Any]) -> None:
    """Of a reference, and of a style beside a picture."""
    told = (await provider.room.ask(model, **fields)).result
    assert to_micros(told.cost.amount) == STABLE[model].micros


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (NOVA, {"image_count": 3, "output": requests.Output(quality=requests.QUALITY_HIGH)}, 180_000),
        (NOVA, {"size": pixels(2048, 1024)}, 60_000),
        (NOVA, {"size": pixels(4096, 1024)}, 60_000),
        (NOVA, {**masked(512, 512)}, 40_000),
        (NOVA, {"remove_background": requests.RemoveBackground(image=media(plain(512, 512)))}, 40_000),
        (TITAN, {"size": pixels(512, 512)}, 8_000),
        (TITAN, {"size": pixels(768, 1152)}, 10_000),
        (TITAN, {"output": requests.Output(quality=requests.QUALITY_MAX)}, 12_000),
    ],
)
async def test_amazons_models_cost_by_size_and_quality(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, fields: dict[str, Any], micros: int
) -> None:
    """Where the account still has them, and the section offers them."""
    signing(monkeypatch, EXTENDED)
    async with running("bedrock", tmp_path, legacy=True) as provider:
        told = (await provider.room.ask(model, **fields)).result
        (entry,) = await provider.journal()
    assert to_micros(told.cost.amount) == entry["cost_micros"] == micros


async def test_a_seed_is_that_of_the_first_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon's models do not say which seeds the others have."""
    signing(monkeypatch, EXTENDED)
    async with running("bedrock", tmp_path, legacy=True) as provider:
        answer = await provider.room.ask(NOVA, image_count=2, seed=5)
    assert [ended.seed if ended.HasField("seed") else None for ended in answer.of("media_ended")] == [5, None]


async def test_what_moderation_took_is_not_delivered_and_not_charged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of three came; the one that is left of one is none."""
    signing(monkeypatch, EXTENDED)
    async with running("bedrock", tmp_path, legacy=True) as provider:
        answer = await provider.room.ask(NOVA, prompt="gore", image_count=3)
        blocked = (await provider.room.ask(NOVA, prompt="gore")).failure
        refused = (await provider.room.ask(NOVA, prompt="nsfw")).failure
    assert len(answer.pictures) == 2
    assert to_micros(answer.result.cost.amount) == 80_000
    for error in (blocked, refused):
        assert reason_name(error.reason) == "content_blocked"
    assert refused.failure is not None
    assert (refused.failure.outcome, refused.failure.billed) == (events.OUTCOME_REFUSED, events.BILLED_NO)


async def test_amazons_models_are_over(tmp_path: Path) -> None:
    """For an account without an extension."""
    async with running("bedrock", tmp_path) as provider:
        described = await call(provider.room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    assert {model.provider_model for model in described.models} == set(STABLE)
    async with running("bedrock", tmp_path, legacy=True) as provider:
        error = (await provider.room.ask(NOVA)).failure
    assert reason_name(error.reason) == "provider_model_gone"


def test_amazons_masks_are_black_or_white() -> None:
    """With nothing between: so they say."""
    soft = Image.linear_gradient("L")
    made = in_form(soft, MaskForm.HARD_BLACK_REPAINTS)
    assert {level for level, count in enumerate(made.histogram()) if count} == {0, 255}
    assert (soft.getpixel((0, 255)), made.getpixel((0, 255))) == (255, 0)


@pytest.mark.parametrize("model", [INPAINT, NOVA])
async def test_masks_are_of_either_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    """White repaints at Stability's, black at Amazon's; the same half changes."""
    signing(monkeypatch, EXTENDED)
    async with running("bedrock", tmp_path, legacy=True) as provider:
        mask = Image.new("L", (320, 320), 0)
        mask.paste(255, (0, 0, 160, 320))
        change = requests.Edit(image=media(plain(320, 320, "red")), mask=media(mask))
        drawn = opened((await provider.room.ask(model, edit=change)).pictures[0]).convert("RGB")
    assert (drawn.getpixel((40, 160)), drawn.getpixel((280, 160))) == ((0, 0, 0), (255, 0, 0))


def test_every_option_goes_somewhere() -> None:
    """Each belongs to a model, and Describe names only those of the model."""
    adapter = BedrockAdapter.__new__(BedrockAdapter)
    known = {name for model in MODELS for name in adapter.option_names(model)}
    assert known == set(BedrockOptions.model_fields)


def test_every_operation_is_offered() -> None:
    """By one model at least."""
    offered = {operation for model in MODELS for operation in model.operations}
    assert offered == {
        *("text_to_image", "edit", "variation", "upscale", "remove_background", "style_transfer", "outpaint"),
    }
