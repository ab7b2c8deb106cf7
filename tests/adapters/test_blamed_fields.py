"""Fields that adapters blame have names that callers know: those of the contract, or of the REST side."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heliostat.api.image.v1 import request_pb2
from heliostat.edge.picture_operations import PICTURE_OPERATIONS

ROOT = Path(__file__).parents[2] / "adapters" / "heliostat" / "adapters"
FILES = sorted(ROOT.rglob("*.py"))
# Of the contract between router and adapter, and of the configuration.
OTHERS = {"attempt_id", "body", "mappings", "prices"}


def _paths(message: Any, head: str = "", depth: int = 3) -> Iterator[str]:
    for field in message.fields:
        yield head + field.name
        if field.message_type is not None and depth and field.message_type.full_name.startswith("heliostat."):
            yield from _paths(field.message_type, f"{head}{field.name}.", depth - 1)


CONTRACT = set(_paths(request_pb2.ImageRequest.DESCRIPTOR))
REST = {"image", "n"}.union(*({*each.body.model_fields, *each.beside} for each in PICTURE_OPERATIONS))
KNOWN = CONTRACT | REST | OTHERS


def _blamed(tree: ast.Module) -> Iterator[str]:
    """The texts of `field=` and of tables from a provider's names to ours. Parts of an f-string stand for {}."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "field":
            yield from _texts(node.value)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.startswith("_FIELD"):
                for value in node.value.values:
                    yield from _texts(value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)


def test_what_is_blamed_is_a_field_that_callers_know() -> None:
    """Any other would be told as its nearest known part: a side that is too long as the picture."""
    unknown = {
        str(file.relative_to(ROOT)): strange
        for file in FILES
        if (strange := {one for one in _blamed(ast.parse(file.read_text(encoding="utf-8"))) if not _is_known(one)})
    }
    assert unknown == {}


def _is_known(name: str) -> bool:
    if name.startswith(("provider_options.", "{}")):
        return True
    return name.replace("{}", "left" if name.startswith("outpaint") else "factor") in KNOWN
