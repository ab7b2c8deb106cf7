"""Clipdrop's tools (clipdrop-api.co) below /clipdrop: forms in, pictures out; copies of clipdrop.co/apis/docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.checked_fields import Field, read_fields, text, whole, words
from heliostat.emulators.counter import JPEG, PNG, WEBP, Counter, is_unsafe, picture_of
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of
from heliostat.emulators.plain_dialect import PlainDialect

# A credit; what one costs is only remembered.
MICROS_EACH = 20_000
ANY = (PNG, JPEG, WEBP)
DIALECT = PlainDialect(
    lambda status, message: json_reply({"error": message}, status),
    {401: "Missing api key", 402: "No remaining credits", 403: "Invalid or revoked api key"},
)
_SIDE = whole(0, 2000)


@dataclass(frozen=True)
class Tool:
    """One endpoint: its fields and files, the most megapixels of its picture, and the types that it answers."""

    fields: Mapping[str, Field]
    files: tuple[str, ...] = ("image_file",)
    types: tuple[str, ...] = (JPEG,)
    most_px: int = 16_000_000
    usual: str = ""


TOOLS: Mapping[str, Tool] = {
    "text-to-image/v1": Tool({"prompt": text(1, 1000, needed=True)}, (), (PNG,)),
    "remove-background/v1": Tool(
        {"transparency_handling": words("return_input_if_non_opaque", "discard_alpha_layer")},
        types=ANY,
        most_px=25_000_000,
    ),
    "cleanup/v1": Tool({"mode": words("fast", "quality")}, ("image_file", "mask_file"), (PNG,)),
    "text-inpainting/v1": Tool({"text_prompt": text(1, needed=True)}, ("image_file", "mask_file"), most_px=10_000_000),
    "replace-background/v1": Tool({"prompt": text()}, types=ANY, usual=JPEG),
    "uncrop/v1": Tool(
        {
            "extend_left": _SIDE,
            "extend_right": _SIDE,
            "extend_up": _SIDE,
            "extend_down": _SIDE,
            "seed": whole(0, 100_000),
        },
        most_px=10_000_000,
    ),
    "image-upscaling/v1/upscale": Tool(
        {"target_width": Field("whole", 1, 4096, needed=True), "target_height": Field("whole", 1, 4096, needed=True)},
        types=ANY,
    ),
    "reimagine/v1/reimagine": Tool({}),
}


def wrong(message: str, name: str) -> Refusal:
    """A form that is not taken."""
    return DIALECT.refused(400, f"{name}: {message}")


class ClipdropEndpoints:
    """All tools."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        return [self._room.route("/{tool:path}", self.use, "POST")]

    async def use(self, request: Request) -> Call:
        """Use a tool once."""
        body = await read_body(request)
        name = request.path_params["tool"]
        prompt = body.text("prompt") or body.text("text_prompt")

        async def work(entry: Entry) -> Reply:
            _check_key(request.headers.get("x-api-key", ""))
            tool = TOOLS.get(name)
            if tool is None:
                raise DIALECT.refused(404)
            if not body.is_form:
                raise wrong("must be a form", "body")
            order = read_fields(tool.fields, body, wrong)
            files = _files(tool, body)
            media_type = _type(tool, request.headers.get("accept", ""))
            if is_unsafe(prompt):
                raise DIALECT.refused(400, "NSFW content detected")
            image = await self._made(name, order, files, media_type)
            entry.bill(MICROS_EACH, [image])
            return Reply(200, image, media_type, {"x-remaining-credits": "99", "x-credits-consumed": "1"})

        return Call("submit", work, name, prompt)

    async def _made(self, name: str, order: Mapping[str, Any], files: list[bytes], media_type: str) -> bytes:
        counter = self._counter
        if name == "text-to-image/v1":
            (image,) = await counter.draw(order["prompt"], (1024, 1024), media_type=media_type)
            return image
        image = files[0]
        if name == "remove-background/v1":
            return await counter.cut_out(image, media_type)
        if name == "uncrop/v1":
            ours = {"left": "left", "right": "right", "up": "top", "down": "bottom"}
            sides = {ours[side]: order.get(f"extend_{side}", 0) for side in ours}
            return await counter.extend(image, sides, media_type)
        if name == "image-upscaling/v1/upscale":
            return await counter.enlarge(image, (order["target_width"], order["target_height"]), media_type)
        prompt = order.get("text_prompt") or order.get("prompt") or name
        mask = files[1] if len(files) > 1 else None
        return await counter.change(image, prompt, mask=mask, media_type=media_type)


def _check_key(key: str) -> None:
    """Raises `Refusal`: 401 for no key, 403 for a bad one."""
    if key.startswith("bad"):
        raise DIALECT.refused(403)
    DIALECT.check_key(key)


def _type(tool: Tool, accept: str) -> str:
    """Give the type that is answered. Raises `Refusal` with 406 for one that is not."""
    if accept in ("", "*/*", "image/*"):
        return tool.usual or tool.types[0]
    if accept not in tool.types:
        raise DIALECT.refused(406, "The requested type is not supported")
    return accept


def _files(tool: Tool, body: Body) -> list[bytes]:
    for name in body.files:
        if name not in tool.files:
            raise wrong("is not a known file", name)
    read: list[bytes] = []
    for name in tool.files:
        given = body.files.get(name)
        if not given:
            raise wrong("is required", name)
        read.append(picture_of(given[0], lambda message: wrong(message, "image_file")))
    if read:
        width, height = header_of(read[0]).size
        if width * height > tool.most_px:
            raise DIALECT.refused(413, "The image is too large")
    if len(read) > 1:
        _check_mask(read[1], header_of(read[0]).size)
    return read


def _check_mask(mask: bytes, size: tuple[int, int]) -> None:
    """Raises `Refusal` for a mask that is no PNG, or of another size."""
    header = header_of(mask)
    if header.media_type != PNG or header.size != size:
        raise wrong("must be a PNG of the image's size", "mask_file")
