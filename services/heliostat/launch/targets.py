"""Target names and the modules behind them. Adapters are found by folder: a new one edits nothing here."""

import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

import heliostat.adapters
from heliostat.chassis.modules import Module
from heliostat.chassis.settings import refused

# From right to left along the street: what starts first stands first.
STREET = ("router", "ledger", "edge")
ADAPTER = "adapter-"
_KIT = "sdk"


def adapter_kinds() -> list[str]:
    """The adapters that are installed: the folders beside the kit."""
    return sorted(found.name for found in pkgutil.iter_modules(heliostat.adapters.__path__) if found.name != _KIT)


def kind_of(name: str, section: Any) -> str:
    """Which adapter serves the section `adapters.<name>`: the one that it names, or its own name."""
    return str((section or {}).get("kind") or name)


def load(name: str, kind: str = "") -> Module:
    """The module of a target; `kind` names the adapter where it is one. Raises INVALID_FIELD for a name nobody has."""
    if name in STREET:
        path = f"heliostat.{name}.module"
    elif name.startswith(ADAPTER) and (kind or name.removeprefix(ADAPTER)) in adapter_kinds():
        path = f"heliostat.adapters.{kind or name.removeprefix(ADAPTER)}"
    else:
        raise refused(f"There is no target {name!r}; `heliostat list-targets` prints those there are.")
    module: Module = importlib.import_module(path).MODULE
    return module


def chosen(wanted: str, adapters: Iterable[str]) -> list[str]:
    """Names in starting order for `--target=…`: "all", or names with commas between them."""
    adapters = list(adapters)
    if wanted == "all":
        return [*(ADAPTER + name for name in adapters), *STREET]
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    known = [name for name in STREET if name in names]
    return [*(name for name in names if name not in STREET), *known]
