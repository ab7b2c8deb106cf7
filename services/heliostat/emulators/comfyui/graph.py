"""A workflow, checked as the server checks it: node by node, from each output back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heliostat.emulators.comfyui.dialect import refused
from heliostat.emulators.comfyui.object_info import NODES

HasFile = Callable[[str], bool]


@dataclass
class Checked:
    """What came of it: outputs that can be run, and what is wrong, by node."""

    outputs: list[str] = field(default_factory=list)
    node_errors: dict[str, Any] = field(default_factory=dict)


def check(workflow: Any, has_file: HasFile) -> Checked:
    """Check a workflow; `has_file` tells whether a picture was uploaded. Raises `Refusal`."""
    if not isinstance(workflow, dict) or not workflow:
        raise refused(400, "no_prompt", "No prompt provided", "No prompt provided")
    for node_id, node in workflow.items():
        if not isinstance(node, dict) or "class_type" not in node:
            message = "Cannot execute because a node is missing the class_type property."
            raise refused(400, "invalid_prompt", message, f"Node ID '#{node_id}'")
        if node["class_type"] not in NODES:
            message = f"Node '{node['class_type']}' not found. The custom node may not be installed."
            raise refused(400, "missing_node_type", message, f"Node ID '#{node_id}'")
    wanted = [node_id for node_id, node in workflow.items() if NODES[node["class_type"]]["output_node"]]
    if not wanted:
        raise refused(400, "prompt_no_outputs", "Prompt has no outputs")
    made = Checked()
    for output in wanted:
        faults = _Faults(workflow, has_file)
        faults.visit(output)
        for node_id, errors in faults.found.items():
            told = made.node_errors.setdefault(
                node_id, {"errors": errors, "dependent_outputs": [], "class_type": workflow[node_id]["class_type"]}
            )
            told["dependent_outputs"].append(output)
        if not faults.found:
            made.outputs.append(output)
    return made


class _Faults:
    """What is wrong on the way to one output."""

    def __init__(self, workflow: Mapping[str, Any], has_file: HasFile) -> None:
        self._workflow = workflow
        self._has_file = has_file
        self._seen: set[str] = set()
        self.found: dict[str, list[dict[str, Any]]] = {}

    def visit(self, node_id: str) -> None:
        """Check a node and all that it hangs on."""
        if node_id in self._seen:
            return
        self._seen.add(node_id)
        node = self._workflow[node_id]
        given = node.get("inputs", {})
        taken = NODES[node["class_type"]]["input"]
        for name, kind in taken["required"].items():
            if name not in given:
                self._tell(node_id, "required_input_missing", "Required input is missing", name, name)
            else:
                self._input(node_id, name, kind, given[name])
        for name, kind in taken.get("optional", {}).items():
            if name in given:
                self._input(node_id, name, kind, given[name])

    def _input(self, node_id: str, name: str, kind: list[Any], value: Any) -> None:
        if not isinstance(value, list):
            self._value(node_id, name, kind, value)
            return
        if len(value) != 2 or value[0] not in self._workflow:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            self._tell(node_id, "bad_linked_input", message, name, name)
            return
        outputs = NODES[self._workflow[value[0]]["class_type"]]["output"]
        received = outputs[value[1]] if value[1] < len(outputs) else ""
        if received != kind[0]:
            details = f"{name}, received_type({received}) mismatch input_type({kind[0]})"
            message = "Return type mismatch between linked nodes"
            self._tell(node_id, "return_type_mismatch", message, details, name)
            return
        self.visit(value[0])

    def _value(self, node_id: str, name: str, kind: list[Any], value: Any) -> None:
        if isinstance(kind[0], list):
            if value not in kind[0]:
                details = f"{name}: {value!r} not in {kind[0]!r}"
                self._tell(node_id, "value_not_in_list", "Value not in list", details, name)
            return
        if kind[0] == "IMAGE_FILE":
            if not self._has_file(str(value)):
                details = f"{name} - Invalid image file: {value}"
                self._tell(node_id, "custom_validation_failed", "Custom validation failed for node", details, name)
            return
        if kind[0] in ("INT", "FLOAT"):
            self._number(node_id, name, kind, value)
        elif kind[0] not in ("STRING", "BOOLEAN"):
            self._tell(node_id, "required_input_missing", "Required input is missing", name, name)

    def _number(self, node_id: str, name: str, kind: list[Any], value: Any) -> None:
        try:
            number = int(value) if kind[0] == "INT" else float(value)
        except (TypeError, ValueError) as error:
            message = f"Failed to convert an input value to a {kind[0]} value"
            self._tell(node_id, "invalid_input_type", message, f"{name}, {value}, {error}", name)
            return
        bounds = kind[1]
        if number < bounds["min"]:
            message = f"Value {number} smaller than min of {bounds['min']}"
            self._tell(node_id, "value_smaller_than_min", message, name, name)
        elif number > bounds["max"]:
            message = f"Value {number} bigger than max of {bounds['max']}"
            self._tell(node_id, "value_bigger_than_max", message, name, name)

    def _tell(self, node_id: str, kind: str, message: str, details: str, name: str) -> None:
        error = {"type": kind, "message": message, "details": details, "extra_info": {"input_name": name}}
        self.found.setdefault(node_id, []).append(error)


def texts_of(workflow: Any) -> str:
    """Give the words of a workflow for the journal: those that its samplers draw from first."""
    if not isinstance(workflow, dict):
        return ""
    nodes = {
        key: node for key, node in workflow.items() if isinstance(node, dict) and isinstance(node.get("inputs"), dict)
    }
    for node in nodes.values():
        if node.get("class_type") == "KSampler":
            return _words_behind(nodes, node["inputs"].get("positive"), 0)
    return ""


def _words_behind(nodes: Mapping[str, Any], link: Any, depth: int) -> str:
    if not isinstance(link, list) or not link or link[0] not in nodes or depth > 20:
        return ""
    given = nodes[link[0]]["inputs"]
    text = given.get("text", given.get("prompt"))
    return text if isinstance(text, str) else _words_behind(nodes, given.get("conditioning"), depth + 1)


def file_of(workflow: Any) -> str:
    """Give the file of the model that a workflow loads, for the journal."""
    if isinstance(workflow, dict):
        for node in workflow.values():
            given = node.get("inputs") if isinstance(node, dict) else None
            for name in ("ckpt_name", "unet_name", "model_name"):
                if isinstance(given, dict) and isinstance(given.get(name), str):
                    return str(given[name])
    return ""
