"""Pictures come out of JSON without parsing them, and go out in chunks."""

import base64
import os

import pytest

from heliostat.adapters.sdk.finishing import Finished
from heliostat.adapters.sdk.media import CHUNK_BYTES, decode_base64, read_json_pictures, write_picture
from heliostat.adapters.sdk.outbox import MESSAGE_BYTES, Outbox
from heliostat.adapters.sdk.result import image
from heliostat.adapters.sdk.structure import Shape
from heliostat.api.image.v1 import event_pb2
from heliostat.conformance.grammar import check_adapter_stream, check_message

DATA = os.urandom(5000)
TEXT = base64.b64encode(DATA)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TEXT, "plain"),
        (b"\\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)), "newlines, as JSON writes them"),
        (base64.urlsafe_b64encode(DATA), "url-safe"),
        (b"data:image/png;base64," + TEXT, "a data URI"),
        (TEXT.rstrip(b"="), "unpadded"),
        (TEXT.replace(b"/", b"\\/"), "escaped slashes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_base64_is_read_as_providers_write_it(text: bytes, why: str) -> None:
    """Newlines, url-safe letters, data URIs, missing padding."""
    assert decode_base64(text) == DATA


@pytest.mark.parametrize("text", [b"", b"A", b"A===", b"<html>", TEXT[:-3], b"!!!!" + TEXT])
def test_what_is_not_base64_is_refused(text: bytes) -> None:
    """A text that was cut in the middle of a group is one of these."""
    with pytest.raises(ValueError, match="base64"):
        decode_base64(text)


def test_long_texts_are_cut_out_and_the_rest_is_parsed() -> None:
    """Two pictures, one address, and what stands around them."""
    body = b'{"created": 7, "data": [{"b64_json" : "%s"}, {"b64_json":"%s", "revised_prompt":"b64_json"}], "n":null}'
    pictures = read_json_pictures(body % (TEXT, TEXT[::-1].replace(b"=", b"A")))
    first, second = pictures.rest["data"]
    assert pictures.picture(first["b64_json"]) == DATA
    assert len(pictures.encoded) == 2
    assert second["revised_prompt"] == "b64_json"
    assert pictures.rest["created"] == 7


def test_a_short_text_stays_in_the_json_and_is_read_from_there() -> None:
    """A tiny picture is not worth cutting out."""
    pictures = read_json_pictures(b'{"data":[{"b64_json":"aGVsbG8="}]}')
    assert pictures.picture(pictures.rest["data"][0]["b64_json"]) == b"hello"


def test_a_prompt_that_names_the_key_fools_nobody() -> None:
    """An escaped quote before the key means that it is text."""
    body = b'{"prompt":"\\"b64_json\\": \\"x","data":[{"b64_json":"%s"}]}' % TEXT
    pictures = read_json_pictures(body)
    assert pictures.picture(pictures.rest["data"][0]["b64_json"]) == DATA


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"<html>", b'{"data":[{"b64_json":"' + TEXT, b"[" * 10_000]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    """Among them a body that was cut inside of a picture."""
    with pytest.raises(ValueError, match="JSON"):
        read_json_pictures(body)


@pytest.mark.parametrize("place", [None, 3, "", {}, "\x000", "\x00-1", "\x00x"])
def test_a_place_without_text_holds_no_picture(place: object) -> None:
    """Null and other values are errors of the provider's."""
    with pytest.raises(ValueError, match="base64"):
        read_json_pictures(b"{}").picture(place)


@pytest.mark.parametrize("size", [1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES + 7])
async def test_a_picture_is_cut_into_chunks_that_keep_the_grammar(size: int) -> None:
    """Chunks are whole multiples of 3 and messages stay under their limit."""
    outbox, data = Outbox("r/0/1"), os.urandom(size)
    write_picture(outbox, Finished(image(data, seed=4, revised_prompt="so"), Shape("image/png", 3, 2)))
    result = outbox.add().completed
    result.image_count = 1
    outbox.close()
    events: list[event_pb2.ImageEvent] = []
    while (message := await outbox.take()) is not None:
        check_message(message.events)
        events.extend(message.events)
    check_adapter_stream(events, "r/0/1")
    assert b"".join(event.media_chunk.data for event in events) == data
    (ended,) = [event.media_ended for event in events if event.HasField("media_ended")]
    assert (ended.seed, ended.revised_prompt, ended.size_bytes) == (4, "so", size)
    assert CHUNK_BYTES % 3 == 0
    assert MESSAGE_BYTES >= CHUNK_BYTES
