"""Workflow templates as files: read, checked, and refused with a sentence that says what to write instead.

A template is a workflow in ComfyUI's API format and what of a request goes where in it. Checks that need the server,
such as whether it has a node or a file, are the server's.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from heliostat.chassis.settings import refused

FILLS: Mapping[str, str] = {
    "prompt": "the words",
    "negative_prompt": "what to leave out",
    "seed": "the seed",
    "width": "width in px of what is made",
    "height": "height in px of what is made",
    "batch_size": "how many pictures",
    "image": "name of the caller's picture",
    "mask": "name of the mask, white where it is painted anew",
    "references": "names of further pictures, one place each",
    "strength": "how far the picture may change, 0 to 1",
    "working_width": "width in px of the caller's picture, to the next 8 px",
    "working_height": "the same of its height",
    **{side: f"px to add, {side}" for side in ("left", "right", "top", "bottom")},
}
"""What of a request can go into a workflow."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "text_to_image": ("prompt", "width", "height"),
    "edit": ("prompt", "image"),
    "inpaint": ("image", "mask"),
    "variation": ("image",),
    "outpaint": ("image", "left", "right", "top", "bottom"),
    "upscale": ("image", "width", "height"),
    "style_transfer": ("image",),
    "remove_background": ("image",),
}
"""The kinds of work, and what their templates cannot do without; inpaint is an edit with a mask."""

NAMED_OPTIONS = ("steps", "guidance", "sampler", "scheduler", "checkpoint")
MOST_BYTES = 1_000_000
_PLACE = re.compile(r"([^.\s]{1,100})\.([A-Za-z0-9_.]{1,100})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sizes(_Strict):
    """Sizes of drawings: edges in px from `min_px` to `max_px` in steps, area bounded where not 0."""

    min_px: int = Field(256, ge=16, le=16_384)
    max_px: int = Field(2048, ge=16, le=16_384)
    step: int = Field(8, ge=1, le=512)
    max_area_px: int = Field(0, ge=0)
    default: tuple[int, int] = (1024, 1024)


class Knob(_Strict):
    """An option of callers: where it goes, and what it may be."""

    at: tuple[str, ...] = Field(min_length=1)
    kind: Literal["integer", "number", "text", "boolean"] = "number"
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()


class Template(_Strict):
    """One workflow for one kind of work of one model.

    `fills` maps words of FILLS to places, "<node>.<input>"; `options` likewise, for provider_options.comfyui. `output`
    is the node whose pictures are the result. `factor` is what an upscale without a wish enlarges by.
    """

    model: str
    operation: str
    names: tuple[str, ...] = ()
    creator: str = ""
    description: str = ""
    sizes: Sizes = Sizes()
    max_images: int = Field(1, ge=1, le=10)
    max_input_px: int = Field(16_777_216, ge=65_536)
    exact_mask: bool = False
    factor: float = Field(4.0, gt=1, le=16)
    fills: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Knob] = Field(default_factory=dict)
    output: str
    workflow: Mapping[str, Any]


def read_folder(folder: Path) -> list[Template]:
    """All templates of a folder, by file name. Raises INVALID_FIELD naming the file and what to write instead."""
    if not folder.is_dir():
        raise refused(f"There is no folder {folder} with workflow templates; mend adapters.comfyui.templates.")
    read: dict[tuple[str, str], Path] = {}
    templates = []
    for file in sorted(folder.glob("*.json")):
        template = read_template(file)
        twin = read.setdefault((template.model, template.operation), file)
        if twin is not file:
            raise refused(
                f"{file}: {twin.name} is a template of {template.model} for {template.operation} as well; "
                "keep one of them."
            )
        templates.append(template)
    return templates


def read_template(file: Path) -> Template:
    """The template of a file. Raises INVALID_FIELD."""
    data = file.read_bytes()
    if len(data) > MOST_BYTES:
        raise refused(f"{file}: a template has at most {MOST_BYTES} bytes; take pictures out of the workflow.")
    try:
        value = json.loads(data)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise refused(f"{file}{where}: this is not JSON; mend it.") from None
    fault = _misunderstood(value)
    if fault:
        raise refused(f"{file}: {fault}")
    try:
        template = Template.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise refused(f"{file}: {place}: {first['msg']}. The page of the comfyui adapter shows a template.") from None
    for fault in _faults(template):
        raise refused(f"{file}: {fault}")
    return template


def _misunderstood(value: Any) -> str:
    """What a file is that is no template at all; empty where it may be one."""
    if not isinstance(value, dict):
        return 'a template is an object with "model", "operation", "fills", "output" and "workflow".'
    inner = value.get("workflow", value)
    if isinstance(inner, dict) and isinstance(inner.get("nodes"), list):
        return (
            "this workflow was saved for the canvas; save it in ComfyUI with Export (API), which has node ids as keys."
        )
    if value and all(isinstance(node, dict) and "class_type" in node for node in value.values()):
        return 'this is a bare workflow; put it under "workflow", and say "model", "operation", "fills" and "output".'
    return ""


def _faults(template: Template) -> Iterator[str]:
    """Everything that is wrong with a template, in sentences."""
    if _NAME.fullmatch(template.model) is None:
        yield f"model {template.model!r} is no name; use letters, digits, dots, dashes and slashes."
    if template.operation not in NEEDED:
        yield f"operation {template.operation!r} is none of {', '.join(NEEDED)}."
    yield from _node_faults(template.workflow)
    if template.output not in template.workflow:
        yield f"output {template.output!r} is no node of the workflow; name the node that saves the pictures."
    for word, places in template.fills.items():
        if word not in FILLS:
            yield f"fills.{word}: there is no such word; known are {', '.join(FILLS)}."
        yield from _place_faults(f"fills.{word}", places, template.workflow)
    for name, knob in template.options.items():
        yield from _place_faults(f"options.{name}.at", knob.at, template.workflow)
        if knob.min is not None and knob.max is not None and knob.min > knob.max:
            yield f"options.{name}: min is above max; exchange them."
    missing = [word for word in NEEDED.get(template.operation, ()) if not template.fills.get(word)]
    if missing:
        told = "; ".join(f"{word} ({FILLS[word]})" for word in missing)
        yield f"a template for {template.operation} has to say where these go, under fills: {told}."
    sizes = template.sizes
    if sizes.min_px > sizes.max_px or any(
        edge % sizes.step or not sizes.min_px <= edge <= sizes.max_px for edge in sizes.default
    ):
        yield "sizes: default has to lie between min_px and max_px, on the step."


def _node_faults(workflow: Mapping[str, Any]) -> Iterator[str]:
    if not workflow:
        yield "the workflow has no nodes; save one in ComfyUI with Export (API)."
    for node_id, node in workflow.items():
        if not isinstance(node, dict) or not isinstance(node.get("class_type"), str):
            yield f"workflow.{node_id} has no class_type; save the workflow in ComfyUI with Export (API)."
        elif not isinstance(node.get("inputs"), dict):
            yield f"workflow.{node_id} has no inputs; save the workflow in ComfyUI with Export (API)."
        else:
            for name, given in node["inputs"].items():
                if is_link(given) and given[0] not in workflow:
                    yield f"workflow.{node_id}.inputs.{name} leads to node {given[0]!r}, which is not there; put it in."


def _place_faults(what: str, places: Sequence[str], workflow: Mapping[str, Any]) -> Iterator[str]:
    if not places:
        yield f"{what} names no place; write one as <node>.<input>, or leave it out."
    for place in places:
        found = _PLACE.fullmatch(place)
        if found is None:
            yield f"{what}: {place[:100]!r} is no place; write <node>.<input>, such as 6.text."
            continue
        node, name = found.groups()
        if node not in workflow:
            yield f"{what}: the workflow has no node {node!r}; it has {', '.join(list(workflow)[:20])}."
        elif name not in workflow[node]["inputs"]:
            known = ", ".join(workflow[node]["inputs"]) or "none"
            yield f"{what}: node {node} ({workflow[node]['class_type']}) has no input {name!r}; it has {known}."
        elif is_link(workflow[node]["inputs"][name]):
            yield f"{what}: {place} is linked to another node; name the input where the value itself stands."


def is_link(given: Any) -> bool:
    """Whether an input's value is a link to another node's output."""
    return isinstance(given, list) and len(given) == 2 and isinstance(given[0], str) and isinstance(given[1], int)
