"""DashScope: what is sent, what it costs, and what comes back."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.dashscope.body import gather, make_body
from heliostat.adapters.dashscope.catalog import BEIJING, SANDBOX, SINGAPORE
from heliostat.adapters.dashscope.endpoints import ENDPOINTS, MULTIMODAL
from heliostat.adapters.dashscope.options import DashScopeOptions
from heliostat.adapters.dashscope.settings import DashScopeSettings
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.chassis.money import to_micros
from heliostat.emulators.bodies import Body
from heliostat.emulators.dashscope.catalogue import BY_NAME
from heliostat.emulators.dashscope.inputs import read_order
from tests.adapters.dashscope_requests import KEY, QWEN, QWEN_2, QWEN_EDIT, WAN, WAN_22, WAN_EDIT, WAN_PRO, Z, edit
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import ATTEMPT, media, opened, pixels, plain, wish

WANX = "wanx2.1-imageedit"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key where the settings look for it."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The adapter at the emulated API."""
    async with running("dashscope", tmp_path) as one:
        yield one


@pytest.fixture
async def beijing(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """The same with the models of Beijing."""
    async with running("dashscope", tmp_path, region="beijing") as one:
        yield one


def masked(**fields: Any) -> dict[str, Any]:
    """An edit with a mask whose left half is to be repainted."""
    mask = plain(64, 64, "black", "RGBA")
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    white = media(plain(colour="white"))
    mode = requests.MASK_MODE_ALPHA_REPAINTS
    return {"edit": requests.Edit(image=white, mask=media(mask), mask_mode=mode, **fields)}


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


def ratio(width: int, height: int, tier: "requests.SizeTier" = requests.SIZE_TIER_UNSPECIFIED) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=tier))


def upscale(**target: Any) -> dict[str, Any]:
    """An enlargement of a picture of 64x48."""
    return {"upscale": requests.Upscale(image=media(plain(64, 48)), **target)}


def outpaint(**sides: int) -> dict[str, Any]:
    """An outpainting of a picture of 64x48."""
    return {"outpaint": requests.Outpaint(image=media(plain(64, 48)), **sides)}


def style(**fields: Any) -> dict[str, Any]:
    """A picture in another style."""
    return {"style_transfer": requests.StyleTransfer(image=media(plain()), **fields)}


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request; the emulated API takes it. Pictures are shown as PNG."""
    endpoint = ENDPOINTS[model]
    call = call_of(SANDBOX.get(model), **fields)
    body = make_body(endpoint, call, DashScopeOptions(**(options or {})), await gather(endpoint, call))
    body = json.loads(json.dumps(body))
    path = endpoint.path.removeprefix("/services/aigc/")
    await read_order(path, Body(body), asynchronous=endpoint.has_tasks)
    assert body["model"] == model
    return dict(_shown(body))


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return "PNG" if isinstance(value, str) and value.startswith("data:image/png;base64,iVBORw0KGgo") else value


@pytest.mark.parametrize(
    ("model", "options", "fields", "pictures", "parameters"),
    [
        (QWEN_2, {}, {}, 0, {"n": 1}),
        (QWEN_2, {}, {"image_count": 6, "seed": 7}, 0, {"n": 6, "seed": 7}),
        (QWEN_2, {}, {"size": pixels(1024, 768)}, 0, {"n": 1, "size": "1024*768"}),
        (QWEN_2, {}, {"negative_prompt": "fog"}, 0, {"n": 1, "negative_prompt": "fog"}),
        (
            QWEN_2,
            {"prompt_extend": False, "watermark": True},
            {},
            0,
            {"n": 1, "prompt_extend": False, "watermark": True},
        ),
        (QWEN_2, {}, {**edit(), "references": [reference()]}, 2, {"n": 1}),
        ("qwen-image-max", {}, {"size": ratio(16, 9)}, 0, {"size": "1664*928"}),
        (QWEN_EDIT, {}, {**edit(), "size": pixels(512, 1024)}, 1, {"n": 1, "size": "512*1024"}),
        ("qwen-image-edit", {}, edit(), 1, {}),
        (Z, {}, {}, 0, {}),
        (Z, {"prompt_extend": True}, {"size": pixels(1024, 1024)}, 0, {"prompt_extend": True, "size": "1024*1024"}),
        (WAN, {}, {"size": ratio(1, 1, requests.SIZE_TIER_2K)}, 0, {"n": 1, "size": "2048*2048"}),
        (WAN_PRO, {}, {"size": ratio(1, 1, requests.SIZE_TIER_4K)}, 0, {"n": 1, "size": "4096*4096"}),
        (
            WAN_PRO,
            {},
            {"size": ratio(1, 1, requests.SIZE_TIER_4K), "references": [reference()]},
            1,
            {"n": 1, "size": "2048*2048"},
        ),
        (WAN, {"thinking_mode": False}, {}, 0, {"n": 1, "thinking_mode": False}),
        (
            WAN,
            {"bbox_list": [[[1, 2, 30, 40]], []]},
            {**edit(), "references": [reference()]},
            2,
            {"n": 1, "bbox_list": [[[1, 2, 30, 40]], []]},
        ),
        (
            WAN,
            {"color_palette": [{"hex": "#FFFFFF", "ratio": one} for one in (50, 25.5, 24.5)]},
            {},
            0,
            {"n": 1, "color_palette": [{"hex": "#FFFFFF", "ratio": one} for one in ("50.00%", "25.50%", "24.50%")]},
        ),
        ("wan2.6-t2i", {}, {"image_count": 2, "size": ratio(1, 1)}, 0, {"n": 2, "size": "1280*1280"}),
    ],
)
async def test_a_message_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], pictures: int, parameters: dict[str, Any]
) -> None:
    """Pictures stand before the text; nothing else is sent, and watermarks are always spoken of."""
    content = [*({"image": "PNG"} for _ in range(pictures)), {"text": "a red boat"}]
    assert await body_of(model, options, **fields) == {
        "model": model,
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": {"watermark": False, **parameters},
    }


@pytest.mark.parametrize(
    ("model", "options", "fields", "given", "parameters"),
    [
        (QWEN, {}, {}, {}, {}),
        (
            QWEN,
            {},
            {"size": pixels(1328, 1328), "negative_prompt": "fog"},
            {"negative_prompt": "fog"},
            {"size": "1328*1328"},
        ),
        (WAN_22, {}, {"size": pixels(1024, 1024), "image_count": 4}, {}, {"n": 4, "size": "1024*1024"}),
        ("wan2.5-t2i-preview", {"prompt_extend": False}, {}, {}, {"n": 1, "prompt_extend": False}),
        (WAN_EDIT, {}, edit(), {"images": ["PNG"]}, {"n": 1}),
        (
            WAN_EDIT,
            {},
            {**edit(), "size": pixels(1280, 960), "references": [reference()] * 2},
            {"images": ["PNG"] * 3},
            {"n": 1, "size": "1280*960"},
        ),
        (WANX, {}, edit(), {"function": "description_edit", "base_image_url": "PNG"}, {"n": 1}),
        (
            WANX,
            {},
            edit(strength=0.75),
            {"function": "description_edit", "base_image_url": "PNG"},
            {"n": 1, "strength": 0.75},
        ),
        (
            WANX,
            {},
            {**masked(), "seed": 1},
            {"function": "description_edit_with_mask", "base_image_url": "PNG", "mask_image_url": "PNG"},
            {"n": 1, "seed": 1},
        ),
        (WANX, {"function": "colorization"}, edit(), {"function": "colorization", "base_image_url": "PNG"}, {"n": 1}),
        (
            WANX,
            {"function": "doodle", "is_sketch": True},
            edit(),
            {"function": "doodle", "base_image_url": "PNG"},
            {"n": 1, "is_sketch": True},
        ),
        (
            WANX,
            {},
            {**upscale(), "prompt": ""},
            {"function": "super_resolution", "base_image_url": "PNG", "prompt": "Super resolution"},
            {"n": 1, "upscale_factor": 2},
        ),
        (
            WANX,
            {},
            upscale(factor=4),
            {"function": "super_resolution", "base_image_url": "PNG"},
            {"n": 1, "upscale_factor": 4},
        ),
        (
            WANX,
            {},
            upscale(size=requests.PixelSize(width_px=192, height_px=144)),
            {"function": "super_resolution", "base_image_url": "PNG"},
            {"n": 1, "upscale_factor": 3},
        ),
        (
            WANX,
            {},
            outpaint(left_px=32, top_px=48),
            {"function": "expand", "base_image_url": "PNG"},
            {"n": 1, "left_scale": 1.5, "top_scale": 2, "right_scale": 1, "bottom_scale": 1},
        ),
        (
            WANX,
            {},
            style(strength=0.25),
            {"function": "stylization_all", "base_image_url": "PNG"},
            {"n": 1, "strength": 0.25},
        ),
    ],
)
async def test_an_input_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], given: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """Each field by its own name, and nothing else."""
    assert await body_of(model, options, **fields) == {
        "model": model,
        "input": {"prompt": "a red boat", **given},
        "parameters": {"watermark": False, **parameters},
    }


@pytest.mark.parametrize(
    ("model", "options", "fields", "reason", "field"),
    [
        (QWEN_2, {}, {**edit(), "references": [reference()] * 3}, "unsupported", "references"),
        (WAN_EDIT, {}, {**edit(), "references": [reference()] * 3}, "unsupported", "references"),
        (WAN, {"prompt_extend": True}, {}, "invalid_field", "provider_options.dashscope.prompt_extend"),
        (QWEN, {"function": "doodle"}, {}, "invalid_field", "provider_options.dashscope.function"),
        (WAN, {"thinking_mode": True}, edit(), "invalid_field", "provider_options.dashscope.thinking_mode"),
        (WAN, {"bbox_list": []}, edit(), "invalid_field", "provider_options.dashscope.bbox_list"),
        (
            WAN,
            {"color_palette": [{"hex": "#FFFFFF", "ratio": 30}] * 3},
            {},
            "invalid_field",
            "provider_options.dashscope.color_palette",
        ),
        (WANX, {"function": "doodle"}, masked(), "invalid_field", "provider_options.dashscope.function"),
        (WANX, {"function": "doodle"}, upscale(), "invalid_field", "provider_options.dashscope.function"),
        (WANX, {"is_sketch": True}, edit(), "invalid_field", "provider_options.dashscope.is_sketch"),
        (WANX, {}, outpaint(top_px=49), "invalid_field", "outpaint.top_px"),
        (WANX, {}, style(style=media(plain())), "unsupported", "style_transfer.style"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], reason: str, field: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, options, **fields)
    assert (reason_name(caught.value.reason), caught.value.field) == (reason, field)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (upscale(factor=2.6), ("factor", "2.6", "x3")),
        (upscale(factor=8), ("factor", "8", "x4")),
        (upscale(size=requests.PixelSize(width_px=100, height_px=75)), ("size", "100x75", "x2")),
        (masked(strength=0.5), ("strength", "0.5", "")),
    ],
)
async def test_what_the_editor_does_otherwise_is_told(fields: dict[str, Any], told: tuple[str, str, str]) -> None:
    """A strict request is refused."""
    call = call_of(SANDBOX.get(WANX), **fields)
    pictures = await gather(ENDPOINTS[WANX], call)
    make_body(ENDPOINTS[WANX], call, DashScopeOptions(), pictures)
    assert told in [(one.parameter, one.requested, one.sent) for one in call.adjustments]
    with pytest.raises(MeshError) as caught:
        await body_of(WANX, **fields, strict=requests.STRICT_REFUSE)
    assert caught.value.field == told[0]


def test_models_and_options_are_complete() -> None:
    """Each model is one of the emulated API's, with as many pictures; each option is some model's."""
    assert {model.name for model in SANDBOX} == set(BY_NAME) == set(ENDPOINTS)
    assert {model.name for model in SINGAPORE} == {name for name, one in BY_NAME.items() if not one.beijing_only}
    assert {model.name for model in BEIJING} == set(BY_NAME)
    assert set().union(*(one.options for one in ENDPOINTS.values())) == set(DashScopeOptions.model_fields)
    for model in SANDBOX:
        known, endpoint = BY_NAME[model.name], ENDPOINTS[model.name]
        assert (model.max_images, endpoint.most) == (known.n, known.inputs[1])
        assert endpoint.path.removeprefix("/services/aigc/") in known.paths
        assert model.resumable is (endpoint.path != MULTIMODAL)
    offered = {operation for model in SANDBOX for operation in model.operations}
    assert offered == {"text_to_image", "edit", "upscale", "outpaint", "style_transfer"}


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (WAN_22, {}, 25_000),
        (WAN_22, {"image_count": 3}, 75_000),
        (WAN_PRO, {"image_count": 2}, 150_000),
        (WAN, {**edit(), "references": [reference()]}, 30_000),
        (QWEN, {}, 35_000),
        (QWEN_2, {"image_count": 2}, 70_000),
        (QWEN_EDIT, edit(), 30_000),
        (Z, {}, 15_000),
        (WAN_EDIT, edit(), 30_000),
    ],
)
async def test_our_cost_is_the_providers_bill(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """As it was estimated."""
    answer = await provider.room.ask(model, **fields)
    (entry,) = [*await provider.journal(), *await provider.journal("generations")]
    assert (entry["cost_micros"], entry["attempt_id"]) == (micros, ATTEMPT)
    cost = answer.result.cost
    assert (to_micros(cost.amount), cost.source) == (micros, events.COST_SOURCE_COMPUTED)
    assert to_micros(cost.estimated) == micros


async def test_a_rewritten_prompt_doubles_the_price_of_z_image(provider: EmulatedProvider) -> None:
    """In estimate and bill; the new prompt is told."""
    request = wish()
    request.provider_options["dashscope"].update({"prompt_extend": True})
    answer = await provider.room.ask(Z, request)
    (entry,) = await provider.journal("generations")
    assert entry["cost_micros"] == to_micros(answer.result.cost.amount) == 30_000
    assert to_micros(answer.result.cost.estimated) == 30_000
    assert answer.of("media_ended")[0].revised_prompt == "a red boat, in fine detail"


@pytest.mark.parametrize(
    ("model", "fields", "fen"),
    [(WAN_PRO, {}, 50), (WAN, {"image_count": 2}, 40), (QWEN, {}, 25), (QWEN_2, {}, 20), (Z, {}, 10)],
)
async def test_prices_of_beijing_need_a_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, fields: dict[str, Any], fen: int
) -> None:
    """With one the cost is the bill in dollars; without one it is unknown, and told so."""
    monkeypatch.setenv("DASHSCOPE_API_KEY", "cn-key-0123456789")
    async with running("dashscope", tmp_path, region="beijing", usd_rates={"CNY": "0.14"}) as rated:
        cost = (await rated.room.ask(model, **fields)).result.cost
        (entry,) = [*await rated.journal(), *await rated.journal("generations")]
        assert to_micros(cost.amount) == entry["cost_micros"] == fen * 1_400
    async with running("dashscope", tmp_path, region="beijing") as unrated:
        assert not (await unrated.room.estimate(model, **fields)).cost.HasField("amount")
        assert not (await unrated.room.ask(model, **fields)).result.cost.HasField("amount")


@pytest.mark.parametrize(
    ("settings", "beijing"),
    [
        ({}, False),
        ({"base_url": "https://dashscope.aliyuncs.com/api/v1"}, True),
        ({"base_url": "https://ws-1.cn-beijing.maas.aliyuncs.com/api/v1"}, True),
        ({"base_url": "https://ws-1.ap-southeast-1.maas.aliyuncs.com/api/v1"}, False),
        ({"base_url": "https://dashscope.aliyuncs.com/api/v1", "region": "singapore"}, False),
        ({"base_url": "https://proxy.example/api/v1", "region": "beijing"}, True),
    ],
)
def test_the_address_tells_the_region(settings: dict[str, Any], beijing: bool) -> None:
    """Unless a setting does."""
    assert DashScopeSettings(**settings).beijing is beijing


async def test_the_editor_is_in_beijing_only(provider: EmulatedProvider, tmp_path: Path) -> None:
    """Its price is known without a rate, for its page tells it in dollars too."""
    assert reason_name((await provider.room.ask(WANX, **edit())).failure.reason) == "provider_model_gone"
    async with running("dashscope", tmp_path, region="beijing") as beijing:
        answer = await beijing.room.ask(WANX, **edit())
        assert to_micros(answer.result.cost.amount) == (await beijing.journal())[0]["cost_micros"] == 20_070


async def test_a_mask_is_white_where_the_picture_is_painted(beijing: EmulatedProvider) -> None:
    """The caller's transparent hole reaches the provider as white; what lies outside of it stays."""
    (data,) = (await beijing.room.ask(WANX, **masked())).pictures
    edited = opened(data).convert("L")
    assert (edited.getpixel((8, 32)), edited.getpixel((56, 32))) == (0, 255)


@pytest.mark.parametrize(
    ("fields", "size"), [(outpaint(left_px=10, top_px=7), (74, 55)), (upscale(factor=3), (192, 144))]
)
async def test_a_picture_grows_as_asked(beijing: EmulatedProvider, fields: dict[str, Any], size: Any) -> None:
    """By pixels on each side, or by a factor."""
    (data,) = (await beijing.room.ask(WANX, **fields)).pictures
    assert opened(data).size == size
