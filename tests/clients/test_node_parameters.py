"""Every method of OpenAI's library for Node, and every parameter that its types document: by the Python one's table."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.node import Node, installed
from tests.clients.shared_folder import lay
from tests.clients.test_openai_parameters import TABLES
from tests.support.mesh import KEY, Mesh

PROGRAM = Path(__file__).parent / "parameters.mjs"
METHODS = {"generate": "generate", "edit": "edit", "create_variation": "createVariation"}
TYPES = {
    "generate": ("ImageGenerateParamsBase",),
    "edit": ("ImageEditParamsBase",),
    "create_variation": ("ImageCreateVariationParams",),
}


@pytest.fixture
async def node() -> Node:
    """The library for Node; skipped where it cannot be had."""
    return await installed()


def folder_of(node: Node) -> Path:
    """Where the library is installed."""
    return Path(node.program("x")[1]).parent


def as_json(value: Any) -> Any:
    """A value with its files as objects."""
    if isinstance(value, tuple):
        return {"$file": base64.b64encode(value[1]).decode(), "name": value[0]}
    return [as_json(each) for each in value] if isinstance(value, list) else value


def call_of(method: str, **given: Any) -> dict[str, Any]:
    """A row for the program."""
    least, _ = TABLES[method]
    words = {name: as_json(value) for name, value in {**least, **given}.items()}
    return {"method": METHODS[method], "arguments": words}


async def asked(node: Node, running: Mesh, folder: Path, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the library says to each of them."""
    lay(PROGRAM, folder_of(node))
    table = folder / "rows.json"
    table.write_text(json.dumps(calls))
    return await node.run(PROGRAM.name, str(table), KEY=KEY, HELIOSTAT_URL=running.url)


@pytest.mark.parametrize("method", TABLES)
async def test_every_parameter(node: Node, running: Mesh, tmp_path: Path, method: str) -> None:
    """It gives pictures, or a 400 that names it and says what to do."""
    _, rows = TABLES[method]
    answers = await asked(node, running, tmp_path, [call_of(method, **{name: value}) for name, value, _ in rows])
    wrong = []
    for (name, value, refused), answer in zip(rows, answers, strict=True):
        told = answer.get("refused", {})
        if refused:
            sound = told.get("status") in (400, 404) and (told.get("param") or "").rpartition(".")[2] == refused
        else:
            sound = answer.get("count") == (value if name == "n" else 1)
        if not sound:
            wrong.append((name, str(value)[:40], answer))
    assert wrong == []


@pytest.mark.parametrize("method", ["generate", "edit"])
async def test_streams(node: Node, running: Mesh, tmp_path: Path, method: str) -> None:
    """stream and partial_images: previews, then the picture."""
    (answer,) = await asked(node, running, tmp_path, [call_of(method, stream=True, partial_images=1)])
    word = "image_generation" if method == "generate" else "image_edit"
    assert answer["kinds"][-1] == f"{word}.completed"
    assert f"{word}.partial_image" in answer["kinds"]


@pytest.mark.parametrize("method", TABLES)
async def test_every_documented_parameter_has_a_row(node: Node, method: str) -> None:
    """As the installed version of the library documents them."""
    types = (folder_of(node) / "node_modules" / "openai" / "resources" / "images.d.ts").read_text()
    documented: set[str] = set()
    for name in TYPES[method]:
        found = re.search(rf"export interface {name} \{{\n(.*?)\n\}}", types, re.DOTALL)
        assert found is not None
        documented.update(re.findall(r"^    (\w+)\??:", found[1], re.MULTILINE))
    _, rows = TABLES[method]
    # The library for Python is a little ahead.
    assert documented <= {name for name, _, _ in rows}
    assert {"prompt", "image"} & documented
