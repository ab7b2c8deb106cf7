"""ImageRequest -> the JSON body of Ark's images/generations, which draws and edits.

Source: ModelArk's own SDK (5.0.54, 2026-10-22), read 2026-11-22. Pictures travel as data URIs. There is no mask and no
number of pictures: sets, which the model counts by itself, are not asked for.
"""

from typing import Any

from heliostat.adapters.sdk import Call, Input, operation_of
from heliostat.adapters.sdk.pictures import read_row
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.adapters.seedream.catalog import JPEG, MOST_SEED, PNG, Traits
from heliostat.adapters.seedream.options import SeedreamOptions
from heliostat.api.image.v1 import request_pb2 as requests

MANAGED = frozenset(
    {
        *("model", "prompt", "n", "size", "response_format", "output_format", "watermark", "background", "seed"),
        *("image", "mask", "stream", "guidance_scale", "optimize_prompt", "optimize_prompt_options"),
        # What changes how many pictures come, or adds to the bill what nobody here could price.
        *("sequential_image_generation", "sequential_image_generation_options", "layer_decomposition", "tools"),
    }
)
"""What is filled here, or must not be: the request has words for it, or the bill would not be known."""

_FORMATS = {JPEG: "jpeg", PNG: "png"}


async def gather(call: Call) -> list[Input]:
    """The caller's pictures, the one to work on first. Raises INPUT_UNREADABLE, and UNSUPPORTED for too many."""
    return await read_row(call, max(call.model.max_references, 1))


def make_body(call: Call, options: SeedreamOptions, pictures: list[Input], endpoint: str) -> dict[str, Any]:
    """The body. Raises INVALID_FIELD, and UNSUPPORTED where a strict request cannot be honoured; nothing is sent."""
    request, traits = call.request, call.model.facts
    body: dict[str, Any] = {
        **call.passed_on,
        "model": endpoint,
        "prompt": request.prompt,
        "response_format": "url" if call.passes_uris else "b64_json",
        "size": _size(call, traits, pictures),
        **options.fields(call.model.name, traits),
    }
    if "seed" in traits.takes and request.HasField("seed"):
        body["seed"] = seed_between(call, 0, MOST_SEED)
    if pictures:
        uris = [one.data_uri for one in pictures]
        body["image"] = uris[0] if len(uris) == 1 else uris
    return body | _format(call, traits)


def _size(call: Call, traits: Traits, pictures: list[Input]) -> str:
    """The size; an edit without a wish has the shape of its picture, at the 2K that Ark draws by itself."""
    choice = call.size()
    if traits.adaptive:
        return "adaptive"
    if operation_of(call.request) == "edit" and not call.request.HasField("size"):
        shape = pictures[0].shape
        aspect = requests.AspectSize(width_ratio=shape.width_px, height_ratio=shape.height_px)
        choice = call.model.sizes.choose(requests.Size(aspect=aspect))
    return f"{choice.width_px}x{choice.height_px}"


def _format(call: Call, traits: Traits) -> dict[str, str]:
    """The wanted format, or the lossless one where the kit has to convert; only that one can be transparent."""
    output = call.request.output
    transparent = "background" in traits.takes and output.background == requests.BACKGROUND_TRANSPARENT
    if not traits.formats or not (output.media_type or transparent):
        return {}
    word = "png" if transparent else _FORMATS.get(output.media_type, "png")
    call.sends_format(f"image/{word}")
    return {"output_format": word} | ({"background": "transparent"} if transparent else {})
