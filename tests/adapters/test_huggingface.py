"""Hugging Face: what is sent to each provider behind the router, what comes back, its cost, what becomes of errors."""

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.huggingface import jobs
from heliostat.adapters.huggingface.adapter import HuggingFaceAdapter
from heliostat.adapters.huggingface.body import address, gather, make_fields
from heliostat.adapters.huggingface.catalog import MODELS, further
from heliostat.adapters.huggingface.endpoints import Endpoint
from heliostat.adapters.huggingface.failures import refusal
from heliostat.adapters.huggingface.options import HuggingFaceOptions
from heliostat.adapters.huggingface.settings import HuggingFaceSettings
from heliostat.adapters.sdk import Answer
from heliostat.api.image.v1 import event_pb2 as events
from heliostat.api.image.v1 import media_pb2 as medias
from heliostat.api.image.v1 import request_pb2 as requests
from heliostat.chassis.errors import MeshError, reason_name
from heliostat.emulators.huggingface.catalogue import SERVED
from tests.adapters.emulated import EmulatedProvider, call_of, running
from tests.adapters.served import media, opened, pixels, plain
from tests.emulators.conftest import picture

KEY = "hf_secret0123456789"
_FLUX = "black-forest-labs/FLUX.1-"
HF, FAL, REPLICATE, TOGETHER, NSCALE, WAVESPEED = (
    f"{provider}/{_FLUX}schnell"
    for provider in ("hf-inference", "fal-ai", "replicate", "together", "nscale", "wavespeed")
)
HF_EDIT, FAL_EDIT, REPLICATE_EDIT, TOGETHER_EDIT = (
    f"{provider}/{_FLUX}Kontext-dev" for provider in ("hf-inference", "fal-ai", "replicate", "together")
)
WAVESPEED_EDIT, QWEN = "wavespeed/Qwen/Qwen-Image-Edit", "replicate/Qwen/Qwen-Image"
CLOTHES = "hf-inference/mattmdjaga/segformer_b2_clothes"
LOW = {"moderation": requests.MODERATION_LOW}
JPEG = {"output": requests.Output(media_type="image/jpeg")}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token where the settings look for it."""
    monkeypatch.setenv("HF_TOKEN", KEY)


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[EmulatedProvider]:
    """A router behind which jobs take no time."""
    async with running("huggingface", tmp_path) as one:
        yield one


def edit(width: int = 64, height: int = 64) -> dict[str, Any]:
    """An edit of a blue picture."""
    return {"edit": requests.Edit(image=media(plain(width, height)))}


def ratio(width: int, height: int) -> requests.Size:
    """A wished shape."""
    return requests.Size(aspect=requests.AspectSize(width_ratio=width, height_ratio=height))


async def sent(model: str, options: dict[str, Any] | None = None, **fields: Any) -> tuple[str, Any]:
    """Path and body of a request to a model that the provider calls "own/id"; pictures become a word."""
    known = MODELS.get(model)
    call = call_of(known, **fields)
    told = make_fields(known.facts, call, HuggingFaceOptions(**(options or {})), await gather(known.facts, call))
    letter = address(known.facts, "own/id", told)
    return letter.path, json.loads(_marked(json.dumps(letter.body)))


@pytest.mark.parametrize(
    ("model", "asked"), [(HF, {"accept": "image/png"}), (HF_EDIT, {"accept": "image/png"}), (CLOTHES, {})]
)
def test_hf_inference_is_asked_for_the_picture_itself(model: str, asked: dict[str, str]) -> None:
    """As the official client does; masks come in JSON."""
    known = MODELS.get(model)
    assert address(known.facts, "own/id", {"inputs": "x", "prompt": "x"}).headers == asked
    assert known.media_types == ("image/png",)


def _marked(text: str) -> str:
    png = base64.b64encode(media(plain()).data).decode()
    return text.replace(f"data:image/png;base64,{png}", "URI").replace(png, "BASE64")


@pytest.mark.parametrize(
    ("model", "options", "fields", "path", "body"),
    [
        (
            HF,
            {"steps": 4, "scheduler": "DDIM"},
            {"seed": 7, "negative_prompt": "cats", "size": pixels(512, 256)},
            "/hf-inference/models/own/id",
            {
                "inputs": "a red boat",
                "parameters": {
                    **{"seed": 7, "negative_prompt": "cats", "width": 512, "height": 256},
                    **{"num_inference_steps": 4, "scheduler": "DDIM"},
                },
            },
        ),
        (
            HF_EDIT,
            {"guidance_scale": 2},
            edit(),
            "/hf-inference/models/own/id",
            {"inputs": "BASE64", "parameters": {"prompt": "a red boat", "guidance_scale": 2}},
        ),
        (
            CLOTHES,
            {},
            {"prompt": "", "segment": requests.Segment(image=media(plain()))},
            "/hf-inference/models/own/id",
            {"inputs": "BASE64"},
        ),
        (
            FAL,
            {"steps": 4},
            {"image_count": 2, "size": pixels(1024, 768), **LOW},
            "/fal-ai/own/id?_subdomain=queue",
            {
                **{"prompt": "a red boat", "num_images": 2, "enable_safety_checker": False, "output_format": "jpeg"},
                **{"image_size": {"width": 1024, "height": 768}, "num_inference_steps": 4},
            },
        ),
        (
            FAL_EDIT,
            {},
            {**edit(), "seed": 3},
            "/fal-ai/own/id?_subdomain=queue",
            {"prompt": "a red boat", "seed": 3, "output_format": "jpeg", "image_url": "URI", "image_urls": ["URI"]},
        ),
        (
            REPLICATE,
            {},
            {"image_count": 3, "size": pixels(1344, 768), **JPEG},
            "/replicate/v1/models/own/id/predictions",
            {"input": {"prompt": "a red boat", "num_outputs": 3, "aspect_ratio": "16:9", "output_format": "jpg"}},
        ),
        (
            QWEN,
            {"guidance_scale": 3},
            {"size": ratio(4, 3), "negative_prompt": "cats"},
            "/replicate/v1/models/own/id/predictions",
            {
                "input": {
                    **{"prompt": "a red boat", "negative_prompt": "cats", "aspect_ratio": "4:3"},
                    **{"output_format": "webp", "guidance": 3},
                }
            },
        ),
        (
            REPLICATE_EDIT,
            {},
            edit(),
            "/replicate/v1/models/own/id/predictions",
            {
                "input": {
                    **{"prompt": "a red boat", "output_format": "webp", "image": "URI", "images": ["URI"]},
                    **{"input_image": "URI", "input_images": ["URI"]},
                }
            },
        ),
        (
            TOGETHER,
            {"steps": 4},
            {"image_count": 2, "size": pixels(512, 512)},
            "/together/v1/images/generations",
            {
                **{"response_format": "base64", "prompt": "a red boat", "n": 2, "width": 512, "height": 512},
                **{"output_format": "jpeg", "steps": 4, "model": "own/id"},
            },
        ),
        (
            TOGETHER_EDIT,
            {},
            {**edit(), **LOW},
            "/together/v1/images/generations",
            {
                **{"response_format": "base64", "prompt": "a red boat", "disable_safety_checker": True},
                **{"output_format": "jpeg", "image_url": "URI", "model": "own/id"},
            },
        ),
        (
            NSCALE,
            {},
            {"size": pixels(512, 256)},
            "/nscale/v1/images/generations",
            {"response_format": "b64_json", "prompt": "a red boat", "size": "512x256", "model": "own/id"},
        ),
        (
            WAVESPEED,
            {},
            {"size": pixels(512, 256), "seed": 3},
            "/wavespeed/api/v3/own/id",
            {"prompt": "a red boat", "seed": 3, "size": "512*256"},
        ),
        (
            WAVESPEED_EDIT,
            {},
            edit(),
            "/wavespeed/api/v3/own/id",
            {"prompt": "a red boat", "image": "URI", "images": ["URI"]},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "FLUX" in value else "",
)
async def test_a_request_is_sent_in_the_providers_own_words(
    model: str, options: dict[str, Any], fields: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    """Nothing else is sent, and nothing that the provider does not know."""
    assert await sent(model, options, **fields) == (path, body)


async def test_a_version_is_asked_for_as_a_prediction() -> None:
    """A name at Replicate may carry one."""
    endpoint: Endpoint = MODELS.get(QWEN).facts
    letter = address(endpoint, "qwen/qwen-image:0d3f", {"prompt": "x"})
    assert (letter.path, letter.body) == ("/replicate/v1/predictions", {"version": "0d3f", "input": {"prompt": "x"}})


def test_an_endpoint_has_no_field_that_the_provider_does_not_know() -> None:
    """By the fields of the emulated provider, which were written down apart."""
    theirs = {f"{one.provider}/{one.name}": one for one in SERVED}
    for model in MODELS:
        endpoint: Endpoint = model.facts
        fields = {*endpoint.takes.values(), *endpoint.options.values(), *endpoint.images, *endpoint.constants}
        fields |= {endpoint.lax[0]} if endpoint.lax else set()
        fields |= {"output_format"} if endpoint.formats else set()
        assert fields - {"inputs"} <= theirs[model.name].fields, model.name
        assert endpoint.task == theirs[model.name].task


def test_nothing_is_forgotten() -> None:
    """Models, options, operations."""
    assert {model.name for model in MODELS} == {f"{one.provider}/{one.name}" for one in SERVED}
    offered = {name for model in MODELS for name in model.facts.options}
    assert offered == set(HuggingFaceOptions.model_fields)
    operations = {operation for model in HuggingFaceAdapter.models for operation in model.operations}
    assert operations == {"text_to_image", "edit", "segment"}


@pytest.mark.parametrize(
    ("model", "options", "fields", "field", "reason"),
    [
        (HF, {}, {"prompt": ""}, "prompt", "invalid_field"),
        (FAL, {"guidance_scale": 3}, {}, "provider_options.huggingface.guidance_scale", "invalid_field"),
        (NSCALE, {"steps": 3}, {}, "provider_options.huggingface.steps", "invalid_field"),
        (
            CLOTHES,
            {},
            {"segment": requests.Segment(image=media(plain()), labels=["hat"])},
            "labels",
            "unsupported",
        ),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_anything_is_sent(
    model: str, options: dict[str, Any], fields: dict[str, Any], field: str, reason: str
) -> None:
    """By the name of the field."""
    with pytest.raises(MeshError) as caught:
        await sent(model, options, **{"prompt": "a red boat", **fields})
    assert (caught.value.field, reason_name(caught.value.reason)) == (field, reason)


@pytest.mark.parametrize(
    ("model", "fields", "micros"),
    [
        (HF, {}, 1_200),
        (HF_EDIT, edit(), 1_200),
        (FAL, {"size": pixels(1024, 1024)}, 3_000),
        (FAL, {"size": pixels(1280, 1024), "image_count": 2}, 12_000),
        (FAL_EDIT, edit(), 25_000),
        (REPLICATE, {"image_count": 2}, 6_000),
        (REPLICATE_EDIT, edit(), 25_000),
        (QWEN, {}, 25_000),
        (TOGETHER, {"size": pixels(1024, 1024)}, 2_831),
        (TOGETHER_EDIT, edit(640, 640), 10_240),
    ],
)
async def test_an_estimate_is_the_bill(
    provider: EmulatedProvider, model: str, fields: dict[str, Any], micros: int
) -> None:
    """Told before, computed after, billed by the provider."""
    assert (await provider.room.estimate(model, **fields)).cost.amount.nanos == 1_000 * micros
    answer = await provider.room.ask(model, **fields)
    assert answer.result.cost.amount.nanos == 1_000 * micros
    assert [entry["cost_micros"] for entry in await provider.journal()] == [micros]


@pytest.mark.parametrize("model", [model.name for model in MODELS if model.operations == ("text_to_image",)], ids=str)
async def test_every_model_draws_through_the_router(provider: EmulatedProvider, model: str) -> None:
    """The size is kept, the format that was asked for comes, one call may cost money."""
    size = requests.Size(aspect=requests.AspectSize(width_ratio=1, height_ratio=1))
    answer = await provider.room.ask(model, size=size, output=requests.Output(media_type="image/png"))
    made = opened(answer.pictures[0])
    assert (made.format, made.width == made.height) == ("PNG", True)
    assert [entry["billed"] for entry in await provider.journal()] == [True]


@pytest.mark.parametrize("model", [model.name for model in MODELS if model.operations == ("edit",)])
async def test_every_model_edits_through_the_router(provider: EmulatedProvider, model: str) -> None:
    """The picture's size stays."""
    assert opened((await provider.room.ask(model, **edit(96, 64))).pictures[0]).size == (96, 64)


async def test_segments_are_masks_with_their_labels(provider: EmulatedProvider) -> None:
    """White on the thing."""
    answer = await provider.room.ask(CLOTHES, prompt="", segment=requests.Segment(image=media(plain(96, 64))))
    (started,) = answer.of("media_started")
    assert (started.role, started.label) == (medias.MEDIA_ROLE_MASK, "thing")
    assert opened(answer.pictures[0]).getpixel((5, 5)) == 255


@pytest.mark.parametrize("model", [FAL, REPLICATE, WAVESPEED])
async def test_a_job_is_told_before_any_wait_and_gone_on_with(provider: EmulatedProvider, model: str) -> None:
    """By an id that finds it again; nothing is bought twice."""
    first = (await provider.room.ask(model)).result
    again = await provider.room.ask(model, resume=first.provider_job_id)
    assert (again.kinds[0], again.result.image_count) == ("provider_accepted", 1)
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize("model", [FAL, REPLICATE, WAVESPEED])
@pytest.mark.parametrize(
    "job",
    ["x", "fal-ai/../../api/whoami", "fal-ai/a/../requests/1", "replicate/v1/predictions/a/cancel", "together/v1"],
)
async def test_a_job_of_nobody_is_not_looked_for(provider: EmulatedProvider, model: str, job: str) -> None:
    """An id becomes a path only in its own form."""
    assert reason_name((await provider.room.ask(model, resume=job)).failure.reason) == "resource_not_found"
    assert not [*await provider.journal("status"), *await provider.journal("result")]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (FAL, {}),
        (FAL, {"response_url": "https://queue.fal.run/fal-ai/flux/../../x/requests/1"}),
        (FAL, {"response_url": 7}),
        (REPLICATE, {"id": "a/b", "status": "starting"}),
        (WAVESPEED, {"data": {"urls": {"get": "https://evil.example/etc/passwd"}}}),
        (WAVESPEED, []),
    ],
)
async def test_a_job_without_an_id_leaves_the_bill_open(provider: EmulatedProvider, model: str, body: Any) -> None:
    """Nobody can look it up."""
    await provider.script({"path": "submit", "body": body})
    failure = (await provider.room.ask(model)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)


async def test_an_address_of_a_job_is_taken_by_its_path_alone() -> None:
    """Whatever host it names: the token goes to the router."""
    answer = Answer(200, {}, b'{"response_url": "https://evil.example/fal-ai/flux/requests/abc"}')
    assert jobs.submitted("fal-ai", answer) == "fal-ai/fal-ai/flux/requests/abc"
    assert jobs.status_path("fal-ai", "fal-ai/a/b/requests/1").startswith("/fal-ai/a/b/requests/1/status?")


@pytest.mark.parametrize(
    ("kind", "step"),
    [
        ("status", {"status": 500}),
        ("status", {"status": 404}),
        ("status", {"body": {}}),
        ("status", {"body": {"status": "A WORD NOBODY KNOWS"}}),
        ("status", {"garbage": True}),
        ("result", {"status": 500}),
        ("result", {"garbage": True}),
    ],
)
async def test_a_look_that_says_nothing_final_does_not_end_the_job(
    provider: EmulatedProvider, kind: str, step: dict[str, Any]
) -> None:
    """Looks are repeated, the submit is not."""
    await provider.script({"path": kind, "match": {}, "times": 2, **step})
    assert (await provider.room.ask(FAL)).result.image_count == 1
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    ("model", "prompt", "steps", "reason", "billed"),
    [
        (FAL, "nsfw", [], "content_blocked", events.BILLED_UNKNOWN),
        (FAL, "x", [{"path": "job", "status": 500}], "provider_unavailable", events.BILLED_NO),
        (
            FAL,
            "x",
            [{"path": "job", "status": 422, "body": {"detail": [{"type": "content_policy_violation", "msg": "no"}]}}],
            "content_blocked",
            events.BILLED_UNKNOWN,
        ),
        (FAL, "x", [{"path": "job", "body": {"images": []}}], "provider_answer_invalid", events.BILLED_UNKNOWN),
        (REPLICATE, "nsfw", [], "content_blocked", events.BILLED_NO),
        (REPLICATE, "x", [{"path": "job", "status": 500}], "provider_unavailable", events.BILLED_NO),
        (
            REPLICATE,
            "x",
            [{"path": "submit", "status": 201, "body": {"id": "abc", "status": "canceled"}}],
            "cancelled",
            events.BILLED_UNKNOWN,
        ),
        (WAVESPEED, "nsfw", [], "content_blocked", events.BILLED_UNKNOWN),
        (WAVESPEED, "x", [{"path": "job", "status": 500}], "provider_unavailable", events.BILLED_UNKNOWN),
    ],
)
async def test_a_job_that_gives_nothing_has_its_reason_and_its_bill(
    provider: EmulatedProvider,
    model: str,
    prompt: str,
    steps: list[dict[str, Any]],
    reason: str,
    billed: "events.Billed",
) -> None:
    """Failed, blackened, refused, empty."""
    await provider.script(*steps)
    failure = (await provider.room.ask(model, prompt=prompt)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == (reason, billed)


@pytest.mark.parametrize("url", ["https://evil.example/x.png", "http://169.254.169.254/latest"])
async def test_a_picture_on_a_foreign_host_is_not_fetched(provider: EmulatedProvider, url: str) -> None:
    """And it was charged."""
    await provider.script({"path": "job", "body": {"images": [{"url": url}]}})
    failure = (await provider.room.ask(FAL)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_YES)


PNG = base64.b64encode(picture((8, 8))).decode()


@pytest.mark.parametrize(
    "body",
    [
        {"data": [{"b64_json": PNG}]},
        {"output": [f"data:image/png;base64,{PNG}"]},
        {"images": [{"url": f"data:image/png;base64,{PNG}"}], "seed": 7},
        [{"label": "x", "mask": PNG}],
    ],
    ids=["openai", "output", "images", "masks"],
)
async def test_a_picture_is_read_in_every_shape_that_was_seen(provider: EmulatedProvider, body: Any) -> None:
    """hf-inference's answer depends on the model."""
    await provider.script({"path": "submit", "body": body})
    assert opened((await provider.room.ask(HF)).pictures[0]).size == (8, 8)


@pytest.mark.parametrize(
    "body", [{}, [], {"data": []}, {"data": [7]}, {"data": [{"b64_json": "???"}]}, [{"label": "x"}], {"output": [7]}]
)
async def test_an_answer_without_a_picture_leaves_the_bill_open(provider: EmulatedProvider, body: Any) -> None:
    """Asked once, never again."""
    await provider.script({"path": "submit", "body": body})
    failure = (await provider.room.ask(HF)).failure
    assert failure.failure is not None
    assert (reason_name(failure.reason), failure.failure.billed) == ("provider_answer_invalid", events.BILLED_UNKNOWN)
    assert len(await provider.journal()) == 1


@pytest.mark.parametrize(
    ("status", "body", "reason", "field", "pause"),
    [
        (503, {"error": "Model x is currently loading", "estimated_time": 20.0}, "provider_unavailable", None, 20),
        (503, {"error": "loading", "estimated_time": 1e6}, "provider_unavailable", None, 60),
        (400, {"error": "Model x not supported by provider fal-ai"}, "provider_model_gone", None, None),
        (
            403,
            {"error": "Access to model a/b is restricted and you are not in the list."},
            "provider_model_gone",
            None,
            None,
        ),
        (403, {"error": "Cannot access gated repo"}, "provider_model_gone", None, None),
        (422, {"error": {"message": "NSFW content was detected."}}, "content_blocked", "prompt", None),
        (422, {"detail": [{"loc": ["body", "image_size"], "msg": "no"}]}, "invalid_field", "size", None),
        (400, {"error": {"message": "no", "param": "n"}}, "invalid_field", "image_count", None),
    ],
)
def test_a_refusal_has_its_reason(
    status: int, body: dict[str, Any], reason: str, field: str | None, pause: float | None
) -> None:
    """Whichever provider's dialect it is in."""
    told = refusal(Answer(status, {}, json.dumps(body).encode()), "HF_TOKEN")
    assert told is not None
    assert (reason_name(told.reason), told.field, told.retry_after_s) == (reason, field, pause)


def test_what_is_no_dialect_is_left_to_the_kit() -> None:
    """Whatever the status."""
    for status, body in ((400, b'{"error":"bad"}'), (422, b"x"), (429, b"{}"), (503, b'{"estimated_time":true}')):
        assert refusal(Answer(status, {}, body), "") is None


async def test_the_hub_is_asked_once_for_a_name(provider: EmulatedProvider) -> None:
    """And not at all for hf-inference."""
    for model in (HF, FAL, REPLICATE, FAL):
        assert (await provider.room.ask(model)).result.image_count == 1
    assert [entry["model"] for entry in await provider.journal("models")] == [_FLUX + "schnell"]


async def test_a_name_that_is_gone_is_asked_for_again(provider: EmulatedProvider) -> None:
    """A provider that does not know its own name any more has another one."""
    await provider.room.ask(FAL)
    await provider.script({"path": "submit", "match": {}, "times": 1, "status": 404})
    assert reason_name((await provider.room.ask(FAL)).failure.reason) == "provider_model_gone"
    assert (await provider.room.ask(FAL)).result.image_count == 1
    assert len(await provider.journal("models")) == 2


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "provider_model_gone"),
        ([{"provider": "fal-ai", "providerId": "fal-ai/flux/schnell", "task": "text-to-video"}], "provider_model_gone"),
        ([{"provider": "fal-ai", "providerId": "../../api/whoami", "task": "text-to-image"}], "provider_model_gone"),
        ({"fal-ai": 7}, "provider_model_gone"),
        ([{"provider": "fal-ai", "providerId": "fal-ai/flux/schnell", "task": "text-to-image"}, 7], ""),
    ],
)
async def test_what_the_hub_says_is_checked(provider: EmulatedProvider, rows: Any, reason: str) -> None:
    """A list as well as an object; nothing was bought where it does not do."""
    await provider.script({"path": "models", "match": {}, "body": {"inferenceProviderMapping": rows}})
    answer = await provider.room.ask(FAL)
    if not reason:
        assert answer.result.image_count == 1
        return
    assert answer.failure.failure is not None
    assert (reason_name(answer.failure.reason), answer.failure.failure.outcome) == (reason, events.OUTCOME_NOT_SENT)
    assert not await provider.journal()


async def test_a_hub_that_is_down_is_not_asked_for_what_it_has_said(tmp_path: Path) -> None:
    """What was true is better than no picture; without it nothing is sent."""
    async with running("huggingface", tmp_path, names_s=0) as provider:
        await provider.room.ask(FAL)
        await provider.script({"path": "models", "match": {}, "status": 500})
        assert (await provider.room.ask(FAL)).result.image_count == 1
        failure = (await provider.room.ask("fal-ai/Qwen/Qwen-Image")).failure
        assert failure.failure is not None
        assert (failure.failure.billed, len(await provider.journal())) == (events.BILLED_NO, 2)


async def test_further_models_are_named_by_the_operator(tmp_path: Path) -> None:
    """They draw as their provider draws, at an unknown price."""
    name = "hf-inference/stabilityai/stable-diffusion-xl-base-1.0"
    (made,) = further(("nscale/Stability/SD-Next",))
    assert (made.name, made.names, made.price_source) == ("nscale/Stability/SD-Next", ("sd-next",), "")
    async with running("huggingface", tmp_path, further_models=["hf-inference/owner/new"]) as provider:
        assert (await provider.room.ask(name)).result.image_count == 1
        assert reason_name((await provider.room.ask("hf-inference/owner/new")).failure.reason) == "provider_model_gone"


@pytest.mark.parametrize(
    "name", ["owner/model", "elsewhere/owner/model", "fal-ai/../x", "fal-ai/a/b/c", "fal-ai/a/b\n"]
)
def test_a_further_model_that_is_none_is_told(name: str) -> None:
    """By the settings, which name the place."""
    with pytest.raises(ValueError, match="further_models"):
        HuggingFaceSettings(further_models=(name,))


def test_a_further_model_that_is_known_stays_as_it_is() -> None:
    """Its price among the rest."""
    assert further((HF, FAL)) == []


@pytest.mark.parametrize(
    ("given", "hub"),
    [
        ({}, "https://huggingface.co"),
        ({"base_url": "https://proxy.example/hf/"}, "https://proxy.example/hf"),
        ({"base_url": "https://proxy.example/hf", "hub_url": "https://hub.example/"}, "https://hub.example"),
    ],
)
def test_the_hub_is_where_the_router_says(given: dict[str, str], hub: str) -> None:
    """A router of one's own answers for the Hub as well, unless it is told apart."""
    assert HuggingFaceSettings(**given).hub == hub
