"""?schema=true: a JSON Schema of exactly what a model takes; what it lets through, the edge lets through."""

import functools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from heliostat.api.image.v1 import capability_pb2, media_pb2, request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.edge.model_list import CAPABILITIES
from heliostat.edge.model_schema import DIALECT, model_schema
from heliostat.edge.picture_operations import PICTURE_OPERATIONS, PictureOperation
from heliostat.edge.picture_requests import Pictures
from heliostat.edge.schemas import checked, generation_body
from heliostat.edge.to_proto import Wish, generation_request
from tests.edge.conftest import Bench

_P = capability_pb2.Parameter


def target(name: str, *parameters: _P, **capability: Any) -> router_pb2.ModelTarget:
    """A target that draws."""
    capability.setdefault("operations", [capability_pb2.OPERATION_TEXT_TO_IMAGE])
    described = capability_pb2.Capability(parameters=parameters, **capability)
    return router_pb2.ModelTarget(target=f"{name}/m", provider=name, capability=described)


def enum_of(*values: str) -> _P:
    """The parameter `quality`."""
    return _P(name="quality", type=capability_pb2.PARAMETER_TYPE_ENUM, values=values)


GRID = capability_pb2.SizeRule(grid=capability_pb2.SizeRule.Grid(min_px=256, max_px=1536, step_px=16))
EXACT = capability_pb2.SizeRule(
    exact=capability_pb2.SizeRule.Exact(sizes=[request_pb2.PixelSize(width_px=1024, height_px=768)])
)
MODEL = router_pb2.Model(
    name="m",
    aliases=["m-latest"],
    targets=[
        target(
            "a",
            enum_of("low", "high"),
            _P(name="seed", type=capability_pb2.PARAMETER_TYPE_INTEGER),
            _P(
                name="steps",
                type=capability_pb2.PARAMETER_TYPE_INTEGER,
                minimum=1,
                maximum=50,
                provider_option=True,
                description="Steps",
            ),
            sizes=GRID,
            max_prompt_chars=100,
            media_types=["image/png"],
        ),
        target("b", enum_of("medium"), sizes=EXACT, max_prompt_chars=200, media_types=["image/jpeg"]),
    ],
)


def drawing(model: router_pb2.Model = MODEL) -> dict[str, Any]:
    """What the schema says of text to image."""
    schema = model_schema(model)
    Draft202012Validator.check_schema(schema)
    told: dict[str, Any] = schema["$defs"]["text_to_image"]
    return told


def test_what_no_target_honours_is_not_in_it() -> None:
    """A word stands where a target honours it; who, where not all of them do."""
    properties = drawing()["properties"]
    assert "negative_prompt" not in properties
    assert properties["seed"]["x-heliostat-targets"] == ["a/m"]
    assert "x-heliostat-targets" not in properties["quality"]


def test_values_are_those_of_all_targets_together() -> None:
    """standard and hd are other words for medium and high."""
    properties = drawing()["properties"]
    assert properties["quality"]["enum"] == ["auto", "low", "medium", "high", "standard", "hd"]
    assert properties["prompt"]["maxLength"] == 200
    assert properties["model"]["enum"] == ["m", "m-latest", "a/m", "b/m"]
    assert properties["output_format"]["x-heliostat-native"] == ["jpeg", "png"]


def test_sizes_that_need_no_change_are_told() -> None:
    """By target, for they differ."""
    assert drawing()["properties"]["size"]["x-heliostat-native"] == {
        "a/m": {"min_px": 256, "max_px": 1536, "step_px": 16},
        "b/m": {"sizes": ["1024x768"]},
    }
    plain = router_pb2.Model(name="m", targets=[target("a")])
    assert not {"size", "aspect_ratio", "resolution"} & drawing(plain)["properties"].keys()


def test_options_of_providers_are_told() -> None:
    """Each under its provider, with bounds."""
    told = drawing()["properties"]["provider_options"]["properties"]
    assert told["a"]["properties"] == {
        "steps": {"description": "Steps", "type": "integer", "minimum": 1, "maximum": 50}
    }
    assert told["b"]["properties"] == {}


def test_one_definition_for_each_operation() -> None:
    """A model that also edits has two, and says where each is asked."""
    edit = target("c", operations=[capability_pb2.OPERATION_EDIT], mask=capability_pb2.MASK_SUPPORT_EXACT)
    schema = model_schema(router_pb2.Model(name="m", targets=[MODEL.targets[0], edit]))
    assert schema["$schema"] == DIALECT
    assert schema["anyOf"] == [{"$ref": "#/$defs/text_to_image"}, {"$ref": "#/$defs/edit"}]
    assert schema["$defs"]["edit"]["x-heliostat-path"] == "/v1/images/edits"
    assert "mask_mode" in schema["$defs"]["edit"]["properties"]


_NAMES = st.text("abc/", min_size=1, max_size=8)


def values_of(told: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a property's schema lets through."""
    if "enum" in told:
        return st.sampled_from(told["enum"])
    if "pattern" in told and told["pattern"].startswith("^"):
        return st.from_regex(told["pattern"], fullmatch=True, alphabet="0123456789x:auto")
    match told.get("type"):
        case "integer":
            return st.integers(told.get("minimum"), told.get("maximum"))
        case "number":
            least = told.get("minimum", told.get("exclusiveMinimum"))
            return st.floats(least, told.get("maximum"), exclude_min="exclusiveMinimum" in told)
        case "boolean":
            return st.booleans()
        case "string":
            return st.text("wörter .", min_size=told.get("minLength", 0), max_size=50).map(lambda text: text + "w")
        case "array":
            return st.lists(_NAMES, max_size=4)
    return st.just({})


_LEFT_OUT = {"stream", "partial_images", "delivery", "response_format"}  # they speak of each other


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    """Bodies that the schema lets through."""
    properties = {name: told for name, told in drawing()["properties"].items() if name not in _LEFT_OUT}
    words = {name: values_of(told) for name, told in properties.items()}
    needed = {name: words.pop(name) for name in ("model", "prompt")}
    return st.fixed_dictionaries(needed, optional=words)


@given(bodies())
def test_what_it_lets_through_is_taken(body: dict[str, Any]) -> None:
    """The edge makes a request of every body that the schema lets through."""
    Draft202012Validator(model_schema(MODEL)).validate(body)
    request = generation_request(generation_body(body), Wish())
    assert request.model == body["model"]


WORKING = router_pb2.Model(
    name="m",
    targets=[
        target(
            "a",
            *(_P(name=name) for name in ("strength", "similarity", "creativity", "style", "feather", "seed")),
            operations=[each.operation for each in PICTURE_OPERATIONS],
            mask=capability_pb2.MASK_SUPPORT_EXACT,
            max_reference_count=3,
            sizes=GRID,
        )
    ],
)
PICTURES: dict[str, Any] = {"images": ["data:image/png;base64,iVBORw0KGgo="]}
SPECIAL = {"scale_factor": 2.5, "points": [{"x": 1, "y": 2}], "boxes": [{"left": 1, "top": 2, "right": 3, "bottom": 4}]}
NEEDED: dict[str, dict[str, Any]] = {"styles": {"style": "ink"}, "outpaints": {"top": 7}, "edits": {"prompt": "p"}}


def working(operation: PictureOperation, model: router_pb2.Model = WORKING) -> tuple[dict[str, Any], Any]:
    """What the schema says of work on pictures, and something that holds bodies to it."""
    schema = model_schema(model)
    Draft202012Validator.check_schema(schema)
    name = capability_pb2.Operation.Name(operation.operation).removeprefix("OPERATION_").lower()
    own = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
    return schema["$defs"][name], Draft202012Validator(own)


@functools.cache
def work(path: str) -> tuple[st.SearchStrategy[dict[str, Any]], Any]:
    """Bodies of an operation, and what holds them to its schema."""
    operation = next(each for each in PICTURE_OPERATIONS if each.path == path)
    told, validator = working(operation)
    assert told["x-heliostat-path"] == f"/v1{path}"
    words = {
        name: st.just(SPECIAL[name]) if name in SPECIAL else values_of(each)
        for name, each in told["properties"].items()
        if name not in _LEFT_OUT and name not in ("model", "images", *operation.beside)
    }
    return st.fixed_dictionaries({}, optional=words), validator


@pytest.mark.parametrize("operation", PICTURE_OPERATIONS, ids=lambda each: each.path)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_it_lets_through_of_work_on_pictures_is_taken(operation: PictureOperation, data: st.DataObject) -> None:
    """Every operation has a schema with its pictures; the edge makes a request of what that lets through."""
    words, validator = work(operation.path)
    body = {**data.draw(words), "model": "m", **PICTURES, **NEEDED.get(operation.path.rpartition("/")[2], {})}
    if "scale_factor" in body:
        body.pop("size", None)
    validator.validate(body)
    picture = media_pb2.Media(uri="https://example.com/a.png")
    fields = {name: value for name, value in body.items() if name != "images"}
    request = operation.request(checked(operation.body, fields), Pictures([picture]), Wish())
    assert request.WhichOneof("operation") != "text_to_image"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("edits", {"prompt": "p", "images": []}),
        ("edits", {"prompt": "p", "images": ["data:image/png;base64,x"] * 5}),
        ("edits", {"prompt": "p", "images": ["ftp://example.com"]}),
        ("edits", {"prompt": "p", "images": [{"file_id": "../x"}]}),
        ("edits", {"images": ["https://example.com/a.png"]}),
        ("upscales", {**PICTURES, "scale_factor": 1}),
        ("upscales", {**PICTURES, "scale_factor": 2, "size": "64x64"}),
        ("upscales", {**PICTURES, "mask": PICTURES["images"][0]}),
        ("styles", PICTURES),
        ("styles", {**PICTURES, "prompt": " "}),
        ("outpaints", PICTURES),
        ("outpaints", {**PICTURES, "left": 0}),
        ("segments", {**PICTURES, "points": [{"x": 1}]}),
        ("variations", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value)[:40],
)
def test_work_that_makes_no_sense_is_refused(path: str, body: dict[str, Any]) -> None:
    """Missing pictures, too many of them, and words that exclude each other."""
    operation = next(each for each in PICTURE_OPERATIONS if each.path == f"/images/{path}")
    assert not working(operation)[1].is_valid({"model": "m", **body})


def test_a_model_without_masks_tells_of_none() -> None:
    """Nor of more references than a target takes."""
    edit = next(each for each in PICTURE_OPERATIONS if each.path == "/images/edits")
    plain = router_pb2.Model(name="m", targets=[target("a", operations=[capability_pb2.OPERATION_EDIT])])
    properties = working(edit, plain)[0]["properties"]
    assert "mask" not in properties
    assert properties["images"]["maxItems"] == 1
    assert "mask" in working(edit)[0]["properties"]
    assert working(edit)[0]["properties"]["images"]["maxItems"] == 4


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m"},
        {"model": "other", "prompt": "p"},
        {"model": "m", "prompt": " "},
        {"model": "m", "prompt": "p", "n": 11},
        {"model": "m", "prompt": "p", "size": "16385x1"},
        {"model": "m", "prompt": "p", "quality": "max"},
        {"model": "m", "prompt": "p", "negative_prompt": "fog"},
        {"model": "m", "prompt": "p", "provider_options": {"a": {"steps": 51}}},
        {"model": "m", "prompt": "p", "provider_options": {"b": {"steps": 1}}},
        {"model": "m", "prompt": "p" * 201},
    ],
    ids=lambda body: str(sorted(body)[-1]) + str(len(str(body))),
)
def test_what_no_target_takes_is_refused(body: dict[str, Any]) -> None:
    """Missing, unknown and out of bounds."""
    assert not Draft202012Validator(model_schema(MODEL)).is_valid(body)


async def test_it_is_served(bench: Bench) -> None:
    """GET /v1/models/{id}?schema=true; without the word the model itself."""
    answer = await bench.client.get("/v1/models/flux-schnell?schema=true")
    assert answer.headers["content-type"] == "application/schema+json"
    Draft202012Validator.check_schema(answer.json())
    assert answer.json()["title"] == "flux-schnell"
    assert (await bench.client.get("/v1/models/flux-schnell?schema=false")).json()["object"] == "model"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("capabilities=text_to_image", 1),
        ("capabilities=text_to_image,edit", 0),
        ("capabilities=mask", 0),
        ("provider=fal", 1),
        ("provider=openai", 0),
        ("capabilities=text_to_image&provider=fal", 1),
        ("", 1),
    ],
)
async def test_models_are_chosen_by_capability(bench: Bench, query: str, count: int) -> None:
    """Only models with one target that can do all that is asked."""
    answer = await bench.client.get(f"/v1/models?{query}")
    assert len(answer.json()["data"]) == count


async def test_an_unknown_capability_is_told(bench: Bench) -> None:
    """With those that there are."""
    answer = await bench.client.get("/v1/models?capabilities=fly")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"] == "capabilities"
    assert all(name in error["message"] for name in CAPABILITIES)


async def test_llms_txt_tells_what_is_served(bench: Bench) -> None:
    """A line for each model, in plain text."""
    answer = await bench.client.get("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("# Heliostat\n")
    assert "- flux-schnell (text to image; fal)" in answer.text.splitlines()
