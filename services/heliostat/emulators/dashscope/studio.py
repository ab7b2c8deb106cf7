"""The work behind a call or a task: pictures made, hosted, billed, and told in the endpoint's shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat.emulators.dashscope.catalogue import Size
from heliostat.emulators.dashscope.dialect import BLOCKED, BLOCKED_INPUT, BLOCKED_OUTPUT, refused, unreadable
from heliostat.emulators.dashscope.inputs import MESSAGED, Order
from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of, seed_from

PNG = "image/png"
EXTENSION = ", in fine detail"


@dataclass
class Studio:
    """Carries out orders for one room, as one client sees it.

    "nsfw" in the prompt is refused before the work; "gore" spoils every picture, "some gore" the first one.
    """

    room: Room
    address: str
    """The room's base URL, for the addresses of pictures."""
    beijing: bool

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the pictures, bill those that succeed, and answer `output` and `usage`. Raises `Refusal`."""
        prompt = order.prompt.lower()
        if "nsfw" in prompt:
            raise refused(400, BLOCKED, BLOCKED_INPUT)
        spoiled = 1 if "some gore" in prompt else order.count if "gore" in prompt else 0
        if spoiled == order.count:
            raise refused(400, BLOCKED, BLOCKED_OUTPUT)
        try:
            made = [await self._made(order, index) for index in range(spoiled, order.count)]
        except PictureRefused as error:
            raise unreadable(str(error)) from error
        cost = order.model.cost_micros(len(made), extended=order.extended, beijing=self.beijing)
        entry.bill(cost, made)
        urls = [f"{self.address}/files/{self.room.shelf.put(one, PNG)}" for one in made]
        counts = {"TOTAL": order.count, "SUCCEEDED": len(made), "FAILED": spoiled}
        shape = _choices if order.path in MESSAGED else _results
        output = shape(order, urls, spoiled, counts)
        return json_reply({"output": output, "usage": _usage(order, header_of(made[0]).size, len(made))})

    async def _made(self, order: Order, index: int) -> bytes:
        pictures, seed = self.room.pictures, seed_from(order.seed, index) if index else order.seed
        if order.function == "super_resolution":
            factor = order.parameters.get("upscale_factor", 1)
            return await asked(pictures.painter.upscale(order.images[0], factor=factor, media_type=PNG))
        if order.function == "expand":
            sides = _sides(order)
            work = pictures.painter.outpaint(order.images[0], **sides, prompt=order.prompt, seed=seed, media_type=PNG)
            return await asked(work)
        if not order.images:
            return await pictures.paint(order.prompt, *order.size, seed=seed, media_type=PNG)
        return await pictures.repaint(
            order.images[0],
            order.prompt,
            size=order.size,
            seed=seed,
            media_type=PNG,
            mask=order.mask,
            strength=float(order.parameters.get("strength", 0.5)),
        )


def _sides(order: Order) -> dict[str, int]:
    """The pixels that an expansion adds: a scale counts in the picture's own edge."""
    width, height = header_of(order.images[0]).size
    edges = {"top": height, "bottom": height, "left": width, "right": width}
    return {name: round(edge * (order.parameters.get(f"{name}_scale", 1) - 1)) for name, edge in edges.items()}


def _results(order: Order, urls: list[str], spoiled: int, counts: dict[str, int]) -> dict[str, Any]:
    told = {"orig_prompt": order.prompt}
    if order.extended:
        told["actual_prompt"] = order.prompt + EXTENSION
    failed = [{"code": BLOCKED, "message": BLOCKED_OUTPUT}] * spoiled
    return {"results": [*failed, *({"url": url, **told} for url in urls)], "task_metrics": counts}


def _choices(order: Order, urls: list[str], spoiled: int, counts: dict[str, int]) -> dict[str, Any]:
    """One choice a picture, as Wan has it, or all in one; what was spoiled is counted only."""
    rewritten: list[dict[str, Any]] = []
    if order.model.name == "z-image-turbo" and order.extended:
        rewritten = [{"text": order.prompt + EXTENSION}]
    contents = [[{"image": url}, *rewritten] for url in urls]
    if not order.model.name.startswith("wan"):
        contents = [[part for content in contents for part in content]]
    choices = [{"finish_reason": "stop", "message": {"role": "assistant", "content": one}} for one in contents]
    return {"choices": choices, "task_metric": counts}


def _usage(order: Order, size: Size, count: int) -> dict[str, Any]:
    if order.path not in MESSAGED:
        return {"image_count": count}
    if order.model.name.startswith("wan"):
        return {"image_count": count, "size": f"{size[0]}*{size[1]}", "input_tokens": 0, "output_tokens": 0}
    return {"image_count": count, "width": size[0], "height": size[1]}
