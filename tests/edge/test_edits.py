"""POST /v1/images/edits on a real socket."""

import asyncio
import base64
import hashlib
from typing import Any

import orjson
import pytest

from heliostat.api.image.v1 import request_pb2
from tests.edge.conftest import Bench, OpenBench, raw_exchange
from tests.edge.scripted_ledger import PNG

JPEG = b"\xff\xd8\xff\xe0" + b"j" * 60
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 " + b"w" * 60
GIF = b"GIF89a" + b"g" * 60
AVIF = b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1" + b"a" * 60
WORDS = {"model": "gpt-image-2", "prompt": "Make the sky pink", "response_format": "url"}
Files = list[tuple[str, tuple[str, bytes, str]]]


def a_file(name: str, data: bytes, filename: str = "p.png") -> tuple[str, tuple[str, bytes, str]]:
    """One file part."""
    return (name, (filename, data, "application/octet-stream"))


@pytest.mark.parametrize(
    "names", [["image"], ["image", "image"], ["image[]", "image[]"], ["image[0]", "image[1]", "image[2]"], ["images"]]
)
async def test_pictures_under_every_name(bench: Bench, names: list[str]) -> None:
    """image, image[] and image[0] all work; the first is changed, the others are references."""
    pictures = [PNG, JPEG, WEBP][: len(names)]
    files = [a_file(name, data) for name, data in zip(names, pictures, strict=True)]
    answer = await bench.client.post("/v1/images/edits", data=WORDS, files=files)
    assert answer.status_code == 200
    image = bench.ledger.asked[0].image
    assert image.edit.image.data == PNG
    assert [reference.image.data for reference in image.references] == pictures[1:]
    assert not image.edit.HasField("mask")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp"), (GIF, "image/gif"), (AVIF, "image/avif")],
)
async def test_the_type_is_read_from_the_bytes(bench: Bench, data: bytes, media_type: str) -> None:
    """Neither the part's type nor its file name is believed."""
    files = [a_file("image", data, "../../etc/passwd.svg")]
    answer = await bench.client.post("/v1/images/edits", data=WORDS, files=files)
    assert answer.status_code == 200
    assert bench.ledger.asked[0].image.edit.image.media_type == media_type


async def test_mask_and_words(bench: Bench) -> None:
    """The mask, its mode and the form's words arrive; empty fields count as not sent."""
    words = {
        **WORDS,
        "n": "2",
        "seed": "7",
        "size": "",
        "quality": " ",
        "strength": "0.5",
        "mask_mode": "white",
        "mask_feather": "4",
        "input_fidelity": "high",
        "tags": '{"team": "a"}',
        "strict": "refuse",
    }
    files = [a_file("image", PNG), a_file("mask", PNG + b"m"), ("unused", ("", b"", "application/octet-stream"))]
    answer = await bench.client.post("/v1/images/edits", data=words, files=files)
    assert answer.status_code == 200
    image = bench.ledger.asked[0].image
    assert image.edit.mask.data == PNG + b"m"
    assert image.edit.mask_mode == request_pb2.MASK_MODE_WHITE_REPAINTS
    assert (image.edit.strength, image.edit.feather_px, image.seed, image.image_count) == (0.5, 4, 7, 2)
    assert dict(image.tags) == {"team": "a"}
    assert dict(image.extra_fields) == {"input_fidelity": "high"}
    assert not image.HasField("size")


async def test_an_empty_mask_is_no_mask(bench: Bench) -> None:
    """Clients that send an empty mask file mean none."""
    answer = await bench.client.post("/v1/images/edits", data=WORDS, files=[a_file("image", PNG), a_file("mask", b"")])
    assert answer.status_code == 200
    assert not bench.ledger.asked[0].image.edit.HasField("mask")


def data_url(data: bytes) -> str:
    """The bytes as a data URL."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "pictures",
    [
        {"images": [{"image_url": data_url(PNG)}, {"image_url": "https://example.com/b.png"}]},
        {"images": [data_url(PNG), "https://example.com/b.png"]},
        {"image": [data_url(PNG), {"url": "https://example.com/b.png"}]},
        {"image": data_url(PNG), "images": [{"image_url": {"url": "https://example.com/b.png"}}]},
    ],
)
async def test_pictures_in_json(bench: Bench, pictures: dict[str, Any]) -> None:
    """Data URLs and addresses, as OpenAI's JSON form writes them and as people write them."""
    body = {**WORDS, **pictures, "mask": {"image_url": data_url(PNG)}}
    answer = await bench.client.post("/v1/images/edits", json=body)
    assert answer.status_code == 200, answer.text
    image = bench.ledger.asked[0].image
    sources = {image.edit.image.data, image.edit.image.uri, *(part.image.data for part in image.references)}
    sources |= {part.image.uri for part in image.references}
    assert sources == {PNG, b"", "", "https://example.com/b.png"}
    assert image.edit.mask.data == PNG


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_field", "image"),
        ({"images": []}, "invalid_field", "image"),
        ({"images": ["ftp://example.com/a.png"]}, "invalid_field", "images.0"),
        ({"images": ["https://example.com/" + "a" * 9000]}, "invalid_field", "images.0"),
        ({"images": [7]}, "invalid_field", "images.0"),
        ({"images": ["data:image/png,plain"]}, "invalid_field", "images.0"),
        ({"images": ["data:image/png;base64,***"]}, "input_unreadable", "images.0"),
        ({"images": [data_url(b"<svg xmlns=''/>")]}, "input_unreadable", "images.0"),
        ({"images": [{"file_id": "../1"}]}, "invalid_field", "images.0"),
        ({"images": [{"file_id": 7}]}, "invalid_field", "images.0"),
        ({"images": ["file-" + "a" * 65]}, "invalid_field", "images.0"),
        ({"images": [data_url(PNG)] * 17}, "invalid_field", "images"),
        ({"images": [data_url(PNG)], "mask": "nonsense"}, "invalid_field", "mask"),
        ({"images": [data_url(PNG)], "scale_factor": 1}, "invalid_field", "scale_factor"),
        ({"images": [data_url(PNG)], "scale_factor": 2, "mask": data_url(PNG)}, "invalid_field", "mask"),
        ({"images": [data_url(PNG)] * 2, "scale_factor": 2}, "invalid_field", "image"),
        ({"images": [data_url(PNG)], "style_image": data_url(PNG)}, "invalid_field", "style_image"),
        ({"images": [data_url(PNG)], "prompt": " "}, "invalid_field", "prompt"),
    ],
)
async def test_odd_pictures_in_json(bench: Bench, body: dict[str, Any], code: str, param: str) -> None:
    """What is no picture is refused under the name of its field, and nobody is asked."""
    answer = await bench.client.post("/v1/images/edits", json={**WORDS, **body})
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["param"]) == (code, param)
    assert bench.ledger.asked == []


@pytest.mark.parametrize(
    ("files", "param"),
    [
        ([a_file("image", b"not a picture")], "image"),
        ([a_file("image", b"")], "image"),
        ([a_file("mask", PNG)], "image"),
        ([a_file("image", PNG), a_file("mask", b"not a picture")], "mask"),
        ([a_file("image", PNG), a_file("mask", PNG), a_file("mask", PNG)], "mask"),
        ([a_file("image", PNG), a_file("attachment", PNG)], "attachment"),
        ([a_file("image", PNG)] * 18, "body"),
    ],
)
async def test_odd_files_are_refused(bench: Bench, files: Files, param: str) -> None:
    """Files that are no pictures, too many, or under unknown names get 400 and the field's name."""
    answer = await bench.client.post("/v1/images/edits", data=WORDS, files=files)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert bench.ledger.asked == []


BOUND = b"multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n'


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"multipart/form-data", PART + b"--b--\r\n"),
        (b"multipart/form-data; boundary=", PART + b"--b--\r\n"),
        (b"multipart/form-data; boundary=" + b"b" * 5000, PART + b"--b--\r\n"),
        (BOUND, PART),
        (BOUND, b""),
        (BOUND, b"nonsense"),
        (BOUND, b"--b\r\n\r\nx\r\n--b--\r\n"),
        (BOUND, b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (BOUND, b"--b\r\n" + b"X: " + b"y" * 1_048_576 + b"\r\n\r\nx\r\n--b--\r\n"),
        (BOUND, PART * 10_000 + b"--b--\r\n"),
        (BOUND, PART + PART + b"--b--\r\n"),
        (BOUND + b"; charset=nonsense", b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\xff\r\n--b--\r\n'),
        (BOUND, b'--b\r\nContent-Disposition: form-data; name="tags"\r\n\r\n{\r\n--b--\r\n'),
    ],
)
async def test_broken_multipart_is_refused(bench: Bench, content_type: bytes, body: bytes) -> None:
    """Whatever is wrong with a form, the answer is 400 with OpenAI's error object."""
    answer = await bench.client.post("/v1/images/edits", content=body, headers=[(b"content-type", content_type)])
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert bench.ledger.asked == []


def a_form(*parts: tuple[str, bytes]) -> bytes:
    """The parts as a multipart body, named files and words alike."""
    body = b""
    for disposition, data in parts:
        body += b"--b\r\nContent-Disposition: form-data; " + disposition.encode() + b"\r\n\r\n" + data + b"\r\n"
    return body + b"--b--\r\n"


WHOLE = a_form(
    ('name="model"', b"gpt-image-2"),
    ('name="prompt"', b"Make the sky pink"),
    ('name="image"; filename="p.png"', PNG),
    ('name="mask"; filename="m.png"', PNG),
)


@pytest.mark.parametrize("missing", [3, 4, 8, 30, len(PNG), len(PNG) + 60])
async def test_a_form_that_ends_early_is_refused(bench: Bench, missing: int) -> None:
    """Without its closing boundary a form is not whole: its last part may be cut, and nothing is bought for it."""
    answer = await bench.client.post("/v1/images/edits", content=WHOLE[:-missing], headers=[(b"content-type", BOUND)])
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("The multipart body ends early")
    assert bench.ledger.asked == []


@pytest.mark.parametrize("ending", [WHOLE, WHOLE[:-2], WHOLE + b"epilogue"])
async def test_a_whole_form_ends_with_its_boundary(bench: Bench, ending: bytes) -> None:
    """What comes after the closing boundary, or does not, is of no concern."""
    answer = await bench.client.post("/v1/images/edits", content=ending, headers=[(b"content-type", BOUND)])
    assert answer.status_code == 200
    assert bench.ledger.asked[0].image.edit.mask.data == PNG


async def test_large_pictures_go_through_the_blobs(bench: Bench) -> None:
    """Inputs over the limit travel by their hash; the caller is known before anything is kept."""
    large = PNG + bytes(5_000_000)
    answer = await bench.client.post("/v1/images/edits", data=WORDS, files=[a_file("image", large)])
    assert answer.status_code == 404
    words = {**WORDS, "model": "flux-schnell"}
    answer = await bench.client.post("/v1/images/edits", data=words, files=[a_file("image", large)])
    assert answer.status_code == 200
    media = bench.ledger.asked[0].image.edit.image
    digest = hashlib.sha256(large)
    assert (media.blob_id, media.sha256) == (f"inputs/{digest.hexdigest()}", digest.digest())
    assert await bench.blobs.get(media.blob_id) == large


async def test_strangers_fill_no_store(bench: Bench) -> None:
    """A large picture under a wrong key is 401, and nothing is kept."""
    other = PNG + b"other" + bytes(5_000_000)
    answer = await bench.client.post(
        "/v1/images/edits", data=WORDS, files=[a_file("image", other)], headers={"authorization": "Bearer bad"}
    )
    assert answer.status_code == 401
    assert await bench.blobs.head(f"inputs/{hashlib.sha256(other).hexdigest()}") is None


async def test_bodies_have_an_end(edge_with: OpenBench) -> None:
    """A form over the limit is 413 as soon as it is, declared or not; so is JSON with pictures."""
    async with edge_with(max_body_bytes=200_000, max_json_picture_bytes=100_000) as bench:
        files = [a_file("image", PNG + bytes(200_000))]
        assert (await bench.client.post("/v1/images/edits", data=WORDS, files=files)).status_code == 413
        body = orjson.dumps({**WORDS, "images": [data_url(PNG + bytes(100_000))]})
        assert (await bench.client.post("/v1/images/edits", content=body)).status_code == 413
        head = b"POST /v1/images/edits HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n"
        chunk = b"%x\r\n" % 250_000 + PART * (250_000 // len(PART)) + b"z" * (250_000 % len(PART)) + b"\r\n"
        raw = head + b"content-type: " + BOUND + b"\r\n\r\n" + chunk
        assert (await raw_exchange(bench, raw)).startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))


async def test_a_caller_that_asks_first_is_told_to_go_on(bench: Bench) -> None:
    """Expect: 100-continue is answered before the body comes, and not at all where the body would be refused."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rsplit(":", 1)[1]))
    body = orjson.dumps({**WORDS, "images": [data_url(PNG)]})
    head = b"POST /v1/images/edits HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: "
    writer.write(head + b"%d\r\n\r\n" % len(body))
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert (await raw_exchange(bench, head + b"99999999999\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
