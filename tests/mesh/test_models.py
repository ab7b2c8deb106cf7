"""What the sandbox says of its models: each schema is sound and true, each target has prices, each name leads."""

import base64
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from heliostat.launch.sandbox import emulated
from tests.support.mesh import Mesh, mesh

# What a price may be counted in, and of what.
UNITS = {"image", "megapixel", "million_tokens", "second", "request", "step", "tile"}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Mesh]:
    """A whole mesh over emulated providers."""
    async with mesh(tmp_path) as started:
        yield started


async def listed(running: Mesh, query: str = "") -> list[dict[str, Any]]:
    """The models, as they are listed."""
    answer = await running.http.get(f"/v1/models{query}")
    assert answer.status_code == 200
    models: list[dict[str, Any]] = answer.json()["data"]
    return models


async def test_every_models_schema_is_sound_and_says_where_to_ask(running: Mesh) -> None:
    """One definition for each operation, at a path of the API; who draws takes what the schema lets through."""
    paths = (await running.http.get("/openapi.json")).json()["paths"]
    for model in await listed(running):
        answer = await running.http.get(f"/v1/models/{model['id']}?schema=true")
        assert answer.status_code == 200, model["id"]
        schema = answer.json()
        Draft202012Validator.check_schema(schema)
        asked = {name: told for name, told in schema["$defs"].items() if "x-heliostat-path" in told}
        assert asked.keys() <= set(model["capabilities"])
        assert len(schema["anyOf"]) == len(asked) > 0, model["id"]
        assert {told["x-heliostat-path"] for told in asked.values()} <= paths.keys()
        if "text_to_image" in asked:
            body = {"model": model["id"], "prompt": "A sunset over mountains"}
            Draft202012Validator(schema).validate(body)
            estimate = await running.http.post("/v1/images/generations?dryRun=true", json=body)
            assert estimate.status_code == 200, estimate.text


async def test_every_target_has_the_prices_that_are_published(running: Mesh) -> None:
    """In units that there are; the least one stands for the model. Free is what costs 0, not what nobody published."""
    priced = 0
    targets = [target for model in await listed(running) for target in model["targets"]]
    for model in await listed(running):
        assert model["targets"], model["id"]
        assert model["modality"] == "image"
        prices = [price for target in model["targets"] for price in target["prices"]]
        for target in model["targets"]:
            assert target["target"].startswith(f"{target['provider']}/")
            priced += bool(target["prices"])
        assert {price["per"] for price in prices} <= UNITS
        assert model["free"] is (bool(prices) and not any(price["usd"] for price in prices))
        whole = [price["usd"] for price in prices if price["per"] in ("image", "megapixel", "request")]
        if model["starting_price"] is None:
            assert all(price["per"] in ("million_tokens", "second", "step", "tile") for price in prices), model["id"]
        else:
            assert min(whole) <= model["starting_price"]["usd"] <= max(whole)
    assert priced / len(targets) > 0.9


async def test_every_name_of_a_model_leads_to_it(running: Mesh) -> None:
    """Its own and its aliases."""
    models = await listed(running)
    assert any(model["aliases"] for model in models)
    for model in models:
        for alias in model["aliases"]:
            answer = await running.http.get(f"/v1/models/{alias}")
            assert answer.json()["id"] == model["id"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("flux-schnel", "flux-schnell"), ("gpt-imag-2", "gpt-image-2"), ("studoi", "studio"), ("nothing-like-it", "")],
)
async def test_a_misspelt_name_is_told_what_was_meant(running: Mesh, name: str, meant: str) -> None:
    """Where there is something near, the same by GET and by POST."""
    got = await running.http.get(f"/v1/models/{name}")
    posted = await running.generate(model=name, prompt="x")
    for answer in (got, posted):
        assert answer.status_code == 404
        error = answer.json()["error"]
        assert (error["code"], error["param"]) == ("model_not_found", "model")
        assert ("did you mean" in error["message"]) is bool(meant)
        assert meant in error["message"]


async def test_models_are_chosen_by_what_they_can_do(running: Mesh) -> None:
    """Each that is listed has a target that can do all of it, and none is left out that has one alone."""
    everything = await listed(running)
    for wanted in ("segment", "upscale", "edit,mask", "text_to_image,seed", "remove_background"):
        chosen = {model["id"] for model in await listed(running, f"?capabilities={wanted}")}
        able = {model["id"] for model in everything if set(wanted.split(",")) <= set(model["capabilities"])}
        single = {model["id"] for model in everything if model["id"] in able and len(model["targets"]) == 1}
        assert single <= chosen <= able, wanted
        assert chosen


async def test_llms_txt_has_a_line_for_each_model(running: Mesh) -> None:
    """Without a name that is not served."""
    text = (await running.http.get("/llms.txt")).text
    names = {line[2:].split(":")[0].split(" ")[0] for line in text.splitlines() if line.startswith("- ")}
    assert {model["id"] for model in await listed(running)} <= names


@pytest.mark.parametrize("model", ["sam-3", "evf-sam", "studio"])
async def test_a_thing_is_found_by_its_name(running: Mesh, model: str) -> None:
    """On a real picture: the half of that colour is white in the mask, the other one black."""
    halves, file = Image.new("RGB", (256, 256), "red"), io.BytesIO()
    halves.paste((0, 0, 255), (128, 0, 256, 256))
    halves.save(file, "PNG")
    answer = await running.http.post(
        "/v1/images/segments",
        data={"model": model, "labels": "red", "response_format": "b64_json"},
        files={"image": ("halves.png", file.getvalue())},
    )
    (found,) = answer.json()["data"]
    mask = Image.open(io.BytesIO(base64.b64decode(found["b64_json"]))).convert("L")
    assert found["label"] == "red"
    assert (mask.getpixel((40, 128)), mask.getpixel((210, 128))) == (255, 0)


async def test_every_provider_of_the_sandbox_is_shown(running: Mesh) -> None:
    """Those that stand in no route of the sandbox's own too, each up, with models under the names that others use."""
    providers = (await running.http.get("/v1/providers")).json()["data"]
    shown = {provider["id"] for provider in providers if provider["status"] == "up"}
    models = await listed(running)
    serving = {target["provider"] for model in models for target in model["targets"]}
    assert set(emulated()) <= shown
    assert set(emulated()) <= serving
    assert len(models) == len({model["id"] for model in models})


async def test_a_model_without_a_route_fails_over_from_the_cheapest_provider(running: Mesh) -> None:
    """Under a name that people use for it, with an adjustment that says so."""
    (model,) = [each for each in await listed(running) if each["id"] == "flux-1.1-pro-ultra"]
    first, second = (target["provider"] for target in model["targets"][:2])
    await running.script(first, {"path": "submit", "status": 503})
    body = {"model": "flux-ultra", "prompt": "A sunset over mountains"}
    answer = await running.http.post("/v1/images/generations", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()["metadata"]
    assert [attempt["provider"] for attempt in told["attempts"]] == [first, second]
    (renamed,) = [each for each in told["adjustments"] if each["parameter"] == "model"]
    assert (renamed["requested"], renamed["sent"]) == ("flux-ultra", "flux-1.1-pro-ultra")
