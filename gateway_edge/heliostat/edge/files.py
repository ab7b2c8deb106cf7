"""/v1/files: pictures that are sent once and named by their id in later requests. OpenAI's calls and objects.

*Source*: OpenAI's Files API reference, read 2026-11. The ledger keeps them, for the caller that sent them.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import call, stream
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.forms import multipart
from heliostat.edge.problems import Refusal
from heliostat.edge.schemas import invalid
from heliostat.edge.visit import Reply, StreamedReply, Visit, visit_of

_PIECE_BYTES = 768 * 1024
_TRANSFER_S = 120.0
_PAGE, _MOST = 20, 100
_MAX_WORDS = 255
# OpenAI's bounds of expires_after.seconds.
_LEAST_S, _MOST_S = 3600, 2_592_000
_ORDERS = {"": False, "desc": False, "asc": True}
_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
}


class Files:
    """The caller's own files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def upload(self, request: Request) -> Reply:
        """Takes a form with `file` and `purpose`. Raises INVALID_FIELD, INPUT_UNREADABLE, a Refusal: 413, 415."""
        visit = visit_of(request)
        if not visit.header(b"content-type").lower().startswith("multipart/form-data"):
            raise Refusal(415, "unsupported_media_type", "Send the file as multipart/form-data: file and purpose.")
        form = await multipart(request, visit, self._desk.settings)
        try:
            upload, described = _file_of(form), self._described(form)
            answer = await call(
                self._desk.ledger.UploadFile,
                _messages(upload, described),
                timeout_s=_TRANSFER_S,
                metadata=visit.credentials(),
            )
        finally:
            await form.close()
        return Reply(200, [orjson.dumps(file_body(answer.file))])

    async def files(self, request: Request) -> Reply:
        """The caller's files: `limit`, `after`, `order` and `purpose` as OpenAI has them; at most 100 at once."""
        query = request.query_params
        order = query.get("order", "")
        if order not in _ORDERS:
            raise invalid("order", "order must be asc or desc.")
        ask = ledger_pb2.ListFilesRequest(
            page_size=_limit(query.get("limit", "")),
            page_token=query.get("after", "")[:_MAX_WORDS],
            purpose=query.get("purpose", "")[:_MAX_WORDS],
            oldest_first=_ORDERS[order],
        )
        metadata = visit_of(request).credentials()
        answer = await call(self._desk.ledger.ListFiles, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
        data = [file_body(file) for file in answer.files]
        body = {
            "object": "list",
            "data": data,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
            "has_more": bool(answer.next_page_token),
        }
        return Reply(200, [orjson.dumps(body)])

    async def file(self, request: Request) -> Reply:
        """One file. Raises RESOURCE_NOT_FOUND."""
        return Reply(200, [orjson.dumps(file_body(await self._look(request)))])

    async def delete(self, request: Request) -> Reply:
        """Removes a file. Raises RESOURCE_NOT_FOUND."""
        file_id: str = request.path_params["id"]
        ask = ledger_pb2.DeleteFileRequest(file_id=file_id)
        metadata = visit_of(request).credentials()
        await call(self._desk.ledger.DeleteFile, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
        return Reply(200, [orjson.dumps({"id": file_id, "object": "file", "deleted": True})])

    async def content(self, request: Request) -> StreamedReply:
        """The file's bytes, as they came. Raises RESOURCE_NOT_FOUND."""
        file = await self._look(request)
        headers = {
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "content-disposition": f'attachment; filename="{file.file_id}.{_EXTENSIONS[file.media_type]}"',
        }
        pieces = self._pieces(file.file_id, visit_of(request))
        return StreamedReply(200, pieces, file.size_bytes, file.media_type, headers)

    async def _look(self, request: Request) -> ledger_pb2.File:
        ask = ledger_pb2.GetFileRequest(file_id=request.path_params["id"])
        metadata = visit_of(request).credentials()
        answer = await call(self._desk.ledger.GetFile, ask, timeout_s=SMALL_CALL_S, metadata=metadata)
        file: ledger_pb2.File = answer.file
        return file

    async def _pieces(self, file_id: str, visit: Visit) -> AsyncIterator[bytes]:
        ask = ledger_pb2.ReadMediaRequest(file_id=file_id)
        opened = stream(self._desk.ledger.ReadMedia, ask, timeout_s=_TRANSFER_S, metadata=visit.credentials())
        async with opened as responses:
            async for response in responses:
                yield response.chunk.data

    def _described(self, form: FormData) -> ledger_pb2.File:
        upload = _file_of(form)
        described = ledger_pb2.File(
            file_name=_plain_name(upload.filename or ""),
            purpose=_word(form, "purpose", "user_data"),
            size_bytes=upload.size or 0,
        )
        if _word(form, "expires_after[anchor]", "created_at") != "created_at":
            raise invalid("expires_after", "expires_after[anchor] must be created_at.")
        seconds = _word(form, "expires_after[seconds]", "")
        if seconds:
            if not (seconds.isascii() and seconds.isdigit() and _LEAST_S <= int(seconds[:10]) <= _MOST_S):
                raise invalid("expires_after", f"expires_after[seconds] must be {_LEAST_S} to {_MOST_S}.")
            described.expire_time.CopyFrom(Timestamp(seconds=int(self._desk.clock.time()) + int(seconds)))
        return described


def file_body(file: ledger_pb2.File) -> dict[str, Any]:
    """A file as OpenAI shows one; `media_type` is ours. Pure."""
    return {
        "id": file.file_id,
        "object": "file",
        "bytes": file.size_bytes,
        "created_at": file.create_time.seconds,
        "expires_at": file.expire_time.seconds,
        "filename": file.file_name,
        "purpose": file.purpose,
        "status": "processed",
        "media_type": file.media_type,
    }


async def _messages(upload: UploadFile, described: ledger_pb2.File) -> AsyncIterator[ledger_pb2.UploadFileRequest]:
    yield ledger_pb2.UploadFileRequest(file=described)
    while piece := await upload.read(_PIECE_BYTES):
        yield ledger_pb2.UploadFileRequest(data=piece)


def _file_of(form: FormData) -> UploadFile:
    sent = form.getlist("file")
    if len(sent) != 1 or not isinstance(sent[0], UploadFile):
        raise invalid("file", "Send one file, as the field file.")
    return sent[0]


def _word(form: FormData, name: str, absent: str) -> str:
    value = form.get(name)
    if value is None:
        return absent
    if not isinstance(value, str) or len(value) > _MAX_WORDS or not value.isprintable():
        raise invalid(name, f"{name} must be a text of at most {_MAX_WORDS} printable characters.")
    return value.strip() or absent


def _plain_name(name: str) -> str:
    """What is left of a file's name without folders and signs that cannot be shown. It is told again, never used."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:_MAX_WORDS]


def _limit(text: str) -> int:
    """How many files; more than a page holds are a page."""
    if not text:
        return _PAGE
    if not (text.isascii() and text.isdigit() and int(text[:10]) >= 1):
        raise invalid("limit", "limit must be a whole number from 1.")
    return min(int(text[:10]), _MOST)
