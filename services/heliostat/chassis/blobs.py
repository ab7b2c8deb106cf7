"""Files under keys, in a local folder, in memory, or in S3, Google or Azure storage. The one room that knows obstore.

A put appears whole or not at all. A key carries the type (`media/ab/ab12….webp`): a folder keeps no content type.
"""

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_STREAM_CHUNK_BYTES = 768 * 1024
_MAX_KEY_CHARACTERS = 512
_KEY_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What is known of a file: `size` in bytes, when it was written, and a tag that changes with its bytes."""

    size: int
    modified: datetime
    etag: str


def checked_key(key: str) -> str:
    """The key itself, if it is safe as a path. Raises INVALID_FIELD."""
    parts = key.split("/")
    sound = 0 < len(key) <= _MAX_KEY_CHARACTERS and _KEY_CHARACTERS.issuperset(key)
    if not sound or any(part in ("", ".", "..") for part in parts):
        raise MeshError(
            reasons.ERROR_REASON_INVALID_FIELD,
            "A blob's key is made of letters, digits, '-', '_' and '.', in parts divided by single slashes.",
        )
    return key


class Blobs:
    """The files of one store.

    `url` is file:///folder, memory://, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; `options` are
    obstore's names for that store (`endpoint`, `region`, …), beside what the environment says. The store is opened on
    first use. Every method raises RESOURCE_NOT_FOUND for a key that is not there, and MESH_UNAVAILABLE where the
    store cannot be reached or refuses.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self._url = url
        self._options = dict(options or {})
        self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file://") else None
        self._opened: ObjectStore | None = None

    async def put(self, key: str, data: bytes | Iterable[bytes]) -> None:
        """Keeps `data` (one piece or several, in order) under `key`; what was there is replaced."""
        import obstore

        store, path = self._store(), checked_key(key)
        try:
            await obstore.put_async(store, path, data if isinstance(data, bytes) else iter(data))
        except Exception as error:
            raise _refused(error) from error
        if self._folder is not None:
            os.chmod(self._folder / path, _FILE_MODE)

    async def get(self, key: str) -> bytes:
        """The whole file."""
        import obstore

        try:
            result = await obstore.get_async(self._store(), checked_key(key))
            return bytes(await result.bytes_async())
        except Exception as error:
            raise _refused(error) from error

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to, and not with, `end`; less where the file is shorter."""
        import obstore

        try:
            return bytes(await obstore.get_range_async(self._store(), checked_key(key), start=start, end=end))
        except Exception as error:
            raise _refused(error) from error

    async def stream(
        self, key: str, start: int = 0, end: int | None = None, chunk_bytes: int = _STREAM_CHUNK_BYTES
    ) -> AsyncIterator[bytes]:
        """Bytes `start` up to `end` (None: to the end) in pieces of exactly `chunk_bytes`, but for the last."""
        if end is None:
            info = await self.head(key)
            if info is None:
                raise _missing()
            end = info.size
        while start < end:
            upto = min(start + chunk_bytes, end)
            yield await self.get_range(key, start, upto)
            start = upto

    async def head(self, key: str) -> BlobInfo | None:
        """What is known of the file; None where there is none."""
        import obstore

        try:
            meta = await obstore.head_async(self._store(), checked_key(key))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise _refused(error) from error
        return BlobInfo(meta["size"], meta["last_modified"], (meta["e_tag"] or "").strip('"'))

    async def delete(self, key: str) -> None:
        """Removes the file; one that is not there is no error."""
        import obstore

        try:
            await obstore.delete_async(self._store(), checked_key(key))
        except FileNotFoundError:
            return
        except Exception as error:
            raise _refused(error) from error

    async def list(self, prefix: str) -> AsyncIterator[str]:
        """The keys in the folder `prefix`, in no particular order."""
        import obstore

        try:
            async for batch in obstore.list(self._store(), prefix=prefix):
                for meta in batch:
                    yield meta["path"]
        except Exception as error:
            raise _refused(error) from error

    def _store(self) -> "ObjectStore":
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _open(self) -> "ObjectStore":
        from obstore import store

        if self._folder is not None:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            return store.LocalStore(self._folder)
        if self._url.startswith("memory:"):
            return store.MemoryStore()
        return store.from_url(self._url, **self._options)


def _missing() -> MeshError:
    return MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no file under this key.")


def _refused(error: Exception) -> MeshError:
    """The store's error in our words; its own text may hold addresses and credentials, its type does not."""
    if isinstance(error, MeshError):
        return error
    if isinstance(error, FileNotFoundError):
        return _missing()
    return MeshError(
        reasons.ERROR_REASON_MESH_UNAVAILABLE,
        "The media store refused or cannot be reached; check blobs.url, its credentials and its free space.",
        retry_after_s=2,
        store_error=type(error).__name__,
    )
