"""A file that holds a secret: read again whenever it is another one, so that a key is rotated without a restart.

Nobody waits for a watcher: each use looks at the file's stamp, which takes microseconds, and reads it where that is
another one. So the first request after a change has the new secret, and none after it the old one.

    another file in its place (a rename, a link that leads elsewhere)   taken at once
    the same file, written anew in place                                taken once it has rested for a second
    gone, unreadable, empty, no text, too large, lines after one line   the secret of before stays, and the log says so
"""

import os
import re
import stat
from typing import NamedTuple

from heliostat.chassis.clock import Clock
from heliostat.chassis.logs import get_logger

REST_S = 1.0
MAX_BYTES = 64 * 1024
# What has several lines by its nature: a service account's JSON, a key in PEM.
_OF_LINES = re.compile(r"\A(\{|-----BEGIN )")

log = get_logger("heliostat.chassis")


class _Stamp(NamedTuple):
    """What tells one state of a file from another."""

    device: int
    number: int
    size: int
    written_ns: int


class SecretFile:
    """The secret in one file, as it was when it was last good."""

    def __init__(self, path: str, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or Clock()
        self._secret = ""
        self._taken: _Stamp | None = None  # the state that `_secret` is of
        self._spoilt: _Stamp | None = None  # the state that was no good
        self._seen: _Stamp | None = None  # the state at the last look
        self._changed: float | None = None  # when it was seen to be written in place
        self._told = ""  # the fault that the log has told

    def read(self) -> str:
        """The secret without white space around it; empty where there never was a good one. Raises nothing."""
        try:
            now = self._look()
            if now is None:
                return self._secret
            text = _text(self._path, now)
            if text is None:
                return self._secret
            if _has_lines(text) and self._secret and not _has_lines(self._secret):
                raise ValueError("it has several lines, and the key of before has one")
        except OSError as error:
            return self._kept(error.strerror or "it cannot be read")
        except ValueError as error:
            self._spoilt = self._seen
            return self._kept(str(error))
        if self._secret and text != self._secret:
            log.info("a secret was rotated", file=self._path)
        self._secret, self._taken, self._changed, self._told = text, now, None, ""
        return self._secret

    def _look(self) -> _Stamp | None:
        """The file's state where it is to be read now. Raises OSError; ValueError for what is no file."""
        before, self._seen = self._seen, None
        now = self._seen = _stamp(self._path)
        if now in (self._taken, self._spoilt):
            return None
        if not self._secret or before is None or now[:2] != before[:2]:
            self._changed = None
            return now
        # Half a key is no key: what is written in place is waited for.
        at = self._clock.monotonic()
        if now != before or self._changed is None:
            self._changed = at
        return now if at - self._changed >= REST_S else None

    def _kept(self, why: str) -> str:
        """The secret of before, which the log says once of each fault; its user tells of one that never was."""
        if self._secret and self._told != why:
            self._told = why
            log.warning("a secret stays as it was: the file is no good", file=self._path, why=why)
        return self._secret


def _stamp(path: str) -> _Stamp:
    """Raises OSError; ValueError for what is no file."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no file")
    return _Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _text(path: str, expected: _Stamp) -> str | None:
    """The text; None where the file changed meanwhile. Raises OSError, and ValueError for what is no secret."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if _stamp(path) != expected:
        return None
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    if not text:
        raise ValueError("it is empty")
    return text


def _has_lines(text: str) -> bool:
    return not text.isprintable() and not _OF_LINES.match(text)
