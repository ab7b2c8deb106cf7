"""The work behind a call: the picture made and billed."""

from __future__ import annotations

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.fireworks.dialect import refused
from heliostat.emulators.fireworks.inputs import Order
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, header_of

UNSAFE_WORD, UNSAFE_RESULT_WORD = "nsfw", "gore"


async def made(room: Room, order: Order, image: bytes | None, media_type: str) -> bytes:
    """Make the picture. Raises `PictureRefused`."""
    if image is None:
        return await room.pictures.paint(order.prompt, *order.size(), seed=order.seed, media_type=media_type)
    size = header_of(image).size if order.model.dialect == "legacy" else order.size()
    return await room.pictures.repaint(image, order.prompt, size=size, seed=order.seed, media_type=media_type)


async def at_once(room: Room, order: Order, image: bytes | None, accept: str, entry: Entry) -> Reply:
    """Make the picture, bill it and answer in the way that is asked for. An unsafe one is a success that says so."""
    wanted = accept.partition(",")[0].strip()
    media_type = wanted if wanted in ("image/jpeg", "image/png") else "image/png"
    try:
        picture = await made(room, order, image, media_type)
    except PictureRefused as error:
        raise refused(422, f"Invalid image: {error}", "init_image") from error
    entry.bill(order.model.micros(order.steps), [picture])
    unchecked = order.fields.get("safety_check") is False
    filtered = UNSAFE_WORD in order.prompt.lower() and not unchecked
    finish = "CONTENT_FILTERED" if filtered else "SUCCESS"
    if wanted.startswith("image/"):
        return Reply(200, picture, media_type, {"finish-reason": finish, "seed": str(order.seed)})
    encoded = pybase64.b64encode_as_string(picture)
    if order.model.dialect == "legacy":
        return json_reply([{"base64": encoded, "seed": order.seed, "finishReason": finish}])
    content = {
        "id": entry.request_id,
        "base64": [f"data:{media_type};base64,{encoded}"],
        "finishReason": finish,
        "seed": order.seed,
    }
    return json_reply(content)


async def as_job(room: Room, order: Order, image: bytes | None, address: str, entry: Entry) -> Reply:
    """Make the picture of a job, bill and host it. What is moderated or fails is free, and answers its state."""
    prompt = order.prompt.lower()
    if UNSAFE_WORD in prompt:
        return json_reply({"status": "Request Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}})
    media_type = f"image/{order.fields.get('output_format') or 'jpeg'}"
    try:
        picture = await made(room, order, image, media_type)
    except PictureRefused:
        return json_reply({"status": "Error", "details": {"error": "The image cannot be processed."}})
    if UNSAFE_RESULT_WORD in prompt:
        return json_reply({"status": "Content Moderated", "details": {"Moderation Reasons": ["Safety Filter"]}})
    entry.bill(order.model.micros(0), [picture])
    name = room.shelf.put(picture, media_type)
    result = {"sample": f"{address}/files/{name}", "seed": order.seed, "prompt": order.prompt}
    return json_reply({"status": "Ready", "progress": 1, "result": result})
