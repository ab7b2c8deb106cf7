"""A server on a free port for each test, painting in one colour."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest
from PIL import Image, ImageOps

from heliostat.emulators import EmulatorServer, create_app
from tests.support.loopback import PLAIN

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}


def decoded(data: bytes) -> Image.Image:
    """Decode a picture wholly."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def encoded(image: Image.Image, media_type: str = "image/png") -> bytes:
    """Encode a picture."""
    out = io.BytesIO()
    if media_type == "image/jpeg":
        image = image.convert("RGB")
    image.save(out, FORMATS[media_type], compress_level=1)  # PNG's alone
    return out.getvalue()


def picture(size: tuple[int, int] = (64, 64), colour: str = "blue", mode: str = "RGB") -> bytes:
    """Make a PNG of one colour."""
    return encoded(Image.new(mode, size, colour))


def readable(data: bytes) -> Image.Image:
    """Decode, or refuse as the real easel does: with a ValueError."""
    try:
        return decoded(data)
    except OSError as error:
        raise ValueError("unreadable") from error


class PlainEasel:
    """A painter with the easel's face: one colour per order, black where a picture is filled."""

    def __init__(self) -> None:
        self.painted = 0

    async def paint(self, prompt: str, width: int, height: int, *, media_type: str = "image/png", **how: Any) -> bytes:
        self.painted += 1
        colour = tuple(hashlib.sha256(repr((prompt, sorted(how.items()))).encode()).digest()[:3])
        return encoded(Image.new("RGB", (width, height), colour), media_type)

    async def edit(
        self, image: bytes, prompt: str, *, strength: float = 0.6, seed: int = 0, media_type: str = "image/png"
    ) -> bytes:
        return encoded(ImageOps.invert(readable(image).convert("RGB")), media_type)

    async def fill(
        self, image: bytes, mask: bytes, prompt: str, *, seed: int = 0, media_type: str = "image/png"
    ) -> bytes:
        ground = readable(image).convert("RGB")
        ground.paste((0, 0, 0), mask=readable(mask).convert("L").resize(ground.size))
        return encoded(ground, media_type)

    async def upscale(
        self,
        image: bytes,
        *,
        factor: float | None = None,
        width: int | None = None,
        height: int | None = None,
        media_type: str = "image/png",
    ) -> bytes:
        small = readable(image)
        grown = (round(small.width * (factor or 1)), round(small.height * (factor or 1)))
        return encoded(small.resize((width or grown[0], height or grown[1])), media_type)

    async def remove_background(self, image: bytes, *, media_type: str = "image/png") -> bytes:
        return encoded(readable(image).convert("RGBA"), media_type)

    async def segment(self, image: bytes, **_: Any) -> list[tuple[str, bytes]]:
        return [("thing", encoded(Image.new("L", readable(image).size, 255)))]

    async def outpaint(
        self,
        image: bytes,
        *,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        prompt: str = "",
        seed: int = 0,
        media_type: str = "image/png",
    ) -> bytes:
        small = readable(image).convert("RGB")
        grown = Image.new("RGB", (left + small.width + right, top + small.height + bottom))
        grown.paste(small, (left, top))
        return encoded(grown, media_type)

    async def convert(self, image: bytes, *, media_type: str, compression_percent: int | None = None) -> bytes:
        return encoded(readable(image), media_type)

    async def alpha_to_mask(self, mask: bytes) -> bytes:
        image = readable(mask)
        if "A" in image.getbands():
            return encoded(ImageOps.invert(image.getchannel("A")))
        return encoded(image.convert("L"))


@dataclass
class Bench:
    """A running server and what a test needs to talk to it."""

    base: str
    server: EmulatorServer
    easel: PlainEasel
    http: httpx.AsyncClient

    async def script(self, provider: str, *steps: dict[str, Any]) -> None:
        """Put a provider's script."""
        answer = await self.http.put(f"/{provider}/_emulator/script", json=list(steps))
        assert answer.status_code == 200, answer.text

    async def journal(self, provider: str = "") -> dict[str, Any]:
        """Read a journal."""
        answer = await self.http.get(f"{'/' + provider if provider else ''}/_emulator/journal")
        content: dict[str, Any] = answer.json()
        return content

    async def last(self, provider: str, kind: str | None = None) -> dict[str, Any]:
        """Read the newest entry, of a kind if one is given."""
        entries = (await self.journal(provider))["entries"]
        entry: dict[str, Any] = [entry for entry in entries if kind in (None, entry["kind"])][-1]
        return entry

    async def until_gone(self, provider: str) -> dict[str, Any]:
        """Read the newest entry as soon as the server has noticed that its client left."""
        async with asyncio.timeout(30):
            while not (entry := await self.last(provider))["client_gone"]:
                continue
        return entry

    def openai(self, path: str = "openai", key: str = "sk-test") -> Any:
        """Make a stock `AsyncOpenAI` without retries; untyped, because its types forbid what tests must send."""
        return openai.AsyncOpenAI(base_url=f"{self.base}/{path}/v1", api_key=key, max_retries=0, timeout=60)


async def opened(port: int = 0, **options: Any) -> AsyncIterator[Bench]:
    """Run a server for the time of a test."""
    easel = PlainEasel()
    server = EmulatorServer(create_app(easel, **{"job_seconds": 0, **options}), port=port)
    base = await server.start()
    async with httpx.AsyncClient(verify=PLAIN, base_url=base, timeout=60, trust_env=False) as http:
        yield Bench(base, server, easel, http)
    await server.stop()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Give a server whose queue takes no time."""
    async for one in opened():
        yield one


@pytest.fixture
async def legacy_bench() -> AsyncIterator[Bench]:
    """Give a server where OpenAI's retired models answer, and a self-hosted model has a price."""
    async for one in opened(openai_legacy=True, compat_prices_micros={"dear": 1_500}):
        yield one


@pytest.fixture
async def slow_bench() -> AsyncIterator[Bench]:
    """Give a server whose queue takes longer than any test."""
    async for one in opened(job_seconds=600):
        yield one


@pytest.fixture
async def sink() -> AsyncIterator[tuple[str, asyncio.Queue[tuple[dict[str, str], bytes]]]]:
    """Listen for webhooks: refuse the first delivery of all, accept the others."""
    received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
    answers = iter([b"500 No"])

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        received.put_nowait((headers, await reader.readexactly(int(headers["content-length"]))))
        status = next(answers, b"200 OK")
        writer.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook", received
    server.close()
    await server.wait_closed()
