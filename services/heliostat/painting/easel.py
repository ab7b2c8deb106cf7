"""The pool that paints: every call of the face runs in a worker process, never on the event loop."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from heliostat.chassis.worker import settle

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

PNG = "image/png"


class EaselLost(RuntimeError):
    """The worker process ended twice during the same job: the job itself is likely to be the reason."""


class Easel:
    """A lazily started pool of painting processes. Safe to share between tasks of one event loop.

    Every operation takes and returns encoded pictures. Media types: image/png, image/jpeg, image/webp, image/avif,
    image/gif; JPEG lays transparent pictures on white. The same arguments give the same bytes. `seed` is any integer.
    Raises `PictureUnreadable` for input bytes that are damaged, foreign or too large, ValueError for arguments out of
    range, `EaselLost` when a job has ended its worker twice.
    """

    def __init__(self, workers: int = 1) -> None:
        """Prepare for `workers` processes (at least 1). None is started before `wake` or the first job."""
        if workers < 1:
            raise ValueError(f"an easel needs at least one worker, got {workers}")
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False

    async def wake(self) -> None:
        """Starts a worker and has it load what it paints with: the first picture then need not wait for that."""
        await self.paint("", 64, 64)

    async def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        *,
        seed: int = 0,
        media_type: str = PNG,
        compression_percent: int | None = None,
        transparent: bool = False,
    ) -> bytes:
        """A new picture of `width` x `height` px that shows the plain words of `prompt`.

        `compression_percent` is OpenAI's `output_compression`: 100 keeps most, 0 least; PNG and GIF ignore it.
        `transparent` leaves sky and background out, where the media type can say so.
        """
        return await self._picture(
            "paint",
            prompt,
            width,
            height,
            seed=seed,
            media_type=media_type,
            compression_percent=compression_percent,
            transparent=transparent,
        )

    async def upscale(
        self,
        image: bytes,
        *,
        factor: float | None = None,
        width: int | None = None,
        height: int | None = None,
        media_type: str = PNG,
    ) -> bytes:
        """`image` enlarged by `factor`, or to `width` and/or `height` px (one alone keeps the aspect ratio)."""
        return await self._picture("upscale", image, factor=factor, width=width, height=height, media_type=media_type)

    async def fill(self, image: bytes, mask: bytes, prompt: str, *, seed: int = 0, media_type: str = PNG) -> bytes:
        """`image` with the masked pixels repainted after `prompt`; an empty prompt heals the hole from its edges.

        `mask` is an encoded picture of one channel, 255 = repaint; another size is stretched to the image's. Pixels
        outside of the mask stay exactly as they were wherever the media type is lossless.
        """
        return await self._picture("fill", image, mask, prompt, seed=seed, media_type=media_type)

    async def edit(
        self, image: bytes, prompt: str, *, strength: float = 0.6, seed: int = 0, media_type: str = PNG
    ) -> bytes:
        """`image` changed after the words of `prompt`: light, weather, colours, added things, text, styles.

        `strength` is 0..1: how far the picture moves away from `image`.
        """
        return await self._picture("edit", image, prompt, strength=strength, seed=seed, media_type=media_type)

    async def remove_background(self, image: bytes, *, media_type: str = PNG) -> bytes:
        """The main subject of `image` with everything else transparent (RGBA)."""
        return await self._picture("remove_background", image, media_type=media_type)

    async def segment(
        self,
        image: bytes,
        *,
        labels: Sequence[str] = (),
        points: Sequence[tuple[int, int]] = (),
        box: tuple[int, int, int, int] | None = None,
    ) -> list[tuple[str, bytes]]:
        """Segments of `image` as (label, PNG mask of one channel, 255 = segment).

        `labels` asks for one segment each, `points` (x, y in px) for the segment under each point, `box` (left, top,
        right, bottom in px) for the thing inside. With nothing given: every segment, the largest first, at most 16.
        """
        found = await self._run("segment", image, labels=tuple(labels), points=tuple(points), box=box)
        return cast("list[tuple[str, bytes]]", found)

    async def restyle(
        self,
        image: bytes,
        style: str,
        *,
        strength: float = 0.7,
        seed: int = 0,
        style_image: bytes | None = None,
        media_type: str = PNG,
    ) -> bytes:
        """`image` in a style named by words (watercolor, sketch, oil, pixel, comic, sepia, noir, neon, ...).

        `style_image` lends its palette; it may stand alone with an empty `style`. `strength` is 0..1.
        """
        return await self._picture(
            "restyle", image, style, strength=strength, seed=seed, style_image=style_image, media_type=media_type
        )

    async def outpaint(
        self,
        image: bytes,
        *,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        prompt: str = "",
        seed: int = 0,
        media_type: str = PNG,
    ) -> bytes:
        """`image` continued by that many px on each side; its own pixels stay exactly as they were."""
        return await self._picture(
            "outpaint",
            image,
            left=left,
            right=right,
            top=top,
            bottom=bottom,
            prompt=prompt,
            seed=seed,
            media_type=media_type,
        )

    async def vary(self, image: bytes, *, similarity: float = 0.7, seed: int = 0, media_type: str = PNG) -> bytes:
        """Another take on `image` in the same size. `similarity` is 0..1; 1 stays close."""
        return await self._picture("vary", image, similarity=similarity, seed=seed, media_type=media_type)

    async def convert(self, image: bytes, *, media_type: str, compression_percent: int | None = None) -> bytes:
        """`image` in another format; `compression_percent` as in `paint`. Only the first frame of an animation."""
        return await self._picture("convert", image, media_type=media_type, compression_percent=compression_percent)

    async def alpha_to_mask(self, mask: bytes) -> bytes:
        """OpenAI's mask (alpha 0 = edit) as a PNG of one channel, 255 = repaint.

        A mask without alpha is read as luminance, white = repaint.
        """
        return await self._picture("alpha_to_mask", mask)

    async def mask_to_alpha(self, mask: bytes) -> bytes:
        """The inverse of `alpha_to_mask`: an RGBA PNG whose alpha is 255 minus the mask."""
        return await self._picture("mask_to_alpha", mask)

    async def aclose(self) -> None:
        """End the workers. Jobs under way are finished, waiting ones are cancelled. May be called again."""
        self._closed = True
        pool, self._pool = self._pool, None
        if pool is not None:
            import asyncio

            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def _picture(self, job: str, *arguments: Any, **options: Any) -> bytes:
        return cast("bytes", await self._run(job, *arguments, **options))

    async def _run(self, job: str, *arguments: Any, **options: Any) -> Any:
        """The result of a job of `workshop`, once more on a new pool if a worker ended meanwhile."""
        import asyncio
        from concurrent.futures import BrokenExecutor

        if self._closed:
            raise RuntimeError("the easel is closed")
        for _ in range(2):
            pool = self._pool or self._open()
            try:
                return await asyncio.wrap_future(pool.submit(_work, job, arguments, options))
            except BrokenExecutor:
                # Jobs that shared the broken pool get here too: only the first of them replaces it.
                if self._pool is pool:
                    self._pool = None
                pool.shutdown(wait=False)
        raise EaselLost(f"the painting worker ended twice during {job}")

    def _open(self) -> ProcessPoolExecutor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        self._pool = ProcessPoolExecutor(
            self._workers, mp_context=multiprocessing.get_context("spawn"), initializer=settle
        )
        return self._pool


def _work(job: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run one job in the worker, where the picture libraries are loaded on first use."""
    workshop = importlib.import_module("heliostat.painting.workshop")
    return getattr(workshop, job)(*arguments, **options)
