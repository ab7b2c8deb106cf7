"""The image, the workflow and the hooks: files that no test runs, held to what they name."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
HOOKS = {
    hook["id"]: hook
    for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    for hook in repo["hooks"]
}
# Written in halves, or this file would be what it looks for.
LOOK_LIKE_SECRETS = [
    "sk-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ghp_" + "a" * 36,
    "01234567-89ab-cdef-0123-456789abcdef" + ":" + "0" * 32,
    "hel_" + "69d00c7af2be_abcdefghijklmnopqrstuv",
    "-----BEGIN " + "RSA PRIVATE KEY-----",
]
ORDINARY = ["task-1234", "env:OPENAI_API_KEY", "hel_<key id>_<secret>", "01234567-89ab-cdef-0123-456789abcdef"]


def tracked() -> list[Path]:
    """Files that git knows."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\n") if name and (ROOT / name).is_file()]


def copied() -> list[str]:
    """What the image's build copies from the sources."""
    lines = [line.split()[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line]
    return [name for words in lines for name in words[:-1]]


def steps() -> list[dict[str, Any]]:
    """Every step of every job."""
    return [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_the_image_copies_what_the_wheel_is_made_of() -> None:
    """Every source root, the locks and the papers, and all of it is let through to the build."""
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    roots = set(re.findall(r'^    "([\w/]+)/heliostat",$', project, re.MULTILINE))
    assert len(roots) == 5
    assert roots | {"pyproject.toml", "README.md", "LICENSE", "requirements/runtime.txt"} == set(copied()) == allowed


def test_the_image_is_locked_and_unprivileged() -> None:
    """Exact packages by their hashes, a numbered user, no shell in front, state in a volume."""
    assert "--require-hashes --only-binary :all: -r requirements/runtime.txt" in DOCKERFILE
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["heliostat"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r"^VOLUME /var/lib/heliostat$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.index("\nUSER ") > DOCKERFILE.rindex("\nRUN ")


def test_the_workflow_covers_what_a_change_has_to_pass() -> None:
    """Lint with the contracts compared, fresh generated code, tests, and the image."""
    assert set(WORKFLOW["jobs"]) == {"lint", "protos", "test", "image"}
    made = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = {name for step in steps() for name in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))}
    assert {"lint", "protos", "test"} == asked
    assert asked <= made
    assert any("docker build" in step.get("run", "") for step in steps())
    oldest = re.search(r'requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert oldest is not None
    assert oldest[1] in WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"]


def test_the_workflow_may_do_little() -> None:
    """It reads, it keeps no credentials, it ends, and it runs nobody's code but GitHub's own and ours."""
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in WORKFLOW["jobs"].values())
    for step in steps():
        assert step.get("uses", "actions/").startswith("actions/")
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # What others write into a pull request must not become a command.
        assert "${{" not in step.get("run", "")


def test_hooks_use_the_locked_tools() -> None:
    """A hook runs what `make lint` runs: nothing is fetched beside the locks."""
    assert set(HOOKS) == {"ruff-check", "ruff-format", "mypy", "buf-lint", "buf-format", "secrets"}
    wanted = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    for hook in HOOKS.values():
        if hook["language"] == "system":
            tool = hook["entry"].split()[0].removeprefix(".venv/bin/")
            assert re.search(rf"^{tool}(-bin)?==", wanted, re.MULTILINE)
        else:
            assert hook["language"] == "pygrep"


@pytest.mark.parametrize("text", LOOK_LIKE_SECRETS, ids=lambda text: text[:6])
def test_the_secret_scan_sees_secrets(text: str) -> None:
    """The shapes of the keys that pass through here are known."""
    assert re.search(HOOKS["secrets"]["entry"], f"key: {text}\n")


@pytest.mark.parametrize("text", ORDINARY)
def test_the_secret_scan_lets_ordinary_text_pass(text: str) -> None:
    """References and identifiers are not secrets."""
    assert not re.search(HOOKS["secrets"]["entry"], text)


def test_no_file_holds_what_looks_like_a_secret() -> None:
    """Nothing in the repository would be stopped by its own scan."""
    pattern = re.compile(HOOKS["secrets"]["entry"].encode())
    assert [path.name for path in tracked() if pattern.search(path.read_bytes())] == []
