"""The peers' programs, installed once into a cache folder at pinned versions: LiteLLM's proxy, Portkey's gateway."""

import asyncio
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

LITELLM_VERSION = "1.106.2"
PORTKEY_VERSION = "1.15.2"
INSTALL_LIMIT_S = 400.0


class AbsentError(Exception):
    """A target cannot be measured on this machine; the text says why."""


async def litellm_program(cache: Path) -> Path:
    """LiteLLM's `litellm` command in its own virtual environment below `cache`; AbsentError when it cannot be had."""
    home = cache / "litellm"
    program = home / "bin" / "litellm"
    if not list(home.glob(f"lib/python*/site-packages/litellm-{LITELLM_VERSION}.dist-info")):
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
        if uv is None:
            raise AbsentError("uv is not installed, so LiteLLM cannot be")
        await _install(uv, "venv", "--clear", "--python", sys.executable, str(home))
        python = str(home / "bin" / "python")
        await _install(uv, "pip", "install", "--python", python, f"litellm[proxy]=={LITELLM_VERSION}")
    return program


async def portkey_program(cache: Path) -> tuple[Path, Path]:
    """Node and the start script of Portkey's gateway below `cache`; AbsentError when they cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise AbsentError("node and npm are not installed, so Portkey's gateway cannot be")
    home = cache / "portkey"
    package = home / "node_modules" / "@portkey-ai" / "gateway"
    script = package / "build" / "start-server.js"
    manifest = package / "package.json"
    if not manifest.exists() or f'"version": "{PORTKEY_VERSION}"' not in manifest.read_text():
        home.mkdir(parents=True, exist_ok=True)
        options = ("--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", str(home))
        await _install(npm, "install", *options, f"@portkey-ai/gateway@{PORTKEY_VERSION}")
    return Path(node), script


async def _install(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    try:
        _, errors = await asyncio.wait_for(process.communicate(), INSTALL_LIMIT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AbsentError(f"{Path(argv[0]).name} did not finish within {INSTALL_LIMIT_S:.0f} s") from None
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().splitlines()[-1:]
        raise AbsentError(f"{Path(argv[0]).name} failed: {''.join(last)[:200]}")
