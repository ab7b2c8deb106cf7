"""Small copies of pictures, for lists of them. What a provider delivered is decoded in a worker process, never here."""

import asyncio
import io
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from heliostat.chassis.worker import settle

MEDIA_TYPE = "image/webp"
# Twice the side at which a picture stands in a list: sharp on dense screens.
MOST_SIDE_PX = 128
# More would cost more memory than a glance at it is worth: 100 MB once it is decoded.
_MOST_PIXELS = 25_000_000
_QUALITY = 75
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF")
# Modes of Pillow that are scaled as they are.
_SCALABLE = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
# Modes of Pillow that become RGB or RGBA without a guess; 16 bits a channel do not.
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"})


class Thumbnails:
    """One worker, which starts with the first picture and is replaced where it dies."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    async def of(self, data: bytes) -> bytes:
        """A picture as a WebP of at most 128 x 128 pixels, upright. Raises ValueError for what is not made small."""
        pool = self._pool = self._pool or _opened()
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _small, data)
        except BrokenProcessPool:
            # All that shared the worker get here; the next one may have a new worker already.
            if self._pool is pool:
                self._pool = None
            pool.shutdown(wait=False)
            raise ValueError("the worker ended over this picture") from None

    async def close(self) -> None:
        """Ends the worker once it is done with what it is at. May be called again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)


def _opened() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_settle)


def _settle() -> None:
    """Small copies come after everything else that the machine has to do, such as the page that shows them."""
    settle()
    os.nice(10)


def _small(data: bytes) -> bytes:
    """Runs in the worker; Pillow is loaded there alone."""
    from PIL import Image, ImageOps

    # The size is read from the head, before anything is unpacked.
    Image.MAX_IMAGE_PIXELS = None
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if picture.width * picture.height > _MOST_PIXELS or picture.mode not in _MODES:
            raise ValueError("too large, or of a kind that is not made small")
        # Scaled before anything else: each copy of a large picture is as much memory again.
        # A JPEG is decoded at an eighth of its size where that is enough.
        picture.draft(None, (MOST_SIDE_PX, MOST_SIDE_PX))
        if picture.mode not in _SCALABLE or "transparency" in picture.info:
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((MOST_SIDE_PX, MOST_SIDE_PX), reducing_gap=2.0)
        small = ImageOps.exif_transpose(picture)
        target = io.BytesIO()
        small.convert("RGBA" if small.has_transparency_data else "RGB").save(target, "WEBP", quality=_QUALITY)
    except Exception as error:
        # Decoders raise whatever they like over a hostile file.
        raise ValueError(f"not made small: {type(error).__name__}") from None
    return target.getvalue()
