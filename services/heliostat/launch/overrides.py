"""A configuration that no file holds, with what the environment and the operator's choice put over it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heliostat.chassis import settings


def overridden(tree: Mapping[str, Any], environment: Mapping[str, str], state_dir: Path) -> dict[str, Any]:
    """The tree with the environment's HELIOSTAT__… over it, and a log in the folder where none says where it goes.

    Raises INVALID_FIELD.
    """
    over = _merged(tree, settings.read_tree(None, environment))
    over.setdefault("log", {}).setdefault("file", str(state_dir / "heliostat.log"))
    return over


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
