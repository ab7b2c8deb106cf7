"""The transport under httpx: aiohttp's connection pool, bodies read in few large pieces.

httpx's own pool costs 1 to 20 ms a request and the stock bridge hands a body over in 16 KiB pieces; both would be most
of what a gateway costs. Errors keep apart what was never sent (`httpx.ConnectError`, `httpx.ConnectTimeout`) from what
may have been (`httpx.ReadTimeout`, `httpx.ReadError`): whether something was bought hangs on it.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

PIECE_BYTES = 1024 * 1024


class BodyTooLarge(httpx.ReadError):
    """The answer is longer than we take; nothing of it is kept."""


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that servers are checked against: certifi's or SSL_CERT_FILE's. Read once, for it is slow."""
    return httpx.create_ssl_context()


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
    ) -> None:
        super().__init__(verify=_trusted(), client=self._session)
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._resolver = resolver

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_s,
            resolver=self._resolver,
            use_dns_cache=self._resolver is None,
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
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        waits = request.extensions["timeout"]
        limit = request.extensions["max_bytes"]
        deadline = asyncio.get_running_loop().time() + waits["total"]
        with _as_httpx_errors():
            async with asyncio.timeout(min(waits["answer"], waits["total"])):
                answer = await self._send(self.client, request, waits["connect"])
            pieces = _Pieces(answer, deadline, waits["idle"], limit)
        # httpx must not unpack, nor believe a length that is the packed one's.
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in _FRAMING]
        if request.extensions.get("stream"):
            return httpx.Response(answer.status, headers=headers, stream=pieces, request=request)
        body = await pieces.whole()
        packing = answer.headers.get("content-encoding", "identity").strip().lower()
        if packing != "identity":
            body = await asyncio.to_thread(_unpack, body, packing, limit)
        return httpx.Response(answer.status, headers=headers, content=body, request=request)

    async def _send(
        self, session: aiohttp.ClientSession, request: httpx.Request, connect_s: float
    ) -> aiohttp.ClientResponse:
        return await session.request(
            request.method,
            str(request.url),
            headers=request.headers.multi_items(),
            data=request.content or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=connect_s, sock_connect=connect_s),
        )


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError:
        raise httpx.ConnectTimeout("no connection in time") from None
    except TimeoutError:
        raise httpx.ReadTimeout("no answer in time") from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            raise ConnectionForbidden("address refused") from None
        raise httpx.ConnectError(type(error).__name__) from None
    except (aiohttp.ClientError, ConnectionError) as error:
        raise httpx.ReadError(type(error).__name__) from None


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
        with _as_httpx_errors():
            while True:
                async with asyncio.timeout_at(min(self._deadline, clock() + self._idle_s)):
                    piece = await self._answer.content.readany()
                if not piece:
                    break
                total += len(piece)
                if total > self._limit:
                    raise BodyTooLarge(f"over {self._limit} bytes")
                yield piece

    async def whole(self) -> bytes:
        """All pieces as one."""
        clock = asyncio.get_running_loop().time
        pieces: list[bytes] = []
        total = 0
        try:
            with _as_httpx_errors():
                async with asyncio.timeout_at(self._deadline) as alarm:
                    while True:
                        alarm.reschedule(min(self._deadline, clock() + self._idle_s))
                        piece = await self._answer.content.readany()
                        if not piece:
                            break
                        total += len(piece)
                        if total > self._limit:
                            raise BodyTooLarge(f"over {self._limit} bytes")
                        pieces.append(piece)
        finally:
            await self.aclose()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def aclose(self) -> None:
        """Gives the connection back, or drops it where the body was not read to its end."""
        self._answer.release()


_FRAMING = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


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
