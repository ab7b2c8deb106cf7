"""Kubernetes manifests of adapters, made from their settings: `python -m heliostat.launch.manifests k8s/components`.

Each adapter is a component of kustomize of its own, chosen by a line. Providers that mapping files describe are one
adapter, so they are one Deployment, with a port for each. Those of `k8s/base` are written by hand and left out.
"""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from heliostat.chassis.settings import Secret
from heliostat.launch.targets import ADAPTER, load, package_of

IN_BASE = ("fal", "mock", "openai", "studio")
FIRST_PORT = 9000
PLACE_OF_SECRETS = "/etc/heliostat/secrets"
_LABELS = {"app.kubernetes.io/name": "heliostat", "app.kubernetes.io/component": "adapter"}
_SOCKET = "unix:/var/lib/heliostat/probe.sock"
_CONFIG = "/etc/heliostat/config/heliostat.yaml"
# Another way in than the key, which a section cannot have beside it. Said to be none: the pod's variables of the same
# names are the object store's.
_OTHER_WAYS: Mapping[str, Sequence[str]] = {"bedrock": ("access_key_id", "secret_access_key", "session_token")}

_MADE = "# Made by `make k8s-adapters` from the adapter's settings; change those, or patch it in an overlay.\n"
_PAGE_HEAD = """\
# Adapters on Kubernetes

*Made by `make k8s-adapters` from the adapters' settings; change those, not this page.*

Each line is a component: its Deployment, Service and disruption budget, and its section of the configuration as
overrides in `heliostat-environment`. [More providers](../../README.md#more-providers) says how one is chosen. The
adapters `fal`, `mock`, `openai` and `studio` are in the base.

**Secret** is what has to be there before pods start; keys in brackets may be missing. **Hosts** is where it goes, by
HTTPS: a network rule cannot name hosts, so `components/network-policy` lets adapters out to any public address on port
443, and the Deployment's annotation `heliostat/hosts` has the list for a proxy that can. **To set** is what only you
know: a line of `heliostat-environment`.

| component | providers | Secret: keys | hosts | to set |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Provider:
    """One section of the configuration, and what its pod needs."""

    kind: str
    demanded: bool
    """Whether its pod waits until its key is there."""
    secrets: Sequence[str]
    """Settings that are secrets, the key first."""
    refused: Sequence[str]
    hosts: Sequence[str]
    address: str
    """The variable that tells where the provider is, which only the operator knows; empty where it has an address."""
    inner: bool
    """Whether it is an engine of one's own, in the inner network."""

    @property
    def name(self) -> str:
        """Its name in Kubernetes, which knows no underscores."""
        return self.kind.replace("_", "-")

    @property
    def secret(self) -> str:
        """The Secret with its key."""
        return f"heliostat-{self.name}"


def units() -> dict[str, list[Provider]]:
    """Folder -> the providers that share its Deployment, in their order."""
    found: dict[str, list[Provider]] = {}
    for kind, package in sorted(package_of().items()):
        if kind not in IN_BASE:
            found.setdefault(package, []).append(_provider(kind, package))
    return {package.replace("_", "-"): providers for package, providers in found.items()}


def _provider(kind: str, package: str) -> Provider:
    settings = load(ADAPTER + kind).settings
    defaults = {name: field.default for name, field in settings.model_fields.items()}
    refused = _OTHER_WAYS.get(kind, ())
    secrets = [name for name, value in defaults.items() if isinstance(value, Secret) and name not in refused]
    own = bool(getattr(settings, "address_variable", ""))
    return Provider(
        kind=kind,
        # Mapped providers share a pod: one that is not used must not keep the others waiting.
        demanded=not own and kind == package,
        secrets=sorted(secrets, key=lambda name: (name != "api_key", name)),
        refused=refused,
        hosts=tuple(dict.fromkeys(_hosts(kind, package, defaults))),
        address=f"HELIOSTAT__ADAPTERS__{kind.upper()}__BASE_URL" if own else "",
        inner=own and bool(defaults["base_url"]),
    )


def _hosts(kind: str, package: str, defaults: Mapping[str, Any]) -> Iterator[str]:
    addresses = (str(value) for name, value in defaults.items() if name.endswith("_url"))
    yield from (str(urlsplit(address).hostname) for address in addresses if address.startswith("https://"))
    yield from defaults["api_hosts"]
    if kind != package:
        mapping = import_module(f"heliostat.adapters.{package}.files").shipped(kind)
        yield from (str(urlsplit(address).hostname) for address in mapping.hosts.values())
    yield from defaults["media_hosts"]


def files() -> dict[str, str]:
    """Every file below `k8s/components/adapters`, by its path."""
    made = {"README.md": page()}
    for unit, providers in units().items():
        made[f"{unit}/kustomization.yaml"] = _component(providers)
        made[f"{unit}/pods/kustomization.yaml"] = _dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": ["adapter.yaml"],
                "components": ["../../../adapter", "../../../pod"],
            }
        )
        made[f"{unit}/pods/adapter.yaml"] = _dump(_deployment(unit, providers), _service(unit, providers), _pdb(unit))
    return made


def _component(providers: Sequence[Provider]) -> str:
    literals = [line for place, provider in enumerate(providers) for line in _section(provider, place, providers)]
    return _dump(
        {
            "apiVersion": "kustomize.config.k8s.io/v1alpha1",
            "kind": "Component",
            "resources": ["pods"],
            "configMapGenerator": [{"name": "heliostat-environment", "behavior": "merge", "literals": literals}],
        }
    )


def _section(provider: Provider, place: int, among: Sequence[Provider]) -> Iterator[str]:
    """The provider's section of the configuration, as overrides."""
    section = f"HELIOSTAT__ADAPTERS__{provider.kind.upper()}"
    unit = package_of()[provider.kind].replace("_", "-")
    port = FIRST_PORT + place
    # One socket is enough for the probes of a pod.
    listen = [f'"0.0.0.0:{port}"', *([f'"{_SOCKET}"'] if provider is among[0] else [])]
    yield f"{section}__ADDRESS=dns:///{ADAPTER}{unit}:{port}"
    yield f"{section}__LISTEN=[{', '.join(listen)}]"
    for name in provider.secrets:
        yield f"{section}__{name.upper()}=file:{PLACE_OF_SECRETS}/{provider.name}/{name}"
    for name in provider.refused:
        yield f"{section}__{name.upper()}=null"


def _deployment(unit: str, providers: Sequence[Provider]) -> dict[str, Any]:
    labels = _LABELS | {"heliostat/part": ADAPTER + unit}
    # The network rules let the adapter of an engine go into the inner network.
    engine = {"heliostat/engine": "own"} if any(provider.inner for provider in providers) else {}
    hosts = " ".join(dict.fromkeys(host for provider in providers for host in provider.hosts))
    container: dict[str, Any] = {
        "name": "heliostat",
        "image": "heliostat",
        "args": ["serve", f"--config={_CONFIG}", f"--target={','.join(ADAPTER + each.kind for each in providers)}"],
    }
    if len(providers) > 1:
        container["ports"] = [{"name": each.name, "containerPort": port} for port, each in _ports(providers)]
    container["volumeMounts"] = [
        {"name": f"key-{each.name}", "mountPath": f"{PLACE_OF_SECRETS}/{each.name}", "readOnly": True}
        for each in providers
    ]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": ADAPTER + unit,
            "labels": labels,
            **({"annotations": {"heliostat/hosts": hosts}} if hosts else {}),
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels | engine},
                "spec": {"containers": [container], "volumes": [_volume(provider) for provider in providers]},
            },
        },
    }


def _ports(providers: Sequence[Provider]) -> list[tuple[int, Provider]]:
    """Ports that are not every adapter's own, with those who listen there."""
    return [(FIRST_PORT + place, provider) for place, provider in enumerate(providers) if place]


def _volume(provider: Provider) -> dict[str, Any]:
    """The provider's own Secret; what a provider can do without may be missing there."""
    demanded = provider.secrets[:1] if provider.demanded else []
    spare = [name for name in provider.secrets if name not in demanded]
    sources = [
        {"secret": {"name": provider.secret, "items": [{"key": name, "path": name} for name in names], **optional}}
        for names, optional in ((demanded, {}), (spare, {"optional": True}))
        if names
    ]
    return {"name": f"key-{provider.name}", "projected": {"defaultMode": 0o440, "sources": sources}}


def _service(unit: str, providers: Sequence[Provider]) -> dict[str, Any]:
    ports = [{"name": "grpc", "port": FIRST_PORT, "targetPort": "grpc"}]
    ports += [{"name": each.name, "port": port, "targetPort": each.name} for port, each in _ports(providers)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": ADAPTER + unit, "labels": _LABELS},
        "spec": {"clusterIP": "None", "selector": {"heliostat/part": ADAPTER + unit}, "ports": ports},
    }


def _pdb(unit: str) -> dict[str, Any]:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": ADAPTER + unit},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"heliostat/part": ADAPTER + unit}}},
    }


class _Plain(yaml.SafeDumper):
    """Writes what is told twice twice: a manifest with anchors is harder to read."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _dump(*documents: dict[str, Any]) -> str:
    text = "---\n".join(yaml.dump(each, Dumper=_Plain, sort_keys=False, width=1000) for each in documents)
    # YAML of Kubernetes' age writes file modes as such.
    return _MADE + text.replace("defaultMode: 288", "defaultMode: 0440")


def page() -> str:
    """The list of components."""
    return _PAGE_HEAD + "".join(_row(unit, providers) for unit, providers in units().items())


def _row(unit: str, providers: Sequence[Provider]) -> str:
    secrets = "<br>".join(f"`{each.secret}`: {_keys(each)}" for each in providers)
    own = ["your own"] if any(each.address for each in providers) else []
    hosts = " ".join(own + [f"`{host}`" for each in providers for host in each.hosts])
    to_set = " ".join(f"`{each.address}`" for each in providers if each.address)
    names = ", ".join(f"`{each.kind}`" for each in providers)
    return f"| `components/adapters/{unit}` | {names} | {secrets} | {hosts} | {to_set} |\n"


def _keys(provider: Provider) -> str:
    told = [f"`{name}`" for name in provider.secrets]
    return ", ".join(name if provider.demanded and not place else f"[{name}]" for place, name in enumerate(told))


def write(folder: Path) -> None:
    """Writes `adapters` below `folder` anew; what was there goes."""
    root = folder / "adapters"
    shutil.rmtree(root, ignore_errors=True)
    for path, text in files().items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
