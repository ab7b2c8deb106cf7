"""Callbacks of providers: checks of who sent them. What was wrong is never told, and comparisons take constant time.

Sources: Standard Webhooks (standardwebhooks.com; ids, times and HMAC-SHA256 signatures of "v1,<base64>"), RFC 8037
(Ed25519 keys as JSON), read 2026-11. A callback is only ever a reason to look at its job at once.
"""

import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import orjson
import pybase64

from heliostat.adapters.sdk.download import Downloader, DownloadFailed
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.clock import Clock
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger

MAX_SKEW_S = 300
MAX_WEBHOOK_BYTES = 1024 * 1024
KEYS_KEPT_S = 24 * 3600.0
KEYS_ASKED_AGAIN_S = 60.0
_FETCH_S = 10.0
_MOST_KEYS = 32
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark before a secret

log = get_logger("heliostat.adapters")


def refused() -> MeshError:
    """The error of a callback that is not to be believed: CALLER_UNKNOWN, the same whatever is wrong with it."""
    return MeshError(
        reasons.ERROR_REASON_CALLER_UNKNOWN,
        "The callback's signature or time is not valid; nothing was changed.",
    )


def check_time(text: str, now_s: float) -> None:
    """Raises as `refused` where `text` is no time in whole seconds within 300 s of `now_s`."""
    plain = text.isascii() and text.isdigit() and len(text) <= 12
    if not plain or abs(int(text) - now_s) > MAX_SKEW_S:
        raise refused()


def check_hmac(secret: bytes, message: bytes, given: Sequence[bytes]) -> None:
    """Raises as `refused` where no signature in `given` is HMAC-SHA256 of `message`. All of them are compared."""
    expected = hmac.digest(secret, message, hashlib.sha256)
    found = False
    for signature in given[:_MOST_KEYS]:
        found |= hmac.compare_digest(signature, expected)
    if not found:
        raise refused()


def check_standard(headers: Mapping[str, str], body: bytes, secret: str, now_s: float) -> None:
    """Checks a callback that is signed as Standard Webhooks says; header names in lower case.

    `secret` is "whsec_" and base64. Raises as `refused`, also where there is no secret.
    """
    name, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    key = _decoded(secret.removeprefix(_SECRET_PREFIX))
    given = []
    for one in headers.get("webhook-signature", "").split()[:_MOST_KEYS]:
        version, _, text = one.partition(",")
        if version == "v1":
            given.append(_decoded(text))
    if not secret or not key or not name:
        raise refused()
    check_time(time, now_s)
    check_hmac(key, f"{name}.{time}.".encode() + body, given)


def read_object(body: bytes) -> dict[str, Any]:
    """The body of a callback as a JSON object. Raises as `refused`; to be called after the signature was checked."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise refused() from None
    if not isinstance(value, dict):
        raise refused()
    return value


class KeySet:
    """The public Ed25519 keys of a provider, from an address of its own; kept for 24 hours at most.

    A signature that fits none of them makes it ask for newer ones, once a minute at most: a forger must not make us a
    nuisance.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        host = urlsplit(url).hostname or ""
        self._url = url
        self._clock = clock
        self._downloader = Downloader(clock, (host,), loopback=host in _LOOPBACK)
        self._keys: Sequence[bytes] = ()
        self._asked: float | None = None
        self._fetched: float | None = None

    async def check(self, message: bytes, signature: bytes) -> None:
        """Raises as `refused` where no key made the signature, or none can be had."""
        await self._refresh(KEYS_KEPT_S)
        if self._fits(message, signature):
            return
        if await self._refresh(KEYS_ASKED_AGAIN_S) and self._fits(message, signature):
            return
        raise refused()

    async def close(self) -> None:
        """Closes connections."""
        await self._downloader.close()

    async def _refresh(self, oldest_s: float) -> bool:
        """Asks for the keys where they are older than that; True where they were fetched."""
        now = self._clock.monotonic()
        fresh = self._fetched is not None and now - self._fetched < oldest_s
        pestering = self._asked is not None and now - self._asked < KEYS_ASKED_AGAIN_S
        if fresh or pestering:
            return False
        self._asked = now
        try:
            answer = await self._downloader.fetch(self._url, _FETCH_S, accept="application/json")
            self._keys = _public_keys(orjson.loads(answer))
        except (DownloadFailed, orjson.JSONDecodeError) as error:
            log.warning("the keys of a provider's callbacks cannot be fetched", error=type(error).__name__)
            return False
        self._fetched = now
        return True

    def _fits(self, message: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        found = False
        for key in self._keys:
            try:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            except (InvalidSignature, ValueError):
                continue
            found = True
        return found


def _public_keys(document: Any) -> Sequence[bytes]:
    """The raw keys in a JSON Web Key Set, those of other kinds left out."""
    entries = document.get("keys") if isinstance(document, dict) else None
    keys = []
    for entry in entries[:_MOST_KEYS] if isinstance(entries, list) else ():
        text = entry.get("x") if isinstance(entry, dict) else None
        key = _decoded(text.replace("-", "+").replace("_", "/")) if isinstance(text, str) else b""
        if len(key) == 32:
            keys.append(key)
    return keys


def _decoded(text: str) -> bytes:
    """Base64 with or without its padding; empty where it is none."""
    bare = text.rstrip("=")
    try:
        return pybase64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
