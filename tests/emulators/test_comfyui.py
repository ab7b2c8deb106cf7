"""The emulated ComfyUI server: workflows checked and run, queue, history, files, errors."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import httpx
import pytest

from tests.emulators.conftest import Bench, decoded, picture

DRAW: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            **{"seed": 1, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0},
            **{"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]},
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 256, "height": 128, "batch_size": 2}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "gw", "images": ["8", 0]}},
}


def changed(place: str = "", value: Any = None, *, without: str = "") -> dict[str, Any]:
    """The workflow with one input changed, or without a node or an input."""
    workflow = copy.deepcopy(DRAW)
    node, _, name = (place or without).partition(".")
    if place:
        workflow[node]["inputs"][name] = value
    elif name:
        del workflow[node]["inputs"][name]
    else:
        del workflow[node]
    return workflow


async def queued(bench: Bench, workflow: Any, **more: Any) -> httpx.Response:
    """Queue a workflow."""
    return await bench.http.post("/comfyui/prompt", json={"prompt": workflow, **more})


async def ended(bench: Bench, prompt_id: str) -> dict[str, Any]:
    """The entry of a prompt when it is over."""
    while True:
        history = (await bench.http.get(f"/comfyui/history/{prompt_id}")).json()
        if history:
            entry: dict[str, Any] = history[prompt_id]
            return entry
        await asyncio.sleep(0.01)


async def test_a_workflow_is_run(bench: Bench) -> None:
    """The published minimal one: two pictures, found by the history, free, its words in the journal."""
    answer = (await queued(bench, DRAW)).json()
    assert answer["node_errors"] == {}
    entry = await ended(bench, answer["prompt_id"])
    assert entry["status"]["status_str"] == "success"
    assert [name for name, _ in entry["status"]["messages"]] == ["execution_start", "execution_success"]
    images = entry["outputs"]["9"]["images"]
    assert [one["filename"] for one in images] == ["gw_00001_.png", "gw_00002_.png"]
    for one in images:
        found = await bench.http.get("/comfyui/api/view", params=one)
        assert decoded(found.content).size == (256, 128)
    told = await bench.last("comfyui", "submit")
    assert (told["model"], told["prompt"]) == ("sd_xl_base_1.0.safetensors", "a red fox")
    assert (told["billed"], told["cost_micros"], len(told["images"])) == (True, 0, 2)


WRONG: list[tuple[Any, str, str]] = [
    (None, "no_prompt", ""),
    ({"1": {"inputs": {}}}, "invalid_prompt", ""),
    ({"1": {"class_type": "MyNode", "inputs": {}}}, "missing_node_type", ""),
    (changed(without="9"), "prompt_no_outputs", ""),
    (changed("4.ckpt_name", "x.safetensors"), "prompt_outputs_failed_validation", "value_not_in_list"),
    (changed("3.steps", 0), "prompt_outputs_failed_validation", "value_smaller_than_min"),
    (changed("3.cfg", 101), "prompt_outputs_failed_validation", "value_bigger_than_max"),
    (changed("3.seed", "x"), "prompt_outputs_failed_validation", "invalid_input_type"),
    (changed("6.clip", ["4", 0]), "prompt_outputs_failed_validation", "return_type_mismatch"),
    (changed("6.clip", ["4"]), "prompt_outputs_failed_validation", "bad_linked_input"),
    (changed(without="6.text"), "prompt_outputs_failed_validation", "required_input_missing"),
]


@pytest.mark.parametrize(("workflow", "kind", "fault"), WRONG, ids=[f"{kind} {fault}" for _, kind, fault in WRONG])
async def test_a_workflow_that_is_wrong_is_not_queued(bench: Bench, workflow: Any, kind: str, fault: str) -> None:
    """With the server's words for it."""
    answer = await queued(bench, workflow)
    assert answer.status_code == 400
    body = answer.json()
    assert body["error"]["type"] == kind
    faults = [error["type"] for node in body["node_errors"].values() for error in node["errors"]]
    assert faults == ([fault] if fault else [])
    assert (await bench.http.get("/comfyui/history")).json() == {}


async def test_one_good_output_is_enough(bench: Bench) -> None:
    """The other is told of, with status 200."""
    workflow = {**DRAW, "10": {"class_type": "LoadImage", "inputs": {"image": "none.png"}}}
    workflow["11"] = {"class_type": "PreviewImage", "inputs": {"images": ["10", 0]}}
    answer = (await queued(bench, workflow)).json()
    assert answer["node_errors"]["10"]["dependent_outputs"] == ["11"]
    assert set((await ended(bench, answer["prompt_id"]))["outputs"]) == {"9"}


OWN_ID = "5c4b63f8-940e-4a00-8193-815ed025a066"


@pytest.mark.parametrize(
    ("given", "status"), [(OWN_ID, 200), ("mine", 400), (OWN_ID.upper(), 400)], ids=["a uuid", "a word", "in capitals"]
)
async def test_an_id_of_the_clients_own_has_to_be_a_uuid(bench: Bench, given: str, status: int) -> None:
    """In lower case."""
    answer = await queued(bench, DRAW, prompt_id=given)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["prompt_id"] == given
    else:
        assert answer.json()["error"]["type"] == "invalid_prompt_id"


async def test_files_are_kept_by_kind_and_folder(bench: Bench) -> None:
    """What was uploaded can be loaded and seen; a path that leaves the folder is refused."""
    form = {"type": "temp", "subfolder": "a", "overwrite": "true"}
    stored = (await bench.http.post("/comfyui/upload/image", data=form, files={"image": ("x.png", picture())})).json()
    assert (stored["subfolder"], stored["type"]) == ("a", "temp")
    asked = {"filename": stored["name"], "subfolder": "a", "type": "temp"}
    assert (await bench.http.get("/comfyui/view", params=asked)).content == picture()
    assert (await bench.http.get("/comfyui/view", params=asked | {"type": "input"})).status_code == 404
    assert (await bench.http.get("/comfyui/view", params={"filename": "../x.png"})).status_code == 400
    assert (await bench.http.post("/comfyui/upload/image", data=form)).status_code == 400


async def test_the_server_describes_itself(bench: Bench) -> None:
    """Nodes with their bounds, files by folder, its version."""
    info = (await bench.http.get("/comfyui/object_info/KSampler")).json()["KSampler"]
    assert info["input"]["required"]["seed"] == ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}]
    assert "sd_xl_base_1.0.safetensors" in (await bench.http.get("/comfyui/models/checkpoints")).json()
    assert (await bench.http.get("/comfyui/models/none")).status_code == 404
    assert (await bench.http.get("/comfyui/system_stats")).json()["system"]["comfyui_version"]
    assert (await bench.http.get("/comfyui/prompt")).json() == {"exec_info": {"queue_remaining": 0}}


async def test_jobs_tell_how_prompts_stand(slow_bench: Bench) -> None:
    """As newer servers do; a cancelled one says so."""
    prompt_id = (await queued(slow_bench, DRAW)).json()["prompt_id"]
    assert (await slow_bench.http.get(f"/comfyui/api/jobs/{prompt_id}")).json()["status"] == "pending"
    assert (await slow_bench.http.post(f"/comfyui/api/jobs/{prompt_id}/cancel")).json() == {"cancelled": True}
    assert (await slow_bench.http.post(f"/comfyui/api/jobs/{prompt_id}/cancel")).json() == {"cancelled": False}
    assert (await slow_bench.http.get(f"/comfyui/api/jobs/{prompt_id}")).status_code == 404
    assert (await slow_bench.http.post("/comfyui/api/jobs/none/cancel")).json() == {"cancelled": False}


async def test_a_scripted_failure_stands_in_the_history(bench: Bench) -> None:
    """With the exception that the script names."""
    told = {"exception_type": "torch.OutOfMemoryError", "exception_message": "CUDA out of memory"}
    await bench.script("comfyui", {"path": "job", "status": 500, "body": told})
    entry = await ended(bench, (await queued(bench, DRAW)).json()["prompt_id"])
    assert (entry["status"]["status_str"], entry["outputs"]) == ("error", {})
    name, facts = entry["status"]["messages"][-1]
    assert name == "execution_error"
    assert {key: facts[key] for key in told} == told
