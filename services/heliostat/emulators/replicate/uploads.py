"""Files that clients upload, read under the token that sent them (files API, read to 2026-11)."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from heliostat.emulators.replicate.dialect import new_id
from heliostat.emulators.replicate.times import shown

LIFETIME_S = 24 * 3600.0
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """One file."""

    id: str
    data: bytes
    media_type: str
    token: str
    created: float = field(default_factory=time.time)

    def as_json(self, address: str) -> dict[str, Any]:
        """Show the file as the API does; `address` is the API's own."""
        return {
            "id": self.id,
            "name": "input",
            "content_type": self.media_type,
            "size": len(self.data),
            "etag": hashlib.md5(self.data, usedforsecurity=False).hexdigest(),
            "checksums": {"sha256": hashlib.sha256(self.data).hexdigest()},
            "metadata": {},
            "created_at": shown(self.created),
            "expires_at": shown(self.created + LIFETIME_S),
            "urls": {"get": f"{address}/v1/files/{self.id}"},
        }


class Uploads:
    """All uploaded files; the oldest go when there are more than `KEPT_BYTES`."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, Upload] = OrderedDict()

    def put(self, data: bytes, media_type: str, token: str) -> Upload:
        """Keep a file."""
        upload = Upload(new_id(), data, media_type, token)
        self._files[upload.id] = upload
        while sum(len(one.data) for one in self._files.values()) > KEPT_BYTES and len(self._files) > 1:
            self._files.popitem(last=False)
        return upload

    def find(self, file_id: str, token: str) -> Upload | None:
        """Find a file that this token sent."""
        upload = self._files.get(file_id)
        return upload if upload is not None and upload.token == token else None

    def of(self, token: str) -> list[Upload]:
        """Give all files that this token sent."""
        return [upload for upload in self._files.values() if upload.token == token]

    def drop(self, file_id: str) -> None:
        """Forget a file."""
        self._files.pop(file_id, None)
