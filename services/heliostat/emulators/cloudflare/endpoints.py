"""Cloudflare's Workers AI (api.cloudflare.com) below /cloudflare; schemas of cloudflare-docs (2026-01)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.checked_fields import Field, number, picture, read_fields, text, whole
from heliostat.emulators.counter import JPEG, PNG, Counter, Size, encoded, is_unsafe, micros, picture_of, tiles
from heliostat.emulators.exchange import Call, Refusal, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import header_of
from heliostat.emulators.plain_dialect import PlainDialect, bearer

# Status -> the internal code that is usual with it.
CODES: Mapping[int, int] = {400: 5004, 401: 10000, 402: 3036, 403: 5018, 404: 3042, 408: 3007, 413: 3006, 429: 3040}
NSFW, NO_MODEL = 3030, 5007


def _shape(status: int, message: str, code: int = 0) -> Reply:
    told = {"code": code or CODES.get(status, 3043), "message": message}
    # Used-up credits are a 429 there.
    sent = 429 if status == 402 else status
    return json_reply({"success": False, "errors": [told], "result": {}, "messages": []}, sent)


DIALECT = PlainDialect(
    _shape,
    {
        400: "AiError: Bad input",
        401: "Authentication error",
        402: "you have used up your daily free allocation of 10,000 neurons",
        404: "Invalid model id",
        429: "Capacity temporarily exceeded, please try again.",
    },
    "cf-ray",
)


def wrong(message: str, name: str) -> Refusal:
    """A body that is not taken."""
    return DIALECT.refused(400, f"AiError: Bad input: {name}: {message}")


_SIZES = {"width": whole(256, 2048), "height": whole(256, 2048)}
_SD: Mapping[str, Field] = {
    "prompt": text(1, needed=True),
    "negative_prompt": text(),
    **_SIZES,
    "image": Field("list"),
    "image_b64": picture(),
    "mask": Field("list"),
    "num_steps": whole(1, 20),
    "strength": number(0, 1),
    "guidance": number(0, 30),
    "seed": whole(),
}
_FLUX_2: Mapping[str, Field] = {"prompt": text(1, needed=True), **_SIZES, "seed": whole()}


@dataclass(frozen=True)
class CloudflareModel:
    """One model: its fields, how it answers, and its price in US dollars."""

    fields: Mapping[str, Field]
    raw: str = ""
    """Type of the bare picture that it answers; empty: JSON with a JPEG."""
    is_form: bool = False
    size: Size = (1024, 1024)
    steps: int = 0
    tile: Fraction = Fraction(0)
    step: Fraction = Fraction(0)
    tile_by_steps: bool = False
    input_tile: Fraction = Fraction(0)
    megapixels: tuple[Fraction, Fraction] | None = None
    """Prices of the first megapixel and of each further one that is begun."""
    needs: tuple[str, ...] = field(default=())

    def price_micros(self, size: Size, steps: int, inputs: list[Size]) -> int:
        """The price of one picture in micro-USD."""
        if self.megapixels is not None:
            begun = -(-size[0] * size[1] // 1_048_576)
            return micros(self.megapixels[0] + self.megapixels[1] * (begun - 1))
        factor = steps if self.tile_by_steps else 1
        dollars = self.tile * tiles(size) * factor + (0 if self.tile_by_steps else self.step * steps)
        return micros(dollars + sum(self.input_tile * tiles(one) * factor for one in inputs))


_LEONARDO = {"prompt": text(1, needed=True), "guidance": number(0, 10), "seed": whole()}
MODELS: Mapping[str, CloudflareModel] = {
    "@cf/black-forest-labs/flux-1-schnell": CloudflareModel(
        {"prompt": text(1, 2048, needed=True), "steps": whole(1, 8), "seed": whole()},
        steps=4,
        tile=Fraction("0.0000528"),
        step=Fraction("0.0001056"),
    ),
    "@cf/black-forest-labs/flux-2-dev": CloudflareModel(
        {**_FLUX_2, "steps": whole(1, 50), "guidance": number(0, 30)},
        is_form=True,
        steps=25,
        tile=Fraction("0.00041"),
        tile_by_steps=True,
        input_tile=Fraction("0.00021"),
    ),
    "@cf/black-forest-labs/flux-2-klein-4b": CloudflareModel(
        _FLUX_2, is_form=True, tile=Fraction("0.000287"), input_tile=Fraction("0.000059")
    ),
    "@cf/black-forest-labs/flux-2-klein-9b": CloudflareModel(
        _FLUX_2, is_form=True, megapixels=(Fraction("0.015"), Fraction("0.002"))
    ),
    "@cf/leonardo/lucid-origin": CloudflareModel(
        {
            **_LEONARDO,
            "width": whole(1, 2500),
            "height": whole(1, 2500),
            "num_steps": whole(1, 40),
            "steps": whole(1, 40),
        },
        size=(1120, 1120),
        steps=25,
        tile=Fraction("0.007"),
        step=Fraction("0.00013"),
    ),
    "@cf/leonardo/phoenix-1.0": CloudflareModel(
        {
            **_LEONARDO,
            "guidance": number(2, 10),
            "width": whole(1, 2048),
            "height": whole(1, 2048),
            "num_steps": whole(1, 50),
            "negative_prompt": text(),
        },
        raw=JPEG,
        steps=25,
        tile=Fraction("0.0058"),
        step=Fraction("0.00011"),
    ),
    "@cf/stabilityai/stable-diffusion-xl-base-1.0": CloudflareModel(_SD, raw=PNG),
    "@cf/bytedance/stable-diffusion-xl-lightning": CloudflareModel(_SD, raw=JPEG),
    "@cf/lykon/dreamshaper-8-lcm": CloudflareModel(_SD, raw=JPEG),
    "@cf/runwayml/stable-diffusion-v1-5-img2img": CloudflareModel(_SD, raw=PNG, needs=("image",)),
    "@cf/runwayml/stable-diffusion-v1-5-inpainting": CloudflareModel(_SD, raw=PNG, needs=("image", "mask")),
}


class CloudflareEndpoints:
    """Runs of models."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._counter = Counter(room, lambda message: DIALECT.refused(400, message))

    def routes(self) -> list[Route]:
        """Give the provider's routes."""
        return [self._room.route("/client/v4/accounts/{account}/ai/run/{model:path}", self.run, "POST")]

    async def run(self, request: Request) -> Call:
        """Run a model once."""
        body = await read_body(request)
        name = request.path_params["model"]

        async def work(entry: Entry) -> Reply:
            DIALECT.check_key(bearer(request.headers.get("authorization")))
            model = MODELS.get(name)
            if model is None:
                raise Refusal(_shape(400, f"No such model {name} or task", NO_MODEL))
            if body.is_form != model.is_form:
                raise wrong("the content type is another one", "body")
            order = read_fields(model.fields, body, wrong)
            if is_unsafe(order["prompt"]):
                raise Refusal(_shape(400, "AiError: Input prompt contains NSFW content", NSFW))
            return await self._made(model, order, _inputs(body), entry)

        return Call("submit", work, name, body.text("prompt"))

    async def _made(self, model: CloudflareModel, order: dict[str, Any], files: list[bytes], entry: Entry) -> Reply:
        source, mask = _source(order), _bytes(order.get("mask"))
        given = {"image": source, "mask": mask}
        for name in model.needs:
            if given[name] is None:
                raise wrong("is required", name)
        looked_at = [picture_of(one, lambda message: wrong(message, "input_image_0")) for one in files]
        size = (order.get("width", model.size[0]), order.get("height", model.size[1]))
        media_type = model.raw or JPEG
        if source is not None:
            kept = (order.get("width"), order.get("height"))
            own = header_of(source).size
            size = (kept[0] or own[0], kept[1] or own[1])
            image = await self._counter.change(
                source,
                order["prompt"],
                size=size,
                mask=mask,
                strength=order.get("strength", 1.0),
                media_type=media_type,
            )
        else:
            (image,) = await self._counter.draw(order["prompt"], size, seed=order.get("seed"), media_type=media_type)
        steps = order.get("num_steps") or order.get("steps") or model.steps
        entry.bill(model.price_micros(size, steps, [header_of(one).size for one in looked_at]), [image])
        if model.raw:
            return Reply(200, image, model.raw)
        return json_reply({"result": {"image": encoded(image)}, "success": True, "errors": [], "messages": []})


def _inputs(body: Body) -> list[bytes]:
    """Give the pictures that a form holds, in order. Raises `Refusal`."""
    names = [f"input_image_{number}" for number in range(4)]
    for name in body.files:
        if name not in names:
            raise wrong("is not a known parameter", name)
    return [one for name in names for one in body.files.get(name, [])]


def _source(order: Mapping[str, Any]) -> bytes | None:
    if order.get("image_b64"):
        return picture_of(order["image_b64"], lambda message: wrong(message, "image_b64"))
    return _bytes(order.get("image"))


def _bytes(values: Any) -> bytes | None:
    """Give the picture behind a list of numbers. Raises `Refusal`."""
    if values is None:
        return None
    try:
        data = bytes(values)
    except (TypeError, ValueError) as error:
        raise wrong("must be numbers of 0 to 255", "image") from error
    return picture_of(data, lambda message: wrong(message, "image"))
