"""The studio's previews: the picture that is coming, ever finer."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from PIL import Image, ImageChops, ImageStat

from heliostat.adapters.studio import MODULE
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.served import Answer, Room, ball, media, opened, pixels, served, wish

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDIO = "studio"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """One studio for the file."""
    async with served(MODULE, tmp_path_factory.mktemp("studio")) as one:
        yield one


def drawn(answer: Answer) -> list[tuple[int, bool, int, Image.Image]]:
    """(picture, preview or not, number of the preview, picture) in the order in which they came."""
    told: list[tuple[int, bool, int, Image.Image]] = []
    data = b""
    for event in answer.events:
        match event.WhichOneof("event"):
            case "media_started":
                info, data = event.media_started, b""
            case "media_chunk":
                data += event.media_chunk.data
            case "media_ended":
                told.append((info.image_index, info.partial, info.partial_index, opened(data).convert("RGB")))
    return told


def apart(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures are apart, 0 to 255."""
    means = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return float(sum(means) / len(means))


async def test_previews_come_nearer_to_the_picture(room: Room) -> None:
    """Of its size, in order, before it; each for its own picture, which is the same as without them."""
    output = requests.Output(partial_image_count=3)
    asked = {"size": pixels(512, 384), "seed": 5, "image_count": 2}
    answer = await room.ask(STUDIO, wish("a sunset over mountains", output=output, **asked), timeout_s=60)
    plain = await room.ask(STUDIO, wish("a sunset over mountains", **asked), timeout_s=60)
    told = drawn(answer)
    assert [each[:3] for each in told] == [
        *((0, True, number) for number in range(3)),
        (0, False, 0),
        *((1, True, number) for number in range(3)),
        (1, False, 0),
    ]
    assert {picture.size for *_, picture in told} == {(512, 384)}
    for index in range(2):
        *sketches, final = [picture for each, _, _, picture in told if each == index]
        far = [apart(sketch, final) for sketch in sketches]
        assert far == sorted(far, reverse=True)
        assert far[-1] < far[0]
    assert [picture for _, partial, _, picture in told if not partial] == [each[3] for each in drawn(plain)]
    assert answer.result.image_count == 2


async def test_work_on_a_picture_has_no_previews_and_says_so(room: Room) -> None:
    """It is one step."""
    edit = requests.Edit(image=media(ball()))
    answer = await room.ask(
        STUDIO, wish("night", edit=edit, output=requests.Output(partial_image_count=2)), timeout_s=60
    )
    assert [each[1] for each in drawn(answer)] == [False]
    (told,) = (each for each in answer.result.adjustments if each.parameter == "partial_images")
    assert (told.requested, told.mode) == ("2", events.ADJUSTMENT_MODE_DROPPED)
