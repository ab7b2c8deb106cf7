"""Operations of the contract as jobs of the easel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.painting import Easel

_PNG = "image/png"
# No picture is painted smaller.
_SMALLEST_PX = 16
_LOSSY = frozenset({"image/jpeg", "image/webp", "image/avif"})


@dataclass(frozen=True, slots=True)
class Order:
    """A request with its pictures in hand, as encoded files; `mask` has one channel, 255 = repaint.

    `width_px` and `height_px` count for text_to_image only.
    """

    operation: str
    request: requests.ImageRequest
    seed: int
    width_px: int = 0
    height_px: int = 0
    image: bytes = b""
    mask: bytes | None = None
    style: bytes | None = None

    @property
    def media_type(self) -> str:
        """Wanted IANA media type; PNG where nothing is wished."""
        return self.request.output.media_type or _PNG


class Work:
    """What the studio can do."""

    def __init__(self, easel: Easel) -> None:
        self.easel = easel
        self._jobs: dict[str, Callable[[Order, int, str], Awaitable[bytes]]] = {
            "text_to_image": self._paint,
            "edit": self._edit,
            "variation": self._vary,
            "upscale": self._upscale,
            "remove_background": self._cut_out,
            "style_transfer": self._restyle,
            "outpaint": self._outpaint,
        }

    async def picture(self, order: Order, seed: int) -> bytes:
        """One encoded picture. Raises PictureUnreadable, ValueError and EaselLost."""
        output = order.request.output
        media_type = order.media_type
        squeezed = output.HasField("compression_percent") and media_type in _LOSSY
        if not squeezed or order.operation == "text_to_image":
            return await self._jobs[order.operation](order, seed, media_type)
        lossless = await self._jobs[order.operation](order, seed, _PNG)
        return await self.easel.convert(lossless, media_type=media_type, compression_percent=output.compression_percent)

    async def preview(self, order: Order, seed: int, number: int, count: int) -> bytes:
        """The picture that is about to be painted, painted small and enlarged: `number` 0 of `count` is the coarsest.

        Raises ValueError and EaselLost.
        """
        shrink = 2 ** (count - number)
        small = [max(_SMALLEST_PX, edge // shrink) for edge in (order.width_px, order.height_px)]
        sketch = await self.easel.paint(
            _words(order.request), *small, seed=seed, transparent=_is_transparent(order.request)
        )
        return await self.easel.upscale(
            sketch, width=order.width_px, height=order.height_px, media_type=order.media_type
        )

    async def segments(self, order: Order) -> list[tuple[str, bytes]]:
        """(label, PNG mask) of each segment: of the labels, of the points, of each box; of everything without them."""
        segment = order.request.segment
        if any(point.exclude for point in segment.points):
            raise ValueError("points to exclude are not understood; send points on the thing itself")
        points = [(point.x_px, point.y_px) for point in segment.points]
        found: list[tuple[str, bytes]] = []
        if segment.labels or points or not segment.boxes:
            found += await self.easel.segment(order.image, labels=list(segment.labels), points=points)
        for box in segment.boxes:
            edges = (box.left_px, box.top_px, box.right_px, box.bottom_px)
            found += await self.easel.segment(order.image, box=edges)
        return found

    async def _paint(self, order: Order, seed: int, media_type: str) -> bytes:
        request = order.request
        output = request.output
        return await self.easel.paint(
            _words(request),
            order.width_px,
            order.height_px,
            seed=seed,
            media_type=media_type,
            compression_percent=output.compression_percent if output.HasField("compression_percent") else None,
            transparent=_is_transparent(request),
        )

    async def _edit(self, order: Order, seed: int, media_type: str) -> bytes:
        prompt, edit = order.request.prompt, order.request.edit
        if order.mask is not None:
            return await self.easel.fill(order.image, order.mask, prompt, seed=seed, media_type=media_type)
        strength = edit.strength if edit.HasField("strength") else 0.6
        return await self.easel.edit(order.image, prompt, strength=strength, seed=seed, media_type=media_type)

    async def _vary(self, order: Order, seed: int, media_type: str) -> bytes:
        variation = order.request.variation
        similarity = variation.similarity if variation.HasField("similarity") else 0.7
        return await self.easel.vary(order.image, similarity=similarity, seed=seed, media_type=media_type)

    async def _upscale(self, order: Order, seed: int, media_type: str) -> bytes:
        upscale = order.request.upscale
        if upscale.HasField("size"):
            size = upscale.size
            return await self.easel.upscale(
                order.image, width=size.width_px, height=size.height_px, media_type=media_type
            )
        factor = upscale.factor if upscale.HasField("factor") else 2.0
        return await self.easel.upscale(order.image, factor=factor, media_type=media_type)

    async def _cut_out(self, order: Order, seed: int, media_type: str) -> bytes:
        return await self.easel.remove_background(order.image, media_type=media_type)

    async def _restyle(self, order: Order, seed: int, media_type: str) -> bytes:
        request, transfer = order.request, order.request.style_transfer
        return await self.easel.restyle(
            order.image,
            f"{request.style} {request.prompt}".strip(),
            strength=transfer.strength if transfer.HasField("strength") else 0.7,
            seed=seed,
            style_image=order.style,
            media_type=media_type,
        )

    async def _outpaint(self, order: Order, seed: int, media_type: str) -> bytes:
        outpaint = order.request.outpaint
        return await self.easel.outpaint(
            order.image,
            left=outpaint.left_px,
            right=outpaint.right_px,
            top=outpaint.top_px,
            bottom=outpaint.bottom_px,
            prompt=order.request.prompt,
            seed=seed,
            media_type=media_type,
        )


def _words(request: requests.ImageRequest) -> str:
    return f"{request.prompt}, {request.style}" if request.style else request.prompt


def _is_transparent(request: requests.ImageRequest) -> bool:
    return request.output.background == requests.BACKGROUND_TRANSPARENT
