"""ComfyUI: workflow templates, shipped ones and an operator's own."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.comfyui.body import make_workflow
from heliostat.adapters.comfyui.catalog import MODELS, SHIPPED, offered, shipped_templates
from heliostat.adapters.comfyui.options import ComfyuiOptions
from heliostat.adapters.comfyui.template_files import NAMED_OPTIONS, Template, read_folder, read_template
from heliostat.chassis.errors import MeshError
from heliostat.emulators.comfyui.graph import check
from tests.adapters.comfyui_requests import FILES, SECRET, wish_options
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import pixels


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's password where the settings look for it."""
    monkeypatch.setenv("COMFYUI_API_KEY", SECRET)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A server whose prompts take no time."""
    async with running("comfyui", tmp_path) as one:
        yield one


@pytest.mark.parametrize("template", shipped_templates(), ids=lambda one: f"{one.model}.{one.operation}")
def test_a_shipped_template_is_one_that_a_server_takes(template: Template) -> None:
    """By the emulated server's own description of its nodes; its file is named by what it is."""
    call = call_of(MODELS.get(template.model))
    workflow = make_workflow(
        template, {}, {word: ["x"] * 9 for word in FILES if word in template.fills}, ComfyuiOptions()
    )
    assert call.model.facts.by_work[template.operation] == template
    assert check(workflow, lambda _: True).outputs == [template.output]
    assert (SHIPPED / f"{template.model}.{template.operation}.json").is_file()
    assert set(template.options) <= set(NAMED_OPTIONS)


GOOD: dict[str, Any] = json.loads((SHIPPED / "flux-schnell.text_to_image.json").read_text())


def broken(**changes: Any) -> str:
    """A good template with changes."""
    return json.dumps({**GOOD, **changes})


WRONG: list[tuple[str, str]] = [
    ("{", "line 1: this is not JSON"),
    ("[]", "a template is an object"),
    (json.dumps({"nodes": [], "links": []}), "save it in ComfyUI with Export \\(API\\)"),
    (broken(workflow={"nodes": [], "links": []}), "save it in ComfyUI with Export \\(API\\)"),
    (json.dumps(GOOD["workflow"]), 'put it under "workflow"'),
    (broken(fils={}), "fils: Extra inputs"),
    (broken(operation="paint"), "operation 'paint' is none of text_to_image"),
    (broken(model="../x"), "is no name"),
    (broken(output="77"), "output '77' is no node"),
    (broken(workflow={"9": {"class_type": "SaveImage"}}), "workflow.9 has no inputs"),
    (broken(workflow={"9": {"inputs": {}}}), "workflow.9 has no class_type"),
    (broken(workflow={}), "has no nodes"),
    (
        broken(workflow={**GOOD["workflow"], "9": {"class_type": "S", "inputs": {"images": ["70", 0]}}}),
        "leads to node '70'",
    ),
    (broken(fills={**GOOD["fills"], "words": ["6.text"]}), "fills.words: there is no such word"),
    (broken(fills={**GOOD["fills"], "prompt": ["60.text"]}), "has no node '60'"),
    (broken(fills={**GOOD["fills"], "prompt": ["6.words"]}), "has no input 'words'; it has text, clip"),
    (broken(fills={**GOOD["fills"], "prompt": ["6.clip"]}), "is linked to another node"),
    (broken(fills={**GOOD["fills"], "prompt": ["text"]}), "is no place; write <node>.<input>"),
    (broken(fills={**GOOD["fills"], "prompt": []}), "names no place"),
    (broken(fills={"prompt": ["6.text"]}), "has to say where these go.* width .*height"),
    (broken(operation="inpaint"), "image .*; mask \\(name of the mask, white"),
    (broken(options={"steps": {"at": ["3.steps"], "min": 9, "max": 1}}), "min is above max"),
    (broken(options={"steps": {"at": ["3.stepz"]}}), "options.steps.at: node 3 \\(KSampler\\) has no input"),
    (broken(sizes={"default": [1001, 1024]}), "default has to lie between"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_template_that_is_wrong_is_refused_with_what_to_write(tmp_path: Path, text: str, said: str) -> None:
    """With the file's name."""
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(MeshError, match=f"mine.json.*{said}"):
        read_template(file)


def test_two_templates_for_one_work_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which is meant."""
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(GOOD))
    with pytest.raises(MeshError, match=r"b.json: a.json is a template of flux-schnell for text_to_image as well"):
        read_folder(tmp_path)


def test_templates_of_ones_own_win_and_only_what_is_offered_is_there(tmp_path: Path) -> None:
    """A folder adds models and replaces shipped ones; names that have no template are refused."""
    (tmp_path / "a.json").write_text(broken(model="mine", names=["mine"]))
    (tmp_path / "b.json").write_text(broken(description="my own"))
    table = offered(str(tmp_path), ())
    assert table.get("mine").names == ("mine",)
    assert table.get("flux-schnell").description == "my own"
    assert [model.name for model in offered(str(tmp_path), ("mine",))] == ["mine"]
    with pytest.raises(MeshError, match="offered names 'sd-9', which has no template"):
        offered("", ("sd-9",))
    with pytest.raises(MeshError, match="There is no folder"):
        offered(str(tmp_path / "none"), ())


async def test_an_operators_template_serves(tmp_path: Path) -> None:
    """With options of its own names; a wrong one keeps the adapter from starting."""
    folder = tmp_path / "mine"
    folder.mkdir()
    options = {"zeal": {"at": ["3.cfg"], "min": 1, "max": 5}}
    (folder / "a.json").write_text(broken(model="mine", names=["mine"], options=options))
    async with running("comfyui", tmp_path, templates=str(folder), offered=("mine",)) as server:
        fields: dict[str, Any] = {"provider_options": wish_options(values={"zeal": 2.0})}
        assert (await server.room.ask("mine", size=pixels(256, 256), **fields)).error is None
        fields = {"provider_options": wish_options(values={"zeal": 9.0})}
        assert (await server.room.ask("mine", **fields)).failure.field == "provider_options.comfyui.values.zeal"
    (folder / "b.json").write_text("{")
    with pytest.raises(MeshError, match=r"b.json, line 1"):
        async with running("comfyui", tmp_path, templates=str(folder)):
            pass
