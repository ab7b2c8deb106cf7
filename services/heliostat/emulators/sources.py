"""Pictures that a request points at: data URLs, and http URLs on this machine.

An emulator never leaves the loopback: any other host is as unreachable as it would be from a sealed room.
"""

from __future__ import annotations

import binascii
import ipaddress

import httpx
import pybase64

LIMIT_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 10.0


class SourceUnreadable(ValueError):
    """The picture behind an address could not be had; the text says why and leaves the address out."""


async def fetch(address: str) -> bytes:
    """Give the bytes behind a data URL or a loopback http URL. Raises `SourceUnreadable`."""
    if address.startswith("data:"):
        return _decode(address)
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise SourceUnreadable("not a URL") from error
    if url.scheme != "http" or not is_loopback(url.host):
        raise SourceUnreadable("emulators fetch from this machine only")
    return await _download(url)


def _decode(address: str) -> bytes:
    head, comma, data = address.partition(",")
    if not comma or not head.endswith(";base64"):
        raise SourceUnreadable("not a base64 data URL")
    try:
        return pybase64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise SourceUnreadable("broken base64") from error


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or by its address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _download(url: httpx.URL) -> bytes:
    data = bytearray()
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client, client.stream("GET", url) as answer:
            if answer.status_code != 200:
                raise SourceUnreadable(f"status {answer.status_code}")
            async for piece in answer.aiter_bytes():
                data += piece
                if len(data) > LIMIT_BYTES:
                    raise SourceUnreadable("too large")
    except httpx.HTTPError as error:
        raise SourceUnreadable("download failed") from error
    return bytes(data)
