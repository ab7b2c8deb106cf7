"""One picture of an answer in JSON, as base64 or as an address: read, and delivered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.media import JsonPictures
from heliostat.adapters.sdk.result import Picture, image
from heliostat.api.image.v1 import reason_pb2 as reasons


@dataclass(frozen=True, slots=True)
class Drawn:
    """One picture: `place` of its base64 in `source`, None where there is only a `url`; its size in px, 0 where it is
    not told."""

    source: JsonPictures
    place: object = None
    url: str = ""
    revised_prompt: str = ""
    width_px: int = 0
    height_px: int = 0

    def picture(self) -> bytes:
        """The picture's file. Raises ValueError for what is not base64."""
        return self.source.picture(self.place)


DrawnT = TypeVar("DrawnT", bound=Drawn)


def read_drawn(kind: type[DrawnT], source: JsonPictures, one: Mapping[str, Any]) -> DrawnT:
    """A picture by the names that OpenAI gave: b64_json, url, revised_prompt. Raises ValueError for none at all."""
    url, place, revised = one.get("url"), one.get("b64_json"), one.get("revised_prompt")
    if not place and not (isinstance(url, str) and url):
        raise ValueError("a picture without bytes and address")
    return kind(source, place or None, url if isinstance(url, str) else "", revised if isinstance(revised, str) else "")


async def deliver(drawn: Drawn, index: int, call: Call) -> Picture:
    """The picture, fetched where only an address came. Raises MEDIA_INVALID, and what `Call.fetch` raises."""
    revised = drawn.revised_prompt
    if drawn.url and (call.passes_uris or drawn.place is None):
        width, height = drawn.width_px, drawn.height_px
        return await call.fetch(drawn.url, index, revised_prompt=revised, width_px=width, height_px=height)
    try:
        return image(drawn.picture(), index, revised_prompt=revised)
    except ValueError as error:
        message = f"The provider delivered a picture that cannot be read: {error}."
        raise call.error(reasons.ERROR_REASON_MEDIA_INVALID, message, phase="download") from None
