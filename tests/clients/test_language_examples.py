"""The short examples in Python, TypeScript and Go as they stand in docs/examples: REST with OpenAI's library, and gRPC
with code generated from the committed protos. Each is skipped where its tools are not installed.
"""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.clients.node import installed
from tests.support.mesh import KEY, Mesh

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PROTOS = ROOT / "protos"
_RUN_WITHIN_S = 60
# The first build compiles gRPC and its friends; later ones find them in Go's own cache.
_BUILD_WITHIN_S = 540
_UNREACHABLE = ("no such host", "connection refused", "i/o timeout", "network is unreachable", "TLS handshake timeout")

Command = Sequence[str]


async def ran(
    command: Command, environment: Mapping[str, str], cwd: Path, within_s: float = _RUN_WITHIN_S
) -> tuple[int, str, str]:
    """Exit code, output and complaints of a program. Raises TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, "HELIOSTAT_PROTOS": str(PROTOS), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


async def python(program: str) -> Command:
    """Nothing is to be built."""
    return sys.executable, str(EXAMPLES / "python" / {"rest": "rest.py", "grpc": "generate.py"}[program])


async def typescript(program: str) -> Command:
    """Types are generated from the protos, and the programs compiled, in a copy beside their dependencies."""
    node = await installed(EXAMPLES / "typescript")
    command = node.program(f"dist/{ {'rest': 'rest', 'grpc': 'generate'}[program] }.js")
    _, compiled = command
    folder = Path(compiled).parents[1]
    code, out, err = await ran(("node", "build.mjs"), {}, folder)
    assert code == 0, out + err
    return command


async def go(program: str) -> Command:
    """The stubs are generated from the protos, and the programs built, in a copy; Go keeps what it compiled."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    source = EXAMPLES / "go"
    folder = ROOT / ".heliostat" / "go" / hashlib.sha256((source / "go.sum").read_bytes()).hexdigest()[:16]
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin", "gen"))
    protoc = {"PROTOC": f"{sys.executable} -m grpc_tools.protoc"}
    for command in (("sh", "stubs.sh"), ("go", "build", "-o", "bin/", "./rest", "./grpc")):
        try:
            code, out, err = await ran(command, protoc, folder, _BUILD_WITHIN_S)
        except TimeoutError:
            pytest.skip(f"{' '.join(command)} did not end within {_BUILD_WITHIN_S} s")
        if code and any(word in err for word in _UNREACHABLE):
            pytest.skip("the Go module proxy cannot be reached")
        assert code == 0, out + err
    return (str(folder / "bin" / program),)


LANGUAGES = {"python": python, "typescript": typescript, "go": go}


@pytest.fixture(params=LANGUAGES)
def built(request: pytest.FixtureRequest) -> Callable[[str], Awaitable[Command]]:
    """What builds a program in one of the languages."""
    chosen: Callable[[str], Awaitable[Command]] = LANGUAGES[request.param]
    return chosen


@pytest.mark.parametrize("program", ["rest", "grpc"])
async def test_an_example_makes_a_picture_and_tells_the_reason_of_a_failure(
    built: Callable[[str], Awaitable[Command]], program: str, running: Mesh, tmp_path: Path
) -> None:
    """Who made it, and for how much, is printed; the file is whole. A name that is wrong is told by its reason."""
    command = await built(program)
    environment = {
        "KEY": KEY,
        "HELIOSTAT_URL": running.url,
        "HELIOSTAT_GRPC": running.grpc_address(),
        "PYTHONPATH": str(PROTOS / "gen"),
    }
    file = tmp_path / "picture.webp"
    code, out, err = await ran((*command, "flux-schnell", "A sunset over mountains", str(file)), environment, tmp_path)
    assert code == 0, err
    told = ["made by fal for 0.003 USD"]
    assert out.splitlines() == (told if program == "rest" else ["asking fal/fal-ai/flux/schnell", *told])
    with Image.open(file) as image:
        image.load()
        assert image.format == "WEBP"
    code, _, err = await ran((*command, "flux-schnel", "x", str(tmp_path / "none.webp")), environment, tmp_path)
    assert code == 1
    assert err.startswith("model_not_found: " if program == "rest" else "MODEL_NOT_FOUND: ")
    assert not (tmp_path / "none.webp").exists()
