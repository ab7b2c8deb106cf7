"""Manifests as they would reach a cluster: rendered by a real kustomize, read as plain objects."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
K8S = ROOT / "k8s"
TOOLS = ROOT / ".heliostat" / "tools" / "bin"
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.5.0"
_INSTALL_WITHIN_S = 240
_RENDER_WITHIN_S = 30

Manifest = dict[str, Any]


def kustomize() -> list[str] | None:
    """The command that renders a folder: kustomize, or kubectl, or one that Go builds here once; None without any."""
    kept = TOOLS / "kustomize"
    for found, words in ((shutil.which("kustomize"), ["build"]), (shutil.which("kubectl"), ["kustomize"])):
        if found and _renders([found, *words]):
            return [found, *words]
    if not kept.exists() and (go := shutil.which("go")):
        _build(go)
    command = [str(kept), "build"]
    return command if kept.exists() and _renders(command) else None


def _build(go: str) -> None:
    TOOLS.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOBIN": str(TOOLS)}
    words = [go, "install", KUSTOMIZE]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(words, env=environment, cwd=TOOLS, timeout=_INSTALL_WITHIN_S, capture_output=True, check=False)


def _renders(command: list[str]) -> bool:
    try:
        return bool(render(command, K8S / "overlays" / "all-in-one"))
    except (subprocess.SubprocessError, OSError):
        return False


def render(command: list[str], folder: Path) -> list[Manifest]:
    """All objects of an overlay. Raises CalledProcessError where kustomize refuses it."""
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=True, timeout=_RENDER_WITHIN_S)
    return [found for found in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if found]


@dataclass(frozen=True)
class Installation:
    """The objects of one overlay."""

    objects: tuple[Manifest, ...]

    def of(self, kind: str) -> list[Manifest]:
        """The objects of a kind."""
        return [found for found in self.objects if found["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        """The object of that name; a generated one is found by the name before its hash."""
        (found,) = (
            each
            for each in self.of(kind)
            if each["metadata"]["name"] == name or each["metadata"]["name"].rpartition("-")[0] == name
        )
        return found

    def workloads(self) -> "list[Workload]":
        """Our own Deployments."""
        ours = [each for each in self.of("Deployment") if labels(each).get("app.kubernetes.io/name") == "heliostat"]
        return [Workload(each) for each in ours]

    def selected(self, selector: Manifest) -> list[Manifest]:
        """Deployments whose pods a selector of labels takes."""
        assert set(selector) <= {"matchLabels"}, "only plain labels are used"
        wanted = selector.get("matchLabels", {}).items()
        return [each for each in self.of("Deployment") if wanted <= labels(each).items()]


def labels(deployment: Manifest) -> dict[str, str]:
    """The labels of a Deployment's pods."""
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


@dataclass(frozen=True)
class Workload:
    """One of our Deployments."""

    manifest: Manifest

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def pod(self) -> Manifest:
        """The spec of its pods."""
        found: Manifest = self.manifest["spec"]["template"]["spec"]
        return found

    @property
    def container(self) -> Manifest:
        """Its only container."""
        (found,) = self.pod["containers"]
        return dict(found)

    @property
    def target(self) -> str:
        """What it runs."""
        command, config, target = self.container["args"]
        assert command == "serve"
        assert config == "--config=/etc/heliostat/config/heliostat.yaml"
        return str(target.removeprefix("--target="))

    @property
    def ports(self) -> dict[str, int]:
        """Its ports by name."""
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}

    def port(self, wanted: str | int) -> int:
        """The number of a port that is given by name or by number. Raises KeyError for one it does not open."""
        if isinstance(wanted, int):
            return {number: number for number in self.ports.values()}[wanted]
        return self.ports[wanted]

    def mounts(self) -> Iterator[tuple[PurePosixPath, Manifest]]:
        """Where each of its volumes stands."""
        volumes = {volume["name"]: volume for volume in self.pod["volumes"]}
        for mount in self.container["volumeMounts"]:
            yield PurePosixPath(mount["mountPath"]), volumes.pop(mount["name"])
        assert not volumes, f"{self.name} has volumes that stand nowhere: {list(volumes)}"

    def secret_files(self) -> dict[str, tuple[str, str]]:
        """Each file that comes of a Secret: path -> Secret and key."""
        return {
            str(place / item["path"]): (name, item["key"])
            for place, volume in self.mounts()
            for name, source in _secrets_of(volume)
            for item in source.get("items", ())
        }

    def secrets(self) -> set[tuple[str, str]]:
        """Every (Secret, key) that its pods can see; "*" for a whole Secret."""
        whole = {
            (name, "*") for _, volume in self.mounts() for name, source in _secrets_of(volume) if "items" not in source
        }
        references = [entry["valueFrom"]["secretKeyRef"] for entry in self.container.get("env", ())]
        return whole | set(self.secret_files().values()) | {(each["name"], each["key"]) for each in references}


def _secrets_of(volume: Manifest) -> Iterator[tuple[str, Manifest]]:
    """The Secrets that a volume is made of, by their names."""
    if "secret" in volume:
        yield volume["secret"]["secretName"], volume["secret"]
    for source in volume.get("projected", {}).get("sources", ()):
        assert set(source) == {"secret"}, "nothing but Secrets is projected"
        yield source["secret"]["name"], source["secret"]
