"""How much a request may bring, and in which form: heads, bodies, JSON. Too much is refused before it is read."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope

from heliostat.edge.problems import Refusal
from heliostat.edge.schemas import invalid
from heliostat.edge.settings import EdgeSettings
from heliostat.edge.visit import Visit, single

# Where parsing would hold the loop for more than a few milliseconds, a thread does it.
_LARGE_JSON_BYTES = 1024 * 1024
_JSON_LIKE = ("application/json", "text/json")
# What clients send that were not told to send JSON: `curl -d`, a bare fetch().
_UNNAMED = ("", "application/x-www-form-urlencoded", "text/plain")


def check_head(scope: Scope, visit: Visit, settings: EdgeSettings) -> None:
    """Raises a Refusal where the head is too large or says what is not read here."""
    headers = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers) + len(scope["raw_path"]) + len(scope["query_string"])
    if len(headers) > settings.max_header_count or size > settings.max_head_bytes:
        raise head_too_large(settings)
    if len(visit.headers) != len(headers):
        for name in (b"authorization", b"content-type", b"content-length", b"idempotency-key", b"host"):
            single(headers, name)
    encoding = visit.header(b"content-encoding").lower()
    if encoding not in ("", "identity"):
        raise Refusal(
            415,
            "unsupported_content_encoding",
            "Bodies with a Content-Encoding are not read here; send the body as it is.",
        )
    declared = visit.headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > settings.max_body_bytes:
        raise body_too_large(settings.max_body_bytes)


def head_too_large(settings: EdgeSettings) -> Refusal:
    """The refusal of a head over the limits."""
    return Refusal(
        431,
        "request_header_fields_too_large",
        f"The head of the request is too large; send at most {settings.max_header_count} headers and "
        f"{settings.max_head_bytes} bytes.",
    )


def body_too_large(limit: int) -> Refusal:
    """The refusal of a body over `limit` bytes."""
    return Refusal(413, "request_too_large", f"The body is too long; send at most {limit} bytes.")


class _Intake:
    """Takes the body of one request, at most `limit` bytes, as long as `visit.body_left` says that there is more."""

    __slots__ = ("_limit", "_receive", "_silence_s", "_taken", "_visit")

    def __init__(self, visit: Visit, receive: Receive, limit: int, silence_s: float) -> None:
        declared = visit.headers.get(b"content-length", b"")
        if declared.isdigit() and int(declared[:20]) > limit:
            raise body_too_large(limit)
        self._visit = visit
        self._receive = receive
        self._limit = limit
        self._silence_s = silence_s
        self._taken = 0

    async def piece(self) -> bytes:
        """The next piece. Raises a Refusal, see `body_chunks`."""
        message = await self._heard()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "incomplete_body", "The body ended early; send it again.")
        body: bytes = message.get("body", b"")
        self._taken += len(body)
        if self._taken > self._limit:
            raise body_too_large(self._limit)
        self._visit.body_left = message.get("more_body", False)
        return body

    async def _heard(self) -> Message:
        interruption = self._visit.interruption
        silence = asyncio.get_running_loop().call_later(self._silence_s, interruption.interrupt, TimeoutError)
        try:
            with interruption:
                return await self._receive()
        except TimeoutError:
            raise Refusal(408, "request_timeout", "The body did not come in time; send it again.") from None
        finally:
            silence.cancel()


async def body_chunks(visit: Visit, receive: Receive, limit: int, silence_s: float) -> AsyncGenerator[bytes, None]:
    """The body piece by piece, at most `limit` bytes.

    Raises a Refusal: 413 as soon as it is longer, 408 after `silence_s` seconds without a piece, 400 where the caller
    hangs up.
    """
    intake = _Intake(visit, receive, limit, silence_s)
    yield await intake.piece()
    while visit.body_left:
        yield await intake.piece()


async def read_body(visit: Visit, receive: Receive, limit: int, silence_s: float) -> bytes:
    """The whole body, at most `limit` bytes. Raises as `body_chunks` does."""
    intake = _Intake(visit, receive, limit, silence_s)
    body = await intake.piece()
    if not visit.body_left:
        return body
    pieces = [body]
    while visit.body_left:
        pieces.append(await intake.piece())
    return b"".join(pieces)


async def json_fields(visit: Visit, receive: Receive, limit: int, silence_s: float) -> dict[str, Any]:
    """The body as a JSON object, whether its type was named or not. Raises a Refusal or INVALID_FIELD."""
    kind = visit.header(b"content-type").partition(";")[0].strip().lower()
    named = kind in _JSON_LIKE or kind.endswith("+json")
    if not named and kind not in _UNNAMED:
        raise _not_json(kind)
    body = await read_body(visit, receive, limit, silence_s)
    if not named and not body.lstrip()[:1] == b"{":
        raise _not_json(kind) if body else invalid("body", "The body is empty; send a JSON object.")
    return await parse_object(body)


async def parse_object(body: bytes) -> dict[str, Any]:
    """JSON text as an object. Raises INVALID_FIELD."""
    try:
        if len(body) > _LARGE_JSON_BYTES:
            fields = await asyncio.to_thread(orjson.loads, body)
        else:
            fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise invalid("body", "The body is not JSON; check quotes, commas and that it is UTF-8.") from None
    if not isinstance(fields, dict):
        raise invalid("body", 'The body must be a JSON object such as {"model": "...", "prompt": "..."}.')
    return fields


def _not_json(kind: str) -> Refusal:
    shown = kind[:64] if kind.isascii() and kind.isprintable() else "this type"
    return Refusal(
        415,
        "unsupported_media_type",
        f"{shown or 'This body'} is not read here; send JSON as application/json.",
    )
