"""Files of callers: pictures that are sent once and used by many requests, each for the key that sent it.

A file is a row and a blob. The row is written first, not ready, and hides the file until the blob is there; whatever is
interrupted is swept away once its row expires. A foreign file does not exist.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Connection, exists, func, insert, literal, select, tuple_, update

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError
from heliostat.chassis.signatures import media_type_of
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import Row
from heliostat.ledger.normal_form import FILES_FOLDER, inputs_of
from heliostat.ledger.random_bits import RANDOM_BITS
from heliostat.ledger.records import timestamp
from heliostat.ledger.requests import page_size
from heliostat.ledger.schema import FILES, INPUTS, REQUESTS

_ID_BYTES = 16
_FILE_ID = re.compile(r"file-[0-9a-f]{32}")
_MAX_WORDS = 255
_HASHED_HERE_BYTES = 512 * 1024
_MB = 1_000_000
_SIGNATURE_BYTES = 64
# How long an upload may take from its row to its blob, in seconds.
_UPLOAD_S = 600
_SWEPT_AT_ONCE = 500


class Files:
    """Keeps files. `key_id` is always the caller's own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def upload(self, key_id: str, messages: AsyncIterator[ledger_pb2.UploadFileRequest]) -> ledger_pb2.File:
        """Keeps the file that comes in pieces, described by the first message.

        Raises INVALID_FIELD for one that is too large, not described or too much for its key, and INPUT_UNREADABLE for
        one that is no picture.
        """
        self._desk.doors.check()
        described, pieces, digest = await self._taken(messages)
        media_type = media_type_of(_head(pieces))
        if not media_type:
            raise MeshError(
                reasons.ERROR_REASON_INPUT_UNREADABLE,
                "The file is not a PNG, JPEG, WebP, GIF or AVIF picture; send such a file.",
                field="file",
            )
        row = self._row(key_id, described, media_type=media_type, size_bytes=sum(map(len, pieces)), sha256=digest)
        await self._desk.journal.write(lambda connection: self._open(connection, row))
        await self._desk.blobs.put(file_key(row["file_id"]), pieces)
        await self._desk.journal.write(lambda connection: _make_ready(connection, row))
        return file_record(row)

    async def get(self, file_id: str, key_id: str) -> Row:
        """The file's row. Raises RESOURCE_NOT_FOUND, for whatever cannot be an id as well."""
        if not _FILE_ID.fullmatch(file_id):
            raise _missing()
        query = select(FILES).where(FILES.c.file_id == file_id, *self._shown(key_id))
        row = await self._desk.journal.read(lambda connection: connection.execute(query).mappings().first())
        if row is None:
            raise _missing()
        return row

    async def page(self, asked: ledger_pb2.ListFilesRequest, key_id: str) -> tuple[Sequence[Row], str]:
        """Files in order of their coming, and where to go on: the last one's id, or nothing at the end.

        Raises INVALID_FIELD, and RESOURCE_NOT_FOUND where the file to go on after is there no more.
        """
        size = page_size(asked.page_size)
        query = select(FILES).where(*self._shown(key_id))
        if asked.purpose:
            query = query.where(FILES.c.purpose == asked.purpose)
        place = tuple_(FILES.c.create_time_us, FILES.c.file_id)
        if asked.page_token:
            last = await self.get(asked.page_token, key_id)
            before = tuple_(literal(last["create_time_us"]), literal(last["file_id"]))
            query = query.where(place > before if asked.oldest_first else place < before)
        order = (
            each.asc() if asked.oldest_first else each.desc() for each in (FILES.c.create_time_us, FILES.c.file_id)
        )
        query = query.order_by(*order).limit(size + 1)
        rows = await self._desk.journal.read(lambda connection: connection.execute(query).mappings().all())
        return rows[:size], rows[size - 1]["file_id"] if len(rows) > size else ""

    async def delete(self, file_id: str, key_id: str) -> None:
        """Removes the file; a request that was let in with it and has not read it yet fails.

        Raises RESOURCE_NOT_FOUND.
        """
        await self.get(file_id, key_id)
        await self._desk.journal.write(lambda connection: _hide(connection, file_id))
        await self._remove([file_id])

    async def read(self, file_id: str, key_id: str) -> AsyncIterator[bytes]:
        """The file's bytes in pieces, checked against its hash. Raises RESOURCE_NOT_FOUND, RESOURCE_GONE."""
        row = await self.get(file_id, key_id)
        async for piece in self._desk.blobs.stream(file_key(file_id), sha256=row["sha256"]):
            yield piece

    async def read_input(self, blob_id: str, key_id: str) -> AsyncIterator[bytes]:
        """An input of one of the caller's requests, as long as it is kept. Raises RESOURCE_NOT_FOUND."""
        mine = (INPUTS.c.request_id == REQUESTS.c.request_id) & (REQUESTS.c.key_id == key_id)
        kept = (INPUTS.c.blob_id == blob_id) & (INPUTS.c.expire_time_us > self._desk.now_us())
        query = select(exists().where(mine & kept))
        if not await self._desk.journal.read(lambda connection: connection.execute(query).scalar()):
            raise _missing()
        async for piece in self._desk.blobs.stream(blob_id):
            yield piece

    async def resolved(self, image: request_pb2.ImageRequest, key_id: str) -> request_pb2.ImageRequest:
        """The request with the caller's files as blobs: itself where it names none, else a copy.

        Raises RESOURCE_NOT_FOUND, also for a blob that only a file may lead to.
        """
        given = list(inputs_of(image))
        if any(media.blob_id.startswith(FILES_FOLDER) for media in given):
            raise _missing()
        if not any(media.WhichOneof("source") == "file_id" for media in given):
            return image
        copy = request_pb2.ImageRequest()
        copy.CopyFrom(image)
        for media in inputs_of(copy):
            if media.WhichOneof("source") == "file_id":
                row = await self.get(media.file_id, key_id)
                media.blob_id = file_key(row["file_id"])
                media.media_type, media.sha256 = row["media_type"], row["sha256"]
        return copy

    async def sweep(self, now_us: int) -> int:
        """Removes what has expired; gives how many files."""
        query = select(FILES.c.file_id).where(FILES.c.expire_time_us <= now_us).limit(_SWEPT_AT_ONCE)
        count = 0
        while expired := await self._desk.journal.read(lambda connection: connection.execute(query).scalars().all()):
            await self._remove(expired)
            count += len(expired)
        return count

    async def _remove(self, file_ids: Sequence[str]) -> None:
        for file_id in file_ids:
            await self._desk.blobs.delete(file_key(file_id))
        gone = FILES.delete().where(FILES.c.file_id.in_(file_ids))
        await self._desk.journal.write(lambda connection: _done(connection.execute(gone)))

    async def _taken(
        self, messages: AsyncIterator[ledger_pb2.UploadFileRequest]
    ) -> tuple[ledger_pb2.File, list[bytes], bytes]:
        limit = self._desk.settings.file_max_mb * _MB
        described: ledger_pb2.File | None = None
        pieces: list[bytes] = []
        size, hashed = 0, hashlib.sha256()
        async for message in messages:
            if message.WhichOneof("part") == "file" and described is None:
                described = message.file
                size = 0 if described.size_bytes <= limit else described.size_bytes
            elif message.WhichOneof("part") == "data" and described is not None:
                pieces.append(message.data)
                size += len(message.data)
                await _update(hashed, message.data)
            else:
                raise _refused("The first message of an upload describes the file, all others carry its bytes.", "file")
            if size > limit:
                raise _refused(f"The file is too large; at most {limit} bytes are taken.", "file")
        if described is None:
            raise _refused("Nothing was sent; describe the file, then send its bytes.", "file")
        _check_words("file_name", described.file_name)
        _check_words("purpose", described.purpose)
        return described, pieces, hashed.digest()

    def _row(self, key_id: str, described: ledger_pb2.File, **read: Any) -> dict[str, Any]:
        """The file's row; `read` is what was read off its bytes."""
        now_us = self._desk.now_us()
        expire_time_us = now_us + self._desk.settings.file_retention_s * 1_000_000
        if described.HasField("expire_time"):
            wished = described.expire_time.seconds * 1_000_000 + described.expire_time.nanos // 1000
            if wished <= now_us:
                raise _refused("The file would expire at once; name a later time, or none.", "expire_time")
            expire_time_us = min(expire_time_us, wished)
        return {
            "file_id": f"file-{RANDOM_BITS.hexadecimal(_ID_BYTES)}",
            "key_id": key_id,
            "file_name": described.file_name,
            "purpose": described.purpose,
            "create_time_us": now_us,
            "expire_time_us": expire_time_us,
            **read,
        }

    def _open(self, connection: Connection, row: Row) -> None:
        """Writes the row of a file whose blob is yet to come. Raises INVALID_FIELD over the bounds of its key."""
        settings = self._desk.settings
        kept = select(func.count(), func.coalesce(func.sum(FILES.c.size_bytes), 0)).where(
            FILES.c.key_id == row["key_id"], FILES.c.expire_time_us > row["create_time_us"]
        )
        count, size = connection.execute(kept).one()
        most_bytes = settings.files_max_mb * _MB
        if count >= settings.files_max_count or size + row["size_bytes"] > most_bytes:
            raise _refused(
                f"This key keeps as much as it may: {settings.files_max_count} files of {most_bytes} bytes together; "
                "delete some.",
                "file",
            )
        pending = {"expire_time_us": row["create_time_us"] + _UPLOAD_S * 1_000_000, "ready": 0}
        connection.execute(insert(FILES).values({**row, **pending}))

    def _shown(self, key_id: str) -> tuple[Any, ...]:
        return FILES.c.key_id == key_id, FILES.c.ready == 1, FILES.c.expire_time_us > self._desk.now_us()


def file_key(file_id: str) -> str:
    """Where the file's bytes are kept. Pure."""
    return f"{FILES_FOLDER}{file_id}"


def file_record(row: Row) -> ledger_pb2.File:
    """A file as its caller sees it. Pure."""
    return ledger_pb2.File(
        file_id=row["file_id"],
        file_name=row["file_name"],
        media_type=row["media_type"],
        size_bytes=row["size_bytes"],
        create_time=timestamp(row["create_time_us"]),
        expire_time=timestamp(row["expire_time_us"]),
        purpose=row["purpose"],
    )


def _head(pieces: Sequence[bytes]) -> bytes:
    """The file's first bytes, however it was cut."""
    head = b""
    for piece in pieces:
        head += piece[:_SIGNATURE_BYTES]
        if len(head) >= _SIGNATURE_BYTES:
            break
    return head


def _make_ready(connection: Connection, row: Row) -> None:
    ready = update(FILES).where(FILES.c.file_id == row["file_id"])
    connection.execute(ready.values(ready=1, expire_time_us=row["expire_time_us"]))


def _hide(connection: Connection, file_id: str) -> None:
    connection.execute(update(FILES).where(FILES.c.file_id == file_id).values(ready=0, expire_time_us=0))


def _done(_: object) -> None:
    """Leaves the result of a statement where it is: it belongs to the writer's thread."""


async def _update(hashed: Any, piece: bytes) -> None:
    if len(piece) > _HASHED_HERE_BYTES:
        await asyncio.to_thread(hashed.update, piece)
    else:
        hashed.update(piece)


def _check_words(field: str, words: str) -> None:
    if len(words) > _MAX_WORDS or not words.isprintable():
        raise _refused(f"{field} has at most {_MAX_WORDS} characters, all printable; shorten or correct it.", field)


def _refused(message: str, field: str) -> MeshError:
    return MeshError(reasons.ERROR_REASON_INVALID_FIELD, message, field=field)


def _missing() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_RESOURCE_NOT_FOUND,
        "There is no such file; it may have expired: send it again, or list yours.",
        field="file_id",
    )
