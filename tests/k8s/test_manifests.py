"""Manifests: rendered and checked against Kubernetes' schemas and against what the processes will do."""

import tempfile
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate
import pytest
import yaml

from heliostat.chassis import settings
from heliostat.chassis.settings import Secret, Section
from heliostat.launch.config import Configuration, configure
from tests.k8s.manifests import K8S, ROOT, Installation, Manifest, Workload, labels

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
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def documents(path: Path) -> list[Manifest]:
    """The objects of a file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


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
    return _configured(text, installation.one("ConfigMap", OVERRIDES)["data"], workload.target)


def _configured(text: str, environment: dict[str, str], target: str) -> Configuration:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return configure(settings.read_tree(file.name, environment), target)


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
    """The secrets that a process will read for the parts that it runs."""
    process, parts = configured.process, {part.name for part in configured.parts}
    found = {secret for part in configured.parts for secret in references(part.settings)} | references(process.mesh)
    if "edge" in parts:
        found.add(process.secrets["media"].reference)
    if "ledger" in parts:
        found |= {process.secrets["keys"].reference} | references(process.database)
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
        kubernetes_validate.validate(found, version, strict=True)


def test_the_schema_check_sees_faults() -> None:
    """An unknown field of a container is refused, so the check is one."""
    (deployment, *_) = documents(K8S / "base" / "edge.yaml")
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolicies"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, NEWEST, strict=True)


def test_every_file_is_used() -> None:
    """No file lies about that no kustomization names."""
    used = named("resources") | named("patches") | named("configMapGenerator") | set(kustomizations())
    assert {path for path in FILES if path not in used} == set()


def test_every_component_is_wanted_or_offered() -> None:
    """Components are in the mesh, in every pod, or named by the README as a choice."""
    there = {path.parent.name for path in kustomizations() if path.parent.parent.name == "components"}
    taken = {Path(name).name for content in kustomizations().values() for name in content.get("components", ())}
    readme = (K8S / "README.md").read_text(encoding="utf-8")
    assert there == {"pod", "tls", "telemetry", "network-policy", "autoscaling", "postgres", "s3"}
    assert all(f"`components/{name}`" in readme for name in there)
    assert there - taken == {"tls"}


# What holds of a rendered overlay.


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_overlays_satisfy_the_schema(overlay: Installation, version: str) -> None:
    """Every rendered object is strictly valid, in the oldest version that we promise and in the newest we know."""
    for found in overlay.objects:
        kubernetes_validate.validate(found, version, strict=True)
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
            assert value.startswith("file:")


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


def test_probes_ask_what_is_served(overlay: Installation) -> None:
    """The edge is asked by HTTP and the others by gRPC, at ports at which they listen; over TLS by a unix socket."""
    for workload in overlay.workloads():
        configured = configuration(overlay, workload)
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = workload.container[kind]
            (way,) = {"httpGet", "grpc", "exec", "tcpSocket"} & set(probe)
            parts = {part.name: part.settings for part in configured.parts}
            listen = [address for part in parts.values() for address in part.listen]
            if "edge" in parts:
                edge: Any = parts["edge"]
                assert way == "httpGet"
                assert probe["httpGet"]["path"] == ("/readyz" if kind == "readinessProbe" else "/healthz")
                assert workload.port(probe["httpGet"]["port"]) == edge.port
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
            if part.name == "edge":
                edge: Any = part.settings
                assert edge.host == "0.0.0.0"
                listened.add(edge.port)
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


def test_addresses_lead_to_headless_services(overlays: dict[str, Installation]) -> None:
    """Every peer's address in the configuration is a headless Service of a Deployment that serves it there."""
    mesh = overlays["mesh"]
    by_target = {workload.target: workload for workload in mesh.workloads()}
    edge: Any = configuration(mesh, by_target["edge"]).parts[0].settings
    adapters = configuration(mesh, by_target["ledger,router"]).adapters
    addresses = {edge.router: "ledger,router", **{address: f"adapter-{name}" for name, address in adapters.items()}}
    assert len(addresses) == len(by_target) - 1
    for address, target in addresses.items():
        assert address.startswith("dns:///")
        name, _, port = address.removeprefix("dns:///").partition(":")
        service = mesh.one("Service", name)
        assert service["spec"]["clusterIP"] == "None"
        assert service["spec"]["selector"].items() <= labels(by_target[target].manifest).items()
        assert int(port) in by_target[target].ports.values()
        assert int(port) in {each["port"] for each in service["spec"]["ports"]}


def test_rules_select_somebody(overlay: Installation) -> None:
    """Budgets and network rules name pods that there are, and peers and ports that there are."""
    for budget in overlay.of("PodDisruptionBudget"):
        assert len(overlay.selected(budget["spec"]["selector"])) == 1
    for policy in overlay.of("NetworkPolicy"):
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
                assert "podSelector" not in peer or overlay.selected(peer["podSelector"])


def test_nobody_is_called_from_the_right(overlays: dict[str, Installation]) -> None:
    """Network rules follow the street: adapters hear the core alone, and reach no address of the inner network."""
    policies = {each["metadata"]["name"]: each["spec"] for each in overlays["mesh"].of("NetworkPolicy")}
    assert policies["nothing-by-default"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (heard,) = policies["adapters"]["ingress"]
    assert heard["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/component": "core"}}}]
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
