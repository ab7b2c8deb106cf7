"""What the keys of a section do: the text below each in its class.

Only the documents are made of it. Pydantic would read it as well, from the source of every section at every start of
every process.
"""

import ast
import inspect
import textwrap
from itertools import pairwise

from heliostat.chassis.settings import Section


def meanings(model: type[Section]) -> dict[str, str]:
    """Key -> what its field says as its description, or else the text below it; without those that say nothing."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, Section):
            found |= _texts(kind)
    return found | {name: field.description for name, field in model.model_fields.items() if field.description}


def _texts(kind: type) -> dict[str, str]:
    """Name -> the text below it, for the fields that a class itself defines."""
    try:
        source = inspect.getsource(kind)
    except OSError:
        # Made while running, as those of mapping files are.
        return {}
    (defined,) = ast.parse(textwrap.dedent(source)).body
    statements = defined.body if isinstance(defined, ast.ClassDef) else []
    return {
        field.target.id: below.value.value
        for field, below in pairwise(statements)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    }
