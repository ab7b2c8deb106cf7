"""Target names and the modules behind them. Adapters are found by folder: a new one edits nothing here.

A folder beside the kit is an adapter. One that holds mapping files in `providers` is as many as there are files.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import heliostat.adapters
from heliostat.chassis.modules import Module
from heliostat.chassis.settings import refused

# From right to left along the street: what starts first stands first.
STREET = ("router", "ledger", "rehearsal", "console", "edge")
# Parts of the street that run only where the configuration has a section for them.
BY_SECTION = ("rehearsal", "console")
ADAPTER = "adapter-"
_KIT = "sdk"
_MAPPINGS = "providers"


def adapter_kinds() -> list[str]:
    """The adapters that are installed: the folders beside the kit, and the mapping files in them."""
    return sorted(package_of())


def package_of() -> dict[str, str]:
    """The folder of each installed adapter, by its kind."""
    found: dict[str, str] = {}
    for name, place in _folders().items():
        files = sorted((place / _MAPPINGS).glob("*.yaml"))
        found |= {file.stem: name for file in files} or {name: name}
    return found


def processes_of(adapters: Mapping[str, Any]) -> list[list[str]]:
    """The sections of adapters by the process that each runs in: those that mapping files describe share one."""
    packages = package_of()
    apart: list[list[str]] = []
    shared: dict[str, list[str]] = {}
    for name, section in adapters.items():
        kind = kind_of(name, section)
        package = packages.get(kind, kind)
        if kind != package or package not in packages:
            # Served by mapping files, shipped or of the operator's own: one adapter, however many providers.
            if package not in shared:
                apart.append(shared.setdefault(package, []))
            shared[package].append(name)
        else:
            apart.append([name])
    return apart


def _folders() -> dict[str, Path]:
    found = pkgutil.iter_modules(heliostat.adapters.__path__)
    return {one.name: Path(getattr(one.module_finder, "path", "")) / one.name for one in found if one.name != _KIT}


def _is_folder(kind: str) -> bool:
    """Whether an adapter has a folder of this name; looking through all of them takes a hundred times as long."""
    if kind == _KIT or not kind.isidentifier():
        return False
    return any((Path(place) / kind / "__init__.py").is_file() for place in heliostat.adapters.__path__)


def kind_of(name: str, section: Any) -> str:
    """Which adapter serves the section `adapters.<name>`: the one that it names, or its own name."""
    return str((section or {}).get("kind") or name)


def load(name: str, kind: str = "") -> Module:
    """The module of a target; `kind` names the adapter where it is one. Raises INVALID_FIELD for a name nobody has."""
    if name in STREET:
        path = f"heliostat.{name}.module"
    elif name.startswith(ADAPTER) and _is_folder(kind := kind or name.removeprefix(ADAPTER)):
        path = f"heliostat.adapters.{kind}"
    elif name.startswith(ADAPTER) and kind in (packages := package_of()):
        mapped: Module = importlib.import_module(f"heliostat.adapters.{packages[kind]}").module(kind)
        return mapped
    else:
        raise refused(_nobody(name, kind))
    module: Module = importlib.import_module(path).MODULE
    return module


def _nobody(name: str, kind: str) -> str:
    """What is said of a target that nobody is, or of a section of adapters that nobody serves."""
    there = "`heliostat list-targets` prints those there are"
    if not name.startswith(ADAPTER):
        return f"There is no target {name!r}; {there}."
    near = difflib.get_close_matches(kind, adapter_kinds(), n=1)
    meant = f"; did you mean {near[0]!r}? " if near else ". "
    return f"There is no adapter {kind!r}{meant}{there}; a section with a name of its own says by `kind` who serves it."


def chosen(wanted: str, adapters: Iterable[str], sections: Collection[str] = ()) -> list[str]:
    """Names in starting order for `--target=…`: "all", or names with commas between them. `sections` are those that
    the configuration has."""
    adapters = list(adapters)
    if wanted == "all":
        street = [name for name in STREET if name not in BY_SECTION or name in sections]
        return [*(ADAPTER + name for name in adapters), *street]
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    known = [name for name in STREET if name in names]
    return [*(name for name in names if name not in STREET), *known]
