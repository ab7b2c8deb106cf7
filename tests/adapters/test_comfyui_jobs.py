"""ComfyUI: prompts that are gone on with, taken back, refused or lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.comfyui.catalog import MODELS, SHIPPED, Workflows
from heliostat.adapters.comfyui.failures import refusal
from heliostat.adapters.comfyui.jobs import place_in_queue, read_entry, stored_name
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.chassis.errors import reason_name
from tests.adapters.comfyui_requests import SECRET, sent, wish_options
from tests.adapters.emulated import EmulatedProvider, running
from tests.adapters.served import opened, pixels


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's password where the settings look for it."""
    monkeypatch.setenv("COMFYUI_API_KEY", SECRET)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A server whose prompts take no time."""
    async with running("comfyui", tmp_path) as one:
        yield one


async def test_a_server_that_was_started_anew_has_lost_the_prompt(server: EmulatedProvider) -> None:
    """Neither history nor queue knows it: that is told, and nothing is waited for."""
    told = await server.room.ask("flux-schnell", resume="11111111-2222-4333-8444-555555555555")
    error = told.failure
    assert reason_name(error.reason) == "provider_unavailable"
    assert error.failure is not None
    assert (error.failure.outcome, error.failure.billed) == (events.OUTCOME_ACCEPTED, events.BILLED_NO)
    assert await server.journal() == []


async def test_an_id_that_is_none_is_not_asked_for(server: EmulatedProvider) -> None:
    """It becomes part of a path."""
    error = (await server.room.ask("flux-schnell", resume="../queue")).failure
    assert reason_name(error.reason) == "resource_not_found"


async def submitted(server: EmulatedProvider) -> str:
    """The id of a prompt that somebody left behind."""
    answer = await server.http.post(
        "/comfyui/prompt", json={"prompt": await sent("flux-schnell", size=pixels(256, 256))}
    )
    return str(answer.json()["prompt_id"])


async def test_a_prompt_is_gone_on_with(tmp_path: Path) -> None:
    """By its id, without another submit."""
    async with running("comfyui", tmp_path, job_seconds=0.6) as server:
        again = await server.room.ask("flux-schnell", resume=await submitted(server), size=pixels(256, 256))
        assert opened(again.pictures[0]).size == (256, 256)
        assert len(await server.journal()) == 1


@pytest.mark.parametrize("step", [None, {"status": 404}], ids=["newer server", "older server"])
@pytest.mark.parametrize("state", ["waiting", "running"])
async def test_a_prompt_is_taken_back(tmp_path: Path, step: dict[str, Any] | None, state: str) -> None:
    """On servers with the jobs API and on older ones; afterwards nobody knows it, and another prompt is left alone."""
    async with running("comfyui", tmp_path, job_seconds=1.0 if state == "running" else 60.0) as server:
        job, other = await submitted(server), await submitted(server)
        while state == "running" and job not in running_ids(await queue(server)):
            await asyncio.sleep(0.01)
        if step is not None:
            await server.script({"path": "cancel", **step, "times": 1})
        answer = await server.room.cancel("flux-schnell", job)
        assert (answer.found, answer.free) == (True, True)
        assert job not in json.dumps(await queue(server))
        assert other in json.dumps(await queue(server))
        if step is not None:
            await server.script({"path": "cancel", **step, "times": 1})
        assert not (await server.room.cancel("flux-schnell", job)).found
        kinds = [entry["kind"] for entry in await server.journal("cancel")]
        assert len(kinds) == (2 if step is None else 3)


async def queue(server: EmulatedProvider) -> dict[str, Any]:
    """What runs and what waits."""
    told: dict[str, Any] = (await server.http.get("/comfyui/queue")).json()
    return told


def running_ids(queue: dict[str, Any]) -> list[str]:
    """What runs."""
    return [one[1] for one in queue["queue_running"]]


async def test_an_abandoned_prompt_is_taken_back(tmp_path: Path) -> None:
    """When the attempt's time is over."""
    async with running("comfyui", tmp_path, job_seconds=60.0) as server:
        cut = await server.room.ask("flux-schnell", timeout_s=2)
        assert cut.of("provider_accepted")
        async with asyncio.timeout(60):
            while (await queue(server))["queue_pending"]:
                await asyncio.sleep(0.01)


def answered(body: Any, status: int = 400) -> Answer:
    """An answer of the server."""
    return Answer(status, {}, json.dumps(body).encode())


def faulty(kind: str, name: str, details: str, node: str = "KSampler") -> dict[str, Any]:
    """What the server says of a workflow with one wrong input."""
    error = {"type": kind, "message": "m", "details": details, "extra_info": {"input_name": name}}
    told = {"3": {"errors": [error], "dependent_outputs": ["9"], "class_type": node}}
    head = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": ""}
    return {"error": {**head, "extra_info": {}}, "node_errors": told}


REFUSALS: list[tuple[Any, str, str | None]] = [
    (
        faulty("value_not_in_list", "ckpt_name", "ckpt_name: 'x' not in ['secret.safetensors']"),
        "provider_model_gone",
        None,
    ),
    (
        faulty("value_not_in_list", "sampler_name", "sampler_name: 'x' not in ['euler']"),
        "invalid_field",
        "provider_options.comfyui.sampler",
    ),
    (faulty("value_bigger_than_max", "steps", "steps"), "invalid_field", "provider_options.comfyui.steps"),
    (faulty("value_smaller_than_min", "width", "width"), "invalid_field", "size"),
    (faulty("required_input_missing", "clip", "clip", "CLIPTextEncode"), "provider_model_gone", None),
    (
        {"error": {"type": "missing_node_type", "message": "Node 'X' not found"}, "node_errors": {}},
        "provider_model_gone",
        None,
    ),
    (
        {"error": {"type": "invalid_prompt", "message": "m", "details": "d"}, "node_errors": []},
        "provider_model_gone",
        None,
    ),
]


@pytest.mark.parametrize(("body", "reason", "field"), REFUSALS)
def test_a_workflow_that_is_not_taken_is_told(body: Any, reason: str, field: str | None) -> None:
    """As the caller's fault or the operator's; the list of the server's files is not."""
    error = refusal(answered(body))
    assert error is not None
    assert (reason_name(error.reason), error.field) == (reason, field)
    assert "secret.safetensors" not in error.message
    assert error.failure is not None
    assert error.failure.outcome == events.OUTCOME_REFUSED


async def test_a_file_that_the_server_does_not_have_is_told(server: EmulatedProvider) -> None:
    """By its name, so that an operator can put it there; the next target is asked."""
    fields: dict[str, Any] = {"provider_options": wish_options(checkpoint="mine.safetensors")}
    error = (await server.room.ask("sdxl", **fields)).failure
    assert reason_name(error.reason) == "provider_model_gone"
    assert "mine.safetensors" in error.message
    assert "sd_xl_refiner" not in error.message


async def test_a_password_of_a_proxy_that_is_wrong_is_told(
    server: EmulatedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without a proxy needs none."""
    monkeypatch.setenv("COMFYUI_API_KEY", "bad-token")
    error = (await server.room.ask("flux-schnell")).failure
    assert reason_name(error.reason) == "provider_auth_failed"
    assert "bad-token" not in error.message
    monkeypatch.delenv("COMFYUI_API_KEY")
    assert (await server.room.ask("flux-schnell", size=pixels(256, 256))).error is None


HOSTILE: list[Any] = [
    {"p": {"outputs": {"9": {"images": [{"filename": 1, "subfolder": "", "type": "temp"}]}}}},
    {"p": {"outputs": {"9": {"images": "many"}}, "status": None}},
    {
        "p": {
            "outputs": [],
            "status": {"messages": [["execution_start", 1], 7, ["execution_success", {"timestamp": "x"}]]},
        }
    },
    {"p": {"outputs": {"9": {"images": [{"filename": "a", "subfolder": "", "type": "http://x"}]}}}},
    {"p": {"status": {"messages": [["execution_start", {"timestamp": 5}], ["execution_success", {"timestamp": 1}]]}}},
]


async def test_a_workflow_that_is_taken_without_its_output_is_taken_back(tmp_path: Path) -> None:
    """The server would do the rest of it, for nobody, and answer without a picture."""
    folder = tmp_path / "templates"
    folder.mkdir()
    template = json.loads((SHIPPED / "sdxl.text_to_image.json").read_text("utf-8"))
    template["workflow"] |= {f"1{key}": _moved(node) for key, node in template["workflow"].items()}
    (folder / "mine.json").write_text(json.dumps(template), encoding="utf-8")
    async with running("comfyui", tmp_path, job_seconds=30, templates=str(folder)) as server:
        error = (await server.room.ask("sdxl", provider_options=wish_options(sampler="nobody"))).failure
        left = await queue(server)
    assert (reason_name(error.reason), error.field) == ("invalid_field", "provider_options.comfyui.sampler")
    assert error.failure is not None
    assert error.failure.billed == events.BILLED_NO
    assert left == {"queue_running": [], "queue_pending": []}


def _moved(node: dict[str, Any]) -> dict[str, Any]:
    """The node as one of a second workflow beside the first."""
    given = {name: [f"1{one[0]}", one[1]] if isinstance(one, list) else one for name, one in node["inputs"].items()}
    return {**node, "inputs": given}


@pytest.mark.parametrize("body", HOSTILE)
def test_a_history_that_makes_no_sense_has_no_picture(body: Any) -> None:
    """And no seconds."""
    ended = read_entry(answered(body, 200), "p", "9")
    assert ended is not None
    assert (ended.pictures, ended.seconds) == ((), None)


def test_pictures_are_asked_for_by_quoted_names() -> None:
    """Whatever a server calls them, they stay below its own address."""
    images = [{"filename": "../a b&c=d#.png", "subfolder": "x/y", "type": "temp"}]
    ended = read_entry(answered({"p": {"outputs": {"9": {"images": images}}}}, 200), "p", "9")
    assert ended is not None
    assert ended.pictures == ("/view?filename=..%2Fa+b%26c%3Dd%23.png&subfolder=x%2Fy&type=temp",)


PLACES: list[tuple[Any, int | None]] = [
    ({"queue_running": [[0, "p"]], "queue_pending": []}, 0),
    ({"queue_running": [[0, "a"]], "queue_pending": [[5, "b"], [3, "p"], [1, "c"]]}, 2),
    ({"queue_running": [[0, "a"]], "queue_pending": [[-9, "p"]]}, 1),
    ({"queue_running": [], "queue_pending": [[3, "p"]]}, 1),
    ({"queue_running": "none", "queue_pending": [7, ["x"], [None, 4]]}, None),
]


@pytest.mark.parametrize(("body", "place"), PLACES)
def test_a_place_in_the_queue_is_counted_by_numbers(body: Any, place: int | None) -> None:
    """Lower numbers come first; only what runs is at 0."""
    assert place_in_queue(answered(body, 200), "p") == place


NAMES: list[tuple[Any, str | None]] = [
    ({"name": "x (1).png", "subfolder": "heliostat", "type": "temp"}, "heliostat/x (1).png [temp]"),
    ({"name": "x.png", "subfolder": "", "type": "input"}, "x.png"),
    ({"name": "x.png", "subfolder": "", "type": "elsewhere"}, None),
    ({"name": "", "subfolder": "", "type": "input"}, None),
    ([], None),
]


@pytest.mark.parametrize(("body", "name"), NAMES)
def test_a_file_is_named_as_the_server_says(body: Any, name: str | None) -> None:
    """It may have given another name."""
    assert stored_name(answered(body, 200)) == name


def test_every_model_says_its_options() -> None:
    """Of all its templates together."""
    workflows: Workflows = MODELS.get("flux-schnell").facts
    assert workflows.options == {"steps", "sampler", "scheduler", "checkpoint"}
    enlarging: Workflows = MODELS.get("real-esrgan").facts
    assert enlarging.options == {"checkpoint"}
