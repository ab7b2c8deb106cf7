"""The files of the scripted ledger: one caller's, in memory."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import media_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError


class ScriptedFiles(ABC):
    """Keeps what is uploaded, and what was asked of lists."""

    def forget_files(self) -> None:
        """As new."""
        self.files: dict[str, ledger_pb2.File] = {}
        self.contents: dict[str, bytes] = {}
        self.listed: list[ledger_pb2.ListFilesRequest] = []

    @abstractmethod
    def _note(self) -> None:
        """Remembers who asked; refuses strangers."""

    async def UploadFile(self, request_iterator: Any, context: Any) -> ledger_pb2.UploadFileResponse:
        """Keeps a file."""
        self._note()
        file, data = ledger_pb2.File(), b""
        async for message in request_iterator:
            if message.HasField("file"):
                file.CopyFrom(message.file)
            data += message.data
        file.file_id = f"file-{len(self.files):032x}"
        file.media_type, file.size_bytes = "image/png", len(data)
        file.create_time.CopyFrom(Timestamp(seconds=1))
        if not file.HasField("expire_time"):
            file.expire_time.CopyFrom(Timestamp(seconds=9))
        self.files[file.file_id], self.contents[file.file_id] = file, data
        return ledger_pb2.UploadFileResponse(file=file)

    async def ListFiles(self, request: ledger_pb2.ListFilesRequest, context: Any) -> ledger_pb2.ListFilesResponse:
        """All of them."""
        self._note()
        self.listed.append(request)
        return ledger_pb2.ListFilesResponse(files=self.files.values())

    async def GetFile(self, request: ledger_pb2.GetFileRequest, context: Any) -> ledger_pb2.GetFileResponse:
        """One of them."""
        self._note()
        return ledger_pb2.GetFileResponse(file=self._file(request.file_id))

    async def DeleteFile(self, request: ledger_pb2.DeleteFileRequest, context: Any) -> ledger_pb2.DeleteFileResponse:
        """Forgets one."""
        self._note()
        self._file(request.file_id)
        del self.files[request.file_id]
        return ledger_pb2.DeleteFileResponse()

    async def ReadMedia(
        self, request: ledger_pb2.ReadMediaRequest, context: Any
    ) -> AsyncIterator[ledger_pb2.ReadMediaResponse]:
        """The bytes of one, in two pieces."""
        self._note()
        self._file(request.file_id)
        data = self.contents[request.file_id]
        for piece in (data[:7], data[7:]):
            yield ledger_pb2.ReadMediaResponse(chunk=media_pb2.MediaChunk(data=piece))

    def _file(self, file_id: str) -> ledger_pb2.File:
        if file_id not in self.files:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no such file; check its id.")
        return self.files[file_id]
