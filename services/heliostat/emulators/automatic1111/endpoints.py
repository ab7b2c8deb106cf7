"""The web UI's API below /automatic1111 (modules/api of Forge, 2025-06); read 2026-11-22."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import orjson
import pybase64
from starlette.requests import Request
from starlette.routing import Route

from heliostat.emulators.automatic1111.catalogue import (
    CHANGED,
    CHECKPOINTS,
    CUT,
    DRAWN,
    ENLARGED,
    SAMPLERS,
    SCHEDULERS,
    UPSCALERS,
    Kinds,
    checkpoint,
    title,
)
from heliostat.emulators.automatic1111.dialect import check_password, raised, told, wrong_field
from heliostat.emulators.automatic1111.studio import Gpu
from heliostat.emulators.bodies import Body, read_body
from heliostat.emulators.exchange import Call, Reply, Room, json_reply
from heliostat.emulators.journal import Entry
from heliostat.emulators.pictures import PictureRefused, asked, header_of

GRID_PX = 8
KIND_NAMES = {
    str: "string_type",
    int: "int_type",
    float: "float_type",
    bool: "bool_type",
    list: "list_type",
    dict: "dict_type",
}


class Automatic1111Endpoints:
    """Drawing, changing, enlarging, cutting out; progress, interrupt, options, lists."""

    def __init__(self, room: Room, gpu: Gpu) -> None:
        self._room = room
        self._gpu = gpu

    def routes(self) -> list[Route]:
        """Give the server's routes."""
        room = self._room
        return [
            room.route("/sdapi/v1/txt2img", self.draw, "POST"),
            room.route("/sdapi/v1/img2img", self.change, "POST"),
            room.route("/sdapi/v1/extra-single-image", self.enlarge, "POST"),
            room.route("/rembg", self.cut, "POST"),
            room.route("/sdapi/v1/progress", self.progress, "GET"),
            room.route("/sdapi/v1/interrupt", self.interrupt, "POST"),
            room.route("/sdapi/v1/options", self.options, "GET"),
            room.route("/sdapi/v1/options", self.set_options, "POST"),
            room.route("/sdapi/v1/{name}", self.listed, "GET"),
        ]

    async def draw(self, request: Request) -> Call:
        """Draw from words."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            fields = _checked(request, body, DRAWN)
            size, seeds = _size(fields), _seeds(fields)
            name = self._load(fields)
            async with self._gpu.turn("scripts_txt2img"):
                prompt = body.text("prompt")
                pictures = [
                    await self._room.pictures.paint(f"{name} {prompt}", *size, seed=seed, media_type="image/png")
                    for seed in seeds
                ]
            return self._answer(entry, fields, name, size, seeds, pictures)

        return Call("submit", work, self._asked_for(body), body.text("prompt"))

    async def change(self, request: Request) -> Call:
        """Change a picture, only where a mask is white if there is one."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            fields = _checked(request, body, CHANGED)
            if not fields.get("init_images"):
                raise raised("HTTPException", "", 404, "Init image not found")
            image, mask = _picture(fields["init_images"][0]), _picture(fields["mask"]) if fields.get("mask") else None
            if fields.get("inpainting_mask_invert"):
                raise raised("NotImplementedError", "inverted masks are not emulated")
            size, seeds = _size(fields), _seeds(fields)
            name, strength = self._load(fields), float(fields.get("denoising_strength", 0.75))
            async with self._gpu.turn("scripts_img2img"):
                prompt, pictures = f"{name} {body.text('prompt')}", []
                for seed in seeds:
                    how: dict[str, Any] = {"size": size, "seed": seed, "media_type": "image/png"}
                    work_ = self._room.pictures.repaint(image, prompt, mask=mask, strength=strength, **how)
                    pictures.append(await work_)
            return self._answer(entry, fields, name, size, seeds, pictures)

        return Call("submit", work, self._asked_for(body), body.text("prompt"))

    async def enlarge(self, request: Request) -> Call:
        """Enlarge a picture by a factor or to a size."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            fields = _checked(request, body, ENLARGED)
            image = _picture(fields.get("image", ""))
            if fields.get("upscaler_1", "None") not in UPSCALERS:
                raise raised("AssertionError", f"could not find upscaler named {fields['upscaler_1']}")
            width, height = header_of(image).size
            if fields.get("resize_mode", 0) == 1:
                size = (fields.get("upscaling_resize_w", 512), fields.get("upscaling_resize_h", 512))
            else:
                factor = fields.get("upscaling_resize", 2)
                if factor <= 0:
                    raise wrong_field("upscaling_resize", "Input should be greater than 0", "greater_than")
                size = (int(width * factor), int(height * factor))
            async with self._gpu.turn("extras"):
                work_ = self._room.pictures.painter.upscale(image, width=size[0], height=size[1])
                made = await asked(work_)
            entry.bill(0, [made])
            return json_reply({"html_info": "", "image": pybase64.b64encode_as_string(made)})

        return Call("submit", work, body.text("upscaler_1"))

    async def cut(self, request: Request) -> Call:
        """Leave the background out: the extension rembg."""
        body = await read_body(request)

        async def work(entry: Entry) -> Reply:
            fields = _checked(request, body, CUT)
            image = _picture(fields.get("input_image", ""))
            async with self._gpu.turn("rembg"):
                made = await asked(self._room.pictures.painter.remove_background(image))
            entry.bill(0, [made])
            return json_reply({"image": pybase64.b64encode_as_string(made)})

        return Call("submit", work, body.text("model"))

    async def progress(self, request: Request) -> Call:
        """Tell how far the GPU is."""

        async def work(_: Entry) -> Reply:
            check_password(request.headers.get("authorization"))
            return json_reply(self._gpu.progress())

        return Call("status", work)

    async def interrupt(self, request: Request) -> Call:
        """Stop whatever runs."""

        async def work(_: Entry) -> Reply:
            check_password(request.headers.get("authorization"))
            self._gpu.interrupt()
            return json_reply({})

        return Call("cancel", work)

    async def options(self, request: Request) -> Call:
        """Tell the server's options."""

        async def work(_: Entry) -> Reply:
            check_password(request.headers.get("authorization"))
            return json_reply({"sd_model_checkpoint": title(self._gpu.loaded), "samples_format": "png"})

        return Call("options", work)

    async def set_options(self, request: Request) -> Call:
        """Load another checkpoint."""
        body = await read_body(request)

        async def work(_: Entry) -> Reply:
            check_password(request.headers.get("authorization"))
            wanted = body.fields.get("sd_model_checkpoint")
            if wanted is not None:
                found = checkpoint(wanted)
                if found is None:
                    raise raised("RuntimeError", f"model {wanted!r} not found")
                self._gpu.loaded = found
            return json_reply(None)

        return Call("options", work)

    async def listed(self, request: Request) -> Call:
        """Tell what there is."""

        async def work(_: Entry) -> Reply:
            check_password(request.headers.get("authorization"))
            lists: dict[str, list[dict[str, Any]]] = {
                "sd-models": [
                    {
                        "title": title(name),
                        "model_name": name,
                        "hash": digest,
                        "filename": f"{name}.safetensors",
                    }
                    for name, digest in CHECKPOINTS.items()
                ],
                "samplers": [{"name": name, "aliases": [], "options": {}} for name in SAMPLERS],
                "schedulers": [{"name": name, "label": name.title()} for name in SCHEDULERS],
                "upscalers": [{"name": name, "scale": 4} for name in UPSCALERS],
            }
            found = lists.get(request.path_params["name"])
            if found is None:
                raise told(404)
            return json_reply(found)

        return Call("models", work)

    def _asked_for(self, body: Body) -> str:
        """The checkpoint that a request names, for the journal; the loaded one where it names none."""
        wanted = body.fields.get("override_settings")
        named = wanted.get("sd_model_checkpoint") if isinstance(wanted, dict) else None
        return named if isinstance(named, str) else self._gpu.loaded

    def _load(self, fields: Mapping[str, Any]) -> str:
        """Load what a request names, if it is there: an unknown checkpoint is passed over in silence."""
        name = checkpoint(fields.get("override_settings", {}).get("sd_model_checkpoint"))
        if name is None:
            return self._gpu.loaded
        if not fields.get("override_settings_restore_afterwards", True):
            self._gpu.loaded = name
        return name

    def _answer(  # noqa: PLR0917 - one for one what the answer tells
        self,
        entry: Entry,
        fields: Mapping[str, Any],
        name: str,
        size: tuple[int, int],
        seeds: list[int],
        pictures: list[bytes],
    ) -> Reply:
        entry.bill(0, pictures)
        info = {
            "prompt": fields.get("prompt", ""),
            "negative_prompt": fields.get("negative_prompt", ""),
            "seed": seeds[0],
            "all_seeds": seeds,
            "width": size[0],
            "height": size[1],
            "sd_model_name": name,
            "sd_model_hash": CHECKPOINTS[name],
            "index_of_first_image": 0,
            "infotexts": [""] * len(seeds),
        }
        images = [pybase64.b64encode_as_string(picture) for picture in pictures]
        echoed = {key: None if key in ("init_images", "mask") else value for key, value in fields.items()}
        return json_reply({"images": images, "parameters": echoed, "info": orjson.dumps(info).decode()})


def _checked(request: Request, body: Body, kinds: Kinds) -> dict[str, Any]:
    """The fields of a body; nulls count as absent, unknown ones are passed over. Raises `Refusal`."""
    check_password(request.headers.get("authorization"))
    if body.fault:
        raise wrong_field("", "JSON decode error", "json_invalid")
    fields = {name: value for name, value in body.fields.items() if value is not None}
    for name, value in fields.items():
        kind = kinds.get(name, (object,))
        if not isinstance(value, kind) or (isinstance(value, bool) and kind in ((int,), (int, float))):
            expected = KIND_NAMES.get(kind[-1], "type")
            raise wrong_field(name, f"Input should be a valid {expected.removesuffix('_type')}", expected)
    if fields.get("sampler_name", SAMPLERS[0]) not in SAMPLERS:
        raise raised("HTTPException", "", 400, "Sampler not found")
    if fields.get("script_name"):
        raise raised("HTTPException", "", 422, f"Script '{fields['script_name']}' not found")
    return fields


def _size(fields: Mapping[str, Any]) -> tuple[int, int]:
    width, height = fields.get("width", 512), fields.get("height", 512)
    if width % GRID_PX or height % GRID_PX or min(width, height) < GRID_PX:
        raise raised("RuntimeError", "Sizes of tensors must match")
    return width, height


def _seeds(fields: Mapping[str, Any]) -> list[int]:
    first = fields.get("seed", -1)
    first = random.randrange(2**32) if first == -1 else first
    return [first + index for index in range(fields.get("batch_size", 1) * fields.get("n_iter", 1))]


def _picture(text: Any) -> bytes:
    """A picture sent in, bare base64 or a data URI. Raises `Refusal`."""
    encoded = text.partition(",")[2] if isinstance(text, str) and text.startswith("data:image/") else text
    try:
        data = pybase64.b64decode(encoded, validate=True)
        header_of(data)
    except (PictureRefused, ValueError, TypeError):
        raise raised("HTTPException", "", 500, "Invalid encoded image") from None
    return data
