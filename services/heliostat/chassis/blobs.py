"""Files under keys, in a local folder, in memory, or in S3, Google or Azure storage. The one room that knows obstore.

A put appears whole or not at all. A key carries the type (`media/ab/ab12….webp`): a folder keeps no content type.
Whoever knows a file's hash names it: then nothing is given out that has another one.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.chassis.standing import Standing

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_STREAM_CHUNK_BYTES = 768 * 1024
_MAX_KEY_CHARACTERS = 512
_KEY_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./")
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
# Without these a store that is away is waited for three minutes. They put out what the environment says of the client
# (AWS_ALLOW_HTTP), so that is said here: an endpoint that is written with http:// is meant so.
_CLIENT = {"connect_timeout": "2s", "timeout": "30s", "allow_http": True}
_TRIES = {"max_retries": 1, "retry_timeout": timedelta(seconds=5)}
_PUT_S = 30.0
_TRIAL_BYTES = 65_536
# Hashing more than this would hold the event loop for a millisecond or more.
_HASHED_HERE_BYTES = 512 * 1024

log = get_logger(__name__)


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


class Overflow(Protocol):
    """Another place for files that the store has not taken yet."""

    def size(self, key: str) -> int | None:
        """Bytes of the file there; None where it is not there."""

    async def read(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to, and not with, `end`. Raises RESOURCE_NOT_FOUND once it is not there any more."""


class Blobs:
    """The files of one store.

    `url` is file:///folder, memory://, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix; `options` are
    obstore's names for that store (`endpoint`, `region`, …), beside what the environment says. The store is opened on
    first use. Every method raises RESOURCE_NOT_FOUND for a key that is not there, and MESH_UNAVAILABLE where the
    store cannot be reached or refuses.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None, *, min_free_bytes: int = 0) -> None:
        """`min_free_bytes` is what a folder's disk must have free to be taken for sound."""
        self._url = url
        self._min_free_bytes = min_free_bytes
        self.standing = Standing("media store")
        self.overflow: Overflow | None = None
        """Looked into before the store."""
        self._options = dict(options or {})
        self._folder = Path(unquote(urlsplit(url).path)) if url.startswith("file://") else None
        self._opened: ObjectStore | None = None

    async def put(self, key: str, data: bytes | Iterable[bytes]) -> None:
        """Keeps `data` (one piece or several, in order) under `key`; what was there is replaced."""
        import obstore

        store, path = self._store(), checked_key(key)
        try:
            async with asyncio.timeout(_PUT_S):
                await obstore.put_async(store, path, data if isinstance(data, bytes) else iter(data))
        except Exception as error:
            self.standing.set(False)
            raise _refused(error) from error
        if self._folder is not None:
            os.chmod(self._folder / path, _FILE_MODE)

    async def look(self) -> None:
        """Sees whether the store can be written to, and notes it in `standing`; costs nothing where it was sound.

        A folder's disk is looked at every time: what is too full is known before anything has failed.
        """
        try:
            if self._folder is not None and self._min_free_bytes:
                free = await asyncio.to_thread(_free_bytes, self._folder)
                if free < self._min_free_bytes:
                    self.standing.set(False)
                    return
            if not self.standing.up:
                await self._try_out()
                self.standing.set(True)
        except (MeshError, OSError) as error:
            self.standing.set(False)
            log.debug("the media store is not sound", error=type(error).__name__)

    async def _try_out(self) -> None:
        key = f"trials/{secrets.token_hex(8)}"
        try:
            await self.put(key, bytes(_TRIAL_BYTES))
        finally:
            await self.delete(key)

    async def get(self, key: str, sha256: bytes = b"") -> bytes:
        """The whole file. Raises RESOURCE_GONE where it has another hash than `sha256`, if that is given."""
        data = await self._get(key)
        if sha256:
            hashed = hashlib.sha256()
            await _update(hashed, data)
            _check(hashed.digest(), sha256, key)
        return data

    async def _get(self, key: str) -> bytes:
        import obstore

        waiting = await self._waiting_bytes(key, 0, None)
        if waiting is not None:
            return waiting
        try:
            result = await obstore.get_async(self._store(), checked_key(key))
            return bytes(await result.bytes_async())
        except Exception as error:
            raise _refused(error) from error

    async def _waiting_bytes(self, key: str, start: int, end: int | None) -> bytes | None:
        """What the overflow has of the file; None where the store has it, since a moment ago perhaps."""
        size = None if self.overflow is None else self.overflow.size(checked_key(key))
        if self.overflow is None or size is None:
            return None
        try:
            return await self.overflow.read(key, start, size if end is None else min(end, size))
        except MeshError:
            return None

    async def get_range(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to, and not with, `end`; less where the file is shorter."""
        import obstore

        waiting = await self._waiting_bytes(key, start, end)
        if waiting is not None:
            return waiting
        try:
            return bytes(await obstore.get_range_async(self._store(), checked_key(key), start=start, end=end))
        except Exception as error:
            raise _refused(error) from error

    async def stream(
        self,
        key: str,
        start: int = 0,
        end: int | None = None,
        chunk_bytes: int = _STREAM_CHUNK_BYTES,
        *,
        sha256: bytes = b"",
    ) -> AsyncIterator[bytes]:
        """Bytes `start` up to `end` (None: to the end) in pieces of exactly `chunk_bytes`, but for the last.

        With `sha256`, the hash of what is asked for, the last piece is held back until all of it has been hashed: a
        damaged file is never whole at the reader's, and one of a single piece does not begin. Raises RESOURCE_GONE.
        """
        if end is None:
            info = await self.head(key)
            if info is None:
                raise _missing()
            end = info.size
        hashed = hashlib.sha256()
        while start < end:
            upto = min(start + chunk_bytes, end)
            piece = await self.get_range(key, start, upto)
            start = upto
            if sha256:
                await _update(hashed, piece)
                if start >= end:
                    _check(hashed.digest(), sha256, key)
            yield piece

    async def head(self, key: str) -> BlobInfo | None:
        """What is known of the file; None where there is none."""
        import obstore

        waiting = None if self.overflow is None else self.overflow.size(checked_key(key))
        if waiting is not None:
            return BlobInfo(waiting, datetime.now(UTC), key)
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

    async def drop_unfinished(self) -> None:
        """Removes from a folder what a process left that was killed while it wrote. Nobody may write meanwhile."""
        if self._folder is not None:
            await asyncio.to_thread(_drop_unfinished, self._folder)

    def _store(self) -> "ObjectStore":
        if self._opened is None:
            try:
                self._opened = self._open()
            except OSError as error:
                self.standing.set(False)
                raise _refused(error) from error
        return self._opened

    def _open(self) -> "ObjectStore":
        from obstore import store

        if self._folder is not None:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            return store.LocalStore(self._folder)
        if self._url.startswith("memory:"):
            return store.MemoryStore()
        from_url: Any = store.from_url
        opened: ObjectStore = from_url(self._url, client_options=_CLIENT, retry_config=_TRIES, **self._options)
        return opened


def _drop_unfinished(folder: Path) -> None:
    # obstore writes to `key#1` and renames; it neither lists such files nor removes them.
    for path in folder.rglob("*#*"):
        if path.is_file() and path.name.rpartition("#")[2].isdecimal():
            path.unlink(missing_ok=True)


def _free_bytes(folder: Path) -> int:
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


async def _update(hashed: Any, piece: bytes) -> None:
    if len(piece) > _HASHED_HERE_BYTES:
        await asyncio.to_thread(hashed.update, piece)
    else:
        hashed.update(piece)


def _check(found: bytes, sha256: bytes, key: str) -> None:
    if found == sha256:
        return
    log.error("a kept file is damaged: it is not given out", key=key)
    raise MeshError(
        reasons.ERROR_REASON_RESOURCE_GONE,
        "The file was damaged where it was kept, and is not given out; make it anew.",
    )


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
