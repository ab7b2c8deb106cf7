"""The transport under httpx: aiohttp's connection pool, bodies read in few large pieces.

httpx's own pool costs 1 to 20 ms a request and the stock bridge hands a body over in 16 KiB pieces; both would be most
of what a gateway costs. Errors keep apart what was never sent (`httpx.ConnectError`, `httpx.ConnectTimeout`) from what
may have been (`httpx.ReadTimeout`, `httpx.ReadError`): whether something was bought hangs on it.
"""

import asyncio
import io
import re
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from yarl import URL

PIECE_BYTES = 1024 * 1024
# The letters of RFC 3986, and no "%" that encodes nothing; the host with its path.
_WHOLLY_ENCODED = re.compile(
    r"https?://[A-Za-z0-9._:\[\]-]+/(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", re.ASCII
)


class BodyTooLarge(httpx.ReadError):
    """The answer is longer than we take; nothing of it is kept."""


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that servers are checked against: certifi's or SSL_CERT_FILE's. Read once, for it is slow."""
    return httpx.create_ssl_context()


# What connections are made with where nothing else is said: every server's certificate is refused.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class AddressRefused(OSError):
    """Raised by a resolver: the name leads to addresses that must not be connected to."""


class ConnectionForbidden(httpx.ConnectError):
    """Nothing was sent, and nothing will be: the address is refused."""


class LargePieceTransport(AiohttpTransport):
    """One pool of connections.

    A request's extensions say how long it may wait, in seconds: `timeout` = {`connect`, `answer` (for the head of the
    answer), `idle` (between its pieces), `total`}; and `max_bytes`, the longest body, packed or unpacked. Bodies
    are read whole, unless `stream` is set.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        keepalive_s: float,
        resolver: AbstractResolver | None = None,
        remember_names: bool = False,
    ) -> None:
        """`resolver` looks names up instead of the system; what it found is used for half a minute where
        `remember_names` says so, as what the system found always is.
        """
        super().__init__(verify=_NOBODY, client=self._session)
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._resolver = resolver
        self._remember_names = remember_names or resolver is None

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_s,
            resolver=self._resolver,
            use_dns_cache=self._remember_names,
            ttl_dns_cache=30,
            ssl=self.ssl_context,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=PIECE_BYTES,
            timeout=aiohttp.ClientTimeout(total=None),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request and reads the answer. Raises httpx's errors as told above."""
        waits, limit = request.extensions["timeout"], request.extensions["max_bytes"]
        outgoing = Outgoing(request.method, str(request.url), dict(request.headers), request.content)
        if not request.extensions.get("stream"):
            status, headers, body = await self.exchange(outgoing, waits, limit)
            return httpx.Response(status, headers=_unframed(headers), content=body, request=request)
        deadline = asyncio.get_running_loop().time() + waits["total"]
        try:
            async with asyncio.timeout(min(waits["answer"], waits["total"])):
                answer = await self._send(outgoing, waits["connect"])
        except _BROKEN as error:
            raise _as_httpx(error) from None
        pieces = _Pieces(answer, deadline, waits["idle"], limit)
        return httpx.Response(answer.status, headers=_unframed(_headers(answer)), stream=pieces, request=request)

    async def exchange(
        self, outgoing: "Outgoing", waits: Mapping[str, float], max_bytes: int
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, and the whole unpacked body. Raises httpx's errors, too.

        The way of every call that is not streamed: httpx's own messages cost as much as the exchange.
        """
        clock = asyncio.get_running_loop().time
        now = clock()
        deadline = now + waits["total"]
        try:
            async with asyncio.timeout_at(min(now + waits["answer"], deadline)) as alarm:
                answer = await self._send(outgoing, waits["connect"])
                try:
                    body = await _whole_body(answer.content, alarm, deadline, waits["idle"], max_bytes)
                finally:
                    # Gives the connection back, or drops it where the body was not read to its end.
                    answer.release()
        except _BROKEN as error:
            raise _as_httpx(error) from None
        headers = _headers(answer)
        packing = headers.get("content-encoding", "identity").strip().lower()
        if packing != "identity":
            body = await asyncio.to_thread(_unpack, body, packing, max_bytes)
        return answer.status, headers, body

    async def aclose(self) -> None:
        """Closes every connection, and what looked names up."""
        await super().aclose()
        if self._resolver is not None:
            await self._resolver.close()

    async def _send(self, outgoing: "Outgoing", connect_s: float) -> aiohttp.ClientResponse:
        session = self.client
        if not isinstance(session, aiohttp.ClientSession):
            session = self.client = self.get_client()
        url = parsed(outgoing.url)
        return await session.request(
            outgoing.method,
            url,
            headers=outgoing.headers,
            data=_in_pieces(outgoing.content),
            allow_redirects=False,
            timeout=_connecting(connect_s),
            ssl=_trusted() if url.scheme == "https" else True,
        )


def _in_pieces(content: bytes) -> bytes | io.BytesIO | None:
    """A body as aiohttp sends it: a large one in pieces, or the loop would stand still while it is written."""
    return io.BytesIO(content) if len(content) > PIECE_BYTES else content or None


class Outgoing(NamedTuple):
    """A request as it leaves: `url` is a whole one."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


@lru_cache(maxsize=512)
def parsed(url: str) -> URL:
    """The parts of an address; read once, for a provider has few. Raises ValueError.

    What is encoded in it travels as it is written: a signature may cover it.
    """
    return URL(url, encoded="%" in url and _WHOLLY_ENCODED.fullmatch(url) is not None)


@lru_cache(maxsize=64)
def _connecting(connect_s: float) -> aiohttp.ClientTimeout:
    """aiohttp's own waits: of the connection only, all others are ours."""
    return aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s)


_BROKEN = (TimeoutError, aiohttp.ClientError, ConnectionError)


def _as_httpx(error: BaseException) -> httpx.HTTPError:
    """The error in httpx's words, which keep apart what was never sent."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout("no connection in time")
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout("no answer in time")
    if isinstance(error, aiohttp.ClientConnectorError):
        if isinstance(error.os_error, AddressRefused):
            return ConnectionForbidden("address refused")
        return httpx.ConnectError(type(error).__name__)
    return httpx.ReadError(type(error).__name__)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.raw_headers}


def _unframed(headers: Mapping[str, str]) -> httpx.Headers:
    """Without what httpx must not go by: it would unpack, or believe a length that is the packed one's.

    Any byte may stand in a header; httpx takes ASCII only where it is not told.
    """
    kept = {name: value for name, value in headers.items() if name not in _FRAMING}
    return httpx.Headers(kept, encoding="latin-1")


async def _whole_body(
    content: aiohttp.StreamReader, alarm: asyncio.Timeout, deadline: float, idle_s: float, max_bytes: int
) -> bytes:
    """All pieces as one; `alarm` is set anew before each of them."""
    clock = asyncio.get_running_loop().time
    pieces: list[bytes] = []
    total = 0
    while not content.at_eof():
        alarm.reschedule(min(deadline, clock() + idle_s))
        piece = await content.readany()
        total += len(piece)
        if total > max_bytes:
            raise BodyTooLarge(f"over {max_bytes} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Pieces(httpx.AsyncByteStream):
    """The body of an answer in pieces as large as they come; closed however reading ends."""

    def __init__(self, answer: aiohttp.ClientResponse, deadline: float, idle_s: float, limit: int) -> None:
        self._answer = answer
        self._deadline = deadline
        self._idle_s = idle_s
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        total = 0
        while True:
            try:
                async with asyncio.timeout_at(min(self._deadline, clock() + self._idle_s)):
                    piece = await self._answer.content.readany()
            except _BROKEN as error:
                raise _as_httpx(error) from None
            if not piece:
                break
            total += len(piece)
            if total > self._limit:
                raise BodyTooLarge(f"over {self._limit} bytes")
            yield piece

    async def aclose(self) -> None:
        """Gives the connection back, or drops it where the body was not read to its end."""
        self._answer.release()


_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def _unpack(body: bytes, packing: str, max_bytes: int) -> bytes:
    """gzip and deflate, never more than `max_bytes` of memory. Raises httpx.DecodingError and BodyTooLarge."""
    if packing not in {"gzip", "x-gzip", "deflate"}:
        raise httpx.DecodingError("packed in a way that was not offered")
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        unpacked = unpacker.decompress(body, max_bytes)
    except zlib.error:
        raise httpx.DecodingError("damaged") from None
    if unpacker.unconsumed_tail:
        raise BodyTooLarge(f"over {max_bytes} bytes")
    if not unpacker.eof:
        raise httpx.DecodingError("cut off")
    return unpacked
