"""Golden tables: every field of every REST body beside what it becomes in the ImageRequest, read both ways.

tests/golden/fields/<operation>.json holds {"path", "form", "bare", "proto", "rows"}: the least body, the request that
it becomes, and a row for each field and value with what that adds to the request. Rows of common.json hold for every
operation, where its own rows do not say otherwise of the same field and value. "@png" is a picture, as a data URL or as
a file. A row that `reads_as` another one means the same by another word; one whose `proto` is null is refused.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.edge.picture_operations import PICTURE_OPERATIONS
from heliostat.edge.schemas import GenerationBody, ImageBody, RoutingBody
from tests.edge.conftest import Bench

FIELDS = Path(__file__).parents[1] / "golden" / "fields"
COMMON: list[dict[str, Any]] = orjson.loads((FIELDS / "common.json").read_bytes())
TABLES = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(FIELDS.glob("*.json")) if path.stem != "common"}
PNG = b"\x89PNG\r\n\x1a\n"
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
BODIES: dict[str, type[ImageBody]] = {
    "/v1/images/generations": GenerationBody,
    **{f"/v1{each.path}": each.body for each in PICTURE_OPERATIONS},
}
BESIDE = {f"/v1{each.path}": each.beside for each in PICTURE_OPERATIONS}

# Fields of the contract that no word of a body reaches, and why.
WITHOUT_A_WORD = {
    "references.role": "the pictures of an edit are references of no particular kind",
    "references.weight": "as above",
}
# Fields of pictures are the same wherever one stands; these are made by the edge and the ledger, not said by callers.
OF_PICTURES = {"blob_id": "large pictures, see test_edits", "sha256": "as above"}


def rows_of(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows that hold for an operation."""
    own = [(row["field"], row["value"]) for row in table["rows"]]
    yield from table["rows"]
    yield from (row for row in COMMON if (row["field"], row["value"]) not in own)


def body_of(table: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The least body with the row's field in it."""
    bare = {name: value for name, value in table["bare"].items() if name not in row.get("instead", ())}
    return {**bare, **row.get("with", {}), row["field"]: row["value"]}


def expected(table: dict[str, Any], row: dict[str, Any]) -> router_pb2.GenerateRequest:
    """What the ledger is to be asked."""
    ask = router_pb2.GenerateRequest(image=text_format.Parse(table["proto"], request_pb2.ImageRequest()))
    more = text_format.Parse(row["proto"], request_pb2.ImageRequest())
    operation = ask.image.WhichOneof("operation")
    assert more.WhichOneof("operation") in (None, operation)
    if row["field"] in ("image", "mask", "style_image") and operation is not None:
        # A picture takes the place of the one that stands there: merging would mix them.
        for name in ("image", "mask", "style"):
            if name in _names(more, operation):
                getattr(ask.image, operation).ClearField(name)
    ask.image.MergeFrom(more)
    if "ask" in row:
        text_format.Merge(row["ask"], ask)
    return ask


def _names(image: request_pb2.ImageRequest, operation: str) -> set[str]:
    return {field.name for field, _ in getattr(image, operation).ListFields()}


def as_json(value: Any) -> Any:
    """The value with its pictures as data URLs."""
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return DATA_URL if value == "@png" else value


def as_form(body: dict[str, Any]) -> tuple[dict[str, Any], list[tuple[str, tuple[str, bytes, str]]]]:
    """The body as fields and files of a form."""
    fields: dict[str, Any] = {}
    files = []
    for name, value in body.items():
        for each in value if isinstance(value, list) and name.startswith("image") else [value]:
            if each == "@png":
                files.append((name, ("p.png", PNG, "image/png")))
            elif isinstance(each, str):
                fields[name] = each
            else:
                fields[name] = orjson.dumps(each).decode()
    # Without a file httpx would send another kind of form.
    return fields, files or [("unused", ("", b"", "application/octet-stream"))]


def told(ask: router_pb2.GenerateRequest) -> router_pb2.GenerateRequest:
    """The part of what was asked that a body decides."""
    return router_pb2.GenerateRequest(image=ask.image, progressive=ask.progressive)


async def becomes(bench: Bench, table: dict[str, Any], row: dict[str, Any], *, form: bool) -> Any:
    """What the ledger is asked for a row; the error where it is refused."""
    bench.ledger.reset()
    body = body_of(table, row)
    if form:
        fields, files = as_form(body)
        answer = await bench.client.post(table["path"], data=fields, files=files)
    else:
        answer = await bench.client.post(table["path"], json={name: as_json(value) for name, value in body.items()})
    if answer.status_code != 200:
        return answer.json()["error"]["param"]
    return told(bench.ledger.asked[0])


FORMS = [(name, form) for name, table in TABLES.items() for form in ((False, True) if table["form"] else (False,))]


@pytest.mark.parametrize(("name", "form"), FORMS, ids=lambda value: {True: "form", False: "json"}.get(value, value))
async def test_every_row(bench: Bench, name: str, form: bool) -> None:
    """Each field adds to the least request exactly what its row says, in JSON and in a form."""
    table = TABLES[name]
    wrong = {}
    for row in rows_of(table):
        if row.get("json_only" if form else "form_only"):
            continue
        became = await becomes(bench, table, row, form=form)
        wanted = row["field"] if row["proto"] is None else expected(table, row)
        if became != wanted:
            wrong[f"{row['field']}={row['value']}"] = became
    assert wrong == {}


def _bytes(ask: router_pb2.GenerateRequest) -> bytes:
    return ask.SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", TABLES)
def test_no_two_rows_mean_the_same(name: str) -> None:
    """From a request back to its field and value there is one way; other words for the same say so."""
    table = TABLES[name]
    rows = [row for row in rows_of(table) if row["proto"] is not None]
    nothing = _bytes(expected(table, {"field": "", "proto": ""}))
    plain = [(_bytes(expected(table, row)), row["field"], row["value"]) for row in rows if "reads_as" not in row]
    back = {made: (field, value) for made, field, value in plain}
    assert len(back) == len(plain)
    assert nothing not in back
    for row in rows:
        made = _bytes(expected(table, row))
        if "reads_as" in row:
            assert made == nothing or made in back, row
        else:
            assert back[made] == (row["field"], row["value"])


@pytest.mark.parametrize("path", BODIES)
def test_every_field_of_a_body_has_a_row(path: str) -> None:
    """Words, words of enums, and the fields that hold pictures."""
    rows = [row for table in TABLES.values() if table["path"] == path for row in rows_of(table)]
    schema = BODIES[path].model_json_schema()
    for name, field in schema["properties"].items():
        values = [row["value"] for row in rows if row["field"] == name]
        assert values, name
        enums = [kind["enum"] for kind in field.get("anyOf", [field]) if "enum" in kind]
        for word in (word for enum in enums for word in enum):
            assert word in values, (name, word)
    pictures = {"image", *BESIDE[path]} if path in BESIDE else set()
    assert pictures <= {row["field"] for row in rows}


def test_every_preference_of_routing_has_a_row() -> None:
    """provider is an object of its own."""
    told_of = {name for row in COMMON if row["field"] == "provider" for name in row["value"]}
    assert told_of == set(RoutingBody.model_fields)


def _is_ours(kind: Any) -> bool:
    """True for a message that is looked into; maps, free-form objects, times and money are values of their own."""
    return kind is not None and kind.full_name.startswith("heliostat.") and not kind.GetOptions().map_entry


def _leaves(descriptor: Any, prefix: str = "") -> Iterator[str]:
    """Paths of all fields below a message."""
    for field in descriptor.fields:
        path = prefix + field.name
        kind = field.message_type
        if kind is not None and _is_ours(kind) and kind.fields:
            yield from _leaves(kind, f"{path}.")
        else:
            yield path


def _set(message: Any, prefix: str = "") -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """(path, field, value) of everything that is set in a message."""
    for field, value in message.ListFields():
        path = prefix + field.name
        yield path, field, value
        if _is_ours(field.message_type):
            for each in [value] if hasattr(value, "ListFields") else value:
                yield from _set(each, f"{path}.")


def _said() -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """Everything that the rows set in a request."""
    for table in TABLES.values():
        for row in rows_of(table):
            if row["proto"] is not None:
                yield from _set(expected(table, row).image)


def test_every_field_of_the_contract_has_a_row() -> None:
    """Whatever an ImageRequest can hold is said by some row, or the reason stands here why not."""
    reached = {path for path, _, _ in _said()}
    unreached = set(_leaves(request_pb2.ImageRequest.DESCRIPTOR)) - reached
    assert {path for path in unreached if path.rpartition(".")[2] not in OF_PICTURES} == set(WITHOUT_A_WORD)
    assert not {path for path in reached if path.rpartition(".")[2] in OF_PICTURES}
    assert not reached & set(WITHOUT_A_WORD)


def test_every_value_of_the_contracts_enums_has_a_row() -> None:
    """But for those that stand for nothing said."""
    said = {(field.enum_type.name, value) for _, field, value in _said() if field.enum_type is not None}
    enums = ("Quality", "Background", "Moderation", "Strict", "Sort", "OnUnknown", "MaskMode", "SizeTier", "Delivery")
    for name in enums:
        values = set(request_pb2.DESCRIPTOR.enum_types_by_name[name].values_by_number) - {0}
        assert values == {value for enum, value in said if enum == name}, name
