"""Pictures that an emulated provider hosts under its own address."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

SHELF_BYTES = 256 * 1024 * 1024
SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


@dataclass(frozen=True)
class HostedFile:
    """Bytes and their content type."""

    data: bytes
    media_type: str


class Shelf:
    """Hosted files by unguessable name; the oldest go when there are more than `SHELF_BYTES`."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, HostedFile] = OrderedDict()
        self._bytes = 0

    def reserve(self, suffix: str) -> str:
        """Choose a name that nobody has."""
        return f"{secrets.token_hex(12)}.{suffix}"

    def put(self, data: bytes, media_type: str, name: str | None = None) -> str:
        """Keep the bytes and give their name."""
        name = name or self.reserve(SUFFIXES.get(media_type, "bin"))
        self._files[name] = HostedFile(data, media_type)
        self._bytes += len(data)
        while self._bytes > SHELF_BYTES and len(self._files) > 1:
            self._bytes -= len(self._files.popitem(last=False)[1].data)
        return name

    def get(self, name: str) -> HostedFile | None:
        """Find a file; None when it never was here or had to go."""
        return self._files.get(name)
