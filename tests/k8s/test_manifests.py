"""Manifests: rendered and checked against Kubernetes' schemas and against what the processes will do."""

import tempfile
import tomllib
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from heliostat.chassis import settings
from heliostat.chassis.settings import Secret, Section
from heliostat.launch import manifests
from heliostat.launch.config import Configuration, configure
from heliostat.launch.targets import adapter_kinds
from tests.k8s.manifests import K8S, ROOT, Installation, Manifest, Workload, labels
from tests.k8s.schemas import check_schema

OLDEST, NEWEST = "1.30", "1.37"
FILES = sorted(path for path in K8S.rglob("*.yaml"))
OVERRIDES = "heliostat-environment"
STATE = "/var/lib/heliostat"

# Deployment -> the Secrets' keys that its pods may see in the mesh.
SEES = {
    "edge": {("heliostat-installation", "media"), ("heliostat-installation", "mesh_token")},
    "core": {
        ("heliostat-installation", "keys"),
        ("heliostat-installation", "mesh_token"),
        ("heliostat-database", "url"),
    },
    "adapter-fal": {("heliostat-installation", "mesh_token"), ("heliostat-fal", "api_key")},
    "adapter-openai": {("heliostat-installation", "mesh_token"), ("heliostat-openai", "api_key")},
    "adapter-studio": {("heliostat-installation", "mesh_token")},
    "adapter-mock": {("heliostat-installation", "mesh_token")},
}
# Rules of parts that an installation may do without.
OF_CHOICE = {"engines", "console", "operators"}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def documents(path: Path) -> list[Manifest]:
    """The objects of a file."""
    return [found for found in yaml.load_all(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) if found]


def kustomizations() -> dict[Path, Manifest]:
    """Every kustomization of the tree."""
    return {path: documents(path)[0] for path in FILES if path.name == "kustomization.yaml"}


def named(field: str) -> set[Path]:
    """Files that some kustomization names under `resources`, `patches` or `configMapGenerator`."""
    found: set[Path] = set()
    for path, content in kustomizations().items():
        for entry in content.get(field, ()):
            if field == "resources":
                places = [entry]
            elif field == "patches":
                places = [entry["path"]] if "path" in entry else []
            else:
                places = [name.rpartition("=")[2] for name in entry.get("files", ())]
            found |= {(path.parent / place).resolve() for place in places}
    return {path for path in found if path.is_file()}


RESOURCES = sorted(named("resources"))


def configuration(installation: Installation, workload: Workload) -> Configuration:
    """What a Deployment's process would be: the rendered file, the rendered environment, its own target."""
    text = installation.one("ConfigMap", "heliostat-config")["data"]["heliostat.yaml"]
    environment = installation.one("ConfigMap", OVERRIDES)["data"]
    return _configured(text, frozenset(environment.items()), workload.target)


@cache
def _configured(text: str, environment: frozenset[tuple[str, str]], target: str) -> Configuration:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return configure(settings.read_tree(file.name, dict(environment)), target)


def references(section: Section) -> set[str]:
    """Every secret that a section refers to."""
    found: set[str] = set()
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Secret):
            found.add(value.reference)
        elif isinstance(value, Section):
            found |= references(value)
    return found


def needed(configured: Configuration) -> set[str]:
    """The secrets that a process will read, or look for, for the parts that it runs."""
    process, parts = configured.process, {part.name for part in configured.parts}
    found = {secret for part in configured.parts for secret in references(part.settings)} | references(process.mesh)
    if "edge" in parts:
        found.add(process.secrets["media"].reference)
    if "ledger" in parts:
        found |= {process.secrets["keys"].reference} | references(process.database)
    if "console" in parts:
        found.add(process.secrets["console"].reference)
    return found


def port_of(address: str) -> int:
    """The port at the end of an address."""
    return int(address.rpartition(":")[2])


# What holds without rendering.


@pytest.mark.parametrize("path", RESOURCES, ids=lambda path: str(path.relative_to(K8S)))
@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_files_satisfy_the_schema(path: Path, version: str) -> None:
    """Every object as it stands in its file is one that Kubernetes knows, and has no field that it does not know."""
    for found in documents(path):
        check_schema(found, version)


def test_the_schema_check_sees_faults() -> None:
    """An unknown field of a container is refused, so the check is one."""
    (deployment, *_) = documents(K8S / "base" / "edge.yaml")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolicies"] = "Always"
    with pytest.raises(jsonschema.ValidationError):
        check_schema(deployment, NEWEST)


def test_every_file_is_used() -> None:
    """No file lies about that no kustomization names."""
    used = named("resources") | named("patches") | named("configMapGenerator") | set(kustomizations())
    assert {path for path in FILES if path not in used} == set()


def test_every_component_is_wanted_or_offered() -> None:
    """Components are in the mesh, in every pod, or named by the README as a choice."""
    components = {path: content for path, content in kustomizations().items() if "adapters" not in path.parts}
    there = {path.parent.name for path in components if path.parent.parent.name == "components"}
    taken = {Path(name).name for content in kustomizations().values() for name in content.get("components", ())}
    readme = (K8S / "README.md").read_text(encoding="utf-8")
    everybodys = {"namespace", "pod", "adapter"}
    assert there == everybodys | {
        *("tls", "telemetry", "network-policy", "autoscaling", "postgres", "s3", "console"),
    }
    assert all(f"`components/{name}`" in readme for name in {*there, "adapters"})
    assert there - taken == {"tls", "console"}


def test_manifests_of_adapters_are_fresh() -> None:
    """What is made from settings says what the settings say, and nothing else lies there."""
    folder = K8S / "components" / "adapters"
    there = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
    assert there == manifests.files(), "the adapters' manifests are old; run `make k8s-adapters`"


def test_writing_leaves_nothing_of_before(tmp_path: Path) -> None:
    """An adapter that is gone takes its folder along."""
    (tmp_path / "adapters" / "gone").mkdir(parents=True)
    (tmp_path / "adapters" / "gone" / "kustomization.yaml").write_text("kind: Component\n", "utf-8")
    manifests.write(tmp_path)
    written = {str(path.relative_to(tmp_path / "adapters")) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(manifests.files())


def test_every_adapter_has_manifests() -> None:
    """Each adapter that is installed is in the base, or a component to choose; mapped ones share one."""
    made = manifests.units()
    kinds = [provider.kind for providers in made.values() for provider in providers]
    assert sorted([*kinds, *manifests.IN_BASE]) == sorted(adapter_kinds())
    assert {unit for unit, providers in made.items() if len(providers) > 1} == {"mapped"}
    assert {path.stem for path in (K8S / "base" / "adapters").iterdir()} == set(manifests.IN_BASE)


# What holds of a rendered overlay.


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_overlays_satisfy_the_schema(overlay: Installation, version: str) -> None:
    """Every rendered object is strictly valid, in the oldest version that we promise and in the newest we know."""
    for found in overlay.objects:
        check_schema(found, version)
        if found["kind"] != "Namespace":
            assert found["metadata"]["namespace"] == "heliostat"


def test_the_mesh_has_its_deployments(overlays: dict[str, Installation]) -> None:
    """Edge, core and one Deployment per adapter; or one Deployment of everything."""
    assert {workload.name for workload in overlays["mesh"].workloads()} == set(SEES)
    assert [workload.target for workload in overlays["all-in-one"].workloads()] == ["all"]


def test_pods_may_do_little(overlay: Installation) -> None:
    """No root, no writing outside of volumes, no capabilities, no token of the cluster's API."""
    for deployment in overlay.of("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 10_000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_processes_can_write_where_they_write(overlay: Installation) -> None:
    """The state's folder and the scratch folder are volumes; configuration and secrets can only be read."""
    for workload in overlay.workloads():
        writable = {mount["mountPath"] for mount in workload.container["volumeMounts"] if not mount.get("readOnly")}
        assert writable == {STATE, "/tmp"}
        assert configuration(overlay, workload).process.state_dir == STATE
        assert workload.pod["securityContext"]["fsGroup"] == 10_001


def test_images_are_of_this_version(overlay: Installation) -> None:
    """Our image carries the version of the project; nobody's is the latest, whichever that may be."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for workload in overlay.workloads():
        assert workload.container["image"] == f"heliostat:{version}"
    for deployment in overlay.of("Deployment"):
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            assert container["image"].partition(":")[2] not in {"", "latest"}


def test_configurations_are_accepted(overlay: Installation) -> None:
    """The rendered file and the rendered environment make a sound configuration for every target."""
    for workload in overlay.workloads():
        parts = {part.name for part in configuration(overlay, workload).parts}
        expected = {"adapter-fal", "adapter-openai", "adapter-studio", "router", "ledger", "edge"}
        assert parts == (expected if workload.target == "all" else set(workload.target.split(",")))


def test_secrets_are_only_referred_to(overlay: Installation) -> None:
    """No Secret is part of an overlay, no variable holds one, and the configuration has nothing but references."""
    assert not overlay.of("Secret")
    for workload in overlay.workloads():
        assert all("value" not in variable for variable in workload.container.get("env", ()))
    data = [text for found in overlay.of("ConfigMap") for text in found["data"].values()]
    assert not [text for text in data if "postgresql://" in text or "PRIVATE KEY" in text]
    for name, value in overlay.one("ConfigMap", OVERRIDES)["data"].items():
        if name.endswith(("_SECRET", "_TOKEN", "API_KEY")):
            assert value.startswith("file:") or value == "null"


def test_secrets_are_where_they_are_looked_for(overlay: Installation) -> None:
    """Every secret that a process will read is mounted, and every secret that is mounted is read."""
    for workload in overlay.workloads():
        wanted = {reference.removeprefix("file:") for reference in needed(configuration(overlay, workload))}
        assert wanted == set(workload.secret_files()), workload.name


@pytest.mark.parametrize("name", SEES)
def test_pods_see_their_own_secrets_only(overlays: dict[str, Installation], name: str) -> None:
    """An adapter sees its own provider's key; only the core sees the database; adapters only read pictures."""
    (workload,) = (each for each in overlays["mesh"].workloads() if each.name == name)
    role = "reader" if name.startswith("adapter-") else "writer"
    assert workload.secrets() == SEES[name] | {(f"heliostat-s3-{role}", key) for key in CREDENTIALS}
    (workload,) = (each for each in overlays["mesh-tls"].workloads() if each.name == name)
    assert ("heliostat-tls", "*") in workload.secrets()


def test_adapters_see_their_own_providers_keys_only(overlays: dict[str, Installation]) -> None:
    """A pod sees the keys of the providers that it serves, as files, and nothing of any other."""
    workloads = {each.name: each for each in overlays["mesh-everything"].workloads()}
    for unit, providers in manifests.units().items():
        seen = workloads[f"adapter-{unit}"].secrets()
        own = {(provider.secret, name) for provider in providers for name in provider.secrets}
        assert all("api_key" in provider.secrets for provider in providers)
        mesh = {("heliostat-installation", "mesh_token"), ("heliostat-tls", "*")}
        assert seen == own | mesh | {("heliostat-s3-reader", key) for key in CREDENTIALS}


def test_the_console_sees_neither_rows_nor_keys(overlays: dict[str, Installation]) -> None:
    """Its password's hash, its sessions' secret, the mesh's token: no database, no pictures, no provider, no keys."""
    everything = overlays["mesh-everything"]
    (console,) = (each for each in everything.workloads() if each.target == "console")
    own = {("heliostat-console", "password_hash"), ("heliostat-console", "sessions")}
    assert console.secrets() == own | {("heliostat-installation", "mesh_token"), ("heliostat-tls", "*")}
    settings_of_it: Any = configuration(everything, console).parts[0].settings
    edge: Any = next(configuration(everything, each).parts[0] for each in everything.workloads() if each.name == "edge")
    assert settings_of_it.public_url == edge.settings.console_url


def test_a_provider_that_is_not_used_keeps_no_other_waiting(overlays: dict[str, Installation]) -> None:
    """Where providers share a pod each one's Secret may be missing; where one has its pod, its key is waited for."""
    workloads = {each.name: each for each in overlays["mesh-everything"].workloads()}
    for unit, providers in manifests.units().items():
        sources = [
            source["secret"]
            for volume in workloads[f"adapter-{unit}"].pod["volumes"]
            for source in volume.get("projected", {}).get("sources", ())
        ]
        awaited = {
            (each["name"], item["key"]) for each in sources if not each.get("optional") for item in each["items"]
        }
        own_address = {"comfyui", "automatic1111", "azure-openai"}
        assert awaited == (set() if unit in {*own_address, "mapped"} else {(providers[0].secret, "api_key")})


def test_the_object_stores_keys_sign_nothing_at_a_provider(overlays: dict[str, Installation]) -> None:
    """The variables of the object store are in Bedrock's pod too, and Bedrock does not look at them."""
    everything = overlays["mesh-everything"]
    (bedrock,) = (each for each in everything.workloads() if each.name == "adapter-bedrock")
    found: Any = configuration(everything, bedrock).parts[0].settings
    assert (found.access_key_id, found.secret_access_key, found.session_token) == (None, None, None)
    assert found.api_key == Secret("file:/etc/heliostat/secrets/bedrock/api_key")


def test_hosts_are_told(overlays: dict[str, Installation]) -> None:
    """For a proxy that lets out by name: each address and each host of the rendered configuration is in the list."""
    everything = overlays["mesh-everything"]
    units = manifests.units()
    for workload in everything.workloads():
        unit = workload.name.removeprefix("adapter-")
        told = workload.manifest["metadata"].get("annotations", {}).get("heliostat/hosts", "").split()
        for part in configuration(everything, workload).parts if unit in units else ():
            known: Any = part.settings
            own = workload.name in {"adapter-comfyui", "adapter-automatic1111", "adapter-azure-openai"}
            base = [] if own else [urlsplit(known.base_url).hostname]
            assert {*base, *known.api_hosts, *known.media_hosts} <= set(told), part.name
    mapped = next(each for each in everything.workloads() if each.name == "adapter-mapped")
    assert "image-api.photoroom.com" in mapped.manifest["metadata"]["annotations"]["heliostat/hosts"]


def test_probes_ask_what_is_served(overlay: Installation) -> None:
    """Edge and console are asked by HTTP and the others by gRPC, where they listen; over TLS by a unix socket."""
    for workload in overlay.workloads():
        configured = configuration(overlay, workload)
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = workload.container[kind]
            (way,) = {"httpGet", "grpc", "exec", "tcpSocket"} & set(probe)
            parts = {part.name: part.settings for part in configured.parts}
            listen = [address for part in parts.values() for address in part.listen]
            if pages := parts.get("edge") or parts.get("console"):
                asked: Any = pages
                assert way == "httpGet"
                ready = "edge" in parts and kind == "readinessProbe"
                assert probe["httpGet"]["path"] == ("/readyz" if ready else "/healthz")
                assert workload.port(probe["httpGet"]["port"]) == asked.port
            elif configured.process.mesh.tls.certificate:
                assert probe["exec"]["command"][:2] == ["heliostat", "healthcheck"]
                assert probe["exec"]["command"][2] in listen
            else:
                assert f"0.0.0.0:{workload.port(probe['grpc']['port'])}" in listen


def test_pods_have_time_to_drain(overlay: Installation) -> None:
    """Kubernetes waits longer than a process may need to let its calls end."""
    for workload in overlay.workloads():
        configured = configuration(overlay, workload)
        pause = workload.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        # Parts stop one after the other (adapters have no calls left by then), the edge with five seconds more; then
        # the gRPC servers stop, all at once.
        parts = [part.name for part in configured.parts if not part.name.startswith("adapter-")] or ["adapter"]
        longest = sum(
            configured.process.mesh.drain_s + 5 if part == "edge" else configured.process.mesh.drain_s for part in parts
        )
        longest += configured.process.mesh.drain_s if any(part.settings.listen for part in configured.parts) else 0
        assert workload.pod["terminationGracePeriodSeconds"] > pause + longest, workload.name


def test_open_ports_are_served(overlay: Installation) -> None:
    """Each port of a pod is one at which its process listens, and the other way round."""
    for workload in overlay.workloads():
        configured = configuration(overlay, workload)
        listened = {
            port_of(address)
            for part in configured.parts
            for address in part.settings.listen
            if not address.startswith("unix:")
        }
        for part in configured.parts:
            if part.name in {"edge", "console"}:
                pages: Any = part.settings
                assert pages.host == "0.0.0.0"
                listened.add(pages.port)
            if part.name == "ledger" and (door := configured.process.admin.listen):
                listened.add(port_of(door))
        if configured.process.telemetry.metrics_listen:
            listened.add(port_of(configured.process.telemetry.metrics_listen))
        assert set(workload.ports.values()) == listened, workload.name


def test_services_lead_to_pods(overlay: Installation) -> None:
    """A Service selects one Deployment's pods and leads to a port that they open."""
    for service in overlay.of("Service"):
        (deployment,) = overlay.selected({"matchLabels": service["spec"]["selector"]})
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        names = {port["name"]: port["containerPort"] for port in container["ports"]}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in names
            if service["spec"].get("clusterIP") == "None":
                # A headless name leads to the pods themselves: no proxy translates the port.
                assert port["port"] == names[port["targetPort"]]


@pytest.mark.parametrize("name", ["mesh", "mesh-everything"])
def test_addresses_lead_to_headless_services(overlays: dict[str, Installation], name: str) -> None:
    """Every peer's address in the configuration is a headless Service of a Deployment that serves it there."""
    mesh = overlays[name]
    by_target = {workload.target: workload for workload in mesh.workloads()}
    by_part = {part: workload for target, workload in by_target.items() for part in target.split(",")}
    edge: Any = configuration(mesh, by_target["edge"]).parts[0].settings
    core = configuration(mesh, by_target["ledger,router"])
    addresses = {edge.router: "ledger", **{place: f"adapter-{part}" for part, place in core.adapters.items()}}
    if "console" in by_part:
        console: Any = configuration(mesh, by_target["console"]).parts[0].settings
        assert console.core == edge.router
        assert console.ledger_admin == console.router_admin
        assert port_of(console.ledger_admin) == port_of(core.process.admin.listen)
        addresses[console.ledger_admin] = "ledger"
    assert set(addresses.values()) == by_part.keys() - {"edge", "console", "router"}
    for address, part in addresses.items():
        assert address.startswith("dns:///")
        host, _, port = address.removeprefix("dns:///").partition(":")
        service = mesh.one("Service", host)
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"].items() <= labels(by_part[part].manifest).items()
        assert int(port) in by_part[part].ports.values()
        assert int(port) in {each["port"] for each in service["spec"]["ports"]}


def test_rules_select_somebody(overlay: Installation) -> None:
    """Budgets and network rules name pods that there are, and peers and ports that there are."""
    for budget in overlay.of("PodDisruptionBudget"):
        assert len(overlay.selected(budget["spec"]["selector"])) == 1
    everything = any(workload.target == "console" for workload in overlay.workloads())
    for policy in overlay.of("NetworkPolicy"):
        if policy["metadata"]["name"] in OF_CHOICE and not everything:
            continue
        subjects = overlay.selected(policy["spec"]["podSelector"])
        assert subjects
        for rule in policy["spec"].get("ingress", ()):
            opened = {
                port["containerPort"]
                for deployment in subjects
                for container in deployment["spec"]["template"]["spec"]["containers"]
                for port in container["ports"]
            }
            assert {port["port"] for port in rule["ports"]} <= opened
        for rule in [*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())]:
            for peer in [*rule.get("from", ()), *rule.get("to", ())]:
                if "podSelector" in peer:
                    peers = overlay.selected(peer["podSelector"])
                    assert peers
                    if "to" in rule:
                        assert all(any(_is_open(each, port) for each in peers) for port in rule["ports"])


def _is_open(deployment: Manifest, port: Manifest) -> bool:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    last = port["endPort"] if "endPort" in port else port["port"]
    return any(port["port"] <= each["containerPort"] <= last for each in container["ports"])


def test_ports_of_adapters_are_let_through(overlays: dict[str, Installation]) -> None:
    """Each port at which a provider is served is within the rules of core and adapters."""
    everything = overlays["mesh-everything"]
    policies = {each["metadata"]["name"]: each["spec"] for each in everything.of("NetworkPolicy")}
    (into,) = (port for rule in policies["adapters"]["ingress"] for port in rule["ports"])
    (out,) = (rule["ports"] for rule in policies["core"]["egress"] if "to" in rule)
    assert out == [into]
    for workload in everything.workloads():
        if workload.name.startswith("adapter-"):
            served = set(workload.ports.values()) - {workload.ports["metrics"]}
            assert all(into["port"] <= port <= into["endPort"] for port in served)


def test_nobody_is_called_from_the_right(overlays: dict[str, Installation]) -> None:
    """Network rules follow the street: adapters hear the core alone, and reach no address of the inner network."""
    policies = {each["metadata"]["name"]: each["spec"] for each in overlays["mesh"].of("NetworkPolicy")}
    assert policies["nothing-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (heard,) = policies["adapters"]["ingress"]
    assert heard["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "core"}}}]
    (door,) = policies["operators"]["ingress"]
    assert door["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "console"}}}]
    assert not [rule for rule in policies["core"]["ingress"] if {"port": 50052} in rule["ports"]]
    for rule in policies["adapters"]["egress"]:
        assert all("10.0.0.0/8" in peer["ipBlock"]["except"] for peer in rule["to"])


def test_autoscaled_deployments_have_no_number(overlay: Installation) -> None:
    """Where an autoscaler decides, a rollout does not."""
    scaled = {found["spec"]["scaleTargetRef"]["name"] for found in overlay.of("HorizontalPodAutoscaler")}
    for workload in overlay.workloads():
        assert ("replicas" in workload.manifest["spec"]) == (workload.name not in scaled)
    assert scaled <= {workload.name for workload in overlay.workloads()}


def test_one_process_has_one_volume(overlays: dict[str, Installation]) -> None:
    """SQLite has one writer: one replica, never two during a rollout, and a volume that outlives it."""
    (workload,) = overlays["all-in-one"].workloads()
    assert workload.manifest["spec"]["replicas"] == 1
    assert workload.manifest["spec"]["strategy"] == {"type": "Recreate"}
    claims = {str(place): volume.get("persistentVolumeClaim") for place, volume in workload.mounts()}
    (claim,) = overlays["all-in-one"].of("PersistentVolumeClaim")
    assert claims[STATE] == {"claimName": claim["metadata"]["name"]}
    assert configuration(overlays["all-in-one"], workload).process.database.url_secret is None


def test_the_mesh_keeps_nothing_in_its_pods(overlays: dict[str, Installation]) -> None:
    """Rows are in PostgreSQL and pictures in an object store, or replicas would not see each other's."""
    for workload in overlays["mesh"].workloads():
        process = configuration(overlays["mesh"], workload).process
        assert process.database.url_secret is not None
        assert process.blobs.url.startswith("s3://")
        volumes = dict(workload.mounts())
        assert "emptyDir" in volumes[PurePosixPath(STATE)]


def test_a_changed_configuration_rolls_out(overlay: Installation) -> None:
    """ConfigMaps carry a hash in their names, so that pods follow them."""
    for found in overlay.of("ConfigMap"):
        assert len(found["metadata"]["name"].rpartition("-")[2]) == 10
