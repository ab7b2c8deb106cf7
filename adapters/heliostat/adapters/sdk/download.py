"""Fetches a picture from a URL that somebody else named: guarded, bounded, without credentials.

A result comes from hosts of the adapter's list; a caller's input may come from any public host. Every address is
checked after resolution and the connection is made to the very address that was checked; redirects (at most three)
are checked anew.
"""

import asyncio
import ipaddress
import re
from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from heliostat.adapters.sdk.addresses import Resolver, is_allowed, is_public_name
from heliostat.adapters.sdk.structure import MAX_BYTES
from heliostat.adapters.sdk.transport import BodyTooLarge, ConnectionForbidden, LargePieceTransport
from heliostat.chassis import telemetry
from heliostat.chassis.clock import Clock
from heliostat.chassis.modules import Lookup

MAX_REDIRECTS = 3
MAX_TRIES = 3
TRIES_S = 20.0
WHOLE_S = 30.0
IDLE_S = 15.0
CONNECT_S = 3.0
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# Parsers of addresses differ about everything else: a backslash, a blank or a percent sign may hide another host.
_LABEL = "[A-Za-z0-9_-]{1,63}"
_PLAIN_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f\\]{1,8192}")
# Object stores say 403 of what is not there yet, too (Amazon S3, GetObject without the right to list; read 2026-11-22).
_RETRIED = frozenset({403, 404, 408, 425, 429, 500, 502, 503, 504})


class DownloadFailed(Exception):
    """A download did not work out. `forbidden` is True where the address was refused and nothing was sent."""

    def __init__(self, message: str, *, forbidden: bool = False, timed_out: bool = False) -> None:
        super().__init__(message)
        self.forbidden = forbidden
        self.timed_out = timed_out


class Downloader:
    """Downloads from `hosts` ("name", "*.name", "*" for any public host).

    `loopback` also allows this machine and plain http to it: for emulators and self-hosted servers, never for inputs.
    """

    def __init__(
        self,
        clock: Clock,
        hosts: tuple[str, ...],
        *,
        loopback: bool = False,
        lookup: Lookup | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`lookup` finds the addresses of a name; the system does where absent. What it finds is checked, unless a
        `transport` of one's own connects."""
        self._clock = clock
        self._hosts = hosts
        self._loopback = loopback
        self._resolver = Resolver(partial(is_allowed, loopback=loopback), lookup)
        self._transport = transport

    async def fetch(self, url: str, time_s: float, *, accept: str = "image/*") -> bytes:
        """The bytes at `url`, at most 64 MiB, within `time_s` seconds. Raises DownloadFailed.

        Up to three tries that begin within 20 s, on 403, 404, 5xx, silence and broken connections: results often appear
        a moment late.
        """
        began = self._clock.monotonic()
        deadline, last = began + min(time_s, WHOLE_S), began + min(time_s, TRIES_S)
        wait_s = 0.2
        for left in reversed(range(MAX_TRIES)):
            patience_s = _share_s(last - self._clock.monotonic(), left)
            try:
                return await self._follow(url, deadline, patience_s, accept)
            except _Again as again:
                if left == 0 or self._clock.monotonic() + wait_s >= last:
                    raise again.why from None
            await asyncio.sleep(wait_s)
            wait_s *= 4
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Closes every connection."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    def check(self, url: str) -> None:
        """Raises DownloadFailed(forbidden) for a URL that this downloader never asks."""
        try:
            parts = urlsplit(url) if _PLAIN.fullmatch(url) else None
            host, port = ((parts.hostname or "").rstrip(".").lower(), parts.port) if parts else ("", None)
        except ValueError:
            parts = None
        if parts is None:
            raise DownloadFailed("the address cannot be read", forbidden=True)
        if parts.username is not None or parts.password is not None or not host:
            raise DownloadFailed("the address carries credentials or no host", forbidden=True)
        if not _PLAIN_HOST.fullmatch(parts.netloc):
            raise DownloadFailed("only the https port of a plain host name is fetched", forbidden=True)
        here = self._loopback and host in _LOOPBACK_NAMES
        if parts.scheme != "https" and not (here and parts.scheme == "http"):
            raise DownloadFailed("only https addresses are fetched", forbidden=True)
        if here:
            return
        if port not in {None, 443}:
            raise DownloadFailed("only the https port of a plain host name is fetched", forbidden=True)
        literal = _literal(host)
        if literal and not is_allowed(host, loopback=self._loopback):
            raise DownloadFailed("the address is not a public one", forbidden=True)
        if not any(_matches(host, pattern, literal) for pattern in self._hosts):
            raise DownloadFailed(f"{host} is not among the allowed hosts", forbidden=True)

    async def _follow(self, url: str, deadline: float, patience_s: float, accept: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            self.check(url)
            response = await self._ask(url, deadline, patience_s, accept)
            status = response.status_code
            if status == 200:
                return response.content
            if status in {301, 302, 303, 307, 308} and "location" in response.headers:
                url = urljoin(url, response.headers["location"])
                continue
            failed = DownloadFailed(f"the host answered with status {status}")
            raise _Again(failed) if status in _RETRIED else failed
        raise DownloadFailed(f"more than {MAX_REDIRECTS} redirects", forbidden=True)

    async def _ask(self, url: str, deadline: float, patience_s: float, accept: str) -> httpx.Response:
        remaining = max(0.001, deadline - self._clock.monotonic())
        waits = {
            "connect": min(CONNECT_S, remaining),
            "answer": min(patience_s, remaining),
            "idle": min(IDLE_S, remaining),
            "total": remaining,
        }
        headers = {"accept": accept, "accept-encoding": "identity", "user-agent": "heliostat"}
        extensions: dict[str, Any] = {"timeout": waits, "max_bytes": MAX_BYTES}
        try:
            request = httpx.Request("GET", url, headers=headers, extensions=extensions)
        except httpx.InvalidURL:
            raise DownloadFailed("the address cannot be read", forbidden=True) from None
        attributes = {telemetry.HTTP_METHOD: "GET", telemetry.SERVER_ADDRESS: urlsplit(url).hostname or ""}
        with telemetry.span("GET picture", kind="client", attributes=attributes) as span:
            try:
                response = await self._opened().handle_async_request(request)
            except BodyTooLarge:
                raise DownloadFailed(f"the file is larger than {MAX_BYTES} bytes") from None
            except ConnectionForbidden:
                raise DownloadFailed("the host is not a public one", forbidden=True) from None
            except httpx.ConnectError:
                raise _Again(DownloadFailed("the host cannot be reached")) from None
            except httpx.TimeoutException:
                raise _Again(DownloadFailed("the host did not answer in time", timed_out=True)) from None
            except httpx.HTTPError:
                raise _Again(DownloadFailed("the connection broke before the file was whole")) from None
            span.set(telemetry.HTTP_STATUS, response.status_code)
        return response

    def _opened(self) -> httpx.AsyncBaseTransport:
        if self._transport is None:
            self._transport = LargePieceTransport(max_connections=256, keepalive_s=30, resolver=self._resolver)
        return self._transport


def _share_s(left_s: float, tries_after: int) -> float:
    """How long a try waits for the head of an answer: a quarter, a third, all of the time left; 3 s at least.

    The last one waits longest: some hosts are slow each time.
    """
    return max(CONNECT_S, left_s / (tries_after + 2) if tries_after else left_s)


class _Again(Exception):
    def __init__(self, why: DownloadFailed) -> None:
        super().__init__(str(why))
        self.why = why


def _literal(host: str) -> bool:
    """Whether a host is written as an address, in any of the ways that a resolver may read as one."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        last = host.rsplit(".", 1)[-1]
        if last.isdigit() or last.startswith("0x"):
            raise DownloadFailed("the address is written in an unusual way", forbidden=True) from None
        return False
    return True


def _matches(host: str, pattern: str, literal: bool) -> bool:
    """Whether a host is what a pattern allows; any host means any public one, names without a dot are a network's."""
    if pattern == "*":
        return literal or is_public_name(host)
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return host == pattern
