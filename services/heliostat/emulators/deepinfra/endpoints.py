"""DeepInfra's native and OpenAI-like image APIs (api.deepinfra.com) below /deepinfra; model pages of 2025 to 2026."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import read_body
from heliostat.emulators.checked_fields import Field, number, picture, read_fields, text, whole, words
from heliostat.emulators.counter import PNG, Counter, Size, encoded, is_unsafe, micros, picture_of
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of, seed_from
from heliostat.emulators.plain_dialect import PlainDialect, bearer

NATIVE = PlainDialect(
    lambda status, message: json_reply({"detail": {"error": message}}, status),
    {401: "User is not authenticated", 402: "You need to add a balance to use this model", 404: "Model not found"},
)
LIKE_OPENAI = PlainDialect(lambda status, message: json_reply({"error": {"message": message}}, status), NATIVE.words)


def wrong(message: str, name: str) -> Refusal:
    """A native body that is not taken, in the shape of the framework that DeepInfra uses."""
    return Refusal(json_reply({"detail": [{"loc": ["body", name], "msg": message, "type": "value_error"}]}, 422))


_DRAWN: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "negative_prompt": text(),
    "num_images": whole(1, 4),
    "width": whole(128, 1920, 16),
    "height": whole(128, 1920, 16),
    "num_inference_steps": whole(1, 50),
    "guidance_scale": number(0, 30),
    "seed": whole(),
    "webhook": text(),
}
_PARTNER: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "width": whole(256, 1920, 32),
    "height": whole(256, 1920, 32),
    "seed": whole(),
}
_EDIT: Mapping[str, Field] = {
    "model": text(1, needed=True),
    "prompt": text(1, needed=True),
    "n": whole(1, 4),
    "size": text(),
    "response_format": words("b64_json"),
    "user": text(),
}


@dataclass(frozen=True)
class DeepinfraModel:
    """A model: its fields and its price. `per_steps`: the steps that the price of a whole picture is quoted for."""

    fields: Mapping[str, Field]
    price: Fraction
    per_steps: int = 0
    by_area: bool = False

    def micros(self, size: Size, steps: int, count: int) -> int:
        """The price of so many pictures."""
        each = self.price
        if self.by_area:
            each *= Fraction(size[0], 1024) * Fraction(size[1], 1024)
        if self.per_steps:
            each *= Fraction(steps or self.per_steps, self.per_steps)
        return micros(each * count)


MODELS: Mapping[str, DeepinfraModel] = {
    "black-forest-labs/FLUX-1-schnell": DeepinfraModel(_DRAWN, Fraction("0.0005"), 1, by_area=True),
    "black-forest-labs/FLUX-1-dev": DeepinfraModel(_DRAWN, Fraction("0.009"), 25, by_area=True),
    "black-forest-labs/FLUX-2-dev": DeepinfraModel(_DRAWN, Fraction("0.01"), 28, by_area=True),
    "black-forest-labs/FLUX-1.1-pro": DeepinfraModel(_PARTNER, Fraction("0.04")),
    "black-forest-labs/FLUX-pro": DeepinfraModel(_PARTNER, Fraction("0.05")),
    "stabilityai/sdxl-turbo": DeepinfraModel(_DRAWN, Fraction("0.0002"), 5, by_area=True),
    "ByteDance/Seedream-4": DeepinfraModel(_PARTNER, Fraction("0.04")),
    "Bria/remove_background": DeepinfraModel({"image": picture(needed=True)}, Fraction("0.018")),
}
EDITORS = ("black-forest-labs/FLUX.1-Kontext-dev", "Qwen/Qwen-Image-Edit")
# What an edit costs is on no page that was seen; the emulated one takes a cent.
EDIT_MICROS = 10_000


class DeepinfraEndpoints:
    """Inference and edits."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: NATIVE.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        room = self._room
        return [
            room.route("/v1/inference/{model:path}", self.infer, "POST"),
            room.route("/v1/openai/images/edits", self.edit, "POST"),
        ]

    async def infer(self, request: Request) -> Call:
        """Run a model by the native API, which tells what it cost."""
        body = await read_body(request)
        name = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            NATIVE.check_key(bearer(request.headers.get("authorization")))
            model = MODELS.get(name)
            if model is None:
                raise NATIVE.refused(404)
            order = read_fields(model.fields, body, wrong)
            if is_unsafe(order.get("prompt", "")):
                raise NATIVE.refused(400, "The request was moderated: nsfw content")
            images, size = await self._images(order)
            count = order.get("num_images", 1)
            cost = model.micros(size, order.get("num_inference_steps", 0), count)
            entry.bill(cost, images)
            return json_reply(_answer(images, order, cost, entry))

        return Call("submit", work, name, body.text("prompt"))

    async def edit(self, request: Request) -> Call:
        """Change a picture by the API that is like OpenAI's, which does not tell what it cost."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            LIKE_OPENAI.check_key(bearer(request.headers.get("authorization")))
            order = read_fields(_EDIT, body, lambda message, _: LIKE_OPENAI.refused(400, message))
            if order["model"] not in EDITORS:
                raise LIKE_OPENAI.refused(404)
            files = body.files.get("image")
            if not body.is_form or not files:
                raise LIKE_OPENAI.refused(400, "image is required")
            image = picture_of(files[0], lambda message: LIKE_OPENAI.refused(400, message))
            made = [
                await self._counter.change(image, order["prompt"], size=_size(order)) for _ in range(order.get("n", 1))
            ]
            entry.bill(EDIT_MICROS * len(made), made)
            data = [{"b64_json": encoded(one), "revised_prompt": order["prompt"]} for one in made]
            return json_reply({"created": int(entry.time_unix), "data": data})

        return Call("edits", work, body.text("model"), body.text("prompt"))

    async def _images(self, order: Mapping[str, Any]) -> tuple[list[bytes], Size]:
        if "image" in order:
            image = picture_of(order["image"], lambda message: wrong(message, "image"))
            return [await self._counter.cut_out(image)], header_of(image).size
        size = (order.get("width", 1024), order.get("height", 1024))
        count = order.get("num_images", 1)
        return await self._counter.draw(order["prompt"], size, seed=order.get("seed"), count=count), size


def _size(order: Mapping[str, Any]) -> Size | None:
    if "size" not in order:
        return None
    width, _, height = str(order["size"]).partition("x")
    if not (width.isdigit() and height.isdigit() and 128 <= int(width) <= 1920 and 128 <= int(height) <= 1920):
        raise LIKE_OPENAI.refused(400, "size must be such as 1024x1024")
    return int(width), int(height)


def _answer(images: list[bytes], order: Mapping[str, Any], cost: int, entry: Entry) -> dict[str, Any]:
    told = {"status": "succeeded", "runtime_ms": 812, "cost": cost / 1e6, "tokens_generated": 0, "tokens_input": 0}
    return {
        "images": [f"data:{PNG};base64,{encoded(image)}" for image in images],
        "nsfw_content_detected": [False] * len(images),
        "seed": order.get("seed", seed_from("deepinfra", order.get("prompt", ""))),
        "request_id": f"R{entry.request_id}",
        "inference_status": told,
    }
