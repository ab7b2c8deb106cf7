"""The short examples in Python, TypeScript and Go as they stand in docs/examples: REST with OpenAI's library, and gRPC
with code generated from the committed protos. Each is skipped where its tools are not installed.
"""

import hashlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.clients import golang
from tests.clients.golang import Command
from tests.clients.node import installed
from tests.clients.shared_folder import alone
from tests.support.mesh import KEY, Mesh

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PROTOS = ROOT / "protos"
SOURCES = (".ts", ".mjs", ".json", ".proto")
_RUN_WITHIN_S = 60


async def ran(
    command: Command, environment: Mapping[str, str], cwd: Path, within_s: float = _RUN_WITHIN_S
) -> tuple[int, str, str]:
    """Exit code, output and complaints of an example. Raises TimeoutError."""
    return await golang.ran(command, environment, cwd, within_s)


async def python(program: str) -> Command:
    """Nothing is to be built."""
    return sys.executable, str(EXAMPLES / "python" / {"rest": "rest.py", "grpc": "generate.py"}[program])


async def typescript(program: str) -> Command:
    """Types are generated from the protos and the programs compiled, once, in a copy beside their dependencies."""
    node = await installed(EXAMPLES / "typescript")
    command = node.program(f"dist/{ {'rest': 'rest', 'grpc': 'generate'}[program] }.js")
    _, compiled = command
    folder = Path(compiled).parents[1]
    async with alone(folder):
        done = folder / f"built-{digest_of(EXAMPLES / 'typescript', PROTOS)}"
        if not done.exists():
            code, out, err = await ran(("node", "build.mjs"), {}, folder, within_s=180)
            assert code == 0, out + err
            done.touch()
    return command


def digest_of(*folders: Path) -> str:
    """Of the files that a program is built from."""
    digest = hashlib.sha256()
    for file in sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in SOURCES):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


async def go(program: str) -> Command:
    """The stubs are generated from the protos, and the programs built, in a copy."""
    return (str(await golang.built(program)),)


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
