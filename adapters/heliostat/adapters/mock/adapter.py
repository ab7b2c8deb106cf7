"""A scripted provider: what happens is said by the model's name.

mock-image           sound PNGs at once, of the size asked for
mock-masks           three masks with labels
mock-progress        tells of 0, 50 and 100 percent
mock-partials        sends the previews that were asked for
mock-few             one picture fewer than asked for
mock-large           a picture of 8 MB
mock-broken-media    a picture whose end is missing
mock-empty           ends without a picture
mock-crash           raises an unforeseen exception that holds the prompt
mock-priced          a picture of four cents
mock-fail-<reason>   refuses, free of charge; <reason> as in the contract, such as rate-limited
mock-lost-<reason>   fails after the work was taken: nobody knows whether it is charged
mock-slow-<ms>       answers after so many milliseconds; the connection is all that there is
mock-job-<ms>        as slow, with a job id that can be gone on with and cancelled
"""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any

from heliostat.adapters.mock.outcomes import OUTCOMES
from heliostat.adapters.sdk import (
    Adapter,
    AdapterSettings,
    Call,
    Cancelled,
    Model,
    ModelTable,
    Options,
    Pixels,
    Step,
    accepted,
    adapter_module,
    completed,
    free,
    image,
    per_image,
    preview,
    progress,
)
from heliostat.api.image.v1 import media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import reason_of
from heliostat.painting.blank import blank_png

SIZES = Pixels(16, 4096, max_area_px=4_194_304, default=(1024, 1024))
QUICK_AREA_PX = 65_536
OPERATIONS = (
    "text_to_image",
    "edit",
    "variation",
    "upscale",
    "remove_background",
    "segment",
    "style_transfer",
    "outpaint",
)


def _model(name: str, **facts: Any) -> Model:
    usual: dict[str, Any] = {
        "operations": OPERATIONS,
        "sizes": SIZES,
        "price": free,
        "price_source": "free",
        "max_images": 10,
        "max_references": 16,
        "mask": "exact",
        "creator": "Heliostat",
    }
    return Model(name, **{**usual, **facts})


MODELS = ModelTable(
    _model("mock-image", names=("mock-image",), description="A plain picture, free and at once"),
    _model("mock-masks", operations=("segment",), counts_images=False),
    _model("mock-progress"),
    _model("mock-partials", max_partials=3),
    _model("mock-few"),
    _model("mock-large"),
    _model("mock-broken-media"),
    _model("mock-empty"),
    _model("mock-crash"),
    _model("mock-priced", price=per_image("0.04"), price_source="mock 2026-11-22"),
    wildcard=_model("", cancel_effective=True, resumable=True),
)


class Settings(AdapterSettings):
    """The section of a mock adapter."""

    one_colour_warning: bool = False
    """True: its pictures, which have one colour all over, are delivered with a warning."""


class MockOptions(Options):
    """What provider_options may say to a mock adapter."""

    colour: tuple[int, int, int] = (240, 180, 60)
    """Red, green and blue of the picture, 0..255 each."""


class MockAdapter(Adapter[Settings, MockOptions]):
    """Plays the script that the model's name tells."""

    provider = "mock"
    display_name = "Mock"
    models = MODELS
    options = MockOptions
    outcomes = OUTCOMES
    ignores = ("negative_prompt", "style", "moderation", "user", "quality", "background")
    sandbox = True

    async def generate_one(
        self, model: Model, request: request_pb2.ImageRequest, options: MockOptions, call: Call
    ) -> AsyncIterator[Step]:
        """Plays the script. Raises what the script says."""
        script, argument = _script(model.name)
        picture = await _picture(call, options.colour)
        call.submitted = True
        async for step in script(call, picture, argument):
            yield step
        yield completed(metadata={"script": model.name})

    async def cancel_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Knows every job that a script began; a cancelled job is free."""
        return Cancelled(found=provider_job_id.startswith("mock-job-"), free=True)

    async def spare_job(self, model: Model, provider_job_id: str, account: str) -> Cancelled:
        """Every cancel is free here."""
        return await self.cancel_job(model, provider_job_id, account)


async def _picture(call: Call, colour: tuple[int, int, int]) -> bytes:
    size = call.size()
    if size.width_px * size.height_px <= QUICK_AREA_PX:
        return blank_png(size.width_px, size.height_px, colour)
    return await asyncio.to_thread(blank_png, size.width_px, size.height_px, colour)


def _pictures(call: Call, picture: bytes, count: int) -> list[Step]:
    seed = call.request.seed if call.request.HasField("seed") else None
    return [image(picture, index, seed=None if seed is None else seed + index) for index in range(count)]


async def _sound(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    for step in _pictures(call, picture, call.image_count):
        yield step


async def _few(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    for step in _pictures(call, picture, call.image_count - 1):
        yield step


async def _masks(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    for index, label in enumerate(call.request.segment.labels or ("one", "two", "three")):
        yield image(picture, index, role=media_pb2.MEDIA_ROLE_MASK, label=label)


async def _progress(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted("mock-job-progress")
    for percent in (0.0, 50.0, 100.0):
        yield progress(percent)
        await asyncio.sleep(0)
    for step in _pictures(call, picture, call.image_count):
        yield step


async def _partials(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    for index in range(call.image_count):
        for partial in range(call.request.output.partial_image_count):
            yield preview(blank_png(64, 64, (0, 0, 80 * partial)), partial, index)
            await asyncio.sleep(0)
        yield image(picture, index)


async def _large(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    yield image(_padded(picture))


async def _broken(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    yield image(picture[:-12])


async def _empty(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()


async def _crash(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted()
    raise LookupError(call.request.prompt)


_FAIL, _LOST = OUTCOMES.row("submit", "mock-fail"), OUTCOMES.row("poll", "mock-lost")


async def _fail(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    reason = reason_of(argument)
    pause = 2.0 if reason == reasons.ERROR_REASON_RATE_LIMITED else None
    raise call.error(
        reason,
        f"The mock provider refuses, as its model's name says: {argument}.",
        outcome=_FAIL.outcome,
        billed=_FAIL.billed,
        phase=_FAIL.phase,
        retry_after_s=pause,
    )
    yield


async def _lost(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted("mock-job-lost")
    raise call.error(
        reason_of(argument),
        f"The mock provider was lost, as its model's name says: {argument}.",
        outcome=_LOST.outcome,
        billed=_LOST.billed,
        phase=_LOST.phase,
    )


async def _slow(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    await asyncio.sleep(int(argument) / 1000)
    for step in _pictures(call, picture, call.image_count):
        yield step


async def _job(call: Call, picture: bytes, argument: str) -> AsyncIterator[Step]:
    yield accepted(call.resume_provider_job_id or f"mock-job-{call.attempt_id}")
    if not call.resume_provider_job_id:
        await asyncio.sleep(int(argument) / 1000)
    for step in _pictures(call, picture, call.image_count):
        yield step


Script = Callable[[Call, bytes, str], AsyncIterator[Step]]

_SCRIPTS: dict[str, Script] = {
    "mock-image": _sound,
    "mock-priced": _sound,
    "mock-masks": _masks,
    "mock-progress": _progress,
    "mock-partials": _partials,
    "mock-few": _few,
    "mock-large": _large,
    "mock-broken-media": _broken,
    "mock-empty": _empty,
    "mock-crash": _crash,
}
_PREFIXES: dict[str, Script] = {"mock-fail-": _fail, "mock-lost-": _lost, "mock-slow-": _slow, "mock-job-": _job}


@cache
def _script(name: str) -> tuple[Script, str]:
    """The script of a model and its argument; a name without a script plays a sound picture."""
    for prefix, script in _PREFIXES.items():
        if name.startswith(prefix):
            argument = name.removeprefix(prefix)
            return script, argument if argument.isdigit() else argument.replace("-", "_")
    return _SCRIPTS.get(name, _sound), ""


@cache
def _padded(picture: bytes) -> bytes:
    """The same picture with 8 MB of an ancillary chunk before its end mark."""
    filler = b"heLi" + bytes(8 * 1024 * 1024)
    chunk = struct.pack(">I", len(filler) - 4) + filler + struct.pack(">I", zlib.crc32(filler))
    return picture[:-12] + chunk + picture[-12:]


MODULE = adapter_module(MockAdapter, Settings)
