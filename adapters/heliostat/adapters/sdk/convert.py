"""Picture work in worker processes that start with the first picture; format conversion.

What decodes runs in the workers only, and imports Pillow there.
"""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from heliostat.adapters.sdk.one_colour import has_one_colour
from heliostat.adapters.sdk.structure import MAX_PIXELS, read_shape
from heliostat.chassis.worker import forked, settle, wake

if TYPE_CHECKING:
    from PIL import Image

ENCODABLE = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF", "image/avif": "AVIF"}
Made = TypeVar("Made")
# What the workers' jobs import: the adapters of one process load it once for all of them.
_PRELOADED = ("heliostat.adapters.sdk.inputs", "heliostat.adapters.sdk.masks", "PIL.Image")
_FORMATS = ["PNG", "JPEG", "WEBP", "GIF", "AVIF"]
LOSSY = frozenset({"image/jpeg", "image/webp", "image/avif"})
_DEFAULT_QUALITY = {"JPEG": 90, "WEBP": 85, "AVIF": 75}


def wake_workers() -> None:
    """Has what workers need loaded from now on, for whoever knows that there will be pictures soon."""
    wake(*_PRELOADED)


class Darkroom:
    """A pool of processes for picture work. A worker that dies is replaced at the next use."""

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    async def convert(
        self, data: bytes, media_type: str, compression_percent: int | None, xmp: bytes = b"", *, look: bool = False
    ) -> "Converted":
        """The picture in another format, upright, with its colour profile and `xmp`, and no other metadata.

        `compression_percent` is the quality, 0..100; `look` asks whether it has one colour. Raises ValueError.
        """
        return await self.run(_convert, data, media_type, compression_percent, xmp, look)

    async def has_one_colour(self, data: bytes) -> bool:
        """Whether the picture has one colour all over. Raises ValueError."""
        return await self.run(_has_one_colour, data)

    async def close(self) -> None:
        """Ends the workers; what they are at is finished first."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def run(self, work: Callable[..., Made], *args: object) -> Made:
        """`work(*args)` in a worker; everything that goes in and out is copied. Raises what it raises, and ValueError
        where it ends its worker twice."""
        try:
            return await self._submit(work, *args)
        except BrokenProcessPool:
            await self.close()
        try:
            return await self._submit(work, *args)
        except BrokenProcessPool:
            await self.close()
            raise ValueError("the picture cannot be worked on") from None

    async def _submit(self, work: Callable[..., Made], *args: object) -> Made:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, mp_context=forked(*_PRELOADED), initializer=settle)
        # A thread, because the first job starts the worker and waits for it.
        return await asyncio.wrap_future(await asyncio.to_thread(self._pool.submit, work, *args))


def opened(data: bytes) -> "Image.Image":
    """A decoded picture whose size was read from its head before. Raises ValueError."""
    from PIL import Image

    shape = read_shape(data)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(f"a {shape.media_type} that cannot be decoded") from None
    return picture


class Converted(NamedTuple):
    """An encoded picture, and whether it has one colour all over, as far as that was asked."""

    data: bytes
    one_colour: bool


def _has_one_colour(data: bytes) -> bool:
    return has_one_colour(opened(data))


def _convert(data: bytes, media_type: str, compression_percent: int | None, xmp: bytes, look: bool) -> Converted:
    from PIL import Image, ImageOps

    name = ENCODABLE.get(media_type)
    if name is None:
        raise ValueError(f"{media_type} cannot be written")
    picture = ImageOps.exif_transpose(opened(data))
    one_colour = look and has_one_colour(picture)
    profile = picture.info.get("icc_profile") if picture.mode != "CMYK" else None
    if name == "JPEG":
        picture = _flat(picture)
    elif picture.mode not in {"RGB", "RGBA", "L", "LA"}:
        picture = picture.convert("RGBA" if "transparency" in picture.info or picture.mode == "PA" else "RGB")
    target = io.BytesIO()
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if xmp:
        options |= _with_xmp(name, xmp)
    if name in _DEFAULT_QUALITY:
        options["quality"] = _DEFAULT_QUALITY[name] if compression_percent is None else compression_percent
    if name == "PNG":
        options["compress_level"] = 3
    if name == "WEBP":
        options["method"] = 2
    if name == "GIF" and picture.mode == "LA":
        picture = picture.convert("RGBA")
    Image.init()
    picture.save(target, format=name, **options)
    return Converted(target.getvalue(), one_colour)


def _with_xmp(name: str, xmp: bytes) -> dict[str, Any]:
    """What writes a packet of XMP into a file."""
    from PIL.PngImagePlugin import PngInfo

    if name != "PNG":
        return {"xmp": xmp}
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return {"pnginfo": info}


def _flat(picture: "Image.Image") -> "Image.Image":
    """Without transparency: JPEG has none, so what lies behind is white."""
    from PIL import Image

    if picture.mode not in {"RGBA", "LA", "PA"} and "transparency" not in picture.info:
        return picture if picture.mode in {"RGB", "L"} else picture.convert("RGB")
    picture = picture.convert("RGBA")
    ground = Image.new("RGB", picture.size, (255, 255, 255))
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
