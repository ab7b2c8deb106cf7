"""The whole configuration, checked before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from heliostat.chassis import settings
from heliostat.chassis.modules import Module
from heliostat.chassis.settings import PartSettings, Section
from heliostat.launch.targets import ADAPTER, STREET, chosen, kind_of, load


class Process(Section):
    """What every process of the mesh is told."""

    state_dir: str = ".heliostat"
    """Folder for what is kept: database, pictures, keys of this installation, sockets."""
    sandbox: bool = False
    """True: nothing costs money; answers say so, and a key may be set by hand."""
    log: settings.LogSettings = settings.LogSettings()
    """Where the log goes."""
    telemetry: settings.TelemetrySettings = settings.TelemetrySettings()
    """Where spans and metrics go."""
    mesh: settings.MeshSettings = settings.MeshSettings()
    """What services share when they call each other."""
    blobs: settings.BlobSettings = settings.BlobSettings()
    """Where pictures are kept."""
    database: settings.DatabaseSettings = settings.DatabaseSettings()
    """Where rows are kept."""
    admin: settings.AdminSettings = settings.AdminSettings()
    """The operators' door."""
    secrets: dict[str, settings.Secret] = Field({})
    """Secrets of the installation by purpose ("media", "keys"); made under state_dir where they are not given."""


@dataclass(frozen=True)
class Placed:
    """A part that will run in this process."""

    name: str
    module: Module
    settings: PartSettings


@dataclass(frozen=True)
class Configuration:
    """What one process is and does."""

    process: Process
    parts: tuple[Placed, ...]
    adapters: Mapping[str, str]
    """Adapter name -> address: here, or where its section says."""

    @property
    def state_dir(self) -> Path:
        """The folder for what is kept."""
        return Path(self.process.state_dir)


def configure(tree: Mapping[str, Any], target: str) -> Configuration:
    """Checks the tree and chooses the parts. Raises INVALID_FIELD with a sentence that names every wrong key."""
    sections = dict(tree)
    adapters: dict[str, Any] = {name: section or {} for name, section in (sections.pop("adapters", None) or {}).items()}
    street = {name: sections.pop(name, None) for name in STREET}
    process: Process = settings.parse(Process, sections, "")
    here = [name for name, section in adapters.items() if not section.get("address")]
    names = chosen(target, here, [name for name, section in street.items() if section is not None])
    parts = tuple(_place(name, street, adapters) for name in names)
    _check_street(parts)
    addresses = {name: section.get("address") or f"local:{ADAPTER}{name}" for name, section in adapters.items()}
    for name in names:
        if name.startswith(ADAPTER):
            addresses[name.removeprefix(ADAPTER)] = f"local:{name}"
    for part in parts:
        part.module.check(part.settings, addresses)
    return Configuration(process, parts, addresses)


def configured(path: str, text: str, target: str, environment: Mapping[str, str]) -> Configuration:
    """As `configure`, for the text of a file. Raises INVALID_FIELD that names lines."""
    try:
        return configure(settings.tree_of(text, path, environment), target)
    except settings.Refusal as refusal:
        raise refusal.located(path, text) from None


def _place(name: str, street: Mapping[str, Any], adapters: Mapping[str, Any]) -> Placed:
    if name in STREET:
        module = load(name)
        return Placed(name, module, settings.parse(module.settings, street[name], name))
    short = name.removeprefix(ADAPTER)
    section = adapters.get(short, {})
    module = load(name, kind_of(short, section))
    return Placed(name, module, settings.parse(module.settings, section, f"adapters.{short}"))


def _check_street(parts: tuple[Placed, ...]) -> None:
    """The ledger's write-ahead per attempt is exact only with the router in the same process (decision 12)."""
    by_name = {part.name: part.settings for part in parts}
    ledger = by_name.get("ledger")
    if ledger is None or "router" in by_name or getattr(ledger, "write_ahead", "attempt") == "request":
        return
    raise settings.refused(
        "The ledger journals each attempt before it is made, which needs the router in the same process: "
        "run --target=ledger,router, or set ledger.write_ahead: request."
    )


def admin_socket(state_dir: Path) -> str:
    """Where the operators' door is when the configuration does not say."""
    return f"unix:{(state_dir / 'admin.sock').resolve()}"


def printed(configuration: Configuration) -> str:
    """The configuration as YAML, defaults included, secrets as references."""
    tree: dict[str, Any] = configuration.process.model_dump(mode="json")
    for part in configuration.parts:
        place = tree
        keys = ("adapters", part.name.removeprefix(ADAPTER)) if part.name.startswith(ADAPTER) else (part.name,)
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = part.settings.model_dump(mode="json")
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)
