"""The key under which the playground asks: the configured one, or one that somebody entered, a key of this gateway.

An entered key is kept nowhere here. It travels in a cookie that no script can read, that goes with requests to the
playground only, ends with the browser, and counts for nothing in another session than the one that entered it.
"""

import base64
import binascii
import hmac

from starlette.requests import Request
from starlette.responses import Response

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.calls import AUTHORIZATION, Metadata
from heliostat.chassis.errors import MeshError
from heliostat.console.desk import Desk

COOKIE = "heliostat_playground_key"
PATH = "/playground"
_MOST_CHARS = 255


class Keys:
    """Finds the key of a request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.is_configured = desk.settings.playground_key is not None

    def has_key(self, request: Request) -> bool:
        """Whether there is one."""
        return self.is_configured or bool(_entered(request))

    def metadata(self, request: Request) -> Metadata:
        """It, as metadata of a call of the callers' services. Raises CALLER_UNKNOWN where there is none."""
        if self.is_configured:
            return self._desk.as_caller()
        key = _entered(request)
        if not key:
            raise MeshError(reasons.ERROR_REASON_CALLER_UNKNOWN, "The playground has no key; enter one of the gateway.")
        return as_key(key)

    def keep(self, request: Request, answer: Response, key: str) -> None:
        """Lets the browser bring `key` from now on; empty: not any more."""
        value = base64.urlsafe_b64encode(f"{request.scope['csrf']}\0{key}".encode()).decode() if key else ""
        secure = self._desk.settings.public_url.startswith("https:")
        lasts = None if key else 0
        answer.set_cookie(COOKIE, value, max_age=lasts, path=PATH, httponly=True, samesite="strict", secure=secure)


def as_key(key: str) -> Metadata:
    """A key as metadata."""
    return [(AUTHORIZATION, f"Bearer {key}")]


def checked(text: str) -> str:
    """A key as somebody typed it. Raises INVALID_FIELD."""
    key = text.strip()
    if not key or len(key) > _MOST_CHARS or not (key.isascii() and key.isprintable()) or " " in key:
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD, "That is no key of this gateway; copy it as it was shown.", field="key"
        )
    return key


def _entered(request: Request) -> str:
    try:
        text = base64.urlsafe_b64decode(request.cookies.get(COOKIE, "").encode()).decode()
    except (binascii.Error, UnicodeError):
        return ""
    token, _, key = text.partition("\0")
    return key if hmac.compare_digest(token.encode(), request.scope["csrf"].encode()) else ""
