"""Operator events over HTTP, signed as Standard Webhooks asks (standardwebhooks.com, specification 1.0.0, 2026-11).

A message is POSTed as JSON with `webhook-id` (the same on every try), `webhook-timestamp` and `webhook-signature`:
"v1," and the base64 HMAC-SHA256 of "id.timestamp.body". One is under way at a time, in order. Only 2xx is an answer;
redirects are not followed, 410 ends the sending. A small HTTP client of our own: what it must do fits a page, and a
cancelled try leaves no thread behind.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import secrets
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit

from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.chassis.settings import Secret
from heliostat.router.events import OperatorEvent

log = get_logger("heliostat.router.webhook")

# Seconds before each further try; after the last one the message is given up.
SCHEDULE_S = (5.0, 30.0, 300.0, 1800.0, 7200.0)
_KEPT = 1000
_TRY_WITHIN_S = 15.0
_MOST_PAUSE_S = 3600.0
_HEAD_BYTES = 16_384
_GONE = 410
_LEAST_SECRET_BYTES = 24


class Webhook:
    """Sends events to one address, in the background. What cannot be delivered is logged and dropped."""

    def __init__(self, url: str, secret: Secret, clock: Clock, *, schedule_s: Sequence[float] = SCHEDULE_S) -> None:
        self._url = url
        self._secret = secret
        self._clock = clock
        self._schedule_s = tuple(schedule_s)
        self._waiting: deque[OperatorEvent] = deque(maxlen=_KEPT)
        self._news = asyncio.Event()
        self._gone = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to send what `take` is given."""
        self._task = asyncio.create_task(self._send_all(), name="send operator events")

    async def stop(self) -> None:
        """Sends no more; what waits is dropped, and the log has it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def finished(self) -> None:
        """Returns when nothing will be sent any more."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def take(self, event: OperatorEvent) -> None:
        """Queues an event; the oldest of 1,000 goes when one more comes."""
        if not self._gone:
            self._waiting.append(event)
            self._news.set()

    async def _send_all(self) -> None:
        while not self._gone:
            if self._waiting:
                await self._deliver(self._waiting.popleft())
            else:
                self._news.clear()
                await self._news.wait()

    async def _deliver(self, event: OperatorEvent) -> None:
        """Tries until the receiver has it, or the schedule is over."""
        name = f"msg_{secrets.token_hex(12)}"
        body = body_of(event)
        for pause_s in (*self._schedule_s, None):
            status, wait_s = await self._try(name, body)
            if 200 <= status < 300:
                return
            if status == _GONE:
                self._gone = True
                self._waiting.clear()
                log.warning("the receiver of operator events is gone (410): nothing more is sent", kind=event.kind)
                return
            if pause_s is not None:
                await asyncio.sleep(max(pause_s, wait_s))
        log.warning("an operator event was not delivered", kind=event.kind, target=event.target, status=status)

    async def _try(self, name: str, body: bytes) -> tuple[int, float]:
        """The receiver's status and how many seconds it asks to wait; (0, 0) where it gave no answer."""
        try:
            headers = signed(name, int(self._clock.time()), body, self._secret.reveal())
            async with asyncio.timeout(_TRY_WITHIN_S):
                return await _post(self._url, headers, body)
        except (MeshError, ValueError) as error:
            log.warning("an operator event cannot be signed", why=str(error))
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError) as error:
            log.warning("the receiver of operator events does not answer", error=type(error).__name__)
        return 0, 0.0


def body_of(event: OperatorEvent) -> bytes:
    """The event as JSON: `type`, `timestamp`, `data`. Pure."""
    told = {
        "type": f"router.{event.kind}",
        "timestamp": datetime.fromtimestamp(event.time, UTC).isoformat().replace("+00:00", "Z"),
        "data": {"kind": event.kind, "target": event.target, "message": event.message},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def key_of(secret: str) -> bytes:
    """The signing key behind a secret, "whsec_" and base64, or the bytes themselves. Raises ValueError. Pure."""
    if secret.startswith("whsec_"):
        try:
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError(
                "the webhook's secret begins with whsec_ and goes on as something else than base64"
            ) from None
    else:
        key = secret.encode()
    if len(key) < _LEAST_SECRET_BYTES:
        raise ValueError(f"the webhook's secret must have at least {_LEAST_SECRET_BYTES} bytes")
    return key


def signed(name: str, timestamp: int, body: bytes, secret: str) -> dict[str, str]:
    """The headers of one try. Raises ValueError for a secret that is none. Pure."""
    digest = hmac.new(key_of(secret), f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def _post(url: str, headers: dict[str, str], body: bytes) -> tuple[int, float]:
    """One request on a connection of its own. Raises OSError, EOFError, LimitOverrunError, ValueError."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host = parts.hostname or ""
    reader, writer = await asyncio.open_connection(
        host,
        parts.port or (443 if secure else 80),
        ssl=ssl.create_default_context() if secure else None,
        server_hostname=host if secure else None,
        limit=_HEAD_BYTES,
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = {"host": parts.netloc, "user-agent": "heliostat", "connection": "close", **headers}
        lines = [f"POST {target} HTTP/1.1", *(f"{key}: {value}" for key, value in head.items())]
        writer.write("\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body)
        await writer.drain()
        return answer_of((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def answer_of(head: str) -> tuple[int, float]:
    """Status and Retry-After in seconds (0 where there is none) of an answer's head. Raises ValueError."""
    first, *lines = head.split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1."):
        raise ValueError("the receiver does not speak HTTP/1.1")
    pause_s = 0.0
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "retry-after" and value.strip().isdecimal():
            pause_s = min(float(value), _MOST_PAUSE_S)
    return int(words[1]), pause_s
