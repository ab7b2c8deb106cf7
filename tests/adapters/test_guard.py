"""The rows of the fault matrix about addresses that somebody else names: U26 to U31, C16 and C17.

Every row counts the connections that a listener inside saw; what a name leads to is said by a lookup of the test's own.
"""

import asyncio
import io
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from heliostat.adapters.sdk.addresses import Resolver, is_allowed
from heliostat.adapters.sdk.download import MAX_REDIRECTS, Downloader, DownloadFailed
from heliostat.adapters.sdk.structure import MAX_BYTES, MAX_FRAMES, read_shape
from heliostat.adapters.sdk.transport import ConnectionForbidden, LargePieceTransport
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Lookup
from tests.adapters.raw_server import Exchange, raw_server
from tests.adapters.test_structure import png_of

# Ways to write this machine, its network and the machines beside it; {port} is one where somebody listens.
HERE = (
    "http://localhost:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST./",
    "http://127.0.0.1:{port}/",
    "http://[::1]:{port}/",
)
ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data",
    "http://10.0.0.1/",
    "http://0x7f000001:{port}/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://127.1/",
    "http://a@127.0.0.1:{port}/",
    "https://example.com@127.0.0.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fec0::1]/",
    "https://[fe80::1%25eth0]/",
    "https://127\u30020\u30020\u30021/",
    "https://127\uff0e0\uff0e0\uff0e1/",
    "https://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
    "https://127%2e0%2e0%2e1/",
    "https://example.com\\@127.0.0.1/",
    "https://exam\tple.com/",
    "https://192.0.0.192/opc/v2/instance",
    "https://168.63.129.16/metadata",
    "https://postgres/",
    "https://heliostat-core.default.svc.cluster.local/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "ftp://127.0.0.1:{port}/a.png",
    "unix:///var/run/docker.sock",
)
# Remote shells, databases, and the ports that a mesh listens on itself.
PORTS = (22, 25, 80, 5432, 6379, 8080, 8090, 9464, 50051)


async def fine(exchange: Exchange) -> None:
    """A server that would tell everything."""
    await exchange.answer(200, b"secret")


def leading_to(*answers: Sequence[str]) -> tuple[Lookup, list[str]]:
    """A lookup whose answers change from call to call, the last one for good; and the names that it was asked for."""
    asked: list[str] = []

    async def lookup(host: str, family: int) -> Sequence[str]:
        del family
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return lookup, asked


@pytest.mark.parametrize("url", HERE + ELSEWHERE)
async def test_u26_c16_an_address_inside_is_never_asked(url: str) -> None:
    """Named by a caller: refused, nothing looked up, nothing connected to."""
    lookup, asked = leading_to(["127.0.0.1"])
    async with raw_server(fine) as server:
        inputs = Downloader(Clock(), ("*",), lookup=lookup)
        with pytest.raises(DownloadFailed) as caught:
            await inputs.fetch(url.replace("{port}", server.base.rpartition(":")[2]), 5)
        await inputs.close()
        assert caught.value.forbidden
        assert (server.connections, asked) == (0, [])


@pytest.mark.parametrize(
    "url",
    [
        "https://a..example.com/",
        "https://.example.com/",
        f"https://{'a' * 64}.example.com/",
        f"https://example.com/{'a' * 8192}",
        "https://example.com:/\x7f",
        "https://example.com:port/",
        "https://exa mple.com/",
    ],
    ids=lambda url: url[:30],
)
async def test_c16_what_cannot_be_an_address_is_told_as_such(url: str) -> None:
    """By the same error, with the system's own lookup behind it."""
    with pytest.raises(DownloadFailed) as caught:
        await Downloader(Clock(), ("*",)).fetch(url, 5)
    assert caught.value.forbidden


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_c16_only_the_port_of_https_is_asked(scheme: str, port: int) -> None:
    """A public name does not open the ports of shells, databases and meshes."""
    with pytest.raises(DownloadFailed) as caught:
        await Downloader(Clock(), ("*",)).fetch(f"{scheme}://example.com:{port}/a.png", 5)
    assert caught.value.forbidden


@pytest.mark.parametrize("target", ELSEWHERE)
async def test_u26_a_redirect_to_an_address_inside_is_not_followed(target: str) -> None:
    """The host of a result, an emulator's here, sends us on: every step is checked as the first was."""

    async def away(exchange: Exchange) -> None:
        location = target.replace("{port}", inside.base.rpartition(":")[2])
        await exchange.say(b"HTTP/1.1 302 X\r\ncontent-length: 0\r\nlocation: " + location.encode() + b"\r\n\r\n")

    lookup, asked = leading_to(["127.0.0.1"])
    async with raw_server(fine) as inside, raw_server(away) as outside:
        results = Downloader(Clock(), (), loopback=True, lookup=lookup)
        with pytest.raises(DownloadFailed) as caught:
            await results.fetch(f"{outside.base}/a.png", 5)
        await results.close()
        assert caught.value.forbidden
        assert (outside.connections, inside.connections, asked) == (1, 0, [])


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["::1", "::ffff:127.0.0.1"], ["169.254.169.254"], ["fd00::1", "::"]],
    ids=str,
)
async def test_c16_a_public_name_that_leads_inside_is_not_connected_to(addresses: list[str]) -> None:
    """What counts is the address after resolution."""
    lookup, asked = leading_to(addresses)
    inputs = Downloader(Clock(), ("*",), lookup=lookup)
    with pytest.raises(DownloadFailed) as caught:
        await inputs.fetch("https://pictures.example.com/a.png", 5)
    await inputs.close()
    assert caught.value.forbidden
    assert asked == ["pictures.example.com"]


async def get(transport: LargePieceTransport, url: str) -> httpx.Response:
    """One GET by the transport that every fetch goes through."""
    waits = {"connect": 3.0, "answer": 5.0, "idle": 5.0, "total": 5.0}
    request = httpx.Request("GET", url, extensions={"timeout": waits, "max_bytes": 1000})
    return await transport.handle_async_request(request)


async def test_u27_c16_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that leads outside when it is checked and inside a moment later: looked up once for each connection.

    127.0.0.2 stands for the outside, on the port of the listener inside.
    """

    def outside(address: str) -> bool:
        return address == "127.0.0.2"

    async with raw_server(fine) as inside:
        port = int(inside.base.rpartition(":")[2])
        seen = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            seen.set()
            writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 4\r\nconnection: close\r\n\r\nfine")
            await writer.drain()
            writer.close()

        lookup, asked = leading_to(["127.0.0.2"], ["127.0.0.1"])
        transport = LargePieceTransport(max_connections=4, keepalive_s=1, resolver=Resolver(outside, lookup))
        async with await asyncio.start_server(serve, "127.0.0.2", port):
            assert (await get(transport, f"http://rebinding.example.com:{port}/")).content == b"fine"
            assert (seen.is_set(), len(asked)) == (True, 1)
            with pytest.raises(ConnectionForbidden):
                await get(transport, f"http://rebinding.example.com:{port}/")
            await transport.aclose()
        assert inside.connections == 0


async def test_c16_of_several_addresses_only_public_ones_are_tried() -> None:
    """An address inside among others is no way in where the others do not answer."""
    lookup, _ = leading_to(["8.8.8.8", "10.0.0.1", "2606:4700::1111", "::1"])
    found = await Resolver(lambda address: is_allowed(address, loopback=False), lookup).resolve("x.example.com", 443)
    assert [each["host"] for each in found] == ["8.8.8.8", "2606:4700::1111"]


async def test_c16_a_name_server_that_says_nothing_costs_the_connects_time() -> None:
    """Given up when a connection would be: the lookup is part of it."""
    gone = asyncio.Event()

    async def lookup(host: str, family: int) -> Sequence[str]:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()
        return []

    inputs = Downloader(Clock(), ("*",), lookup=lookup)
    with pytest.raises(DownloadFailed) as caught:
        await inputs.fetch("https://pictures.example.com/a.png", 0.2)
    await inputs.close()
    assert caught.value.timed_out
    assert gone.is_set()


async def test_c16_lookups_have_threads_of_their_own() -> None:
    """They need none of those that the process's other work is done in, and so cannot use them up either."""
    busy = threading.Event()
    resolver = Resolver(lambda _: True)
    with ThreadPoolExecutor(1) as others:
        asyncio.get_running_loop().set_default_executor(others)
        blocked = asyncio.get_running_loop().run_in_executor(None, busy.wait)
        try:
            assert await resolver.resolve("localhost", 443)
        finally:
            busy.set()
            await resolver.close()
        assert await blocked


async def fetched(script: object, time_s: float = 10.0) -> bytes:
    """What comes from a server that plays the script."""
    async with raw_server(script) as server:  # type: ignore[arg-type]
        results = Downloader(Clock(), (), loopback=True)
        try:
            return await results.fetch(f"{server.base}/a.png", time_s)
        finally:
            await results.close()


async def test_u28_nothing_of_ours_goes_along() -> None:
    """Not to the first host, and not to the one that it sends us on to: no key, no cookie, no trace."""
    seen: list[Exchange] = []

    async def on(exchange: Exchange) -> None:
        seen.append(exchange)
        if exchange.path == "/a.png":
            await exchange.answer(302, location="/b.png", set_cookie="a=b")
        else:
            await exchange.answer(200, b"here")

    assert await fetched(on) == b"here"
    for each in seen:
        assert set(each.headers) == {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"content-length: 1000", b"half"),
        (b"transfer-encoding: chunked", b"10\r\nhalf"),
    ],
    ids=["length", "chunks"],
)
async def test_u30_a_file_shorter_than_told_is_no_file(head: bytes, body: bytes) -> None:
    """Asked for again, and never taken for the whole."""
    tries = 0

    async def lying(exchange: Exchange) -> None:
        nonlocal tries
        tries += 1
        await exchange.say(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body)
        exchange.writer.close()

    with pytest.raises(DownloadFailed, match="broke"):
        await fetched(lying)
    assert tries > 1


async def test_u30_c17_a_packed_file_is_unpacked_within_the_limit() -> None:
    """A gigabyte in a megabyte, which nobody asked to be packed: refused at the limit."""
    pack = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join([*(pack.compress(bytes(1 << 20)) for _ in range(1 + (MAX_BYTES >> 20))), pack.flush()])

    async def packed(exchange: Exchange) -> None:
        await exchange.answer(200, bomb, content_encoding="gzip")

    with pytest.raises(DownloadFailed, match=str(MAX_BYTES)):
        await fetched(packed)


async def test_c17_twenty_redirects_are_too_many() -> None:
    """Each to another place."""
    asked: list[str] = []

    async def on(exchange: Exchange) -> None:
        asked.append(exchange.path)
        await exchange.answer(302, location=f"/{len(asked)}.png")

    with pytest.raises(DownloadFailed, match="redirects"):
        await fetched(on)
    assert len(asked) == MAX_REDIRECTS + 1


async def test_c17_a_file_that_drips_is_given_up_in_time() -> None:
    """A byte now and then keeps no connection beyond its whole time."""

    async def dripping(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not exchange.writer.is_closing():
            await exchange.say(b"x")
            await asyncio.sleep(0.01)

    with pytest.raises(DownloadFailed) as caught:
        await fetched(dripping, time_s=0.3)
    assert caught.value.timed_out


def animated_png(frames: int) -> bytes:
    """A PNG with many frames, whose head says that it has one."""
    control = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0)
    return png_of(1, 1, (b"acTL", bytes(8)), *[(b"fcTL", control), (b"IDAT", b"x")] * frames, (b"IEND", b""))


def webp(width: int, height: int, frames: int, kind: bytes = b"ANMF") -> bytes:
    """An extended WebP of a canvas and a number of empty chunks, frames as a rule."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + (kind + bytes(4)) * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif(width: int, height: int) -> bytes:
    """An AVIF whose head says how large it is."""
    extents = struct.pack(">I4sIII", 20, b"ispe", 0, width, height)
    return struct.pack(">I4s8s", 16, b"ftyp", b"avif") + struct.pack(">I4sI", 12 + len(extents), b"meta", 0) + extents


def gif(*, frame: tuple[int, int] = (1, 1), frames: int = 1) -> bytes:
    """A GIF of a canvas of one pixel and of frames that may be larger."""
    drawn = b"\x2c" + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x01x\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + drawn * frames + b"\x3b"


def jpeg(width: int, height: int) -> bytes:
    """A JPEG by its head."""
    return b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(10) + b"\xff\xda\xff\xd9"


BOMBS = {
    "a PNG of 400 Mpx in a megabyte": (png_of(20_000, 20_000, (b"IDAT", bytes(1 << 20)), (b"IEND", b"")), "pixels"),
    "a JPEG of 4 Gpx": (jpeg(65_535, 65_535), "pixels"),
    "a WebP with a huge canvas": (webp(16_384, 16_384, 1), "pixels"),
    "an AVIF with a huge canvas": (avif(65_536, 65_536), "pixels"),
    "a GIF whose frame is larger than its canvas": (gif(frame=(65_535, 65_535)), "pixels"),
    "a PNG of 10,000 frames": (animated_png(10_000), "frames"),
    "a WebP of 10,000 frames": (webp(1, 1, 10_000), "frames"),
    "a GIF of 10,000 frames": (gif(frames=10_000), "frames"),
    "a PNG in a million pieces": (png_of(1, 1) + (b"\0\0\0\0IDAT" + zlib.crc32(b"IDAT").to_bytes(4)) * 10**6, "pieces"),
    "a JPEG in a million pieces": (b"\xff\xd8\xff" + b"\xff\xe0\x00\x02" * 10**6, "pieces"),
    "a WebP in a million pieces": (webp(1, 1, 10**6, b"JUNK"), "pieces"),
    "an AVIF in a million pieces": (avif(1, 1) + b"\0\0\0\x08free" * 10**6, "pieces"),
    "a GIF in a million pieces": (gif()[:-1] + b"\x21\xfe" + b"\x01x" * 10**6, "pieces"),
    "a GIF of a million comments": (gif()[:-1] + b"\x21\xfe\x00" * 10**6, "pieces"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_u31_c17_a_bomb_is_refused_from_its_head(name: str) -> None:
    """Nothing is decoded, nothing is copied, and what is walked over has a bound."""
    bomb, why = BOMBS[name]
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=why):
            read_shape(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "animation", [animated_png(MAX_FRAMES), webp(1, 1, MAX_FRAMES), gif(frames=MAX_FRAMES)], ids=["png", "webp", "gif"]
)
def test_as_many_frames_as_there_may_be_are_taken(animation: bytes) -> None:
    """The bound is the bound, in each format."""
    assert (read_shape(animation).width_px, read_shape(animation).height_px) == (1, 1)


def test_a_large_honest_picture_is_cut_into_few_enough_pieces() -> None:
    """Noise of ten megabytes, as Pillow writes it, in every format that is walked over."""
    noise = Image.effect_noise((3000, 3000), 90)
    for name in ("PNG", "GIF", "JPEG", "WEBP"):
        out = io.BytesIO()
        noise.save(out, name, quality=95)
        assert read_shape(out.getvalue()).width_px == 3000


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
async def test_u31_a_packed_chunk_of_a_png_is_not_unpacked(kind: bytes) -> None:
    """A hundred megabytes of text or colour profile in a hundred kilobytes: the structure is read past it."""
    chunk = b"name\0\0" + zlib.compress(bytes(100_000_000), 9)
    data = png_of(1, 1, (kind, chunk), (b"IDAT", zlib.compress(bytes(4))), (b"IEND", b""))
    tracemalloc.start()
    try:
        assert read_shape(data).width_px == 1
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
