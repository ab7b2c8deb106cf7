"""The configuration files under which Heliostat is measured: all in one process, and the mesh in three."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

ADAPTER = "openai"
API_KEY_VARIABLE = "HELIOSTAT_API_KEY"
PROVIDER_KEY_VARIABLE = "BENCH_PROVIDER_KEY"


@dataclass(frozen=True)
class Surroundings:
    """What a configuration names: the provider, the span collector, a folder for ledger and blobs, the models."""

    mock_url: str
    otlp_url: str
    folder: Path
    models: list[str]


def heliostat_all_config(around: Surroundings, port: int) -> dict[str, Any]:
    """One process: REST on `port`, every model served by the mock."""
    return {
        **_storage(around.folder),
        "edge": {"host": "127.0.0.1", "port": port},
        "ledger": _ledger(),
        "router": _router(around.models),
        "adapters": {ADAPTER: _adapter(around.mock_url)},
        "telemetry": _telemetry(around.otlp_url),
    }


def heliostat_mesh_configs(
    around: Surroundings, port: int, core_port: int, adapter_port: int
) -> dict[str, dict[str, Any]]:
    """Three processes, by their `--target`: the edge asks the core, the core asks the adapter, over loopback gRPC."""
    telemetry = _telemetry(around.otlp_url)
    core, adapter = f"127.0.0.1:{core_port}", f"127.0.0.1:{adapter_port}"
    return {
        f"adapter-{ADAPTER}": {
            "state_dir": str(around.folder),
            "adapters": {ADAPTER: {**_adapter(around.mock_url), "listen": [adapter]}},
            "telemetry": telemetry,
        },
        "ledger,router": {
            **_storage(around.folder),
            "ledger": _ledger(core),
            "router": _router(around.models),
            "adapters": {ADAPTER: {"address": f"dns:///{adapter}"}},
            "telemetry": telemetry,
        },
        "edge": {
            "state_dir": str(around.folder),
            "edge": {"host": "127.0.0.1", "port": port, "router": f"dns:///{core}", "pictures": "store"},
            "telemetry": telemetry,
        },
    }


def _ledger(*listen: str) -> dict[str, Any]:
    # Callers are checked as ever; the key is given by hand, which only a sandbox takes.
    return {"listen": list(listen), "sandbox_key": f"env:{API_KEY_VARIABLE}"}


def _telemetry(otlp_url: str) -> dict[str, Any]:
    return {"otlp_endpoint": otlp_url}


def _router(models: list[str]) -> dict[str, Any]:
    return {"routes": [{"model": model, "targets": [{"target": f"{ADAPTER}/{model}"}]} for model in models]}


def _storage(folder: Path) -> dict[str, Any]:
    return {
        "state_dir": str(folder),
        "sandbox": True,
        "database": {"synchronous": "FULL"},
    }


def _adapter(mock_url: str) -> dict[str, Any]:
    return {"compatible": True, "base_url": f"{mock_url}/v1", "api_key": f"env:{PROVIDER_KEY_VARIABLE}"}
