"""Sessions without a store: a cookie that says who and until when, signed; and the token of their changes. Pure.

A session is named by 128 random bits. Its CSRF token is derived from that name, so a page of another origin, which can
neither read the cookie nor the page, cannot make one. The key of the signature is made of the installation's secret and
the password's hash: who changes the password ends every session.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

COOKIE = "heliostat_console"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
_SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's visit. `user` is empty where nobody logged in: in an open sandbox that is enough."""

    name: str
    user: str
    expires: int
    """Seconds since the epoch."""


class Sessions:
    """Makes sessions and recognizes them."""

    def __init__(self, secret: bytes, password_hash: str, lasting_s: float) -> None:
        self._key = hmac.digest(secret, b"console sessions\0" + password_hash.encode(), "sha256")
        self._lasting_s = lasting_s

    def begin(self, user: str, now: float) -> Session:
        """A new session, with a new name: what was known before a login is worth nothing after it."""
        return Session(secrets.token_urlsafe(16), user, int(now + self._lasting_s))

    def cookie(self, session: Session) -> str:
        """The session as the value of its cookie."""
        text = _SEPARATOR.join((session.name, _coded(session.user.encode()), str(session.expires)))
        return f"{text}{_SEPARATOR}{self._signed('session', text)}"

    def read(self, cookie: str, now: float) -> Session | None:
        """The session of a cookie; None where it is not ours, or over."""
        text, _, signature = cookie.rpartition(_SEPARATOR)
        if not hmac.compare_digest(self._signed("session", text).encode(), signature.encode()):
            return None
        name, user, expires = text.split(_SEPARATOR)
        if int(expires) <= now:
            return None
        return Session(name, base64.urlsafe_b64decode(user).decode(), int(expires))

    def token(self, session: Session) -> str:
        """What a change in this session has to carry."""
        return self._signed("csrf", session.name)

    def is_token(self, session: Session, token: str) -> bool:
        """Whether a change carries what it has to."""
        return hmac.compare_digest(self.token(session).encode(), token.encode())

    def _signed(self, purpose: str, text: str) -> str:
        return _coded(hmac.digest(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256))


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()
