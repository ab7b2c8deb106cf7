"""Odd requests, made by a grammar of our own from a seed, and a plain client that sends them over one connection.

    python -m tests.edge.fuzzing --count 100000 --seed 1

JSON: bodies near to good ones, every field with every kind of value, then bytes flipped, cut, repeated. Forms: parts in
any order, doubled, empty, with odd names, file names, headers and boundaries, cut anywhere.
"""

import argparse
import asyncio
import base64
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from heliostat.api.router.v1 import router_pb2
from heliostat.edge.picture_operations import PICTURE_OPERATIONS
from heliostat.edge.schemas import GenerationBody
from heliostat.ledger.bounds import check_generation
from heliostat.ledger.normal_form import normal_form
from tests.edge.conftest import Bench, open_bench
from tests.edge.scripted_ledger import PNG, Script, draw

JPEG = b"\xff\xd8\xff\xe0" + b"j" * 60
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
GENERATIONS = "/images/generations"
FIELDS = {GENERATIONS: tuple(GenerationBody.model_fields)} | {
    each.path: (*each.body.model_fields, "image", "images", *each.beside) for each in PICTURE_OPERATIONS
}
PATHS = tuple(FIELDS)
GOLDEN = Path(__file__).parents[1] / "golden" / "fields"


def _suited() -> dict[str, list[Any]]:
    """Values that each field takes, from the golden tables."""
    values: dict[str, list[Any]] = {}
    for path in sorted(GOLDEN.glob("*.json")):
        table = orjson.loads(path.read_bytes())
        for row in table["rows"] if isinstance(table, dict) else table:
            if "@png" not in (row["value"], *(row["value"] if isinstance(row["value"], list) else ())):
                values.setdefault(row["field"], []).append(row["value"])
    return values


SUITED = _suited()
EXTRA = ("x", "__proto__", "constructor", "image[]", "image[0]", "mask", "style_image", "scale_factor", "", "\x00", "é")
GOOD: dict[str, Any] = {
    "model": "m",
    "prompt": "p",
    "image": DATA_URL,
    "left": 8,
    "style": "ink",
    "size": "1024x1024",
    "n": 2,
}
WORDS = (
    "",
    " ",
    "auto",
    "high",
    "url",
    "b64_json",
    "16:9",
    "1024x1024",
    "0x0",
    "99999x99999",
    "2K",
    "webp",
    "true",
    "\x00",
    "\u202etxt.exe",
    "a\u200db",
    "line\r\nInjected: header",
    "{{7*7}}",
    "'; DROP TABLE requests; --",
    "\x1b[31mred\x1b[0m",
    "💥" * 20,
    "𝕳" * 300,
    "a" * 32_001,
    "../../etc/passwd",
    "file-" + "0" * 32,
    "file-" + "x" * 65,
    "https://example.com/a.png",
    "http://169.254.169.254/latest",
    "ftp://example.com/a",
    "data:image/png;base64,",
    "data:image/png;base64,!!!!",
    "data:text/html,<script>",
    DATA_URL,
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    16,
    17,
    255,
    16_384,
    16_385,
    2**31,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    0.5,
    1.5,
    -0.0,
    1e308,
)
HEADERS = (b"Content-Transfer-Encoding: base64", b"X: " + b"y" * 3000, b"Content-Type: image/png", b"\xff\xfe: z", b":")
KINDS = (b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/mixed; boundary=b")
FILE_NAMES = (b'; filename="p.png"',) * 5 + (b'; filename=""', b'; filename="../../x"', b"; filename*=UTF-8''%ff")
NOISE = (
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"[" * 400,
    b'{"a":' * 400,
    b"1e999999",
    b"\\ud800",
    b"NaN",
    b"\r\n\r\n",
    b"--",
)


@dataclass(frozen=True, slots=True)
class Odd:
    """A request to be sent."""

    path: str
    kind: bytes
    body: bytes


class Grammar:
    """Makes requests from a seed, always the same ones."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def requests(self, count: int) -> Iterator[Odd]:
        """So many of them."""
        for _ in range(count):
            yield self._form() if self._dice.random() < 0.4 else self._json()

    def _value(self, depth: int = 0) -> Any:
        dice = self._dice
        roll = dice.random()
        if roll < 0.4:
            return dice.choice(WORDS)
        if roll < 0.65:
            return dice.choice(NUMBERS)
        if roll < 0.75:
            return dice.choice((True, False, None))
        if depth > 3:
            return dice.choice(([], {}))
        if roll < 0.87:
            return [self._value(depth + 1) for _ in range(dice.randrange(4))]
        names = ("x", "y", "left", "top", "right", "bottom", "image_url", "url", "file_id", "order", "only", "fal", "a")
        return {dice.choice(names): self._value(depth + 1) for _ in range(dice.randrange(4))}

    def _fields(self, path: str) -> dict[str, Any]:
        dice = self._dice
        known = FIELDS[path]
        fields = {name: GOOD[name] for name in known if name in GOOD} if dice.random() < 0.85 else {}
        for _ in range(dice.choice((0, 1, 1, 1, 2, 3, 6))):
            name = dice.choice(known) if dice.random() < 0.9 else dice.choice(EXTRA)
            fields[name] = dice.choice(SUITED[name]) if name in SUITED and dice.random() < 0.6 else self._value()
        return fields

    def _json(self) -> Odd:
        dice = self._dice
        path = dice.choice(PATHS)
        fields = self._fields(path)
        try:
            body = orjson.dumps(fields)
        except TypeError:
            body = json.dumps(fields).encode("utf-8", "surrogatepass")
        kind = dice.choice((b"application/json",) * 8 + (b"", b"text/plain", b"application/json; charset=utf-16"))
        return Odd(self._base() + path, kind, self._mutated(body) if dice.random() < 0.25 else body)

    def _form(self) -> Odd:
        dice = self._dice
        path = dice.choice((*PATHS[1:], "/files"))
        boundary = dice.choice((b"b",) * 12 + (b"b" * 70, b"b b", b"\xff", b"B" * 5000))
        body = b"".join(self._part(boundary, name, value) for name, value in self._parts(path))
        if dice.random() < 0.9:
            body += b"--" + boundary + b"--\r\n"
        if dice.random() < 0.2:
            body = self._mutated(body)
        kind = b"multipart/form-data; boundary=" + boundary
        if dice.random() < 0.04:
            kind = dice.choice(
                (b"multipart/form-data", b"multipart/form-data; boundary=", b"multipart/mixed; boundary=b")
            )
        return Odd(self._base() + path, kind, body)

    def _parts(self, path: str) -> list[tuple[str, Any]]:
        dice = self._dice
        if path == "/files":
            parts: list[tuple[str, Any]] = [("file", PNG), ("purpose", "vision")]
            more = ["file", "purpose", "expires_after[seconds]", "expires_after[anchor]"]
        else:
            parts = list(self._fields(path).items())
            more = list(FIELDS[path])
        for _ in range(dice.choice((0, 0, 1, 2, 20))):
            parts.append((dice.choice((*more, *EXTRA)), dice.choice((PNG, JPEG, b"", b"x", "7", self._value()))))
        dice.shuffle(parts)
        return parts

    def _part(self, boundary: bytes, name: str, value: Any) -> bytes:
        dice = self._dice
        quoted = name.encode("utf-8", "replace").replace(b'"', b"%22").replace(b"\r", b"").replace(b"\n", b"")
        head = b'Content-Disposition: form-data; name="' + quoted + b'"'
        if isinstance(value, bytes) or dice.random() < 0.1:
            head += dice.choice(FILE_NAMES)
        if dice.random() < 0.1:
            head += b"\r\n" + dice.choice(HEADERS)
        data = value if isinstance(value, bytes) else _words(value)
        return b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"

    def _mutated(self, body: bytes) -> bytes:
        dice = self._dice
        for _ in range(dice.randrange(1, 4)):
            at, length = dice.randrange(len(body) + 1), dice.randrange(1, 40)
            match dice.randrange(5):
                case 0:
                    body = body[:at]
                case 1:
                    body = body[:at] + body[at + length :]
                case 2:
                    body = body[:at] + dice.choice(NOISE) + body[at:]
                case 3:
                    body = body[:at] + body[at : at + length] * 2 + body[at + length :]
                case _:
                    body = body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :]
        return body

    def _base(self) -> str:
        return self._dice.choice(("/v1", "/v1", "/v1", "/openai/v1"))


def _words(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return json.dumps(value).encode()


class Line:
    """One connection, opened anew where the edge has closed it."""

    def __init__(self, bench: Bench) -> None:
        self._port = int(bench.url.rsplit(":", 1)[1])
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, odd: Odd) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        reader, writer = self._streams
        writer.write(
            b"POST %b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\n"
            b"content-type: %b\r\ncontent-length: %d\r\n\r\n" % (odd.path.encode(), odd.kind, len(odd.body)) + odd.body
        )
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()
        if b"transfer-encoding: chunked" in head:
            body = await _chunks(reader)
        else:
            body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        if b"connection: close" in head:
            await self.close()
        return int(head[9:12]), head, body

    async def close(self) -> None:
        """Hangs up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


@dataclass
class Findings:
    """How the requests were answered, and those that were not as they should be."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[Odd, int, bytes]] = field(default_factory=list)
    slowest_s: float = 0.0


def is_sound(status: int, head: bytes, body: bytes) -> bool:
    """No fault of ours, and an answer that OpenAI's clients understand."""
    if status >= 500 or b"x-request-id: req_" not in head:
        return False
    if status == 200:
        return b"text/event-stream" in head or isinstance(orjson.loads(body), dict)
    error = orjson.loads(body)["error"]
    return set(error) == {"message", "type", "param", "code"} and bool(error["message"])


def careful(script: Script) -> Script:
    """A ledger that holds what the edge asks to the contract, and writes it down, before it answers."""

    async def checked(request: router_pb2.GenerateRequest) -> AsyncIterator[router_pb2.GenerateResponse]:
        check_generation(request)
        request.SerializeToString()
        await normal_form(request.image)
        async for response in script(request):
            yield response

    return checked


async def fuzz(bench: Bench, seed: int, count: int, lines: int = 4) -> Findings:
    """Sends `count` requests over so many connections."""
    bench.ledger.reset()
    bench.ledger.script = careful(draw())
    findings, odd_ones = Findings(), Grammar(seed).requests(count)

    async def send() -> None:
        line = Line(bench)
        for odd in odd_ones:
            began = time.perf_counter()
            try:
                status, head, body = await line.ask(odd)
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError) as error:
                findings.faults.append((odd, 0, repr(error).encode()))
                await line.close()
                continue
            findings.slowest_s = max(findings.slowest_s, time.perf_counter() - began)
            findings.statuses[status] += 1
            if not is_sound(status, head, body):
                findings.faults.append((odd, status, body))
            bench.ledger.asked.clear()
            bench.ledger.files.clear()
            bench.ledger.contents.clear()
        await line.close()

    await asyncio.gather(*(send() for _ in range(lines)))
    return findings


@asynccontextmanager
async def _edge() -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_bench(Path(folder)) as bench:
            yield bench


async def _main(count: int, seed: int) -> int:
    began = time.perf_counter()
    async with _edge() as bench:
        findings = await fuzz(bench, seed, count)
    spent_s = time.perf_counter() - began
    print(f"seed {seed}: {count} requests in {spent_s:.0f} s, the slowest {findings.slowest_s * 1000:.0f} ms")
    print("answers:", ", ".join(f"{status}: {number}" for status, number in sorted(findings.statuses.items())))
    for odd, status, body in findings.faults[:20]:
        print(status, odd.path, odd.kind[:80], odd.body[:300], body[:300])
    print(f"{len(findings.faults)} faults")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Sends odd requests to an edge.")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    sys.exit(asyncio.run(_main(arguments.count, arguments.seed)))
