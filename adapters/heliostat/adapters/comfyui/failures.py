"""ComfyUI's errors in the words of the mesh. Pure.

Source: ComfyUI's server.py and execution.py (2025-10, and of the second half of 2026), read 2026-11-22. A workflow that
the server cannot take is a 400 that names nodes and inputs; what goes wrong later stands in the history only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from heliostat.adapters.comfyui.jobs import Ended
from heliostat.adapters.comfyui.outcomes import ENDED_BADLY, LOST, NO_PICTURE, OUTCOMES
from heliostat.adapters.sdk import Answer, Call, MeshError, read_refusal
from heliostat.adapters.sdk.refusals import clean
from heliostat.api.image.v1 import reason_pb2 as reasons

_OPTION = "provider_options.comfyui."
_FIELD_OF: Mapping[str, str] = {
    "width": "size",
    "height": "size",
    "batch_size": "n",
    "seed": "seed",
    "noise_seed": "seed",
    "text": "prompt",
    "denoise": "strength",
    "image": "image",
    "steps": f"{_OPTION}steps",
    "cfg": f"{_OPTION}guidance",
    "guidance": f"{_OPTION}guidance",
    "sampler_name": f"{_OPTION}sampler",
    "scheduler": f"{_OPTION}scheduler",
}
_VALUES = frozenset(
    {"value_smaller_than_min", "value_bigger_than_max", "invalid_input_type", "custom_validation_failed"}
)
_MISSING_NODE = frozenset({"missing_node_type", "invalid_prompt"})
_OUT_OF_MEMORY = "OutOfMemoryError"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the server says is wrong with a workflow."""

    kind: str
    node: str
    input: str
    details: str


def refusal(answer: Answer) -> MeshError | None:
    """The error of a workflow that was not taken; None for what any server could say."""
    value = answer.json_or_none()
    error = value.get("error") if isinstance(value, Mapping) else None
    if answer.status != 400 or not isinstance(error, Mapping) or not isinstance(error.get("type"), str):
        return None
    made = read_refusal(answer)
    faults = list(_faults(value.get("node_errors")))
    fault = next((one for one in faults if one.kind in _VALUES or _field_of(one)), None)
    unknown = next((one for one in faults if one.kind == "value_not_in_list" and not _field_of(one)), None)
    if unknown is not None:
        said = unknown.details.partition(" not in ")[0]
        made.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        made.message = (
            f"The ComfyUI server does not have what {unknown.node} needs; put the file into its models folder, or name "
            f"another one in the template. It said: {said}"
        )
    elif fault is not None:
        made.reason, made.field = reasons.ERROR_REASON_INVALID_FIELD, _field_of(fault) or None
        made.message = f"ComfyUI's {fault.node} does not take this value. It said: {_shortened(fault)}"
    elif error["type"] in _MISSING_NODE:
        made.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        made.message = (
            "The ComfyUI server does not have a node of the workflow; install it there, or mend the template. "
            f"It said: {_said(error)}"
        )
    else:
        made.reason = reasons.ERROR_REASON_PROVIDER_MODEL_GONE
        told = f"{faults[0].node}: {_shortened(faults[0])}" if faults else _said(error)
        made.message = f"The ComfyUI server cannot run the workflow; mend the template. It said: {told}"
    return made


def left_out(call: Call, answer: Answer, output: str) -> MeshError | None:
    """The error of a workflow that was taken without its output node; None for one that was taken whole.

    The server leaves out what it cannot run, and does the rest.
    """
    value = answer.json_or_none()
    told = value.get("node_errors") if isinstance(value, Mapping) else None
    nodes = told.items() if isinstance(told, Mapping) else ()
    blamed = {key: node for key, node in nodes if output in (node.get("dependent_outputs") or ())}
    if not blamed:
        return None
    body = {"error": {"type": "prompt_outputs_failed_validation"}, "node_errors": blamed}
    error = refusal(replace(answer, status=400, body=orjson.dumps(body)))
    if error is not None:
        error.message = clean(error.message, (call.request.prompt, call.request.negative_prompt))
    return error


def _faults(given: Any) -> Iterator[Fault]:
    for node in given.values() if isinstance(given, Mapping) else ():
        errors = node.get("errors") if isinstance(node, Mapping) else None
        for one in errors[:5] if isinstance(errors, list) else ():
            if isinstance(one, Mapping):
                extra = one.get("extra_info")
                name = extra.get("input_name") if isinstance(extra, Mapping) else ""
                yield Fault(str(one.get("type")), str(node.get("class_type"))[:100], str(name or ""), _said(one))


def _field_of(fault: Fault) -> str:
    return _FIELD_OF.get(fault.input, "")


def _shortened(fault: Fault) -> str:
    """What was said, without the list of everything that the server has."""
    return fault.details.partition(" not in [")[0]


def _said(error: Mapping[str, Any]) -> str:
    texts = (error.get("details"), error.get("message"))
    return next((text[:1000] for text in texts if isinstance(text, str) and text), "nothing")


def ended_badly(call: Call, ended: Ended) -> MeshError:
    """Why a prompt gave no picture."""
    row = OUTCOMES.row("poll", ENDED_BADLY if ended.fault else NO_PICTURE)
    if ended.fault == "interrupted":
        message = "Somebody interrupted the work on the ComfyUI server; ask again."
    elif _OUT_OF_MEMORY in ended.fault:
        message = "The ComfyUI server's GPU ran out of memory; ask for less, again later, or elsewhere."
    elif ended.fault:
        said = clean(f"{ended.fault}: {ended.said}", (call.request.prompt, call.request.negative_prompt))
        message = f"The ComfyUI server failed in {ended.node or 'a node'}; look into its console. It said: {said}"
    else:
        message = (
            "The ComfyUI server ended the work without a picture of the template's output node; mend the template, or "
            "ask again."
        )
    reason = reasons.ERROR_REASON_PROVIDER_UNAVAILABLE if ended.fault else reasons.ERROR_REASON_PROVIDER_ANSWER_INVALID
    return call.error(reason, message, outcome=row.outcome, billed=row.billed, phase=row.phase)


def lost(call: Call) -> MeshError:
    """The error of a prompt that neither queue nor history knows."""
    row = OUTCOMES.row("poll", LOST)
    message = "The ComfyUI server does not know the work any more; it was started anew, or somebody took it out."
    return call.error(
        reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, message, outcome=row.outcome, billed=row.billed, phase=row.phase
    )
