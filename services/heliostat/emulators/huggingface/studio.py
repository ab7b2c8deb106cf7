"""The work behind a call: pictures made and billed."""

from __future__ import annotations

from dataclasses import dataclass

from heliostat.emulators.exchange import Room
from heliostat.emulators.huggingface.dialect import wrong_field
from heliostat.emulators.huggingface.inputs import Order
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of

UNSAFE_WORD = "nsfw"


def is_unsafe(order: Order) -> bool:
    """Tell whether the provider's safety checker flags it; hf-inference has none."""
    return UNSAFE_WORD in order.prompt.lower() and not order.unchecked


@dataclass
class Studio:
    """Carries out orders for one room."""

    room: Room

    async def draw(self, order: Order, entry: Entry) -> list[bytes]:
        """Make the pictures and bill them. Raises `Refusal` for an unreadable picture."""
        pictures = self.room.pictures
        made: list[bytes] = []
        for index in range(order.count):
            seed = order.seed + index
            if order.picture is None:
                made.append(await pictures.paint(order.prompt, *order.size, seed=seed, media_type=order.media_type))
                continue
            try:
                work = pictures.repaint(
                    order.picture, order.prompt, size=order.size, seed=seed, media_type=order.media_type
                )
                made.append(await work)
            except PictureRefused as error:
                raise wrong_field(order.model.provider, "image", f"Invalid image: {error}") from error
        size = header_of(made[0]).size
        entry.bill(order.model.price.micros(size, len(made), order.steps), made)
        return made

    async def segments(self, order: Order, entry: Entry) -> list[tuple[str, bytes]]:
        """Find what is in the picture and bill it: (label, PNG mask, white on the thing)."""
        try:
            found = await asked(self.room.pictures.painter.segment(order.picture or b""))
        except PictureRefused as error:
            raise wrong_field(order.model.provider, "inputs", f"Invalid image: {error}") from error
        entry.bill(order.model.price.micros((1, 1), 1, 0), [mask for _, mask in found])
        return found

    def hosted(self, images: list[bytes], order: Order, address: str) -> list[str]:
        """Put the pictures where they can be fetched, and give their addresses."""
        return [f"{address}/files/{self.room.shelf.put(image, order.media_type)}" for image in images]
