"""ImageRequest -> the workflow of a prompt, from its template.

Source: ComfyUI's server and nodes (2025-10, and of the second half of 2026), read 2026-11-22. Masks are loaded by their
red channel, where white is painted anew. Latents count in 8 px.
"""

import copy
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from heliostat.adapters.comfyui.catalog import Workflows, honoured
from heliostat.adapters.comfyui.options import ComfyuiOptions
from heliostat.adapters.comfyui.template_files import Template, is_link
from heliostat.adapters.sdk import Call, Input, MaskForm, MeshError, operation_of
from heliostat.adapters.sdk.demands import tell_dropped
from heliostat.adapters.sdk.pictures import Pictures, read_image, read_references
from heliostat.adapters.sdk.seeds import seed_between
from heliostat.api.image.v1 import reason_pb2 as reasons

MOST_EDGE_PX = 16_384
_SEED_BITS = 53
_MOST_SEED = 2**63 - 1
_GRID_PX = 8
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class File:
    """A file for the server: named by what is in it, so that the same picture is one file."""

    data: bytes
    media_type: str

    @property
    def name(self) -> str:
        """Its name on the server, before the server has its say."""
        return f"{hashlib.sha256(self.data).hexdigest()[:32]}.{_ENDINGS[self.media_type]}"


def files_of(pictures: Pictures) -> list[tuple[str, File]]:
    """(word of a template, file) of each."""
    files = [("image", File(pictures.image.data, pictures.image.media_type))] if pictures.image else []
    if pictures.mask is not None:
        files.append(("mask", File(pictures.mask, "image/png")))
    return [*files, *(("references", File(one.data, one.media_type)) for one in pictures.references)]


def template_of(call: Call) -> Template:
    """The template of a request. Raises INVALID_FIELD where the model needs a mask and there is none."""
    workflows: Workflows = call.model.facts
    masked = call.request.edit.mask.WhichOneof("source") is not None
    template = workflows.of(operation_of(call.request), masked=masked)
    if template is None:
        message = f"{call.model.name} repaints a masked part; send a mask, or choose a model that edits whole pictures."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="mask")
    return template


async def gather(template: Template, call: Call) -> Pictures:
    """The caller's pictures. Raises INPUT_UNREADABLE, and UNSUPPORTED for more references than there are places."""
    request = call.request
    image = await read_image(call)
    mask = await call.mask(MaskForm.WHITE_REPAINTS, image) if image and template.fills.get("mask") else None
    places = len(template.fills.get("references", ()))
    if len(request.references) > places:
        message = f"{call.model.name} looks at {places} further pictures for {template.operation}; send no more."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="references")
    references = await read_references(call)
    return Pictures(image, references, mask)


def make_values(template: Template, call: Call, pictures: Pictures) -> dict[str, Any]:
    """Word of a template -> value, all but files. Raises INVALID_FIELD and UNSUPPORTED, before anything is sent."""
    request = call.request
    _tell_dropped(template, call)
    choice = call.size()
    values: dict[str, Any] = {"prompt": request.prompt, "batch_size": call.image_count, "seed": _seed(template, call)}
    if request.negative_prompt:
        values["negative_prompt"] = request.negative_prompt
    if template.operation == "text_to_image":
        values |= {"width": choice.width_px, "height": choice.height_px}
    if pictures.image is not None:
        values |= _measures(template, call, pictures.image)
    strength = _strength(call)
    if strength is not None:
        values["strength"] = strength
    return {word: value for word, value in values.items() if template.fills.get(word)}


def _measures(template: Template, call: Call, image: Input) -> dict[str, int]:
    """Sizes of work on a picture: what comes out is as large as the picture, but where the work says otherwise."""
    width, height = image.shape.width_px, image.shape.height_px
    sides: dict[str, int] = {}
    if template.operation == "upscale":
        width, height = _enlarged(template, call, image)
    if template.operation == "outpaint":
        sides = _expansion(call)
        width, height = width + sides["left"] + sides["right"], height + sides["top"] + sides["bottom"]
    grid = {"working_width": _on_grid(width), "working_height": _on_grid(height)}
    return {"width": width, "height": height, **grid, **sides}


def _tell_dropped(template: Template, call: Call) -> None:
    """Tells what other templates of the model honour, and this one does not; counts of pictures as well."""
    workflows: Workflows = call.model.facts
    others = frozenset[str]().union(*(honoured(one) for one in workflows.by_work.values()))
    tell_dropped(call, others - honoured(template), f"The workflow for {template.operation} has no place for it.")
    most = template.max_images if template.fills.get("batch_size") else 1
    if call.image_count > most:
        message = f"{call.model.name} makes at most {most} pictures at once for {template.operation}; ask for fewer."
        raise MeshError(reasons.ERROR_REASON_UNSUPPORTED, message, field="n")


def _seed(template: Template, call: Call) -> int:
    """The wished seed, or one of our own: without, the server would answer with the pictures that it made before."""
    if not call.request.HasField("seed"):
        return call.dice.getrandbits(_SEED_BITS)
    # Where the workflow has no place for a seed, what becomes of it is told already.
    return seed_between(call, 0, _MOST_SEED) if template.fills.get("seed") else 0


def _strength(call: Call) -> float | None:
    request = call.request
    for part in (request.edit, request.style_transfer):
        if part.HasField("strength"):
            return part.strength
    return round(1 - request.variation.similarity, 6) if request.variation.HasField("similarity") else None


def _enlarged(template: Template, call: Call, image: Input) -> tuple[int, int]:
    """The size of an upscale in px. Raises INVALID_FIELD for one that no server makes."""
    wish = call.request.upscale
    if wish.HasField("size"):
        width, height = wish.size.width_px, wish.size.height_px
    else:
        factor = wish.factor if wish.HasField("factor") else template.factor
        width, height = round(image.shape.width_px * factor), round(image.shape.height_px * factor)
    if not min(width, height) >= 1 or max(width, height) > MOST_EDGE_PX:
        message = (
            f"{call.model.name} makes edges of 1 to {MOST_EDGE_PX} px, and {width}x{height} is asked; ask for less."
        )
        kind = wish.WhichOneof("target") or "factor"
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=f"upscale.{kind}")
    return width, height


def _expansion(call: Call) -> dict[str, int]:
    """Pixels on each side. Raises INVALID_FIELD for none at all."""
    wish = call.request.outpaint
    sides = {"left": wish.left_px, "right": wish.right_px, "top": wish.top_px, "bottom": wish.bottom_px}
    if not any(sides.values()):
        message = f"{call.model.name} has to be told on which side to add something; send left, right, top or bottom."
        raise MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field="outpaint")
    return sides


def _on_grid(edge_px: int) -> int:
    return max(_GRID_PX, _GRID_PX * round(edge_px / _GRID_PX))


def make_workflow(
    template: Template, values: Mapping[str, Any], files: Mapping[str, Sequence[str]], options: ComfyuiOptions
) -> dict[str, Any]:
    """The workflow with everything in its place: `files` are names on the server by word. Raises INVALID_FIELD."""
    placed = dict(options.places(template))
    for word, value in values.items():
        placed |= dict.fromkeys(template.fills[word], value)
    for word, names in files.items():
        places = template.fills.get(word, ())
        placed |= dict(zip(places, names, strict=False)) if word == "references" else dict.fromkeys(places, names[0])
    workflow: dict[str, Any] = copy.deepcopy(dict(template.workflow))
    for place, value in placed.items():
        node, _, name = place.partition(".")
        workflow[node]["inputs"][name] = value
    unused = template.fills.get("references", ())[len(files.get("references", ())) :]
    for place in unused:
        _take_out(workflow, place.partition(".")[0])
    return workflow


def _take_out(workflow: dict[str, Any], gone: str) -> None:
    """A node that has nothing to load, and the links to it."""
    del workflow[gone]
    for node in workflow.values():
        linked = [name for name, given in node["inputs"].items() if is_link(given) and given[0] == gone]
        for name in linked:
            del node["inputs"][name]
