"""The transport under httpx: aiohttp's connection pool, bodies read in few large pieces.

httpx's own pool costs 1 to 20 ms a request and the stock bridge hands a body over in 16 KiB pieces; both would be most
of what a gateway costs. Errors keep apart what was never sent (`httpx.ConnectError`, `httpx.ConnectTimeout`) from what
may have been (`httpx.ReadTimeout`, `httpx.ReadError`): whether something was bought hangs on it.
"""

import asyncio
import zlib
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

PIECE_BYTES = 1024 * 1024


class BodyTooLarge(httpx.ReadError):
    """The answer is longer than we take; nothing of it is kept."""


class LargePieceTransport(AiohttpTransport):
    """One pool of connections.

    A request's extensions say how long it may wait, in seconds: `timeout` = {`connect`, `answer` (for the head of the
    answer), `idle` (between its pieces), `total`}; and `max_bytes`, the longest body, packed or unpacked. Bodies
    are always read whole.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        keepalive_s: float,
        resolver: AbstractResolver | None = None,
        ssl_context: Any = True,
    ) -> None:
        super().__init__(client=self._session)
        self._max_connections = max_connections
        self._keepalive_s = keepalive_s
        self._resolver = resolver
        self._ssl = ssl_context

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=self._max_connections,
            keepalive_timeout=self._keepalive_s,
            resolver=self._resolver,
            use_dns_cache=self._resolver is None,
            ttl_dns_cache=30,
            ssl=self._ssl,
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
        """Sends the request and reads the answer whole. Raises httpx's errors as told above."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        waits = request.extensions["timeout"]
        deadline = asyncio.get_running_loop().time() + waits["total"]
        try:
            async with (
                asyncio.timeout(min(waits["answer"], waits["total"])) as alarm,
                self.client.request(
                    request.method,
                    str(request.url),
                    headers=request.headers.multi_items(),
                    data=request.content or None,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, connect=waits["connect"], sock_connect=waits["connect"]),
                ) as answer,
            ):
                body = await _read_whole(answer, alarm, deadline, waits["idle"], request.extensions["max_bytes"])
        except aiohttp.ConnectionTimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except TimeoutError:
            raise httpx.ReadTimeout("no answer in time") from None
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(type(error).__name__) from None
        except (aiohttp.ClientError, ConnectionError) as error:
            raise httpx.ReadError(type(error).__name__) from None
        packing = answer.headers.get("content-encoding", "identity").strip().lower()
        if packing != "identity":
            body = await asyncio.to_thread(_unpack, body, packing, request.extensions["max_bytes"])
        # httpx must not unpack once more, nor believe a length that was the packed one's.
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in _FRAMING]
        return httpx.Response(answer.status, headers=headers, content=body, request=request)


_FRAMING = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


async def _read_whole(
    answer: aiohttp.ClientResponse, alarm: asyncio.Timeout, deadline: float, idle_s: float, max_bytes: int
) -> bytes:
    loop = asyncio.get_running_loop()
    pieces: list[bytes] = []
    total = 0
    while True:
        alarm.reschedule(min(deadline, loop.time() + idle_s))
        piece = await answer.content.readany()
        if not piece:
            alarm.reschedule(None)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        total += len(piece)
        if total > max_bytes:
            raise BodyTooLarge(f"over {max_bytes} bytes")
        pieces.append(piece)


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
