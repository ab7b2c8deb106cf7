"""Golden files, both ways: REST body -> ImageRequest, and events -> REST answer.

tests/golden/requests/<case>.json holds {"path", "headers"?, "body"}, <case>.textproto the ImageRequest.
tests/golden/answers/<case>.textproto holds a GenerateResponse with all events, <case>.json {"form", "answer"}.
"""

from pathlib import Path

import orjson
import pytest
from google.protobuf import text_format

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.edge.answer import Answer
from heliostat.edge.from_proto import Asked, body_pieces
from heliostat.edge.schemas import generation_body
from heliostat.edge.to_proto import PICTURE, Wish, generation_request

GOLDEN = Path(__file__).parents[1] / "golden"
REQUESTS = sorted(path.stem for path in (GOLDEN / "requests").glob("*.json"))
ANSWERS = sorted(path.stem for path in (GOLDEN / "answers").glob("*.json"))


@pytest.mark.parametrize("case", REQUESTS)
def test_body_to_request(case: str) -> None:
    """The body becomes exactly this ImageRequest."""
    given = orjson.loads((GOLDEN / "requests" / f"{case}.json").read_bytes())
    wish = Wish(openai_base=given["path"].startswith("/openai/"), strict=given.get("strict", ""))
    expected = text_format.Parse((GOLDEN / "requests" / f"{case}.textproto").read_text(), request_pb2.ImageRequest())
    assert generation_request(generation_body(given["body"]), wish) == expected


@pytest.mark.parametrize("case", ANSWERS)
def test_events_to_answer(case: str) -> None:
    """The events become exactly this JSON, and the JSON is sound."""
    text = (GOLDEN / "answers" / f"{case}.textproto").read_text()
    events = text_format.Parse(text, router_pb2.GenerateResponse()).events
    expected = orjson.loads((GOLDEN / "answers" / f"{case}.json").read_bytes())
    answer = Answer(as_base64=expected["form"] != PICTURE)
    for event in events:
        answer.take(event)
    asked = Asked("flux-schnell", request_pb2.QUALITY_HIGH, request_pb2.BACKGROUND_OPAQUE, "a" * 32, sandbox=True)
    pieces = body_pieces(
        answer,
        asked,
        form=expected["form"],
        created=1_800_000_000,
        link=lambda media_id, kept_until, sha256: f"https://here/v1/media/{media_id}?exp={kept_until}",
    )
    assert orjson.loads(b"".join(pieces)) == expected["answer"]


def test_every_field_of_the_contract_is_reached() -> None:
    """Together the golden requests set every field that a generation can set, each enum word included."""
    seen: set[str] = set()
    for case in REQUESTS:
        text = (GOLDEN / "requests" / f"{case}.textproto").read_text()
        request = text_format.Parse(text, request_pb2.ImageRequest())
        seen.update(field.name for field, _ in request.ListFields())
        seen.update(f"output.{field.name}" for field, _ in request.output.ListFields())
        seen.update(f"routing.{field.name}" for field, _ in request.routing.ListFields())
    operations = {field.name for field in request_pb2.ImageRequest.DESCRIPTOR.oneofs_by_name["operation"].fields}
    wanted = {field.name for field in request_pb2.ImageRequest.DESCRIPTOR.fields} - operations - {"references"}
    wanted |= {f"output.{field.name}" for field in request_pb2.Output.DESCRIPTOR.fields}
    wanted |= {f"routing.{field.name}" for field in request_pb2.Routing.DESCRIPTOR.fields}
    assert wanted - seen == set()
