"""The work behind a request: the picture made and billed."""

from __future__ import annotations

from dataclasses import dataclass

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of
from heliostat.emulators.stability.catalogue import MICROS_PER_CREDIT
from heliostat.emulators.stability.dialect import refused
from heliostat.emulators.stability.inputs import Order, of_area

UNSAFE_WORD, UNSAFE_RESULT_WORD, FAMOUS_WORD = "nsfw", "gore", "president"


def check_words(order: Order) -> None:
    """Raise `Refusal` for what moderation flags: free of charge."""
    prompt = order.prompt.lower()
    if UNSAFE_WORD in prompt:
        raise refused(403)
    if FAMOUS_WORD in prompt:
        raise refused(422, "public_figure", "Our system detected the likeness of a public figure in your image.")
    if not order.prompt.isascii():
        raise refused(422)


@dataclass
class Studio:
    """Carries out orders for one room."""

    room: Room

    async def carry_out(self, order: Order, entry: Entry) -> Reply:
        """Make the picture and bill it, and answer with its bytes. Raises `Refusal` for an unreadable one."""
        try:
            image = await self._made(order)
        except PictureRefused:
            raise refused(400, "bad_request", "image: must be a valid image file") from None
        entry.bill(int(order.endpoint.credits[order.model] * MICROS_PER_CREDIT), [image])
        filtered = UNSAFE_RESULT_WORD in order.prompt.lower()
        heads = {"finish-reason": "CONTENT_FILTERED" if filtered else "SUCCESS", "seed": str(order.seed)}
        return Reply(200, image, order.media_type, heads)

    async def _made(self, order: Order) -> bytes:
        pictures, painter, main = self.room.pictures, self.room.pictures.painter, order.main
        task, media_type, seed = order.endpoint.task, order.media_type, order.seed
        if main is None or order.endpoint.path == "control/style":
            return await pictures.paint(order.prompt, *order.size(), seed=seed, media_type=media_type)
        size = header_of(main).size
        if task == "cut":
            return await asked(painter.remove_background(main, media_type=media_type))
        if task == "enlarge":
            area = order.endpoint.area_px
            width, height = (4 * size[0], 4 * size[1]) if area == 4 else of_area(size, area)
            return await asked(painter.upscale(main, width=width, height=height, media_type=media_type))
        if task == "outpaint":
            names = {"left": "left", "right": "right", "up": "top", "down": "bottom"}
            sides = {ours: int(order.fields.get(name) or 0) for name, ours in names.items()}
            work = painter.outpaint(main, **sides, prompt=order.prompt, seed=seed, media_type=media_type)
            return await asked(work)
        mask = None
        if task in ("inpaint", "erase"):
            mask = order.files.get("mask") or await asked(painter.alpha_to_mask(main))
        return await pictures.repaint(main, order.prompt, size=size, seed=seed, media_type=media_type, mask=mask)


def as_json(reply: Reply, field: str) -> Reply:
    """Give a picture's answer as JSON, base64 under `field`."""
    content = {
        field: pybase64.b64encode_as_string(reply.body),
        "finish_reason": reply.headers["finish-reason"],
        "seed": int(reply.headers["seed"]),
    }
    answer = json_reply(content, 200)
    answer.media_type = f"application/json; type={reply.media_type}"
    return answer
