"""The real providers whose keys are in the environment, under a total spending cap."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from heliostat.chassis.settings import Secret, refused
from heliostat.launch.sandbox import Ports
from heliostat.launch.targets import ADAPTER, adapter_kinds, load

CAP_VARIABLE = "HELIOSTAT_SPEND_CAP_USD"
_DEFAULT_CAP_USD = "1"


def found_keys() -> dict[str, str]:
    """Adapter -> variable, for every installed provider whose key is in the environment."""
    found = {}
    for kind in adapter_kinds():
        field = load(ADAPTER + kind).settings.model_fields.get("api_key")
        default = getattr(field, "default", None)
        if isinstance(default, Secret) and default.reference.startswith("env:") and default.present():
            found[kind] = default.reference.removeprefix("env:")
    return found


def tree(state_dir: Path, ports: Ports, environment: Mapping[str, str]) -> dict[str, Any]:
    """The configuration for the keys that were found. Raises INVALID_FIELD where there is none."""
    keys = found_keys()
    if not keys:
        raise refused(
            "No provider's key is in the environment. Set one, such as OPENAI_API_KEY or FAL_KEY, "
            "or try `make run`, which needs none."
        )
    return {
        "state_dir": str(state_dir),
        "edge": {"host": "127.0.0.1", "port": ports.http},
        "ledger": {"listen": [f"127.0.0.1:{ports.grpc}"], "spend_cap_usd": _cap(environment)},
        "router": {"auto_routes": True},
        "adapters": {kind: {} for kind in keys},
    }


def _cap(environment: Mapping[str, str]) -> float:
    text = environment.get(CAP_VARIABLE, "") or _DEFAULT_CAP_USD
    try:
        cap = Decimal(text)
    except InvalidOperation:
        cap = Decimal(-1)
    if not cap.is_finite() or cap <= 0:
        raise refused(f"{CAP_VARIABLE} must be an amount in US dollars above 0, such as 2.50; it is {text!r}.")
    return float(cap)
