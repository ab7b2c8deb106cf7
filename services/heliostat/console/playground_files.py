"""/playground/files: pictures that somebody brings, or goes on from, as files that a request may name."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import Metadata, call, stream
from heliostat.chassis.errors import MeshError
from heliostat.chassis.signatures import media_type_of
from heliostat.console.desk import Desk
from heliostat.console.playground_ask import wrong
from heliostat.console.playground_key import PATH, Keys

MOST_FILE_BYTES = 50_000_000
_FILE_KEPT_S = 86_400
_TRANSFER_S = 120.0
_SIGNATURE_BYTES = 64
_MOST_NAME_CHARS = 255
_PIECE_BYTES = 1024 * 1024


class PlaygroundFiles:
    """Takes pictures, and hands them to the ledger."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._keys = Keys(desk)

    def routes(self) -> list[Route]:
        """Its address."""
        return [Route(f"{PATH}/files", self.upload, methods=["POST"])]

    async def upload(self, request: Request) -> Response:
        """Keeps a picture for later steps: the body, or with `media` in the query a picture of a step before.

        Raises INVALID_FIELD, INPUT_UNREADABLE, RESOURCE_NOT_FOUND.
        """
        metadata = self._keys.metadata(request)
        media_id = request.query_params.get("media", "")
        pieces = self._kept(media_id, metadata) if media_id else request.stream()
        described = ledger_pb2.File(
            file_name=_file_name(request.query_params.get("name", "") or media_id), purpose="playground"
        )
        described.expire_time.FromSeconds(int(self._desk.clock.time()) + _FILE_KEPT_S)
        whole = await _picture(pieces)
        answer = await call(
            self._desk.ledger.UploadFile, _messages(described, whole), timeout_s=_TRANSFER_S, metadata=metadata
        )
        file = answer.file
        return JSONResponse({"id": file.file_id, "type": file.media_type, "bytes": file.size_bytes})

    async def _kept(self, media_id: str, metadata: Metadata) -> AsyncGenerator[bytes, None]:
        ask = ledger_pb2.ReadMediaRequest(media_id=media_id)
        async with stream(self._desk.ledger.ReadMedia, ask, metadata=metadata) as messages:
            async for message in messages:
                yield message.chunk.data


def _file_name(text: str) -> str:
    """A name that the ledger takes: it only shows it."""
    return "".join(character for character in text if character.isprintable())[:_MOST_NAME_CHARS]


async def _picture(pieces: AsyncIterator[bytes]) -> list[bytes]:
    """All of a picture. Raises INPUT_UNREADABLE with the first bytes of what is none, INVALID_FIELD where it is long.

    It is held until it is whole: an upload that breaks off half-way is never begun at the ledger.
    """
    whole: list[bytes] = []
    size, head = 0, b""
    async for piece in pieces:
        size += len(piece)
        if size > MOST_FILE_BYTES:
            raise wrong("file", f"has at most {MOST_FILE_BYTES // 1_000_000} MB")
        if len(head) < _SIGNATURE_BYTES:
            head += piece[:_SIGNATURE_BYTES]
            if len(head) >= _SIGNATURE_BYTES:
                _check(head)
        whole.append(piece)
    _check(head)
    return whole


def _check(head: bytes) -> None:
    if not media_type_of(head):
        raise MeshError(
            reasons.ERROR_REASON_INPUT_UNREADABLE,
            "That file is not a PNG, JPEG, WebP, GIF or AVIF picture.",
            field="file",
        )


async def _messages(described: ledger_pb2.File, pieces: Iterable[bytes]) -> AsyncIterator[ledger_pb2.UploadFileRequest]:
    yield ledger_pb2.UploadFileRequest(file=described)
    for piece in pieces:
        for start in range(0, len(piece), _PIECE_BYTES):
            yield ledger_pb2.UploadFileRequest(data=piece[start : start + _PIECE_BYTES])
