"""The sandbox: the whole mesh with emulated providers, no keys, no network, no bill."""

import importlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heliostat.chassis.errors import MeshError
from heliostat.chassis.settings import refused
from heliostat.launch.overrides import overridden
from heliostat.launch.targets import adapter_kinds

# The sandbox gives every emulated provider this key; providers' real variables are never read.
PROVIDER_KEY_VARIABLE = "HELIOSTAT_SANDBOX_PROVIDER_KEY"
KEY_VARIABLE = "HELIOSTAT_API_KEY"


@dataclass(frozen=True)
class Ports:
    """Where the sandbox listens on loopback."""

    http: int
    grpc: int
    emulator: int
    console: int | None = None
    """None: without a console."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """8080, 50051, 8090 and 8081 unless the environment says otherwise. Raises INVALID_FIELD."""
        return cls(
            _port(environment, "HELIOSTAT_HTTP_PORT", 8080),
            _port(environment, "HELIOSTAT_GRPC_PORT", 50051),
            _port(environment, "HELIOSTAT_EMULATOR_PORT", 8090),
            _port(environment, "HELIOSTAT_CONSOLE_PORT", 8081),
        )


# The keys of the ports in the configuration that no file holds, and the variables that choose them.
_VARIABLES = {
    "edge.port": "HELIOSTAT_HTTP_PORT",
    "console.port": "HELIOSTAT_CONSOLE_PORT",
    "listen": "HELIOSTAT_GRPC_PORT",
}


def with_variable(error: MeshError) -> MeshError:
    """The error; where a port is taken, with the variable that chooses another one instead of a key of a file."""
    variable = _VARIABLES.get(error.field or "")
    if variable is None:
        return error
    what = error.message.partition(";")[0]
    return refused(f"{what}; set {variable} to a free port, or end the process that holds it.")


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "") or str(default)
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise refused(f"{name} must be a port, 0 to 65535; it is {text!r}.")
    return int(text)


def _targets(*names: str) -> list[dict[str, Any]]:
    return [{"target": name, "priority": priority} for priority, name in enumerate(names)]


ROUTES: list[dict[str, Any]] = [
    {
        "model": "flux-schnell",
        "aliases": ["flux.1-schnell"],
        "creator": "black-forest-labs",
        "description": "Fast text to image. Emulated fal first, an emulated OpenAI-compatible server second.",
        "targets": _targets("fal/fal-ai/flux/schnell", "compat/flux-schnell"),
    },
    {
        "model": "flux-dev",
        "creator": "black-forest-labs",
        "targets": _targets("fal/fal-ai/flux/dev", "compat/flux-dev"),
    },
    {"model": "gpt-image-2", "creator": "openai", "targets": _targets("openai/gpt-image-2")},
    {
        "model": "studio",
        "creator": "heliostat",
        "description": "Offline painter and classical picture work: every operation, free.",
        "targets": _targets("studio/studio"),
    },
    {
        "model": "mock-image",
        "creator": "heliostat",
        "description": "A plain picture at once, for tests of clients.",
        "targets": _targets("mock/mock-image"),
    },
    {
        "model": "sandbox-rate-limited",
        "creator": "heliostat",
        "description": "Every target answers 429.",
        "targets": _targets("fal/sandbox/rate-limited", "compat/sandbox-rate-limited"),
    },
    {
        "model": "sandbox-down",
        "creator": "heliostat",
        "description": "Every target fails.",
        "targets": _targets("fal/sandbox/down", "compat/sandbox-down"),
    },
    {
        "model": "sandbox-slow",
        "creator": "heliostat",
        "description": "Answers after 25 seconds.",
        "targets": _targets("compat/sandbox-slow"),
    },
]


def emulated() -> dict[str, str]:
    """Adapter -> path of its emulated provider, for every installed adapter that has one: a new one edits nothing here.

    The emulators are imported for this alone: no process but a sandbox's loads them.
    """
    samples = importlib.import_module("heliostat.emulators.app").samples()
    kinds = adapter_kinds()
    return {name: sample.path for name, sample in samples.items() if name in kinds}


def tree(state_dir: Path, ports: Ports, key_reference: str) -> dict[str, Any]:
    """The configuration of a sandbox as nested dictionaries."""
    emulator = f"http://127.0.0.1:{ports.emulator}"
    key = f"env:{PROVIDER_KEY_VARIABLE}"
    paths = emulated()
    return {
        "state_dir": str(state_dir),
        "sandbox": True,
        "database": {"synchronous": "NORMAL"},
        **_pages(ports, key_reference),
        **_controls(ports, emulator, {**paths, "compat": "/compat/v1"}),
        "ledger": {"listen": [f"127.0.0.1:{ports.grpc}"], "sandbox_key": key_reference},
        "router": {"routes": ROUTES},
        "adapters": {
            **{name: {"base_url": f"{emulator}{path}", "api_key": key} for name, path in paths.items()},
            "compat": {
                "kind": "openai",
                "base_url": f"{emulator}/compat/v1",
                "api_key": key,
                "compatible": True,
                "white_mask": True,
            },
            "studio": {},
            "mock": {},
        },
    }


def own_tree(state_dir: Path, ports: Ports, environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """The configuration of the sandbox that is started here, what the environment sets included; and where its key is.

    Raises INVALID_FIELD.
    """
    reference = key_reference(state_dir, environment)
    return overridden(tree(state_dir, ports, reference), environment, state_dir), reference


def _pages(ports: Ports, key_reference: str) -> dict[str, Any]:
    """The edge and, where there is one, the console that it leads to."""
    edge: dict[str, Any] = {"host": "127.0.0.1", "port": ports.http}
    if ports.console is None:
        return {"edge": edge}
    console = {
        "host": "127.0.0.1",
        "port": ports.console,
        "playground_key": key_reference,
        "sandbox_controls": "local:rehearsal",
    }
    if ports.http:
        console["edge_url"] = f"http://127.0.0.1:{ports.http}"
    if ports.grpc:
        console["grpc_address"] = f"127.0.0.1:{ports.grpc}"
    if ports.console:
        edge["console_url"] = f"http://127.0.0.1:{ports.console}"
    return {"edge": edge, "console": console}


def _controls(ports: Ports, emulator: str, paths: Mapping[str, str]) -> dict[str, Any]:
    """The faults and the counters that the console shows, where there is one."""
    if ports.console is None:
        return {}
    providers = {adapter: path.strip("/").partition("/")[0] for adapter, path in paths.items()}
    return {"rehearsal": {"emulators": emulator, "providers": providers}}


def key_reference(state_dir: Path, environment: Mapping[str, str]) -> str:
    """Where the sandbox's key is: HELIOSTAT_API_KEY, or a file of the state folder, made at the first start."""
    if environment.get(KEY_VARIABLE):
        return f"env:{KEY_VARIABLE}"
    file = state_dir / "sandbox_key"
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError), file.open("x", encoding="utf-8") as out:
        out.write("sandbox-" + secrets.token_urlsafe(18))
    file.chmod(0o600)
    return f"file:{file}"


def provide_key() -> None:
    """Puts the emulated providers' key where the sandbox's configuration refers to."""
    os.environ[PROVIDER_KEY_VARIABLE] = "sandbox"
