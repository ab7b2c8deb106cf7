"""ImageRequest -> the JSON body of one of the web UI's endpoints.

Source: modules/api of stable-diffusion-webui-forge (2025-06), read 2026-11-22. Pictures travel as bare base64; in masks
white is painted anew.
"""

from dataclasses import dataclass
from typing import Any

import pybase64

from heliostat.adapters.automatic1111.catalog import Engine, Work
from heliostat.adapters.automatic1111.options import Automatic1111Options
from heliostat.adapters.sdk import Call, Input, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.pictures import Pictures, read_image
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons

MOST_SEED = 2**32 - 1
_GRID_PX = 8
_MOST_EDGE_PX = 8192
_FACTOR = 4.0
# Our own default where a picture is to be varied and the request does not say how far.
_VARIED = 0.5
_ORIGINAL = 1

MANAGED = frozenset(
    {
        *("prompt", "negative_prompt", "seed", "batch_size", "n_iter", "width", "height", "override_settings"),
        *("override_settings_restore_afterwards", "send_images", "save_images", "init_images", "mask", "mask_round"),
        *("denoising_strength", "resize_mode", "include_init_images", "inpainting_mask_invert"),
        *("image", "upscaler_1", "upscaling_resize", "upscaling_resize_w", "upscaling_resize_h", "upscaling_crop"),
        *("input_image", "model", "return_mask"),
        # Code that the server runs, and files that it reads or writes.
        *("script_name", "script_args", "alwayson_scripts", "firstphase_width", "firstphase_height", "force_task_id"),
    }
)
"""What is filled here, and what callers may not fill."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it is sent: where to, and what."""

    path: str
    body: dict[str, Any]


async def gather(call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE."""
    image = await read_image(call)
    edits = operation_of(call.request) == "edit"
    return Pictures(image, mask=await call.mask(MaskForm.WHITE_REPAINTS, image) if image and edits else None)


def prepare(call: Call, options: Automatic1111Options, pictures: Pictures) -> Prepared:
    """The request to send. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    engine: Engine = call.model.facts
    if engine.work is Work.DRAW:
        return _draw(call, engine, options, pictures)
    own = {**call.passed_on, **options.fields(call.model, drawn=False, masked=False)}
    if engine.work is Work.CUT:
        body = {"input_image": _encoded(pictures.image), "model": engine.file, "return_mask": False}
        return Prepared("/rembg", {**own, **body})
    body = {"image": _encoded(pictures.image), "upscaler_1": engine.file, **_scale(call, *pictures.sizes[0])}
    return Prepared("/sdapi/v1/extra-single-image", {**own, **body})


def _draw(call: Call, engine: Engine, options: Automatic1111Options, pictures: Pictures) -> Prepared:
    request = call.request
    body: dict[str, Any] = {
        **call.passed_on,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": _seed(call),
        "batch_size": call.image_count,
        "n_iter": 1,
        "send_images": True,
        "save_images": False,
    }
    if engine.file:
        # Kept afterwards: to load the former one again would take as long as to load this one.
        body["override_settings"] = {"sd_model_checkpoint": engine.file}
        body["override_settings_restore_afterwards"] = False
    if pictures.image is None:
        choice = call.size()
        body |= {"width": choice.width_px, "height": choice.height_px}
        return Prepared("/sdapi/v1/txt2img", body | options.fields(call.model, drawn=True, masked=False))
    call.size()
    body |= {
        "init_images": [_encoded(pictures.image)],
        "resize_mode": 0,
        "include_init_images": False,
        **_size(call, pictures.image),
    }
    strength = _strength(call)
    if strength is not None:
        body["denoising_strength"] = strength
    if pictures.mask is not None:
        body |= {
            "mask": pybase64.b64encode_as_string(pictures.mask),
            "mask_blur": 0,
            "mask_round": not request.edit.feather_px,
            "inpainting_fill": _ORIGINAL,
            "inpaint_full_res": False,
            "inpainting_mask_invert": 0,
        }
    own = options.fields(call.model, drawn=False, masked=pictures.mask is not None)
    return Prepared("/sdapi/v1/img2img", body | own)


def _encoded(image: Input | None) -> str:
    return pybase64.b64encode_as_string(image.data) if image is not None else ""


def _seed(call: Call) -> int:
    """The wished seed; -1 means any at the server."""
    return seed_between(call, 0, MOST_SEED) if call.request.HasField("seed") else -1


def _strength(call: Call) -> float | None:
    request = call.request
    if request.edit.HasField("strength"):
        return request.edit.strength
    if operation_of(request) != "variation":
        return None
    variation = request.variation
    return round(1 - variation.similarity, 6) if variation.HasField("similarity") else _VARIED


def _size(call: Call, image: Input) -> dict[str, int]:
    """The picture's own size, to the next 8 px: the engine knows no others."""
    width, height = image.shape.width_px, image.shape.height_px
    sent = {"width": _on_grid(width), "height": _on_grid(height)}
    if (sent["width"], sent["height"]) != (width, height):
        told = f"{sent['width']}x{sent['height']}"
        call.adjust("image", f"{width}x{height}", told, f"The engine works in steps of {_GRID_PX} px.")
    return sent


def _on_grid(edge_px: int) -> int:
    return max(_GRID_PX, _GRID_PX * round(edge_px / _GRID_PX))


def _scale(call: Call, width: int, height: int) -> dict[str, Any]:
    """How far a picture of a size in px is enlarged. Raises INVALID_FIELD for more than anybody waits for."""
    wish = call.request.upscale
    factor = wish.factor if wish.HasField("factor") else _FACTOR
    if wish.HasField("size"):
        width, height = wish.size.width_px, wish.size.height_px
    else:
        width, height = round(width * factor), round(height * factor)
    if max(width, height) > _MOST_EDGE_PX or min(width, height) < 1:
        message = f"{call.model.name} makes edges of 1 to {_MOST_EDGE_PX} px; {width}x{height} is none of them."
        kind = wish.WhichOneof("target") or "factor"
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"upscale.{kind}")
    if wish.HasField("size"):
        return {"resize_mode": 1, "upscaling_resize_w": width, "upscaling_resize_h": height, "upscaling_crop": True}
    return {"resize_mode": 0, "upscaling_resize": factor}
