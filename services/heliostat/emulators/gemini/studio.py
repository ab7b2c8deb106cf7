"""The work behind generateContent: a picture, its tokens, their price, and the answer."""

from __future__ import annotations

from typing import Any

import pybase64

from heliostat.emulators.exchange import Reply, Room, json_reply
from heliostat.emulators.gemini.dialect import invalid
from heliostat.emulators.gemini.inputs import Order
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused
from heliostat.emulators.tokens import text_tokens

WORDS = "Here is your picture."
WORD_TOKENS = 6
SPARED = (
    "Unable to show the generated image. The model could not generate the image based on the prompt provided. You will "
    "not be charged for this request."
)


async def answered(room: Room, order: Order, entry: Entry) -> Reply:
    """Draw, bill, and answer. The prompt decides what goes wrong: nsfw, gore, "words only", "no picture", "spared"."""
    prompt = order.prompt.lower()
    tokens_in = {"TEXT": text_tokens(order.prompt), "IMAGE": len(order.images) * order.model.input_tokens}
    if "nsfw" in prompt:
        content = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": _usage(tokens_in, {}, 0)}
        return json_reply(content | _named(order, entry))
    if "gore" in prompt or "no picture" in prompt:
        reason = "IMAGE_SAFETY" if "gore" in prompt else "NO_IMAGE"
        candidate: dict[str, Any] = {"index": 0, "finishReason": reason, "finishMessage": "Unable to show the image."}
        return json_reply({"candidates": [candidate], "usageMetadata": _usage(tokens_in, {}, 0)} | _named(order, entry))
    thoughts = order.model.thoughts
    if "spared" in prompt:
        candidate = {"index": 0, "finishReason": "IMAGE_OTHER", "finishMessage": SPARED}
        usage = _usage(tokens_in, {}, thoughts)
        return json_reply({"candidates": [candidate], "usageMetadata": usage} | _named(order, entry))
    if "words only" in prompt:
        entry.bill(order.model.cost_micros(sum(tokens_in.values()), WORD_TOKENS + thoughts, 0), [])
        return json_reply(_content(order, entry, [{"text": WORDS}], _usage(tokens_in, {"TEXT": WORD_TOKENS}, thoughts)))
    image = await _drawn(room, order)
    encoded = {"mimeType": order.model.media_type, "data": pybase64.b64encode_as_string(image)}
    parts: list[dict[str, Any]] = [{"inlineData": encoded}]
    if thoughts:
        draft = await room.pictures.paint("draft", 64, 64, seed=1, media_type="image/jpeg")
        hidden = {"mimeType": "image/jpeg", "data": pybase64.b64encode_as_string(draft)}
        parts = [{"inlineData": hidden, "thought": True}, {**parts[0], "thoughtSignature": "c2lnbmVk"}]
    tokens_out = {"IMAGE": order.model.tokens[order.tier]}
    if order.words:
        parts.insert(0, {"text": WORDS})
        tokens_out["TEXT"] = WORD_TOKENS
    text_out = tokens_out.get("TEXT", 0) + thoughts
    entry.bill(order.model.cost_micros(sum(tokens_in.values()), text_out, tokens_out["IMAGE"]), [image])
    return json_reply(_content(order, entry, parts, _usage(tokens_in, tokens_out, thoughts)))


async def _drawn(room: Room, order: Order) -> bytes:
    media_type = order.model.media_type
    try:
        if order.images:
            return await room.pictures.repaint(
                order.images[0], order.prompt, size=order.size, seed=order.seed, media_type=media_type
            )
        return await room.pictures.paint(order.prompt, *order.size, seed=order.seed, media_type=media_type)
    except PictureRefused as error:
        raise invalid("Unable to process input image. Please retry or report the problem.") from error


def _content(order: Order, entry: Entry, parts: list[dict[str, Any]], usage: dict[str, Any]) -> dict[str, Any]:
    candidate = {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}
    return {"candidates": [candidate], "usageMetadata": usage} | _named(order, entry)


def _named(order: Order, entry: Entry) -> dict[str, Any]:
    return {"modelVersion": order.model.name, "responseId": entry.request_id}


def _usage(put_in: dict[str, int], put_out: dict[str, int], thoughts: int) -> dict[str, Any]:
    total_in, total_out = sum(put_in.values()), sum(put_out.values())
    usage: dict[str, Any] = {
        "promptTokenCount": total_in,
        "totalTokenCount": total_in + total_out + thoughts,
        "promptTokensDetails": _details(put_in),
    }
    if total_out:
        # Only pictures are told apart there; what is left is text.
        pictures = {"IMAGE": put_out.get("IMAGE", 0)}
        usage |= {"candidatesTokenCount": total_out, "candidatesTokensDetails": _details(pictures)}
    if thoughts and total_out:
        usage["thoughtsTokenCount"] = thoughts
    return usage


def _details(counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count or name == "IMAGE"]
