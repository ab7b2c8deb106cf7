"""What the editor wanx2.1-imageedit is told to do: one function with its own parameters.

Source: Model Studio's reference of wanx-image-edit (2026-02-11), read 2026-11-22. In its masks white is painted anew.
"""

from typing import Any

from heliostat.adapters.dashscope.options import DashScopeOptions, refused
from heliostat.adapters.sdk import Call, Input, MeshError, operation_of
from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons

_MOST_FACTOR, _USUAL_FACTOR = 4, 2
_MOST_SCALE = 2.0
_STRONG = frozenset({"description_edit", "stylization_all"})
# A prompt is required even where there is nothing to say.
_WORDS = {"super_resolution": "Super resolution", "expand": "Expand the picture", "remove_watermark": "Remove marks"}


def function_of(
    call: Call, options: DashScopeOptions, image: Input, masked: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    """(members of `input`, members of `parameters`). Raises INVALID_FIELD and UNSUPPORTED."""
    request, operation = call.request, operation_of(call.request)
    if options.function is not None and (operation != "edit" or masked):
        raise refused("function", "A function is chosen for edits without a mask only; leave it out.")
    name: str = "description_edit_with_mask" if masked else options.function or "description_edit"
    parameters: dict[str, Any] = {}
    if operation == "upscale":
        name, parameters = "super_resolution", {"upscale_factor": _factor(call, image)}
    elif operation == "outpaint":
        name, parameters = "expand", _scales(call, image)
    elif operation == "style_transfer":
        if request.style_transfer.style.WhichOneof("source") is not None:
            message = f"{call.model.name} takes a style in words; describe it in the prompt."
            raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="style_transfer.style")
        name = "stylization_all"
    if name in _STRONG or options.is_sketch is not None:
        parameters |= _strength(call, name) | _sketch(options, name)
    elif operation == "edit":
        _drop_strength(call, name)
    return {"function": name, "prompt": request.prompt or _WORDS.get(name, "")}, parameters


def _strength(call: Call, name: str) -> dict[str, float]:
    request = call.request
    part = request.style_transfer if operation_of(request) == "style_transfer" else request.edit
    return {"strength": part.strength} if name in _STRONG and part.HasField("strength") else {}


def _sketch(options: DashScopeOptions, name: str) -> dict[str, bool]:
    if options.is_sketch is None:
        return {}
    if name != "doodle":
        raise refused("is_sketch", "It belongs to the function doodle; leave it out.")
    return {"is_sketch": options.is_sketch}


def _drop_strength(call: Call, name: str) -> None:
    edit = call.request.edit
    if edit.HasField("strength"):
        reason = f"The model's function {name} has no strength."
        call.adjust("strength", f"{edit.strength:g}", "", reason, event_pb2.ADJUSTMENT_MODE_DROPPED)


def _factor(call: Call, image: Input) -> int:
    """The whole factor nearest to the wish, 2 without one: the provider's own usual one enlarges nothing."""
    upscale, shape = call.request.upscale, image.shape
    if upscale.HasField("size"):
        asked = f"{upscale.size.width_px}x{upscale.size.height_px}"
        wanted = max(upscale.size.width_px / shape.width_px, upscale.size.height_px / shape.height_px)
    elif upscale.HasField("factor"):
        asked, wanted = f"{upscale.factor:g}", upscale.factor
    else:
        return _USUAL_FACTOR
    sent = min(max(round(wanted), 1), _MOST_FACTOR)
    honoured = (shape.width_px * sent, shape.height_px * sent) == (upscale.size.width_px, upscale.size.height_px)
    if not (honoured if upscale.HasField("size") else sent == wanted):
        name = "size" if upscale.HasField("size") else "factor"
        call.adjust(name, asked, f"x{sent}", f"The model enlarges by whole factors up to {_MOST_FACTOR}.")
    return sent


def _scales(call: Call, image: Input) -> dict[str, float]:
    """The sides as parts of the picture's edges. Raises INVALID_FIELD for more than an edge on one side."""
    outpaint, shape = call.request.outpaint, image.shape
    sides = {
        "top": (outpaint.top_px, shape.height_px),
        "bottom": (outpaint.bottom_px, shape.height_px),
        "left": (outpaint.left_px, shape.width_px),
        "right": (outpaint.right_px, shape.width_px),
    }
    scales = {name: round(1 + pixels / edge, 4) for name, (pixels, edge) in sides.items()}
    far = next((name for name, scale in scales.items() if scale > _MOST_SCALE), None)
    if far is not None:
        message = f"{call.model.name} adds at most the picture's own edge on each side; ask for less, or twice."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"outpaint.{far}_px")
    return {f"{name}_scale": scale for name, scale in scales.items()}
