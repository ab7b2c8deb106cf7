"""The overlays, rendered once."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from heliostat.launch import manifests
from tests.k8s.manifests import K8S, Installation, kustomize, render

_WITH_TLS = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../mesh
components:
  - ../../components/tls
"""


@pytest.fixture(scope="session")
def command() -> list[str]:
    """A kustomize that works here."""
    found = kustomize()
    if found is None:
        pytest.skip("no kustomize, no kubectl, and no Go that could build one: the overlays were not rendered")
    return found


@pytest.fixture(scope="session")
def overlays(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Installation]:
    """Every overlay by name; "mesh-tls", the mesh with the component that it leaves to choice; and "mesh-everything",
    a copy of the mesh with each adapter that there is, with the console and with TLS.
    """
    copy = tmp_path_factory.mktemp("kustomize") / "k8s"
    shutil.copytree(K8S, copy)
    for name, text in (("mesh-tls", _WITH_TLS), ("mesh-everything", _everything())):
        (copy / "overlays" / name).mkdir()
        (copy / "overlays" / name / "kustomization.yaml").write_text(text, encoding="utf-8")
    return {folder.name: _installation(command, folder) for folder in sorted((copy / "overlays").iterdir())}


def _everything() -> str:
    """The mesh as README says that somebody copies it: adapters and console first, then what holds for all pods."""
    copied: dict[str, Any] = yaml.safe_load((K8S / "overlays" / "mesh" / "kustomization.yaml").read_text("utf-8"))
    chosen = [f"../../components/adapters/{unit}" for unit in manifests.units()]
    copied["components"] = [*chosen, "../../components/console", *copied["components"], "../../components/tls"]
    (environment,) = copied["configMapGenerator"]
    environment["literals"] += [
        "HELIOSTAT__ROUTER__AUTO_ROUTES=true",
        "HELIOSTAT__CONSOLE__EDGE_URL=https://images.example.com",
        "HELIOSTAT__EDGE__CONSOLE_URL=https://console.example.com",
        "HELIOSTAT__CONSOLE__PUBLIC_URL=https://console.example.com",
        "HELIOSTAT__ADAPTERS__AZURE_OPENAI__BASE_URL=https://you.openai.azure.com",
        "HELIOSTAT__ADAPTERS__COMFYUI__BASE_URL=http://comfyui:8188",
        "HELIOSTAT__ADAPTERS__AUTOMATIC1111__BASE_URL=http://webui:7860",
    ]
    return yaml.safe_dump(copied)


def _installation(command: list[str], folder: Path) -> Installation:
    return Installation(tuple(render(command, folder)))


@pytest.fixture(params=["all-in-one", "mesh", "mesh-tls", "mesh-everything"])
def overlay(overlays: dict[str, Installation], request: pytest.FixtureRequest) -> Installation:
    """One overlay after the other."""
    return overlays[request.param]
