"""The real providers whose keys or addresses are in the environment, under a total spending cap."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from heliostat.chassis.settings import Secret, refused
from heliostat.launch.console_cli import HASH_VARIABLE
from heliostat.launch.sandbox import Ports
from heliostat.launch.targets import ADAPTER, adapter_kinds, load

CAP_VARIABLE = "HELIOSTAT_SPEND_CAP_USD"
_DEFAULT_CAP_USD = "1"
_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def found_keys() -> dict[str, str]:
    """Adapter -> variable, for every installed provider whose key is in the environment."""
    found = {}
    for kind in adapter_kinds():
        settings = load(ADAPTER + kind).settings
        if getattr(settings, "address_variable", ""):
            continue
        field = settings.model_fields.get("api_key")
        default = getattr(field, "default", None)
        if isinstance(default, Secret) and default.reference.startswith("env:") and default.present():
            found[kind] = default.reference.removeprefix("env:")
    return found


def found_addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Adapter -> address, for every installed engine of one's own whose address is in the environment.

    Raises INVALID_FIELD for what is no address.
    """
    found = {}
    for kind in adapter_kinds():
        variable = getattr(load(ADAPTER + kind).settings, "address_variable", "")
        address = environment.get(variable, "").strip() if variable else ""
        if not address:
            continue
        if _ADDRESS.fullmatch(address) is None:
            raise refused(f"{variable} must be an address such as http://127.0.0.1:8188, without a password; mend it.")
        found[kind] = address
    return found


def tree(state_dir: Path, ports: Ports, environment: Mapping[str, str]) -> dict[str, Any]:
    """The configuration for the keys that were found. Raises INVALID_FIELD where there is none."""
    keys, addresses = found_keys(), found_addresses(environment)
    if not keys and not addresses:
        raise refused(
            "No provider's key is in the environment. Set one, such as OPENAI_API_KEY or FAL_KEY, or the address of an "
            "engine of your own, such as COMFYUI_URL, or try `make run`, which needs none."
        )
    return {
        "state_dir": str(state_dir),
        "edge": {"host": "127.0.0.1", "port": ports.http},
        "ledger": {"listen": [f"127.0.0.1:{ports.grpc}"], "spend_cap_usd": _cap(environment)},
        "router": {"auto_routes": True},
        "adapters": {
            **{kind: {} for kind in keys},
            **{kind: {"base_url": address} for kind, address in addresses.items()},
        },
        **_console(ports, environment),
    }


def _console(ports: Ports, environment: Mapping[str, str]) -> dict[str, Any]:
    """The console, where its password is set; it stands open to nobody."""
    if not environment.get(HASH_VARIABLE) or ports.console is None:
        return {}
    return {"console": {"port": ports.console, "password_hash": f"env:{HASH_VARIABLE}"}}


def _cap(environment: Mapping[str, str]) -> float:
    text = environment.get(CAP_VARIABLE, "") or _DEFAULT_CAP_USD
    try:
        cap = Decimal(text)
    except InvalidOperation:
        cap = Decimal(-1)
    if not cap.is_finite() or cap <= 0:
        raise refused(f"{CAP_VARIABLE} must be an amount in US dollars above 0, such as 2.50; it is {text!r}.")
    return float(cap)
