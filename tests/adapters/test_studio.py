"""The studio: every operation paints, for free, and the same request gives the same bytes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from PIL import Image, ImageChops

from heliostat.adapters.studio import MODULE
from heliostat.api.adapter.v1 import adapter_pb2
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.calls import call
from tests.adapters.served import Answer, Room, ball, media, opened, pixels, plain, served, wish

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDIO = "studio"
SMALL = pixels(96, 64)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """One studio for the file: its painting process starts once."""
    async with served(MODULE, tmp_path_factory.mktemp("studio")) as one:
        yield one


async def ask(room: Room, prompt: str = "a red boat", **fields: Any) -> Answer:
    """One attempt that must end well and cost nothing."""
    answer = await room.ask(STUDIO, wish(prompt, **fields), timeout_s=60)
    result = answer.result
    assert (result.cost.amount.units, result.cost.amount.nanos, result.provider) == (0, 0, "studio")
    return answer


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    """The box in which two pictures differ."""
    return ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox()


async def test_a_prompt_becomes_a_picture_of_the_wished_size(room: Room) -> None:
    """Any size, without an adjustment."""
    answer = await ask(room, "a sunset over mountains", size=pixels(333, 123))
    assert answer.kinds == ["provider_accepted", "media_started", "media_chunk", "media_ended", "completed"]
    assert opened(answer.pictures[0]).size == (333, 123)
    assert not answer.result.adjustments


async def test_the_same_seed_gives_the_same_bytes(room: Room) -> None:
    """The used seed is told; pictures of one request count on from it."""
    first, second = [await ask(room, size=SMALL, seed=41, image_count=2) for _ in range(2)]
    other = await ask(room, size=SMALL, seed=42)
    assert first.pictures == second.pictures
    assert first.pictures[0] != first.pictures[1]
    assert other.pictures[0] == first.pictures[1]
    assert [ended.seed for ended in first.of("media_ended")] == [41, 42]


async def test_a_drawn_seed_is_told_and_repeats_the_picture(room: Room) -> None:
    """Without a seed of the caller's one is drawn."""
    first = await ask(room, size=SMALL)
    (ended,) = first.of("media_ended")
    assert (await ask(room, size=SMALL, seed=ended.seed)).pictures == first.pictures


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp", "image/avif", "image/gif"])
async def test_every_format_is_made_natively(room: Room, media_type: str) -> None:
    """Nothing is converted afterwards."""
    answer = await ask(room, size=SMALL, output=requests.Output(media_type=media_type))
    (started,) = answer.of("media_started")
    assert (started.media_type, started.width_px, started.height_px) == (media_type, 96, 64)
    assert not answer.result.adjustments


async def test_compression_is_honoured(room: Room) -> None:
    """Also where a picture is worked on."""
    for operation in ({}, {"variation": requests.Variation(image=media(ball()))}):
        sizes = []
        for percent in (5, 95):
            output = requests.Output(media_type="image/jpeg", compression_percent=percent)
            answer = await ask(room, "a forest", size=None if operation else SMALL, seed=1, output=output, **operation)
            sizes.append(len(answer.pictures[0]))
        assert sizes[0] < sizes[1]


async def test_a_transparent_background_has_alpha(room: Room) -> None:
    """Sky and ground are left out."""
    output = requests.Output(background=requests.BACKGROUND_TRANSPARENT)
    picture = opened((await ask(room, "a red circle", size=SMALL, output=output)).pictures[0])
    assert picture.mode == "RGBA"
    assert cast(tuple[int, ...], picture.getpixel((0, 0)))[3] == 0


async def test_a_fill_changes_only_what_the_mask_says(room: Room) -> None:
    """White repaints; outside of it not one pixel changes."""
    before = ball()
    mask = plain(128, 128, "black", "L")
    mask.paste(255, (64, 0, 128, 128))
    edit = requests.Edit(image=media(before), mask=media(mask), mask_mode=requests.MASK_MODE_WHITE_REPAINTS)
    after = opened((await ask(room, "a blue sea", edit=edit, seed=1)).pictures[0])
    box = changed(before, after)
    assert after.size == before.size
    assert box is not None
    assert box[0] >= 64


async def test_an_edit_changes_the_picture(room: Room) -> None:
    """Without a mask all of it may change; its size stays."""
    edit = requests.Edit(image=media(ball()), strength=0.9)
    after = opened((await ask(room, "at night", edit=edit, seed=1)).pictures[0])
    assert after.size == (128, 128)
    assert changed(ball(), after) is not None


async def test_a_size_wished_of_an_edit_is_told_to_be_dropped(room: Room) -> None:
    """Work on a picture keeps its size."""
    answer = await ask(room, "at night", edit=requests.Edit(image=media(ball())), size=pixels(64, 64))
    told = answer.adjusted("size")
    assert (told.requested, told.sent, told.mode) == ("64x64", "", events.ADJUSTMENT_MODE_DROPPED)
    assert opened(answer.pictures[0]).size == (128, 128)


@pytest.mark.parametrize(
    ("work", "left_out"),
    [
        ({"size": SMALL}, set()),
        ({"edit": requests.Edit(image=media(plain()))}, {"style"}),
        ({"outpaint": requests.Outpaint(image=media(plain()), left_px=8)}, {"style"}),
        ({"style_transfer": requests.StyleTransfer(image=media(plain()))}, set()),
        ({"variation": requests.Variation(image=media(plain()))}, {"prompt", "style"}),
        ({"upscale": requests.Upscale(image=media(plain()))}, {"prompt", "style", "seed"}),
        ({"remove_background": requests.RemoveBackground(image=media(ball()))}, {"prompt", "style", "seed"}),
        ({"segment": requests.Segment(image=media(ball()))}, {"prompt", "style", "seed"}),
    ],
    ids=lambda given: next(iter(given), "") if isinstance(given, dict) else "",
)
async def test_what_an_operation_has_no_use_for_is_told(room: Room, work: dict[str, Any], left_out: set[str]) -> None:
    """A strict request is refused for it."""
    answer = await ask(room, style="pastel", seed=7, **work)
    dropped = {one.parameter for one in answer.result.adjustments if one.mode == events.ADJUSTMENT_MODE_DROPPED}
    strict = await room.ask(STUDIO, wish(style="pastel", seed=7, strict=requests.STRICT_REFUSE, **work))
    assert dropped == left_out
    assert (strict.error is not None) is bool(left_out)


async def test_a_variation_keeps_the_size(room: Room) -> None:
    """Two of them differ."""
    answer = await ask(room, "", variation=requests.Variation(image=media(ball()), similarity=0.5), image_count=2)
    first, second = map(opened, answer.pictures)
    assert first.size == second.size == (128, 128)
    assert changed(first, second) is not None


@pytest.mark.parametrize(
    ("target", "size"),
    [
        ({}, (256, 256)),
        ({"factor": 3.0}, (384, 384)),
        ({"size": requests.PixelSize(width_px=300, height_px=200)}, (300, 200)),
    ],
)
async def test_an_upscale_reaches_its_target(room: Room, target: dict[str, Any], size: tuple[int, int]) -> None:
    """By factor or to a size; twice where nothing is wished."""
    answer = await ask(room, "", upscale=requests.Upscale(image=media(ball()), **target))
    assert opened(answer.pictures[0]).size == size


async def test_a_background_is_removed(room: Room) -> None:
    """The thing in the middle stays, the corners are transparent."""
    cut = opened((await ask(room, "", remove_background=requests.RemoveBackground(image=media(ball())))).pictures[0])
    alpha = cut.convert("RGBA").getchannel("A")
    assert (alpha.getpixel((2, 2)), alpha.getpixel((64, 64))) == (0, 255)


async def test_segments_come_as_labelled_masks(room: Room) -> None:
    """One channel, 255 on the thing under the point."""
    segment = requests.Segment(image=media(ball()), points=[requests.Point(x_px=64, y_px=64)])
    answer = await ask(room, "", segment=segment)
    started = answer.of("media_started")
    mask = opened(answer.pictures[0]).convert("L")
    assert started[0].role == medias.MEDIA_ROLE_MASK
    assert started[0].label
    assert (mask.getpixel((64, 64)), mask.getpixel((2, 2))) == (255, 0)


async def test_boxes_give_a_segment_each(room: Room) -> None:
    """Two boxes, two masks."""
    box = requests.Box(left_px=20, top_px=20, right_px=110, bottom_px=110)
    answer = await ask(room, "", segment=requests.Segment(image=media(ball()), boxes=[box, box]))
    assert len(answer.pictures) == 2


async def test_a_style_is_laid_over_a_picture(room: Room) -> None:
    """By words and by a picture in the style."""
    words = await ask(room, "pixel", style_transfer=requests.StyleTransfer(image=media(ball()), strength=1.0))
    lent = requests.StyleTransfer(image=media(ball()), style=media(plain(colour="green")), strength=1.0)
    colours = await ask(room, "", style_transfer=lent)
    assert changed(ball(), opened(words.pictures[0])) is not None
    assert changed(ball(), opened(colours.pictures[0])) is not None


async def test_an_outpaint_keeps_the_picture_and_grows_it(room: Room) -> None:
    """The old pixels stay as they were."""
    outpaint = requests.Outpaint(image=media(ball()), left_px=32, top_px=16)
    after = opened((await ask(room, "a field", outpaint=outpaint)).pictures[0])
    assert after.size == (160, 144)
    assert changed(ball(), after.crop((32, 16, 160, 144))) is None


async def test_more_answers_than_there_are_would_be_copies(room: Room) -> None:
    """Two upscales of one picture are one."""
    upscale = requests.Upscale(image=media(ball()), factor=2.0)
    answer = await ask(room, "", upscale=upscale, image_count=3)
    assert (len(answer.pictures), answer.adjusted("n").sent) == (1, "1")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"edit": requests.Edit(image=medias.Media(data=b"no picture"))}, "INPUT_UNREADABLE"),
        ({"edit": requests.Edit()}, "INPUT_UNREADABLE"),
        ({"upscale": requests.Upscale(image=media(plain(8, 8)), factor=-1.0)}, "INVALID_FIELD"),
        (
            {"segment": requests.Segment(image=media(plain(8, 8)), points=[requests.Point(exclude=True)])},
            "INVALID_FIELD",
        ),
        ({"strict": requests.STRICT_REFUSE, "negative_prompt": "fog"}, "UNSUPPORTED"),
    ],
)
async def test_what_cannot_be_done_is_an_error_that_costs_nothing(
    room: Room, fields: dict[str, Any], reason: str
) -> None:
    """Bad pictures and bad numbers are the caller's, and told as such."""
    failure = (await room.ask(STUDIO, wish("x", **fields), timeout_s=30)).failure
    assert failure.reason == reasons.ErrorReason.Value(f"ERROR_REASON_{reason}")
    assert failure.failure is not None
    assert failure.failure.billed == events.BILLED_NO


async def test_an_estimate_is_free(room: Room) -> None:
    """Known, and nothing."""
    cost = (await room.estimate(STUDIO)).cost
    assert (cost.amount.currency_code, cost.amount.nanos, cost.source) == ("USD", 0, events.COST_SOURCE_ESTIMATED)


async def test_the_studio_describes_itself(room: Room) -> None:
    """One model with all operations, exact masks and both of its names."""
    description = await call(room.stub.Describe, adapter_pb2.DescribeRequest(), timeout_s=30)
    (model,) = description.models
    assert list(model.model_names) == ["studio", "studio-1"]
    assert len(model.operations) == 8
    assert (description.accounts[0].configured, model.max_image_count) == (True, 10)


async def test_a_stopped_studio_leaves_no_process(tmp_path: Path) -> None:
    """The painting process ends with the adapter."""
    import multiprocessing

    before = set(multiprocessing.active_children())
    async with served(MODULE, tmp_path) as own:
        await ask(own, size=SMALL)
        assert set(multiprocessing.active_children()) - before
    assert not set(multiprocessing.active_children()) - before
