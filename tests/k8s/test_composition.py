"""compose.yaml: the mesh on a laptop, checked as Compose and our processes would read it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.chassis import settings
from heliostat.launch.config import Configuration, configure
from tests.k8s.manifests import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("heliostat:")}
PROCESSES = {name: service for name, service in OURS.items() if "entrypoint" not in service}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*)|:\?[^}]*)?\}")


def filled(text: str) -> str:
    """A text with Compose's variables at their defaults."""
    return VARIABLE.sub(lambda found: found["default"] or "", text)


def target(service: dict[str, Any]) -> str:
    """What a service runs."""
    command, config, named = service["command"]
    places = {place["source"]: place["target"] for place in service["configs"]}
    assert (command, config) == ("serve", f"--config={places['heliostat']}")
    return str(named.removeprefix("--target="))


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, Configuration]:
    """What each service's process would be."""
    file = tmp_path / "heliostat.yaml"
    file.write_text(filled(COMPOSE["configs"]["heliostat"]["content"]), encoding="utf-8")
    return {name: configure(settings.read_tree(str(file), {}), target(service)) for name, service in PROCESSES.items()}


def test_every_part_is_a_service_of_its_own(configured: dict[str, Configuration]) -> None:
    """Edge, core, console, each configured adapter, the emulators and a collector."""
    adapters = set(configured["core"].adapters)
    assert set(SERVICES) == {"edge", "core", "console", "emulators", "collector", *(f"adapter-{n}" for n in adapters)}
    for name, configuration in configured.items():
        parts = {part.name for part in configuration.parts}
        assert parts == ({"ledger", "router"} if name == "core" else {name})
        assert configuration.process.sandbox


def test_addresses_lead_to_services(configured: dict[str, Configuration]) -> None:
    """A peer's name is a service or an alias of the network that it shares, and its port is listened at."""
    edge: Any = configured["edge"].parts[0].settings
    addresses = {"core": edge.router}
    addresses |= {f"adapter-{name}": address for name, address in configured["core"].adapters.items()}
    for name, address in addresses.items():
        host, _, port = address.removeprefix("dns:///").partition(":")
        assert host == name
        network = SERVICES[name].get("network_mode", "")
        if network:
            owner = SERVICES[network.removeprefix("service:")]
            assert host in owner["networks"]["default"]["aliases"]
        assert f"0.0.0.0:{port}" in {place for part in configured[name].parts for place in part.settings.listen}


def test_the_console_asks_the_core_at_both_of_its_doors(configured: dict[str, Configuration]) -> None:
    """Callers' services, and the operators' ones, for which it shows the mesh's token; it starts when asked to."""
    console: Any = configured["console"].parts[0].settings
    core = configured["core"]
    assert console.core == "dns:///core:50051"
    door = core.process.admin.listen.replace("0.0.0.0", "dns:///core")
    assert (console.ledger_admin, console.router_admin) == (door, door)
    assert core.process.mesh.token == configured["console"].process.mesh.token
    assert SERVICES["console"]["profiles"] == ["console"]
    assert console.password_hash is not None


def test_one_network_has_one_listener_at_a_port(configured: dict[str, Configuration]) -> None:
    """Services that share a network do not take each other's ports."""
    shared = [name for name, service in SERVICES.items() if service.get("network_mode") == "service:emulators"]
    ports = [place for name in shared for part in configured[name].parts for place in part.settings.listen]
    assert shared
    assert len(ports) == len(set(ports))
    assert "0.0.0.0:8090" not in ports


def test_health_is_asked_where_it_is_told(configured: dict[str, Configuration]) -> None:
    """Each health check names a port at which its process listens."""
    for name, configuration in configured.items():
        words = SERVICES[name]["healthcheck"]["test"]
        if name in {"edge", "console"}:
            pages: Any = configuration.parts[0].settings
            path = "readyz" if name == "edge" else "healthz"
            assert f"http://127.0.0.1:{pages.port}/{path}" in words[-1]
        else:
            assert words[:3] == ["CMD", "heliostat", "healthcheck"]
            port = words[3].rpartition(":")[2]
            assert any(f"0.0.0.0:{port}" in part.settings.listen for part in configuration.parts)


def test_nothing_but_loopback_is_open() -> None:
    """A laptop's neighbours reach nothing."""
    ports = [filled(port) for service in SERVICES.values() for port in service.get("ports", ())]
    assert sorted(ports) == ["127.0.0.1:50051:50051", "127.0.0.1:8080:8080", "127.0.0.1:8081:8081"]


@pytest.mark.parametrize("name", SERVICES)
def test_containers_may_do_little(name: str) -> None:
    """Read-only, without capabilities or new privileges, from an image of a version."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["image"].partition(":")[2] not in {"", "latest"}


def test_secrets_come_from_outside() -> None:
    """What protects the mesh has no default, and each process is given no more than it reads."""
    for name, service in OURS.items():
        for variable, value in service["environment"].items():
            if variable == "HELIOSTAT_SANDBOX_PROVIDER_KEY":
                assert service["network_mode"] == "service:emulators"
                continue
            found = VARIABLE.fullmatch(value)
            assert found is not None, f"{name}: {variable} is written down"
            # Without its password's hash the console does not start, and nothing else does without it either way.
            assert found["default"] == ("" if variable == "HELIOSTAT_CONSOLE_PASSWORD_HASH" else None)
        assert ("HELIOSTAT_API_KEY" in service["environment"]) == (name in {"core", "console"})


def test_pictures_are_shared(configured: dict[str, Configuration]) -> None:
    """Edge, core and adapters see one folder of pictures, which adapters only read."""
    for name, configuration in configured.items():
        if name == "console":
            assert "volumes" not in SERVICES[name]
            continue
        folder = f"{configuration.process.state_dir}/blobs"
        assert not configuration.process.blobs.url
        mode = ":ro" if name.startswith("adapter-") else ""
        assert f"blobs:{folder}{mode}" in SERVICES[name]["volumes"]
