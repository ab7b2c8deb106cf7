"""ImageRequest -> what one of Stability AI's image endpoints takes, whoever serves it: its fields, and its pictures.

Source: the v2beta OpenAPI document (2026), read 2026-11-22. In masks white is painted anew, and a mask wins over
transparency in the picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.adapters.sdk.call import Call
from heliostat.adapters.sdk.inputs import Input
from heliostat.adapters.sdk.masks import MaskForm
from heliostat.adapters.sdk.models import operation_of
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.adapters.sdk.stable_image.endpoints import PNG, PRESETS, SHAPES, Endpoint
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError

MOST_PROMPT_CHARS = 10_000
MOST_SEED = 4_294_967_294
_MOST_EXPANDED_PX = 2_000

MANAGED = frozenset(
    {
        *("prompt", "negative_prompt", "seed", "style_preset", "output_format", "aspect_ratio", "model", "mode"),
        *("image", "mask", "strength", "control_strength", "fidelity", "style_strength", "left", "right", "up", "down"),
        *("subject_image", "background_prompt", "background_reference", "init_image", "style_image"),
    }
)
"""What is filled here: the request has words for it."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The caller's pictures by the endpoint's names for them, and the mask (white = paint anew)."""

    files: Mapping[str, Input] = field(default_factory=dict)
    mask: bytes | None = None


async def gather(endpoint: Endpoint, call: Call, most_bytes: int) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, and INVALID_FIELD for one that is missing or out of bounds."""
    request = call.request
    operation = operation_of(request)
    files: dict[str, Input] = {}
    if operation != "text_to_image":
        files[endpoint.image] = await call.input(getattr(request, operation).image)
    if endpoint.style:
        if request.style_transfer.style.WhichOneof("source") is None:
            message = f"{call.model.name} takes the style from a picture; send one."
            raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="style_transfer.style")
        files[endpoint.style] = await call.input(request.style_transfer.style, "style_transfer.style")
    if endpoint.reference and request.references:
        files[endpoint.reference] = await call.input(request.references[0].image, "references")
    elif endpoint.reference_needed:
        message = f"{call.model.name} draws in the style of a reference picture; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="references")
    for name, one in files.items():
        _check(endpoint, call, name, one)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, files[endpoint.image]) if endpoint.mask else None
    if endpoint.mask and mask is None:
        message = f"{call.model.name} works where a mask says; send one, or choose a model that edits whole pictures."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask")
    if sum(len(one.data) for one in files.values()) + len(mask or b"") > most_bytes:
        message = f"{call.model.name} takes files of at most {most_bytes} bytes in all; send smaller ones."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="image")
    return Pictures(files, mask)


def _check(endpoint: Endpoint, call: Call, name: str, one: Input) -> None:
    """Raises INVALID_FIELD for a picture that the endpoint would refuse."""
    limits, blamed = endpoint.limits, _said_as(endpoint, name)
    width, height = one.shape.width_px, one.shape.height_px
    short, long, area = min(width, height), max(width, height), width * height
    edges_fit = short >= limits.least_edge_px and (not limits.most_edge_px or long <= limits.most_edge_px)
    if not edges_fit or not limits.least_px <= area <= limits.most_px:
        edges = f"{limits.least_edge_px} to {limits.most_edge_px}" if limits.most_edge_px else f"{limits.least_edge_px}"
        message = (
            f"{call.model.name} takes pictures with edges from {edges} px and {limits.least_px} to {limits.most_px} "
            f"pixels in all; {width}x{height} is none of them, scale it."
        )
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=blamed)
    if limits.most_ratio and long > limits.most_ratio * short:
        message = f"{call.model.name} takes shapes of up to {limits.most_ratio:g}:1; crop {width}x{height}."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=blamed)


def _said_as(endpoint: Endpoint, name: str) -> str:
    return {endpoint.reference: "references", endpoint.style: "style_transfer.style"}.get(name, "image")


def make_fields(endpoint: Endpoint, call: Call, options: Mapping[str, Any]) -> dict[str, Any]:
    """All fields but pictures; `options` are those of `option_fields`. Raises INVALID_FIELD and UNSUPPORTED."""
    request = call.request
    drawn = operation_of(request) == "text_to_image"
    fields: dict[str, Any] = {**call.passed_on, **endpoint.constants, **({} if drawn else endpoint.image_constants)}
    fields |= _words(endpoint, call) | _parameters(endpoint, call) | _size(endpoint, call) | _format(endpoint, call)
    if endpoint.outpaints:
        fields |= _expansion(call)
    if operation_of(request) == "upscale":
        _tell_scale(endpoint, call)
    return {**fields, **options}


def _words(endpoint: Endpoint, call: Call) -> dict[str, str]:
    """The prompt. Raises INVALID_FIELD where it is missing, or longer than the API takes."""
    prompt = call.request.prompt
    missing = endpoint.prompt_needed and not prompt
    if endpoint.reference and not endpoint.reference_needed and not prompt and not call.request.references:
        missing = True
    if missing:
        message = f"{call.model.name} needs a prompt; send one."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    if len(prompt) > MOST_PROMPT_CHARS:
        message = f"{call.model.name} takes prompts of at most {MOST_PROMPT_CHARS} characters; shorten it."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="prompt")
    return {endpoint.prompt: prompt} if endpoint.prompt and prompt else {}


def _parameters(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """What the request says and the endpoint has a field for."""
    request = call.request
    values: dict[str, Any] = {
        "negative_prompt": request.negative_prompt or None,
        # 0 means any to these models.
        "seed": seed_between(call, 1, MOST_SEED) if "seed" in endpoint.takes and request.HasField("seed") else None,
        "style": _style(call) if "style" in endpoint.takes and request.style else None,
        "strength": _strength(endpoint, request),
        "creativity": _creativity(endpoint, call),
        "reference_weight": next((one.weight for one in request.references if one.HasField("weight")), None),
    }
    return {sent: values[name] for name, sent in endpoint.takes.items() if values[name] is not None}


def _style(call: Call) -> str | None:
    wanted = call.request.style
    if wanted in PRESETS:
        return wanted
    reason = f"The model knows {len(PRESETS)} styles, and this is none of them."
    call.adjust("style", wanted[:100], "", reason, events.ADJUSTMENT_MODE_DROPPED)
    return None


def _strength(endpoint: Endpoint, request: requests.ImageRequest) -> float | None:
    for part in (request.edit, request.style_transfer):
        if part.HasField("strength"):
            return round(1 - part.strength, 6) if endpoint.keeps else part.strength
    return None


def _creativity(endpoint: Endpoint, call: Call) -> float | None:
    upscale = call.request.upscale
    if "creativity" not in endpoint.takes or not upscale.HasField("creativity"):
        return None
    least, most = endpoint.creativity
    sent = min(max(upscale.creativity, least), most)
    if sent != upscale.creativity:
        reason = f"The model takes {least:g} to {most:g}."
        call.adjust("creativity", f"{upscale.creativity:g}", f"{sent:g}", reason)
    return sent


def _size(endpoint: Endpoint, call: Call) -> dict[str, str]:
    """The shape of a drawing; what is made of a picture has that picture's."""
    choice = call.size()
    if not endpoint.shaped or operation_of(call.request) != "text_to_image":
        return {}
    ratio = choice.ratio or SHAPES.get((choice.width_px, choice.height_px), "")
    return {"aspect_ratio": ratio} if ratio else {}


def _format(endpoint: Endpoint, call: Call) -> dict[str, str]:
    """The wanted format, or the lossless one where the kit has to convert."""
    return {"output_format": endpoint.formats.get(call.request.output.media_type, endpoint.formats[PNG])}


def _expansion(call: Call) -> dict[str, int]:
    """Pixels on each side. Raises INVALID_FIELD for more than the endpoint adds."""
    wish = call.request.outpaint
    sides = {"left": wish.left_px, "right": wish.right_px, "up": wish.top_px, "down": wish.bottom_px}
    far = next((name for name, pixels in sides.items() if pixels > _MOST_EXPANDED_PX), None)
    if far is not None:
        message = f"{call.model.name} adds at most {_MOST_EXPANDED_PX} px on each side; ask for less, or twice."
        name = {"up": "top", "down": "bottom"}.get(far, far)
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"outpaint.{name}_px")
    if not any(sides.values()):
        message = f"{call.model.name} has to be told on which side to add something; send left, right, top or bottom."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="outpaint")
    return {name: pixels for name, pixels in sides.items() if pixels}


def _tell_scale(endpoint: Endpoint, call: Call) -> None:
    """Tells where the wished scale is not the model's own."""
    upscale = call.request.upscale
    if upscale.HasField("size"):
        asked, name = f"{upscale.size.width_px}x{upscale.size.height_px}", "size"
    elif upscale.HasField("factor") and upscale.factor != endpoint.factor:
        asked, name = f"{upscale.factor:g}", "factor"
    else:
        return
    if endpoint.factor:
        call.adjust(name, asked, f"x{endpoint.factor}", f"The model enlarges {endpoint.factor} times, always.")
    else:
        call.adjust(name, asked, "4 megapixels", "The model enlarges to about 4 megapixels, always.")
