"""A workflow carried out: what its nodes come to is worked out first, and painted when an output asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from heliostat.emulators.exchange import Room
from heliostat.emulators.pictures import asked, header_of

ENLARGES = 4
_SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Drawn:
    """What a sampler does to a canvas."""

    prompt: str
    seed: int
    strength: float


@dataclass(frozen=True)
class Border:
    """The mask of what was added around a picture, in px."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Mask:
    """A mask that was loaded; white is painted anew."""

    data: bytes
    inverted: bool = False


@dataclass(frozen=True)
class Canvas:
    """Pictures or latents: `amount` of a size in px, from nothing or from a picture, perhaps drawn upon."""

    size: tuple[int, int]
    amount: int = 1
    data: bytes | None = None
    border: Border | None = None
    mask: Mask | Border | None = None
    drawn: Drawn | None = None


class Studio:
    """Carries workflows out for one room; `picture` gives an uploaded file."""

    def __init__(self, room: Room, picture: Callable[[str], bytes]) -> None:
        self._room = room
        self._picture = picture

    async def carry_out(self, workflow: Mapping[str, Any], outputs: list[str]) -> dict[str, list[bytes]]:
        """Give the pictures of each output. Raises `PictureRefused`."""
        evaluation = _Evaluation(workflow, self._picture)
        made = {}
        for output in outputs:
            canvas = evaluation.given(output, "images")
            made[output] = [await self._painted(canvas, index) for index in range(canvas.amount)]
        return made

    async def _painted(self, canvas: Canvas, index: int) -> bytes:
        pictures, drawn = self._room.pictures, canvas.drawn
        prompt, seed = (drawn.prompt, drawn.seed + index) if drawn else ("", 0)
        if canvas.data is None:
            return await pictures.paint(prompt, *canvas.size, seed=seed, media_type="image/png")
        if canvas.border is not None:
            sides = {name: getattr(canvas.border, name) for name in _SIDES}
            image = await asked(pictures.painter.outpaint(canvas.data, **sides, prompt=prompt, seed=seed))
        elif drawn is None:
            image = canvas.data
        else:
            mask = canvas.mask.data if isinstance(canvas.mask, Mask) else None
            if mask is not None and isinstance(canvas.mask, Mask) and canvas.mask.inverted:
                mask = await asked(pictures.painter.alpha_to_mask(mask))
            image = await pictures.repaint(
                canvas.data,
                prompt,
                size=header_of(canvas.data).size,
                seed=seed,
                media_type="image/png",
                mask=mask,
                strength=drawn.strength,
            )
        return await pictures.convert(await pictures.resized(image, canvas.size), media_type="image/png")


class _Evaluation:
    """What each node gives, worked out once."""

    def __init__(self, workflow: Mapping[str, Any], picture: Callable[[str], bytes]) -> None:
        self._workflow = workflow
        self._picture = picture
        self._known: dict[str, tuple[Any, ...]] = {}

    def given(self, node_id: str, name: str, default: Any = None) -> Any:
        """Give the value of an input: its own, or what the node behind a link gives."""
        value = self._workflow[node_id]["inputs"].get(name, default)
        if not isinstance(value, list):
            return value
        source, slot = value
        if source not in self._known:
            self._known[source] = self._outputs(source)
        return self._known[source][slot]

    def _outputs(self, node_id: str) -> tuple[Any, ...]:
        kind = self._workflow[node_id]["class_type"]
        made = {
            "LoadImage": self._load,
            "LoadImageMask": self._load_mask,
            "ImagePadForOutpaint": self._pad,
            "KSampler": self._sample,
            "ImageCompositeMasked": self._composite,
        }.get(kind)
        if made is not None:
            return made(node_id)
        if kind in ("EmptyLatentImage", "EmptySD3LatentImage"):
            size = (int(self.given(node_id, "width")), int(self.given(node_id, "height")))
            return (Canvas(size, int(self.given(node_id, "batch_size"))),)
        if kind in ("CLIPTextEncode", "TextEncodeQwenImageEditPlus"):
            return (self.given(node_id, "text", self.given(node_id, "prompt")),)
        if kind == "FluxGuidance":
            return (self.given(node_id, "conditioning"),)
        canvas = next(
            (self.given(node_id, name) for name in ("samples", "pixels", "image") if self._has(node_id, name)), None
        )
        if not isinstance(canvas, Canvas):
            return (None, None, None)
        return (self._changed(node_id, kind, canvas),)

    def _has(self, node_id: str, name: str) -> bool:
        return name in self._workflow[node_id]["inputs"]

    def _changed(self, node_id: str, kind: str, canvas: Canvas) -> Canvas:
        """Work on one canvas; coding and decoding change nothing."""
        if kind == "ImageScale":
            return replace(canvas, size=(int(self.given(node_id, "width")), int(self.given(node_id, "height"))))
        if kind == "ImageUpscaleWithModel":
            return replace(canvas, size=(ENLARGES * canvas.size[0], ENLARGES * canvas.size[1]))
        if kind in ("RepeatLatentBatch", "RepeatImageBatch"):
            return replace(canvas, amount=canvas.amount * int(self.given(node_id, "amount")))
        if kind in ("SetLatentNoiseMask", "VAEEncodeForInpaint"):
            return replace(canvas, mask=self.given(node_id, "mask"))
        return canvas

    def _load(self, node_id: str) -> tuple[Any, ...]:
        data = self._picture(self.given(node_id, "image"))
        return Canvas(header_of(data).size, data=data), None

    def _load_mask(self, node_id: str) -> tuple[Any, ...]:
        data = self._picture(self.given(node_id, "image"))
        return (Mask(data, inverted=self.given(node_id, "channel") == "alpha"),)

    def _pad(self, node_id: str) -> tuple[Any, ...]:
        canvas, border = self.given(node_id, "image"), Border(*(int(self.given(node_id, side)) for side in _SIDES))
        width, height = canvas.size
        size = (width + border.left + border.right, height + border.top + border.bottom)
        return replace(canvas, size=size, border=border), border

    def _sample(self, node_id: str) -> tuple[Any, ...]:
        canvas = self.given(node_id, "latent_image")
        drawn = Drawn(
            str(self.given(node_id, "positive") or ""),
            int(self.given(node_id, "seed")),
            float(self.given(node_id, "denoise")),
        )
        return (replace(canvas, drawn=drawn),)

    def _composite(self, node_id: str) -> tuple[Any, ...]:
        destination, source = self.given(node_id, "destination"), self.given(node_id, "source")
        return (replace(destination, mask=self.given(node_id, "mask"), drawn=source.drawn),)
