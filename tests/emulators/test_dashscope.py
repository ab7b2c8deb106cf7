"""The emulated DashScope, asked by its maker's own client and by hand."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from functools import partial
from typing import Any

import dashscope
import httpx
import pytest
from dashscope import ImageSynthesis, MultiModalConversation
from dashscope.aigc.image_generation import ImageGeneration

from tests.emulators.conftest import Bench, decoded, encoded, picture

KEY = {"authorization": "Bearer sk-test"}
TASK = {**KEY, "x-dashscope-async": "enable"}
BASE = "/dashscope/api/v1"
A, B, C, D = (
    f"{BASE}/services/aigc/{path}"
    for path in (
        "multimodal-generation/generation",
        "image-generation/generation",
        "text2image/image-synthesis",
        "image2image/image-synthesis",
    )
)


@pytest.fixture
def sdk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The maker's client, pointed here: its address and key are its module's own."""
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{bench.base}{BASE}")
    monkeypatch.setattr(dashscope, "api_key", "sk-test")
    yield bench
    dashscope.close_shared_sync_session()


async def called(function: Any, /, **fields: Any) -> Any:
    """Call the maker's client, which blocks, in a thread."""
    return await asyncio.to_thread(partial(function, **fields))


def uri(size: tuple[int, int] = (640, 512)) -> str:
    """A picture as DashScope takes it."""
    return "data:image/png;base64," + base64.b64encode(picture(size)).decode()


def said(text: str = "x", *images: str) -> dict[str, Any]:
    """An input of one message."""
    return {"messages": [{"role": "user", "content": [*({"image": one} for one in images), {"text": text}]}]}


async def ended(bench: Bench, path: str, headers: dict[str, str] = TASK, **body: Any) -> dict[str, Any]:
    """Give a task and wait for its end."""
    answer = await bench.http.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    output = answer.json()["output"]
    assert output["task_status"] == "PENDING"
    async with asyncio.timeout(30):
        while True:
            state: dict[str, Any] = (await bench.http.get(f"{BASE}/tasks/{output['task_id']}", headers=KEY)).json()
            if state["output"]["task_status"] not in {"PENDING", "RUNNING"}:
                return state


async def test_the_makers_client_draws_by_a_task(sdk: Bench) -> None:
    """From submit to file; the prompt is told as it was rewritten."""
    done = await called(
        ImageSynthesis.call,
        model="wan2.2-t2i-flash",
        prompt="a fox",
        n=2,
        size="1024*768",
        seed=1,
        negative_prompt="fog",
    )
    assert (done.status_code, done.output.task_status, done.usage.image_count) == (200, "SUCCEEDED", 2)
    assert done.output.results[0].actual_prompt == "a fox, in fine detail"
    files = [await sdk.http.get(one.url) for one in done.output.results]
    assert [decoded(file.content).size for file in files] == [(1024, 768)] * 2
    assert decoded(files[0].content).format == "PNG"
    assert (await sdk.last("dashscope", "submit"))["cost_micros"] == 50_000


async def test_the_makers_client_draws_at_once(sdk: Bench) -> None:
    """Two pictures in one message, and edits of others."""
    done = await called(
        MultiModalConversation.call,
        model="qwen-image-2.0",
        messages=said("a fox")["messages"],
        n=2,
        size="1024*1024",
        watermark=False,
    )
    assert done.status_code == 200, done
    assert len(done.output.choices[0].message.content) == 2
    edit = await called(
        MultiModalConversation.call, model="qwen-image-edit", messages=said("make it red", uri())["messages"]
    )
    (one,) = edit.output.choices[0].message.content
    assert decoded((await sdk.http.get(one["image"])).content).size == (640, 512)
    assert [one["cost_micros"] for one in (await sdk.journal("dashscope"))["entries"] if one["billed"]] == [
        70_000,
        45_000,
    ]


async def test_the_makers_client_asks_wan_either_way(sdk: Bench) -> None:
    """At once, or by a task."""
    fields = {"model": "wan2.7-image", "messages": said("a fox")["messages"], "size": "1K"}
    at_once = await called(ImageGeneration.call, **fields)
    assert decoded((await sdk.http.get(at_once.output.choices[0].message.content[0]["image"])).content).size == (
        1024,
        1024,
    )
    task = await called(ImageGeneration.async_call, **fields)
    done = await called(ImageGeneration.wait, task=task)
    assert done.output.task_status == "SUCCEEDED"
    assert done.output.choices[0].message.content[0]["image"].startswith(sdk.base)


async def test_the_makers_client_repaints_a_mask(sdk: Bench) -> None:
    """White is new."""
    mask = decoded(picture((64, 64), "black"))
    mask.paste((255, 255, 255), (0, 0, 32, 64))
    done = await called(
        ImageSynthesis.call,
        model="wanx2.1-imageedit",
        function="description_edit_with_mask",
        prompt="x",
        base_image_url=uri((64, 64)),
        mask_image_url="data:image/png;base64," + base64.b64encode(encoded(mask)).decode(),
    )
    image = decoded((await sdk.http.get(done.output.results[0].url)).content).convert("RGB")
    assert (image.getpixel((8, 8)), image.getpixel((56, 8))) == ((0, 0, 0), (0, 0, 255))


@pytest.mark.parametrize(
    ("key", "fields", "status", "code"),
    [
        ("bad", {}, 401, "InvalidApiKey"),
        ("poor", {}, 400, "Arrearage"),
        ("k", {"model": "wan9"}, 404, "ModelNotFound"),
        ("k", {"size": "1024x1024"}, 400, "InvalidParameter"),
    ],
)
async def test_the_makers_client_reads_errors(
    sdk: Bench, key: str, fields: dict[str, Any], status: int, code: str
) -> None:
    """By their codes; none is billed."""
    answer = await called(
        ImageSynthesis.async_call, **{"model": "wan2.2-t2i-flash", "prompt": "x", "api_key": key, **fields}
    )
    assert (answer.status_code, answer.code) == (status, code)
    assert (await sdk.journal())["billable"] == 0


async def test_the_makers_client_reads_a_failed_task(sdk: Bench) -> None:
    """Its status is 200, and it is free; one among several is an error among the results."""
    failed = await called(ImageSynthesis.call, model="wan2.2-t2i-flash", prompt="nsfw")
    assert (failed.output.task_status, failed.output.code) == ("FAILED", "DataInspectionFailed")
    assert (await sdk.journal())["billable"] == 0
    partly = await called(ImageSynthesis.call, model="wan2.2-t2i-flash", prompt="some gore", n=3)
    assert (partly.output.task_status, partly.usage.image_count) == ("SUCCEEDED", 2)
    assert [bool(one.url) for one in partly.output.results] == [False, True, True]
    assert partly.output.task_metrics == {"TOTAL": 3, "SUCCEEDED": 2, "FAILED": 1}
    assert (await sdk.last("dashscope", "submit"))["cost_micros"] == 50_000


async def test_the_makers_client_takes_tasks_back_and_lists_them(
    slow_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they wait."""
    monkeypatch.setattr(dashscope, "base_http_api_url", f"{slow_bench.base}{BASE}")
    monkeypatch.setattr(dashscope, "api_key", "sk-test")
    task = await called(ImageSynthesis.async_call, model="wan2.2-t2i-flash", prompt="x")
    assert (await called(ImageSynthesis.cancel, task=task)).status_code == 200
    assert (await called(ImageSynthesis.fetch, task=task)).output.task_status == "CANCELED"
    again = await called(ImageSynthesis.cancel, task=task)
    assert (again.status_code, again.code) == (400, "UnsupportedOperation")
    listed = await called(ImageSynthesis.list, status="CANCELED")
    assert (listed.output["total"], listed.output["data"][0]["model_name"]) == (1, "wan2.2-t2i-flash")
    assert (await called(ImageSynthesis.fetch, task="nobody")).output.task_status == "UNKNOWN"
    dashscope.close_shared_sync_session()


@pytest.mark.parametrize(
    ("path", "body", "size", "micros"),
    [
        (C, {"model": "qwen-image", "input": {"prompt": "x"}}, (1664, 928), 35_000),
        (C, {"model": "wan2.5-t2i-preview", "input": {"prompt": "x"}}, (1280, 1280), 30_000),
        (C, {"model": "wan2.2-t2i-plus", "input": {"prompt": "x"}, "parameters": {"n": 2}}, (1024, 1024), 100_000),
        (B, {"model": "wan2.6-t2i", "input": said()}, (1280, 1280), 30_000),
        (B, {"model": "wan2.7-image-pro", "input": said(), "parameters": {"size": "4K"}}, (4096, 4096), 75_000),
        (B, {"model": "wan2.7-image-pro", "input": said("x", uri((640, 320)))}, (640, 320), 75_000),
        (
            B,
            {"model": "wan2.7-image", "input": said("x", uri((640, 320))), "parameters": {"size": "1K"}},
            (1440, 720),
            30_000,
        ),
        (D, {"model": "wan2.5-i2i-preview", "input": {"prompt": "x", "images": [uri(), uri()]}}, (1280, 1280), 30_000),
        (
            D,
            {
                "model": "wanx2.1-imageedit",
                "input": {"prompt": "x", "function": "super_resolution", "base_image_url": uri((64, 48))},
                "parameters": {"upscale_factor": 3, "n": 2},
            },
            (192, 144),
            40_140,
        ),
        (
            D,
            {
                "model": "wanx2.1-imageedit",
                "input": {"prompt": "x", "function": "expand", "base_image_url": uri((64, 48))},
                "parameters": {"left_scale": 1.5, "bottom_scale": 2},
            },
            (96, 96),
            20_070,
        ),
    ],
)
async def test_a_task_makes_its_size_for_its_price(
    bench: Bench, path: str, body: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """In the shape of its endpoint."""
    output = (await ended(bench, path, **body))["output"]
    url = output["choices"][0]["message"]["content"][0]["image"] if path == B else output["results"][0]["url"]
    assert decoded((await bench.http.get(url)).content).size == size
    assert (await bench.last("dashscope", "submit"))["cost_micros"] == micros


@pytest.mark.parametrize(
    ("key", "body", "size", "micros"),
    [
        ("k", {"model": "qwen-image-2.0-pro"}, (2048, 2048), 75_000),
        ("k", {"model": "qwen-image-edit-max", "input": said("x", uri()), "parameters": {"n": 2}}, (640, 512), 150_000),
        ("k", {"model": "z-image-turbo"}, (1024, 1536), 15_000),
        ("k", {"model": "z-image-turbo", "parameters": {"prompt_extend": True}}, (1024, 1536), 30_000),
        ("cn-k", {"model": "z-image-turbo", "parameters": {"prompt_extend": True}}, (1024, 1536), 28_000),
        ("cn-k", {"model": "qwen-image-max"}, (1664, 928), 70_000),
    ],
)
async def test_an_answer_at_once_has_its_size_and_price(
    bench: Bench, key: str, body: dict[str, Any], size: tuple[int, int], micros: int
) -> None:
    """In both regions; what was rewritten stands beside the picture."""
    answer = await bench.http.post(A, json={"input": said(), **body}, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    content = answer.json()["output"]["choices"][0]["message"]["content"]
    assert decoded((await bench.http.get(content[0]["image"])).content).size == size
    usage = answer.json()["usage"]
    assert (usage["width"], usage["height"]) == size
    assert ({"text": "x, in fine detail"} in content) is (body["model"] == "z-image-turbo" and "parameters" in body)
    assert (await bench.last("dashscope", "generations"))["cost_micros"] == micros


PLAIN = {"model": "wan2.2-t2i-flash", "input": {"prompt": "x"}}
MESSAGE = {"model": "wan2.7-image", "input": said()}
EDITOR = {"model": "wanx2.1-imageedit", "input": {"prompt": "x", "function": "expand", "base_image_url": uri((64, 48))}}


@pytest.mark.parametrize(
    ("path", "headers", "body", "status", "code"),
    [
        (C, KEY, PLAIN, 403, "AccessDenied"),
        (A, TASK, {"model": "qwen-image-2.0", "input": said()}, 403, "AccessDenied"),
        (B, TASK, {**PLAIN, "input": said()}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "model": "wan9"}, 404, "ModelNotFound"),
        (C, TASK, {**PLAIN, "input": {"prompt": ""}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "input": {"prompt": "x", "images": []}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"size": "1024x1024"}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"size": "500*500"}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"n": 5}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"n": True}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"seed": -1}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"watermark": "no"}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": {"steps": 5}}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "parameters": []} | {"input": 7}, 400, "InvalidParameter"),
        (C, TASK, {**PLAIN, "model": "qwen-image", "parameters": {"size": "1024*1024"}}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "input": {"messages": []}}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "input": said("")}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "input": said("x", *[uri()] * 10)}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "input": said("x", "https://example.com/a.png")}, 400, "InvalidParameter.DataInspection"),
        (
            B,
            TASK,
            {**MESSAGE, "input": said("x", "data:image/png;base64,aGk=")},
            400,
            "InvalidParameter.DataInspection",
        ),
        (B, TASK, {**MESSAGE, "parameters": {"size": "4K"}}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "parameters": {"negative_prompt": "x"}}, 400, "InvalidParameter"),
        (B, TASK, {**MESSAGE, "parameters": {"bbox_list": [[]]}}, 400, "InvalidParameter"),
        (
            B,
            TASK,
            {**MESSAGE, "parameters": {"color_palette": [{"hex": "#000000", "ratio": "30.00%"}] * 3}},
            400,
            "InvalidParameter",
        ),
        (A, KEY, {"model": "qwen-image-edit", "input": said()}, 400, "InvalidParameter"),
        (D, TASK, {**EDITOR, "parameters": {"left_scale": 3}}, 400, "InvalidParameter"),
        (D, TASK, {**EDITOR, "parameters": {"strength": 0.5}}, 400, "InvalidParameter"),
        (D, TASK, {**EDITOR, "input": {**EDITOR["input"], "function": "melt"}}, 400, "InvalidParameter"),  # type: ignore[dict-item]
        (D, TASK, {**EDITOR, "input": {**EDITOR["input"], "mask_image_url": uri((64, 48))}}, 400, "InvalidParameter"),  # type: ignore[dict-item]
    ],
)
async def test_a_wrong_body_is_refused(
    bench: Bench, path: str, headers: dict[str, str], body: dict[str, Any], status: int, code: str
) -> None:
    """In DashScope's own shape, and free; so is the wrong way in."""
    answer = await bench.http.post(path, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert (await bench.journal())["billable"] == 0


async def test_a_mask_of_another_size_is_refused(bench: Bench) -> None:
    """It must be that of the picture."""
    given = {"prompt": "x", "function": "description_edit_with_mask", "base_image_url": uri((64, 48))}
    body = {"model": "wanx2.1-imageedit", "input": {**given, "mask_image_url": uri((48, 64))}}
    assert (await bench.http.post(D, json=body, headers=TASK)).status_code == 400


async def test_a_scripted_job_fails(bench: Bench) -> None:
    """A step for "job" is the work's end."""
    await bench.script("dashscope", {"path": "job", "status": 500})
    output = (await ended(bench, C, **PLAIN))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError")
    assert (await bench.journal("dashscope"))["billable"] == 0


async def test_there_is_no_answer_without_a_key(bench: Bench) -> None:
    """Nor to a body that is no JSON."""
    answer: httpx.Response = await bench.http.post(C, json=PLAIN, headers={"x-dashscope-async": "enable"})
    assert (answer.status_code, answer.json()["code"]) == (401, "InvalidApiKey")
    assert (await bench.http.get(f"{BASE}/tasks/x")).status_code == 401
    assert (await bench.http.post(C, content=b"{", headers=TASK)).status_code == 400
