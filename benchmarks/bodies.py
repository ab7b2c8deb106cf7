"""What the mock provider answers: the pictures, the three bodies, and what a faithful gateway hands on of them."""

import base64
import hashlib
import json
import random
import re
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from typing import Literal

BODIES = ("small", "b1", "b4")
PICTURE_SIDE = 1024
LEVELS = 14
PICTURES = {"b1": 1, "b4": 4}
SMALL_URL = (
    "https://images.example.com/v1/files/2f0c9a7be41d4f6c8f3a/generated/0000.png"
    "?signature=6bq0Jm3xk2Uo8sWf1nYt7vZr4dHcLpEa9gTiXyKuMhQ&expires=1790000000"
)

_MODEL = re.compile(r"(small|b1|b4)(?:-d(\d{1,5}))?")


@dataclass(frozen=True)
class Expectation:
    """What the first answers of a job are held against.

    `form` is the field of each entry of `data`; `values` are, in order, the URLs themselves or the SHA-256 (hex) of
    the decoded pictures. `size` is the least number of body bytes that every answer must have.
    """

    form: Literal["url", "b64_json"]
    values: list[str]
    size: int


def split_model(model: str) -> tuple[str, float] | None:
    """`b1-d500` -> ("b1", 0.5): the body's name and the delay in seconds; None for a model nobody serves."""
    match = _MODEL.fullmatch(model)
    return (match[1], int(match[2] or 0) / 1000) if match else None


@cache
def noise_picture(seed: int) -> bytes:
    """A valid 1024x1024 RGB PNG of about 1.5 MB whose pixels are noise, so nothing on the way can squeeze it.

    The noise has 14 levels per channel: 3 MB of pixels then cannot shrink below 48% of that.
    """
    row = PICTURE_SIDE * 3
    levels = bytes((value % LEVELS) * 19 for value in range(256))
    noise = random.Random(seed).randbytes(row * PICTURE_SIDE).translate(levels)
    rows = b"".join(b"\0" + noise[start : start + row] for start in range(0, len(noise), row))
    packer = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    pixels = packer.compress(rows) + packer.flush()
    header = struct.pack(">IIBBBBB", PICTURE_SIDE, PICTURE_SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@cache
def answer(body: str) -> bytes:
    """The provider's JSON for `small` (about 375 bytes), `b1` (2 MB) or `b4` (8 MB)."""
    if body == "small":
        entry = {
            "url": SMALL_URL,
            "revised_prompt": "A sunset over mountains, in the warm and quiet colours of late summer",
        }
        usage = {"total_tokens": 4184, "input_tokens": 24, "output_tokens": 4160}
        return json.dumps({"created": 1790000000, "data": [entry], "usage": usage}).encode()
    data = [{"b64_json": base64.b64encode(noise_picture(seed)).decode()} for seed in range(PICTURES[body])]
    return json.dumps({"created": 1790000000, "data": data}, separators=(",", ":")).encode()


@cache
def expectation(body: str) -> Expectation:
    """What every gateway must hand on of `answer(body)`: the same URL, or the very same pictures."""
    if body == "small":
        return Expectation("url", [SMALL_URL], len(SMALL_URL))
    pictures = [noise_picture(seed) for seed in range(PICTURES[body])]
    sums = [hashlib.sha256(picture).hexdigest() for picture in pictures]
    return Expectation("b64_json", sums, sum(len(picture) for picture in pictures) * 4 // 3)
