"""The contract's ranges hold on the public face, before anything is written, bought or asked of the router."""

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call, stream
from heliostat.chassis.errors import MeshError
from heliostat.ledger.bounds import check_generation, check_image
from tests.support.ledger_room import ask, happy, ledger

PIXEL = "iVBORw0KGgo="
EDIT = {"image": {"data": PIXEL}}
MAX = 2**31 - 1


def size(width: int, height: int) -> dict[str, Any]:
    """An exact size."""
    return {"size": {"pixels": {"width_px": width, "height_px": height}}}


def ratio(width: int, height: int) -> dict[str, Any]:
    """A shape."""
    return {"size": {"aspect": {"width_ratio": width, "height_ratio": height}}}


def output(**values: Any) -> dict[str, Any]:
    """A form of the answer."""
    return {"output": values}


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("prompt", {"prompt": ""}),
    ("prompt", {"prompt": " \n"}),
    ("prompt", {"prompt": "", "text_to_image": {}}),
    ("prompt", {"prompt": "", "edit": EDIT}),
    ("prompt", {"prompt": "x" * 32_001}),
    ("prompt", {"prompt": "x" * 32_001, "remove_background": EDIT}),
    ("negative_prompt", {"negative_prompt": "x" * 32_001}),
    ("model", {"model": "m" * 256}),
    ("model", {"model": "flux\u0000"}),
    ("style", {"style": "s" * 256}),
    ("end_user_id", {"end_user_id": "u" * 256}),
    ("session_id", {"session_id": "line\nline"}),
    ("image_count", {"image_count": -1}),
    ("image_count", {"image_count": 11}),
    ("image_count", {"image_count": MAX}),
    ("size.pixels.width_px", size(0, 5)),
    ("size.pixels.width_px", size(-1, 5)),
    ("size.pixels.height_px", size(5, 16_385)),
    ("size.pixels.width_px", size(MAX, MAX)),
    ("size.aspect", ratio(-1, 1)),
    ("size.aspect", ratio(0, 1)),
    ("size.aspect", ratio(16, 0)),
    ("size.aspect.tier", {"size": {"aspect": {"tier": 99}}}),
    ("output.media_type", output(media_type="text/html")),
    ("output.media_type", output(media_type="image/svg+xml")),
    ("output.compression_percent", output(compression_percent=101)),
    ("output.compression_percent", output(compression_percent=-1)),
    ("output.quality", output(quality=99)),
    ("output.background", output(background=99)),
    ("output.delivery", output(delivery=99)),
    ("output.partial_image_count", output(partial_image_count=4)),
    ("output.partial_image_count", output(partial_image_count=-1)),
    ("moderation", {"moderation": 99}),
    ("strict", {"strict": -1}),
    ("routing.sort", {"routing": {"sort": 99}}),
    ("routing.on_unknown", {"routing": {"on_unknown": 99}}),
    ("routing.cohort", {"routing": {"cohort": "c" * 256}}),
    ("routing.max_wait", {"routing": {"max_wait": "-1s"}}),
    ("routing.max_cost", {"routing": {"max_cost": {"units": "-1"}}}),
    ("routing.max_cost", {"routing": {"max_cost": {"nanos": -1}}}),
    ("routing.max_cost", {"routing": {"max_cost": {"currency_code": "EUR", "units": "1"}}}),
    ("tags", {"tags": {str(number): "" for number in range(17)}}),
    ("tags", {"tags": {"k" * 257: ""}}),
    ("tags", {"tags": {"k": "v" * 257}}),
    ("edit.strength", {"edit": {**EDIT, "strength": 1.01}}),
    ("edit.strength", {"edit": {**EDIT, "strength": "NaN"}}),
    ("edit.mask_mode", {"edit": {**EDIT, "mask_mode": 99}}),
    ("edit.feather_px", {"edit": {**EDIT, "feather_px": 1025}}),
    ("variation.similarity", {"variation": {**EDIT, "similarity": -0.01}}),
    ("upscale.factor", {"upscale": {**EDIT, "factor": 1}}),
    ("upscale.factor", {"upscale": {**EDIT, "factor": 1e308}}),
    ("upscale.size.width_px", {"upscale": {**EDIT, "size": {"width_px": 16_385, "height_px": 1}}}),
    ("upscale.creativity", {"upscale": {**EDIT, "creativity": "Infinity"}}),
    ("style_transfer.strength", {"style_transfer": {**EDIT, "strength": 2}}),
    ("outpaint.left_px", {"outpaint": {**EDIT, "left_px": -1}}),
    ("outpaint.bottom_px", {"outpaint": {**EDIT, "bottom_px": 16_385}}),
    ("segment.points", {"segment": {**EDIT, "points": [{"x_px": -1}]}}),
    ("segment.boxes", {"segment": {**EDIT, "boxes": [{"left_px": 5, "right_px": 5, "bottom_px": 1}]}}),
    ("references.role", {"references": [{"role": 99}]}),
    ("references.weight", {"references": [{"weight": 1.5}]}),
    ("media_type", {"edit": {"image": {"data": PIXEL, "media_type": "text/html"}}}),
    ("blob_id", {"edit": {"image": {"blob_id": "b" * 256}}}),
    ("file_id", {"edit": {"image": {"file_id": "a\tb"}}}),
    ("sha256", {"edit": {"image": {"blob_id": "inputs/ab", "sha256": "AAAA"}}}),
]

TAKEN: list[dict[str, Any]] = [
    {},
    {"prompt": "x" * 32_000, "negative_prompt": "x" * 32_000, "model": "m" * 255},
    {"prompt": "", "remove_background": EDIT},
    {"prompt": "", "upscale": {**EDIT, "factor": 16, "creativity": 0}},
    {"prompt": "", "upscale": {**EDIT, "factor": 1.5}},
    {"prompt": "", "variation": {**EDIT, "similarity": 1}},
    {"prompt": "", "outpaint": {**EDIT, "right_px": 16_384}},
    {"prompt": "", "segment": {**EDIT, "points": [{}], "boxes": [{"right_px": 1, "bottom_px": 1}]}},
    {"prompt": "", "style_transfer": {**EDIT, "strength": 0.5}},
    {"image_count": 10},
    {"image_count": 0, "size": {}},
    size(1, 16_384),
    ratio(0, 0),
    ratio(16, 9),
    *(output(media_type=f"image/{kind}", compression_percent=100) for kind in ("png", "jpeg", "webp", "gif", "avif")),
    output(compression_percent=0, partial_image_count=3, quality=5, background=2, delivery=3),
    {"moderation": 2, "strict": 3, "routing": {"sort": 2, "on_unknown": 3, "max_wait": "0s", "max_cost": {}}},
    {"tags": {f"{number:x}" * 256: "v" * 256 for number in range(16)}},
    {"edit": {**EDIT, "strength": 0, "mask_mode": 3, "feather_px": 1024}},
    {"references": [{"role": 3, "weight": 1, "image": {"uri": "https://example.com/a.png"}}]},
]


def image(fields: dict[str, Any]) -> request_pb2.ImageRequest:
    """A request whose fields are fine but for those given."""
    return json_format.ParseDict({"model": "m", "prompt": "p", **fields}, request_pb2.ImageRequest())


@pytest.mark.parametrize(("field", "fields"), REFUSED, ids=lambda each: each if isinstance(each, str) else "")
def test_what_is_out_of_range_is_refused(field: str, fields: dict[str, Any]) -> None:
    """With the field's path, and a sentence that names it and says what to do."""
    with pytest.raises(MeshError) as caught:
        check_image(image(fields))
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, field)
    assert caught.value.message.startswith(field)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("fields", TAKEN)
def test_the_edges_of_the_ranges_are_taken(fields: dict[str, Any]) -> None:
    """The least, the most, and what is left out."""
    check_image(image(fields))


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("request_id", {"request_id": "../../x"}),
        ("idempotency_key", {"idempotency_key": "k" * 256}),
        ("idempotency_key", {"idempotency_key": "a\u0000b"}),
        ("retry_count", {"retry_count": -1}),
        ("wait", {"wait": {"seconds": -5}}),
        ("wait", {"wait": {"nanos": -1}}),
        ("wait", {"wait": {"seconds": 2**62}}),
        ("wait", {"wait": {"seconds": 1, "nanos": 10**9}}),
    ],
)
def test_how_a_request_is_followed_has_ranges_as_well(field: str, fields: dict[str, Any]) -> None:
    """Ids, the number of retries and the wait."""
    check_generation(ask(request_id="req_" + "0" * 24, idempotency_key="k" * 255, retry_count=0, wait={"nanos": 1}))
    with pytest.raises(MeshError) as caught:
        check_generation(ask(**fields))
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, field)


@pytest.mark.parametrize(("over", "parts"), [(0, 1), (0, 3), (1, 1), (1, 3)])
def test_inline_pictures_have_a_total(over: int, parts: int) -> None:
    """Image, mask and reference together hold at most 4 MiB, whatever words come with them."""
    asked = request_pb2.ImageRequest(model="m", prompt="p" * 32_000)
    sizes = [4 * 1024 * 1024 + over - 10 * (parts - 1), *[10] * (parts - 1)]
    places = (asked.edit.image, asked.edit.mask, asked.references.add().image)
    for place, length in zip(places, sizes, strict=False):
        place.data = bytes(length)
    if not over:
        check_image(asked)
        return
    with pytest.raises(MeshError) as caught:
        check_image(asked)
    assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, "image")


async def test_nothing_is_written_or_asked(tmp_path: Path) -> None:
    """Generate and Estimate refuse before the journal and the router hear of it; so does a negative wait for a job."""
    async with ledger(tmp_path, happy()) as room:
        estimates: list[Any] = []
        for attempt in (
            lambda: room.run(ask("")),
            lambda: room.run(ask(idempotency_key="k" * 256)),
            lambda: call(room.generate.Estimate, router_pb2.EstimateRequest(image=image({"image_count": MAX}))),
        ):
            with pytest.raises(MeshError) as caught:
                estimates.append(await attempt())
            assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD
        good = await call(room.generate.Estimate, router_pb2.EstimateRequest(image=image({})))
        assert (room.router.asked, await room.rows("requests"), estimates, good.route) == ([], [], [], "m")
        await room.run(ask(request_id="req_" + "0" * 24))
        job = ledger_pb2.WaitJobRequest(request_id="req_" + "0" * 24, wait={"seconds": -1})
        with pytest.raises(MeshError) as caught:
            async with stream(room.jobs.WaitJob, job) as responses:
                async for _ in responses:
                    pass
        assert caught.value.field == "wait"
