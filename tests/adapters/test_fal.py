"""fal's tables: prices, sizes, inputs, jobs. No sockets."""

import base64
from typing import Any, cast

import pytest

from heliostat.adapters.fal.billing import billed_units
from heliostat.adapters.fal.body import gather, make_body
from heliostat.adapters.fal.catalog import MODELS, Routes
from heliostat.adapters.fal.endpoints import ENDPOINTS
from heliostat.adapters.fal.jobs import known_job, submitted_job
from heliostat.adapters.fal.options import FalOptions
from heliostat.adapters.fal.orders import order_of
from heliostat.adapters.sdk import Order
from heliostat.adapters.sdk.pricing import MEBIPIXEL
from heliostat.api.image.v1 import capability_pb2 as capabilities
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError
from tests.adapters.fal_requests import call_of
from tests.adapters.served import media, pixels, plain, wish

BASE = "https://queue.fal.run"


async def body_of(model: str, options: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """What is sent for a request."""
    call = call_of(model, **fields)
    endpoint = call.model.facts.choose(call.request)
    return make_body(endpoint, call, FalOptions(**(options or {})), await gather(endpoint, call))


def path_of(model: str, **fields: Any) -> str:
    """The endpoint of a request."""
    routes: Routes = MODELS.get(model).facts
    return routes.choose(wish(**fields)).path


def ratio(width: int, height: int, tier: int = 0) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height, tier=cast(Any, tier)))


def edit(width: int = 64, height: int = 64) -> requests.Edit:
    """An edit of a blue picture."""
    return requests.Edit(image=media(plain(width, height)))


def reference() -> requests.Reference:
    """A green picture to look at."""
    return requests.Reference(image=media(plain(colour="green")))


@pytest.mark.parametrize(
    ("model", "order", "micros"),
    [
        # The worked examples of fal's own pages.
        ("fal-ai/flux/dev", Order(1536, 1024, 2), 100_000),
        ("fal-ai/flux-2-pro", Order(1920, 1080), 45_000),
        ("fal-ai/flux-2-pro", Order(1024, 1024, input_sizes=[(1024, 1024)]), 45_000),
        # The price of one picture of every other model.
        ("fal-ai/flux/schnell", Order(1024, 768), 3_000),
        ("fal-ai/flux/schnell", Order(1024, 1024), 3_000),
        ("fal-ai/flux/schnell", Order(1040, 1024), 6_000),
        ("fal-ai/flux-pro/v1.1", Order(1024, 1024, 3), 120_000),
        ("fal-ai/flux-pro/v1.1-ultra", Order(image_count=2), 120_000),
        ("fal-ai/flux-pro/kontext", Order(), 40_000),
        ("fal-ai/flux-pro/kontext/max", Order(), 80_000),
        ("fal-ai/flux-pro/v1/fill", Order(1536, 1024), 100_000),
        ("fal-ai/flux-2-pro", Order(1024, 1024, input_sizes=[(1024, 1024), (1920, 1080)]), 75_000),
        ("fal-ai/flux-2/klein/4b", Order(1024, 1024), 5_000),
        ("fal-ai/flux-2/turbo", Order(2048, 2048), 32_000),
        ("fal-ai/nano-banana", Order(image_count=4), 156_000),
        ("fal-ai/nano-banana-2", Order(), 80_000),
        ("fal-ai/nano-banana-2", Order(variant={"resolution": "2K"}), 120_000),
        ("fal-ai/nano-banana-pro", Order(variant={"resolution": "4K"}), 300_000),
        ("openai/gpt-image-2", Order(1024, 1024, variant={"quality": "low"}, prompt_chars=176), 6_130),
        ("openai/gpt-image-2", Order(1024, 1024, variant={"quality": "medium"}, prompt_chars=176), 52_930),
        ("openai/gpt-image-2", Order(3840, 2160, prompt_chars=176), 400_510),
        ("fal-ai/bytedance/seedream/v4.5/text-to-image", Order(), 40_000),
        ("fal-ai/ideogram/v3", Order(variant={"rendering_speed": "QUALITY"}), 90_000),
        ("fal-ai/ideogram/v3", Order(), 60_000),
        ("fal-ai/recraft/v3/text-to-image", Order(), 40_000),
        ("fal-ai/qwen-image", Order(1024, 768), 20_000),
        ("fal-ai/clarity-upscaler", Order(2048, 2048), 120_000),
        ("fal-ai/topaz/upscale/image", Order(4000, 6000), 80_000),
        ("fal-ai/topaz/upscale/image", Order(12_000, 8000), 320_000),
        ("fal-ai/seedvr/upscale/image", Order(2048, 2048), 4_000),
        ("fal-ai/bria/background/remove", Order(), 18_000),
        ("fal-ai/sam-3/image", Order(image_count=3), 5_000),
        ("fal-ai/esrgan", Order(), 3_000),
    ],
)
def test_a_price_is_exact(model: str, order: Order, micros: int) -> None:
    """Estimates come out in whole micro-USD, by fal's own rounding."""
    assert MODELS.get(model).price.estimate(order) == micros


@pytest.mark.parametrize("model", ["fal-ai/flux/dev", "fal-ai/topaz/upscale/image"])
def test_a_price_by_size_is_unknown_without_a_size(model: str) -> None:
    """What cannot be known is absent, never 0."""
    assert MODELS.get(model).price.estimate(Order()) is None


@pytest.mark.parametrize(
    ("model", "units", "micros"),
    [
        ("fal-ai/flux/dev", 4.0, 100_000),
        ("fal-ai/flux-pro/kontext", 2.0, 80_000),
        ("fal-ai/seedvr/upscale/image", 4.194304, 4_194),
        # A unit has no one price here, or no certain one.
        ("fal-ai/flux-2-pro", 2.0, None),
        ("fal-ai/nano-banana-2", 1.5, None),
        ("openai/gpt-image-2", 0.05, None),
        ("fal-ai/birefnet/v2", 2.0, None),
    ],
)
def test_billed_units_become_money_where_a_unit_has_a_price(model: str, units: float, micros: int | None) -> None:
    """The header of billable units settles a job only where that is certain."""
    assert MODELS.get(model).price.of_units(units) == micros


@pytest.mark.parametrize(
    ("header", "units"),
    [("4", 4.0), ("1.5", 1.5), ("0", 0.0), (None, None), ("", None), ("many", None), ("-1", None)]
    + [(text, None) for text in ("nan", "inf", "1e30")],
)
def test_a_senseless_bill_is_unknown(header: str | None, units: float | None) -> None:
    """Missing, negative and absurd units are no bill of 0."""
    assert billed_units(header) == units


def test_seconds_of_compute_are_billed_as_reported() -> None:
    """A tool that is billed by the second costs the seconds that fal tells."""
    assert MODELS.get("fal-ai/birefnet/v2").price.cost(Order(), events.Usage(compute_seconds=12.5)) == 12_500


@pytest.mark.parametrize(("width", "height", "count"), [(1, 1, 1), (1024, 1024, 1), (1024, 1025, 2), (1920, 1080, 2)])
def test_a_megapixel_has_1048576_pixels(width: int, height: int, count: int) -> None:
    """Whole megapixels are counted, begun ones too."""
    assert MODELS.get("fal-ai/flux/schnell").price.estimate(Order(width, height)) == count * 3_000


@pytest.mark.parametrize("tier", [requests.SIZE_TIER_UNSPECIFIED, requests.SIZE_TIER_HALF_K, requests.SIZE_TIER_1K])
@pytest.mark.parametrize("shape", [(1, 1), (16, 9), (9, 16), (3, 2), (4, 3), (21, 9), (5, 4)])
def test_a_shape_never_begins_another_megapixel(shape: tuple[int, int], tier: int) -> None:
    """The nearest size of a grid may be a little more than a megapixel, and a little more would cost double."""
    choice = MODELS.get("fal-ai/flux/schnell").sizes.choose(ratio(*shape, tier))
    assert choice.width_px * choice.height_px <= MEBIPIXEL
    assert choice.width_px / choice.height_px == pytest.approx(shape[0] / shape[1], rel=0.02)


def test_every_model_describes_itself() -> None:
    """Each capability has a public name, a price, its source and what it delivers; no two share a name."""
    names: list[str] = []
    for model in MODELS:
        capability = model.capability()
        names += capability.model_names
        assert capability.model_names
        assert capability.operations
        assert capability.prices
        assert all(price.amount.currency_code == "USD" for price in capability.prices)
        assert capability.price_source.endswith("2026-11-22")
        assert capability.media_types
        assert capability.resumable
        assert capability.retention_seconds == 3600
    assert len(names) == len(set(names))
    assert {"flux-schnell", "flux-dev", "nano-banana", "gpt-image-2", "birefnet", "sam2"} <= set(names)


def test_every_endpoint_is_offered() -> None:
    """No endpoint is described in vain."""
    offered = {endpoint.path for model in MODELS for endpoint in cast(Routes, model.facts).all()}
    assert offered == set(ENDPOINTS)


def test_price_lines_tell_first_and_further_megapixels() -> None:
    """A price that has parts is told in parts."""
    lines = {(line.billable, line.variant): line.amount.nanos for line in MODELS.get("fal-ai/flux-2-pro").price.lines()}
    assert lines == {("", "megapixel=first"): 30_000_000, ("", ""): 15_000_000, ("input_image", ""): 15_000_000}
    assert MODELS.get("fal-ai/flux-2-pro").price.lines()[0].unit == capabilities.PRICE_UNIT_MEGAPIXEL


@pytest.mark.parametrize(
    ("model", "fields", "path"),
    [
        ("fal-ai/flux/dev", {}, "fal-ai/flux/dev"),
        ("fal-ai/flux/dev", {"edit": edit()}, "fal-ai/flux/dev/image-to-image"),
        ("fal-ai/flux-pro/kontext", {}, "fal-ai/flux-pro/kontext/text-to-image"),
        ("fal-ai/flux-pro/kontext", {"edit": edit()}, "fal-ai/flux-pro/kontext"),
        ("fal-ai/flux-pro/kontext", {"edit": edit(), "references": [reference()]}, "fal-ai/flux-pro/kontext/multi"),
        ("fal-ai/flux-pro/kontext/max", {"references": [reference()]}, "fal-ai/flux-pro/kontext/max/multi"),
        ("fal-ai/nano-banana", {}, "fal-ai/nano-banana"),
        ("fal-ai/nano-banana", {"edit": edit()}, "fal-ai/nano-banana/edit"),
        ("fal-ai/flux-2-pro", {"references": [reference()]}, "fal-ai/flux-2-pro/edit"),
        ("fal-ai/flux-pro/v1.1-ultra", {"references": [reference()]}, "fal-ai/flux-pro/v1.1-ultra"),
        (
            "fal-ai/bytedance/seedream/v4.5/text-to-image",
            {"edit": edit()},
            "fal-ai/bytedance/seedream/v4.5/edit",
        ),
        ("fal-ai/sam2/image", {"segment": requests.Segment()}, "fal-ai/sam2/image"),
    ],
)
def test_the_request_chooses_the_endpoint(model: str, fields: dict[str, Any], path: str) -> None:
    """Drawing, one picture and several pictures go to different endpoints of one model."""
    assert path_of(model, **fields) == path


@pytest.mark.parametrize(
    ("model", "size", "sent"),
    [
        ("fal-ai/flux/schnell", pixels(1024, 1024), {"image_size": {"width": 1024, "height": 1024}}),
        ("fal-ai/flux/schnell", pixels(1000, 1000), {"image_size": {"width": 1008, "height": 1008}}),
        ("fal-ai/flux/schnell", ratio(16, 9), {"image_size": {"width": 1360, "height": 768}}),
        ("fal-ai/flux/schnell", None, {"image_size": {"width": 1024, "height": 768}}),
        ("fal-ai/flux-2-pro", pixels(1920, 1088), {"image_size": {"width": 1920, "height": 1088}}),
        ("fal-ai/flux-pro/v1.1-ultra", pixels(1920, 1080), {"aspect_ratio": "16:9"}),
        ("fal-ai/flux-pro/kontext", ratio(9, 21), {"aspect_ratio": "9:21"}),
        ("fal-ai/flux-pro/kontext", None, {}),
        ("fal-ai/nano-banana", ratio(4, 5), {"aspect_ratio": "4:5"}),
        ("fal-ai/nano-banana-pro", pixels(2048, 2048), {"aspect_ratio": "1:1", "resolution": "2K"}),
        (
            "fal-ai/nano-banana-2",
            ratio(16, 9, requests.SIZE_TIER_4K),
            {"aspect_ratio": "16:9", "resolution": "4K"},
        ),
        ("openai/gpt-image-2", pixels(2560, 1440), {"image_size": {"width": 2560, "height": 1440}}),
        (
            "fal-ai/bytedance/seedream/v4.5/text-to-image",
            ratio(1, 1),
            {"image_size": {"width": 2048, "height": 2048}},
        ),
        ("fal-ai/recraft/v3/text-to-image", ratio(16, 9), {"image_size": {"width": 1820, "height": 1024}}),
    ],
)
async def test_a_size_is_sent_in_the_dialect_of_the_endpoint(
    model: str, size: requests.Size | None, sent: dict[str, Any]
) -> None:
    """Pixels, shapes, or shapes and tiers."""
    body = await body_of(model, size=size)
    names = ("image_size", "aspect_ratio", "resolution")
    assert {name: body[name] for name in names if name in body} == sent


@pytest.mark.parametrize(
    ("model", "options", "fields", "sent"),
    [
        ("fal-ai/flux/schnell", {}, {"seed": 7, "image_count": 3}, {"seed": 7, "num_images": 3}),
        ("fal-ai/flux/schnell", {}, {"seed": 0}, {"seed": 0}),
        ("fal-ai/flux/schnell", {"num_inference_steps": 2}, {}, {"num_inference_steps": 2}),
        ("fal-ai/flux/schnell", {}, {"moderation": requests.MODERATION_LOW}, {"enable_safety_checker": False}),
        ("fal-ai/flux-pro/v1.1", {}, {"moderation": requests.MODERATION_LOW}, {"safety_tolerance": "6"}),
        ("fal-ai/flux-2-pro", {}, {"moderation": requests.MODERATION_LOW}, {"safety_tolerance": "5"}),
        ("fal-ai/flux/schnell", {}, {"output": {"media_type": "image/png"}}, {"output_format": "png"}),
        ("fal-ai/flux/schnell", {}, {"output": {"media_type": "image/webp"}}, {"output_format": "png"}),
        ("fal-ai/nano-banana", {}, {"output": {"media_type": "image/webp"}}, {"output_format": "webp"}),
        ("fal-ai/qwen-image", {}, {"negative_prompt": "fog"}, {"negative_prompt": "fog"}),
        ("openai/gpt-image-2", {}, {"output": {"quality": requests.QUALITY_LOW}}, {"quality": "low"}),
        ("openai/gpt-image-2", {}, {"output": {"quality": requests.QUALITY_MAX}}, {"quality": "high"}),
        ("fal-ai/ideogram/v3", {}, {"output": {"quality": requests.QUALITY_LOW}}, {"rendering_speed": "TURBO"}),
        ("fal-ai/flux-pro/v1.1-ultra", {"raw": True}, {}, {"raw": True}),
    ],
)
async def test_a_parameter_is_sent_under_its_name_at_fal(
    model: str, options: dict[str, Any], fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Beside prompt and size nothing else is sent."""
    if "output" in fields:
        fields = {**fields, "output": requests.Output(**fields["output"])}
    body = await body_of(model, options, **fields)
    rest = {name: value for name, value in body.items() if name not in ("prompt", "image_size", "aspect_ratio")}
    assert (body["prompt"], rest) == ("a red boat", sent)


async def test_what_was_not_asked_is_not_sent() -> None:
    """A bare request is the prompt and the default size."""
    assert await body_of("fal-ai/nano-banana") == {"prompt": "a red boat"}


async def test_pictures_travel_as_data_uris() -> None:
    """The picture to work on comes first, references follow in the same list."""
    body = await body_of("fal-ai/nano-banana", edit=edit(), references=[reference()])
    first, second = body["image_urls"]
    assert base64.b64decode(first.removeprefix("data:image/png;base64,")) == edit().image.data
    assert base64.b64decode(second.removeprefix("data:image/png;base64,")) == reference().image.data
    one = await body_of("fal-ai/flux/dev", edit=requests.Edit(image=edit().image, strength=0.3))
    assert one["image_url"].startswith("data:image/png;base64,")
    assert one["strength"] == 0.3


async def test_a_weight_of_a_reference_goes_with_it() -> None:
    """FLUX ultra takes how much a reference counts."""
    weighed = requests.Reference(image=edit().image, weight=0.4)
    body = await body_of("fal-ai/flux-pro/v1.1-ultra", references=[weighed])
    assert (body["image_prompt_strength"], body["image_url"][:15]) == (0.4, "data:image/png;")


@pytest.mark.parametrize("model", [one.name for one in MODELS if one.mask])
async def test_what_works_on_a_masked_part_needs_a_mask(model: str) -> None:
    """Without a mask nothing is sent, and the error names it."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, edit=edit())
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, "mask")


async def test_the_size_of_an_edit_that_follows_its_input_is_told_to_be_dropped() -> None:
    """flux/dev draws any size, but its edits have the size of the picture."""
    call = call_of("fal-ai/flux/dev", edit=edit(), size=pixels(512, 512))
    endpoint = call.model.facts.choose(call.request)
    body = make_body(endpoint, call, FalOptions(), await gather(endpoint, call))
    (adjustment,) = call.adjustments
    assert "image_size" not in body
    assert (adjustment.parameter, adjustment.sent, adjustment.mode) == (
        "size",
        "",
        events.ADJUSTMENT_MODE_DROPPED,
    )


@pytest.mark.parametrize(
    ("options", "grown_px"), [({}, 0), ({"dilate_pixels": 12}, 12)], ids=["as it is", "grown where that is wished for"]
)
async def test_what_a_mask_covers_is_erased_as_it_is(options: dict[str, Any], grown_px: int) -> None:
    """fal itself would grow the mask by 10 px."""
    masked = requests.Edit(image=edit().image, mask=media(plain(64, 64)))
    body = await body_of("fal-ai/flux-pro/v1/erase", options, edit=masked)
    assert body.keys() == {"image_url", "mask_url", "dilate_pixels"}
    assert body["dilate_pixels"] == grown_px


async def test_a_picture_is_outpainted_on_a_canvas() -> None:
    """The canvas is told, and where on it the picture lies; one of 25 million pixels is refused before it is sent."""
    sides = requests.Outpaint(image=edit().image, left_px=10, top_px=20, bottom_px=4)
    body = await body_of("fal-ai/bria/expand", prompt="", outpaint=sides)
    assert {name: body[name] for name in body if name != "image_url"} == {
        "canvas_size": [74, 88],
        "original_image_size": [64, 64],
        "original_image_location": [10, 20],
    }
    sides.right_px = 10**6
    with pytest.raises(MeshError) as caught:
        await body_of("fal-ai/bria/expand", prompt="", outpaint=sides)
    assert caught.value.field == "outpaint"


@pytest.mark.parametrize(
    ("model", "upscale", "sent"),
    [
        ("fal-ai/esrgan", {"factor": 3.0}, {"scale": 3.0}),
        ("fal-ai/seedvr/upscale/image", {"factor": 8.0}, {"upscale_factor": 8.0}),
        ("fal-ai/clarity-upscaler", {"factor": 8.0, "creativity": 0.5}, {"upscale_factor": 4, "creativity": 0.5}),
        ("fal-ai/clarity-upscaler", {"size": {"width_px": 128, "height_px": 128}}, {"upscale_factor": 2.0}),
        ("fal-ai/topaz/upscale/image", {}, {}),
        ("fal-ai/recraft/upscale/crisp", {"factor": 2.0}, {}),
    ],
)
async def test_an_upscale_is_sent_as_a_factor(model: str, upscale: dict[str, Any], sent: dict[str, Any]) -> None:
    """A wished size becomes the factor that reaches it; factors stay in the range of the endpoint."""
    target = dict(upscale)
    if "size" in target:
        target["size"] = requests.PixelSize(**target["size"])
    body = await body_of(model, prompt="", upscale=requests.Upscale(image=edit(64, 64).image, **target))
    body.pop("image_url")
    assert body == sent


def _point(x: int, y: int, *, exclude: bool = False) -> requests.Point:
    return requests.Point(x_px=x, y_px=y, exclude=exclude)


async def test_what_to_find_is_sent_in_the_words_of_the_segmenter() -> None:
    """Masks are asked for, never cut-outs."""
    image = edit().image
    box = requests.Box(left_px=1, top_px=2, right_px=30, bottom_px=40)
    found = requests.Segment(image=image, points=[_point(5, 6), _point(7, 8, exclude=True)], boxes=[box])
    sam2 = await body_of("fal-ai/sam2/image", prompt="", segment=found)
    sam2.pop("image_url")
    assert sam2 == {
        "apply_mask": False,
        "prompts": [{"x": 5, "y": 6, "label": 1}, {"x": 7, "y": 8, "label": 0}],
        "box_prompts": [{"x_min": 1, "y_min": 2, "x_max": 30, "y_max": 40}],
    }
    sam3 = await body_of("fal-ai/sam-3/image", prompt="", segment=requests.Segment(image=image, labels=["boat"]))
    sam3.pop("image_url")
    assert sam3 == {"apply_mask": False, "return_multiple_masks": True, "prompt": "boat"}


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("fal-ai/sam2/image", {"labels": ["boat"]}),
        ("fal-ai/sam-3/image", {"labels": ["boat", "sea"]}),
        ("fal-ai/sam-3/image", {}),
        ("fal-ai/evf-sam", {"points": [_point(1, 1)]}),
    ],
)
async def test_what_a_segmenter_cannot_find_is_refused(model: str, segment: dict[str, Any]) -> None:
    """An endpoint that is asked for nothing would find what its demonstration finds."""
    with pytest.raises(MeshError) as caught:
        await body_of(model, prompt="", segment=requests.Segment(image=edit().image, **segment))
    assert caught.value.reason == reasons.ERROR_REASON_UNSUPPORTED


async def test_an_option_of_another_endpoint_is_an_error() -> None:
    """fal would ignore it in silence."""
    with pytest.raises(MeshError) as caught:
        await body_of("fal-ai/flux/schnell", {"raw": True})
    assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
    assert caught.value.field == "provider_options.fal.raw"
    assert "acceleration" in caught.value.message


async def test_options_named_apart_here_are_sent_as_fal_names_them() -> None:
    """Three tools have a field `model` with different words in it."""
    upscale = requests.Upscale(image=edit().image, factor=2)
    body = await body_of("fal-ai/esrgan", {"esrgan_model": "RealESRGAN_x2plus"}, prompt="", upscale=upscale)
    assert body["model"] == "RealESRGAN_x2plus"


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        ("fal-ai/flux/dev", {"size": pixels(1536, 1024), "image_count": 2}, 100_000),
        ("fal-ai/flux/dev", {"edit": edit(1100, 1000)}, 50_000),
        ("fal-ai/flux-2-pro", {"edit": edit(1024, 1024)}, 45_000),
        ("fal-ai/flux-2-pro", {"edit": edit(1024, 1024), "references": [reference()]}, 60_000),
        ("fal-ai/nano-banana-pro", {"size": ratio(1, 1, requests.SIZE_TIER_4K)}, 300_000),
        ("fal-ai/ideogram/v3", {"output": requests.Output(quality=requests.QUALITY_LOW)}, 30_000),
        ("fal-ai/clarity-upscaler", {"upscale": requests.Upscale(image=edit(1024, 1024).image, factor=2)}, 120_000),
        ("fal-ai/flux-pro/v1/erase", {"edit": edit(1024, 1024)}, 46_000),
        ("fal-ai/bria/expand", {"outpaint": requests.Outpaint(image=edit().image, left_px=8)}, 40_000),
        ("fal-ai/bria/background/remove", {"remove_background": requests.RemoveBackground(image=edit().image)}, 18_000),
    ],
)
def test_a_request_is_priced_before_it_is_sent(model: str, fields: dict[str, Any], micros: int) -> None:
    """Sizes come from the wish or, where they follow the input, from the picture in hand."""
    request = wish(**fields)
    known = MODELS.get(model)
    assert known.price.estimate(order_of(known, request, known.sizes.choose(request.size))) == micros


def test_a_job_is_found_by_owner_app_and_request() -> None:
    """Status, result and cancel leave out the path of the model."""
    job = submitted_job(BASE, "fal-ai/flux-pro/v1.1-ultra", {"request_id": "764c-12"})
    assert job == known_job(BASE, "fal-ai/flux-pro/764c-12")
    assert job is not None
    assert job.status_url == f"{BASE}/fal-ai/flux-pro/requests/764c-12/status"
    assert job.response_url == f"{BASE}/fal-ai/flux-pro/requests/764c-12"
    assert job.cancel_url == f"{BASE}/fal-ai/flux-pro/requests/764c-12/cancel"


def test_addresses_of_the_answer_are_used_where_they_are_fals_own() -> None:
    """A foreign address is not asked, for the key would go there; the documented one finds the job as well."""
    answer = {
        "request_id": "r1",
        "status_url": f"{BASE}/elsewhere/r1/status",
        "response_url": "https://evil.example/r1",
        "cancel_url": "https://queue.fal.run@evil.example/r1",
    }
    job = submitted_job(BASE, "fal-ai/flux/dev", answer)
    assert job is not None
    assert job.status_url == f"{BASE}/elsewhere/r1/status"
    assert job.response_url == f"{BASE}/fal-ai/flux/requests/r1"
    assert job.cancel_url == f"{BASE}/fal-ai/flux/requests/r1/cancel"


@pytest.mark.parametrize("answer", [None, [], {}, {"request_id": 7}, {"request_id": "../x"}, {"request_id": "a/b"}])
def test_a_submit_without_a_usable_id_is_no_job(answer: Any) -> None:
    """An id never becomes another path."""
    assert submitted_job(BASE, "fal-ai/flux/dev", answer) is None


@pytest.mark.parametrize("job_id", ["", "r1", "a/b", "a/b/c/d", "../b/c", "a/../c", "a/b/c?x=1", "https://x/y"])
def test_an_id_that_is_none_of_ours_is_no_job(job_id: str) -> None:
    """Resuming takes only ids of the three parts."""
    assert known_job(BASE, job_id) is None


def test_a_vector_style_is_refused() -> None:
    """It would give SVG at twice the price."""
    with pytest.raises(ValueError, match="raster"):
        FalOptions(style="vector_illustration")


def test_options_are_those_that_some_endpoint_takes() -> None:
    """Nothing is offered that no endpoint knows, and nothing that an endpoint knows is missing."""
    taken = {name for endpoint in ENDPOINTS.values() for name in endpoint.options}
    assert taken == set(FalOptions.model_fields) - {"queue_priority"}
