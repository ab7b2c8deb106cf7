"""What a provider's file says of where its picture comes from is kept, or declared lost."""

import base64
import hashlib
import io
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from heliostat.adapters.openai import MODULE
from heliostat.adapters.sdk.picture_metadata import provenance, without_metadata
from heliostat.adapters.sdk.structure import read_shape
from heliostat.api.image.v1 import event_pb2, media_pb2
from heliostat.api.image.v1 import request_pb2 as requests
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.served import Answer, Room, opened, served

NONE, KEPT, LOST = media_pb2.PROVENANCE_NONE, media_pb2.PROVENANCE_KEPT, media_pb2.PROVENANCE_LOST
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType='
    b'"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/></rdf:RDF></x:xmpmeta>'
)
MANIFEST = (
    struct.pack(">I4sI4s", 60, b"jumb", 30, b"jumd")
    + b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71\x03c2pa\0"
    + bytes(30)
)
C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def encoded(name: str, **options: Any) -> bytes:
    """A small picture as a file."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(out, name, **options)
    return out.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk with its sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_manifest(name: str) -> bytes:
    """The file with a C2PA manifest where its format has it."""
    data = encoded(name)
    if name == "PNG":
        return data[:33] + png_chunk(b"caBX", MANIFEST) + data[33:]
    if name == "JPEG":
        segment = b"JP\0\x01\0\0\0\x01" + MANIFEST
        return data[:2] + b"\xff\xeb" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    if name == "WEBP":
        extended = encoded("WEBP", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
        whole = extended + b"C2PA" + struct.pack("<I", len(MANIFEST)) + MANIFEST + b"\0" * (len(MANIFEST) & 1)
        return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    box = struct.pack(">I4s", 24 + len(MANIFEST), b"uuid") + C2PA_UUID + MANIFEST
    return data + box


def with_source_type(name: str) -> bytes:
    """The file with an IPTC digital source type in its XMP."""
    if name == "PNG":
        data = encoded("PNG")
        return data[:33] + png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) + data[33:]
    return encoded(name, xmp=XMP)


FORMATS = ["PNG", "JPEG", "WEBP", "AVIF"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_manifest_is_found_in_every_format(name: str) -> None:
    """Where C2PA puts it; the file stays a sound picture."""
    data = with_manifest(name)
    assert read_shape(data).width_px == 48
    assert provenance(data).c2pa
    assert not provenance(encoded(name))


@pytest.mark.parametrize("name", FORMATS)
def test_a_source_type_is_found_in_xmp(name: str) -> None:
    """Other XMP says nothing of where a picture comes from."""
    assert provenance(with_source_type(name)).xmp == XMP
    assert not provenance(encoded("WEBP", xmp=b"<x:xmpmeta>a boat</x:xmpmeta>"))


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("make", [with_manifest, with_source_type])
def test_a_picture_that_is_sent_to_a_provider_carries_neither(name: str, make: Any) -> None:
    """A manifest that is bound to other bytes proves nothing."""
    assert not provenance(without_metadata(make(name)))


@asynccontextmanager
async def drawing(data: bytes, folder: Path) -> AsyncIterator[Room]:
    """A provider that answers with this file, whatever it is asked."""
    body = orjson.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(data).decode()}]})

    async def answer(exchange: Exchange) -> None:
        await exchange.answer(200, body, content_type="application/json")

    async with raw_server(answer) as server:
        own = {"base_url": server.base, "compatible": True}
        async with served(MODULE, folder, own) as room:
            yield room


async def asked(data: bytes, folder: Path, **output: Any) -> Answer:
    """One picture of that provider."""
    async with drawing(data, folder) as room:
        return await room.ask("any", output=requests.Output(**output))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("make", [encoded, with_manifest, with_source_type])
@pytest.mark.parametrize("named", [False, True])
async def test_bytes_that_nobody_asked_to_change_are_the_providers_own(
    name: str, make: Any, named: bool, tmp_path: Path
) -> None:
    """Also where the format that is asked for is the one that came; what is told of them is measured on them."""
    data = make(name)
    answer = await asked(data, tmp_path, media_type=f"image/{name.lower()}" if named else "")
    assert answer.pictures == [data]
    (info,), (ended,) = answer.of("media_started"), answer.of("media_ended")
    assert (info.width_px, info.height_px, info.media_type) == (48, 32, f"image/{name.lower()}")
    assert (ended.size_bytes, ended.sha256) == (len(data), hashlib.sha256(data).digest())
    assert info.provenance == (NONE if not provenance(data) else KEPT)
    assert [one.parameter for one in answer.result.adjustments if one.parameter == "provenance"] == []


@pytest.mark.parametrize(
    ("data", "wanted", "became"),
    [
        (encoded("PNG"), "webp", NONE),
        (with_source_type("PNG"), "webp", KEPT),
        (with_source_type("PNG"), "jpeg", KEPT),
        (with_source_type("JPEG"), "png", KEPT),
        (with_source_type("WEBP"), "avif", KEPT),
        (with_source_type("PNG"), "gif", LOST),
        (with_manifest("PNG"), "webp", LOST),
        (with_manifest("JPEG"), "png", LOST),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_converting_keeps_a_source_type_and_says_that_a_manifest_is_lost(
    data: bytes, wanted: str, became: int, tmp_path: Path
) -> None:
    """A manifest is bound to the very bytes: nobody but its signer can carry it over."""
    answer = await asked(data, tmp_path, media_type=f"image/{wanted}")
    (info,), (picture,) = answer.of("media_started"), answer.pictures
    assert (info.media_type, info.provenance) == (f"image/{wanted}", became)
    if became == KEPT:
        assert provenance(picture).xmp == XMP
        assert wanted == "png" or opened(picture).info["xmp"] == XMP
    if became == LOST:
        told = answer.adjusted("provenance")
        assert (told.delivered, told.mode) == ("lost", event_pb2.ADJUSTMENT_MODE_DROPPED)


async def test_behind_an_address_nobody_has_looked(tmp_path: Path) -> None:
    """Whose bytes do not pass through, nobody can tell."""
    body = orjson.dumps({"created": 1, "data": [{"url": "http://127.0.0.1:1/a.png"}]})

    async def answer(exchange: Exchange) -> None:
        await exchange.answer(200, body, content_type="application/json")

    output = requests.Output(delivery=requests.DELIVERY_PROVIDER_URI)
    async with (
        raw_server(answer) as server,
        served(MODULE, tmp_path, {"base_url": server.base, "compatible": True}) as room,
    ):
        given = await room.ask("any", output=output)
    assert [info.provenance for info in given.of("media_started")] == [media_pb2.PROVENANCE_UNSPECIFIED]
