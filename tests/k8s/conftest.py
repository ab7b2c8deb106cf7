"""The overlays, rendered once."""

import shutil
from pathlib import Path

import pytest

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
    """Every overlay by name, and "mesh-tls": the mesh with the one component that it leaves to choice."""
    copy = tmp_path_factory.mktemp("kustomize") / "k8s"
    shutil.copytree(K8S, copy)
    (copy / "overlays" / "mesh-tls").mkdir()
    (copy / "overlays" / "mesh-tls" / "kustomization.yaml").write_text(_WITH_TLS, encoding="utf-8")
    return {folder.name: _installation(command, folder) for folder in sorted((copy / "overlays").iterdir())}


def _installation(command: list[str], folder: Path) -> Installation:
    return Installation(tuple(render(command, folder)))


@pytest.fixture(params=["all-in-one", "mesh", "mesh-tls"])
def overlay(overlays: dict[str, Installation], request: pytest.FixtureRequest) -> Installation:
    """One overlay after the other."""
    return overlays[request.param]
