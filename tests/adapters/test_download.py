"""Pictures are fetched from hosts that may be trusted, and from nobody else."""

import asyncio
import socket

import httpx
import pytest

from benchmarks.routing_sim import virtual_time
from benchmarks.routing_sim.virtual_time import VirtualClock
from heliostat.adapters.sdk.addresses import Resolver
from heliostat.adapters.sdk.download import MAX_REDIRECTS, MAX_TRIES, Downloader, DownloadFailed
from heliostat.adapters.sdk.structure import MAX_BYTES
from heliostat.chassis.clock import Clock
from tests.adapters.raw_server import Exchange, raw_server

EVERYBODY = Downloader(Clock(), ("*",))
FAL = Downloader(Clock(), ("fal.media", "*.fal.media"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/a",
        "https://127.0.0.1/a",
        "https://[::1]/a",
        "https://10.1.2.3/a",
        "https://192.168.0.1/a",
        "https://172.16.0.1/a",
        "https://100.64.0.1/a",
        "https://0.0.0.0/a",
        "https://0/a",
        "https://0x7f000001/a",
        "https://2130706433/a",
        "https://127.1/a",
        "https://017700000001/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[::ffff:10.0.0.1]/a",
        "https://[64:ff9b::7f00:1]/a",
        "https://[2002:7f00:1::]/a",
        "https://[fe80::1]/a",
        "https://[fd00::1]/a",
        "https://[ff02::1]/a",
        "https://example.com@10.0.0.1/a",
        "https://user:pass@example.com/a",
        "https://a@example.com/",
        "https://example.com:22/a",
        "https://example.com:5432/a",
        "https://example。com/a",
        "https:///a",
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/a",
        "data:image/png;base64,AAAA",
        "//example.com/a",
        "",
        "https://[bad",
        "https://example.com:99999/",
    ],
)
@pytest.mark.parametrize("downloader", [EVERYBODY, FAL], ids=["inputs", "results"])
async def test_an_address_inside_is_refused_before_anything_is_sent(downloader: Downloader, url: str) -> None:
    """Private, local, odd and disguised addresses; credentials; other ports and schemes."""
    with pytest.raises(DownloadFailed) as caught:
        await downloader.fetch(url, 5)
    assert caught.value.forbidden


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/a.png", "https://fal.media.evil.example/a", "https://notfal.media/a", "https://8.8.8.8/"],
)
async def test_a_result_comes_from_listed_hosts_only(url: str) -> None:
    """A suffix is not a sub-domain."""
    with pytest.raises(DownloadFailed) as caught:
        await FAL.fetch(url, 5)
    assert caught.value.forbidden


@pytest.mark.parametrize(
    "url", ["https://fal.media/a", "https://v3.fal.media/files/b/x.png", "https://V3.FAL.media./a"]
)
def test_a_listed_host_is_allowed(url: str) -> None:
    """Case and a trailing dot do not matter."""
    FAL.check(url)


async def test_a_name_that_leads_inside_gives_no_address() -> None:
    """Checked after resolution, and only what was checked is connected to, so that nothing can change in between."""
    resolver = Resolver(lambda address: not address.startswith("127.") and address != "::1")
    with pytest.raises(OSError, match="no public address"):
        await resolver.resolve("localhost", 443)


async def test_a_name_that_leads_outside_gives_its_address() -> None:
    """The address itself, not the name, goes on."""
    found = await Resolver(lambda _: True).resolve("127.0.0.1", 443, socket.AF_INET)
    assert [(one["host"], one["port"]) for one in found] == [("127.0.0.1", 443)]


async def local(script, time_s: float = 10.0) -> bytes:  # type: ignore[no-untyped-def]
    """A download from a server on loopback, as an emulator's adapter makes it."""
    async with raw_server(script) as server:
        downloader = Downloader(Clock(), (), loopback=True)
        try:
            return await downloader.fetch(f"{server.base}/a.png", time_s)
        finally:
            await downloader.close()


async def test_a_file_comes_whole_and_without_credentials() -> None:
    """Nothing of ours goes along."""
    seen: list[Exchange] = []

    async def fine(exchange: Exchange) -> None:
        seen.append(exchange)
        await exchange.answer(200, b"x" * 2_000_000)

    assert await local(fine) == b"x" * 2_000_000
    assert set(seen[0].headers) == {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_a_file_that_appears_late_is_fetched(status: int) -> None:
    """Results are sometimes announced before they can be read."""
    tries = 0

    async def late(exchange: Exchange) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            await exchange.answer(status)
        else:
            await exchange.answer(200, b"here")

    assert await local(late) == b"here"


@pytest.mark.parametrize(("status", "times"), [(404, MAX_TRIES), (403, MAX_TRIES), (410, 1)])
async def test_a_file_that_never_appears_is_given_up(status: int, times: int) -> None:
    """After three tries, or at once where trying again is no use."""
    tries = 0

    async def never(exchange: Exchange) -> None:
        nonlocal tries
        tries += 1
        await exchange.answer(status)

    with pytest.raises(DownloadFailed, match=str(status)) as caught:
        await local(never)
    assert not caught.value.forbidden
    assert tries == times


@pytest.mark.parametrize(
    "target", ["https://169.254.169.254/x", "http://10.0.0.1/x", "https://evil.example/x", "file:///etc/passwd"]
)
async def test_every_redirect_is_checked(target: str) -> None:
    """A trusted host may send us anywhere."""

    async def away(exchange: Exchange) -> None:
        await exchange.answer(302, location=target)

    with pytest.raises(DownloadFailed) as caught:
        await local(away)
    assert caught.value.forbidden


async def test_a_redirect_within_the_allowed_is_followed() -> None:
    """Relative ones too."""

    async def once(exchange: Exchange) -> None:
        if exchange.path == "/a.png":
            await exchange.answer(302, location="/b.png")
        else:
            await exchange.answer(200, b"there")

    assert await local(once) == b"there"


async def test_redirects_have_an_end() -> None:
    """A circle is walked three times and no more."""
    asked = 0

    async def around(exchange: Exchange) -> None:
        nonlocal asked
        asked += 1
        await exchange.answer(302, location="/a.png")

    with pytest.raises(DownloadFailed, match="redirects"):
        await local(around)
    assert asked == MAX_REDIRECTS + 1


async def test_a_file_without_an_end_is_cut_off() -> None:
    """Whatever Content-Length says or does not say."""

    async def endless(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while not exchange.writer.is_closing():
            await exchange.say(bytes(1 << 20))

    with pytest.raises(DownloadFailed, match=str(MAX_BYTES)):
        await local(endless)


async def test_a_host_that_says_nothing_is_given_up_in_time() -> None:
    """The time of the attempt bounds the download."""

    async def silent(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DownloadFailed) as caught:
        await local(silent, time_s=0.1)
    assert caught.value.timed_out


async def test_loopback_is_for_emulators_only() -> None:
    """Without the permission nothing connects."""

    async def fine(exchange: Exchange) -> None:
        await exchange.answer(200, b"x")

    async with raw_server(fine) as server:
        with pytest.raises(DownloadFailed) as caught:
            await EVERYBODY.fetch(server.base, 5)
        assert caught.value.forbidden
        assert server.connections == 0


class Slow(httpx.AsyncBaseTransport):
    """A host that answers each request after so many seconds, if anybody waits for so long."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked_at: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The picture, late. Raises ReadTimeout."""
        self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(min(self.seconds, request.extensions["timeout"]["answer"]))
        if self.seconds > request.extensions["timeout"]["answer"]:
            raise httpx.ReadTimeout("slow")
        return httpx.Response(200, content=b"here")


@pytest.mark.parametrize(("seconds", "tries"), [(4.9, 1), (8.0, 3), (1000.0, 3)], ids=["late", "slow", "silent"])
def test_a_slow_host_is_asked_three_times_within_twenty_seconds(seconds: float, tries: int) -> None:
    """Each try waits for a share of the time, the last one for all that is left: who is slow each time is heard."""
    host = Slow(seconds)

    async def fetched() -> tuple[bytes | DownloadFailed, float]:
        downloader = Downloader(VirtualClock(), ("fal.media",), transport=host)
        try:
            made: bytes | DownloadFailed = await downloader.fetch("https://fal.media/a.png", 300)
        except DownloadFailed as failed:
            made = failed
        return made, asyncio.get_running_loop().time()

    made, took_s = virtual_time.run(fetched())
    if seconds < 10:
        assert made == b"here"
    else:
        assert isinstance(made, DownloadFailed)
        assert made.timed_out
    assert len(host.asked_at) == tries
    assert took_s <= 20.0


def test_a_slow_host_gets_all_of_a_short_time() -> None:
    """Near to the deadline one try that may come through is better than three that cannot."""
    host = Slow(1.5)
    downloader = Downloader(VirtualClock(), ("fal.media",), transport=host)
    assert virtual_time.run(downloader.fetch("https://fal.media/a.png", 2.0)) == b"here"
    assert len(host.asked_at) == 1
