"""The login's password: hashed with argon2id, checked one at a time and never many times in a minute.

A check takes a few hundred milliseconds of CPU on purpose: it runs in a thread, and guessing is held back.
"""

import asyncio
from collections import deque

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from heliostat.chassis.clock import Clock
from heliostat.chassis.settings import refused

LEAST_CHARACTERS = 10
_MOST_CHARACTERS = 1024
_TRIES_A_MINUTE = 10
_MINUTE_S = 60.0


def hashed(password: str) -> str:
    """The hash of a password, for `console.password_hash`. Raises INVALID_FIELD for one that is too short."""
    if not LEAST_CHARACTERS <= len(password) <= _MOST_CHARACTERS:
        raise refused(f"A password has {LEAST_CHARACTERS} to {_MOST_CHARACTERS} characters.")
    return PasswordHasher().hash(password)


def is_hash(text: str) -> bool:
    """Whether a text is such a hash."""
    try:
        PasswordHasher().check_needs_rehash(text)
    except InvalidHashError:
        return False
    return True


class TooManyTries(Exception):
    """Too many passwords were tried; `wait_s` tells when the next may be."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("too many passwords were tried")
        self.wait_s = wait_s


class Door:
    """Checks passwords against one hash."""

    def __init__(self, password_hash: str, clock: Clock) -> None:
        self._hash = password_hash
        self._clock = clock
        self._failed: deque[float] = deque(maxlen=_TRIES_A_MINUTE)
        self._one_at_a_time = asyncio.Lock()

    async def opens(self, password: str) -> bool:
        """Whether it is the password. Raises TooManyTries after ten wrong ones within a minute."""
        async with self._one_at_a_time:
            now = self._clock.monotonic()
            if len(self._failed) == _TRIES_A_MINUTE and now - self._failed[0] < _MINUTE_S:
                raise TooManyTries(_MINUTE_S - (now - self._failed[0]))
            right = len(password) <= _MOST_CHARACTERS and await asyncio.to_thread(self._verify, password)
            if not right:
                self._failed.append(now)
            return right

    def _verify(self, password: str) -> bool:
        try:
            return PasswordHasher().verify(self._hash, password)
        except VerificationError:
            return False
