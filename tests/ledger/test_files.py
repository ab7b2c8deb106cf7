"""Files of callers: kept for their own key, bounded, used by requests, gone when their time is over."""

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from heliostat.api.image.v1 import media_pb2, request_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2, ledger_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import AUTHORIZATION, call, stream
from heliostat.chassis.clock import FakeClock
from heliostat.chassis.errors import MeshError
from tests.support.databases import fresh_database, postgres
from tests.support.ledger_room import Room, happy, ledger

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(range(256)) * 40


async def uploaded(
    room: Room, data: bytes = PNG, *, metadata: Any = (), cut: int = 4096, **told: Any
) -> ledger_pb2.File:
    """A file, sent in pieces of `cut` bytes."""

    async def messages() -> AsyncIterator[ledger_pb2.UploadFileRequest]:
        file = ledger_pb2.File(**{"file_name": "boat.png", "purpose": "vision", **told})
        yield ledger_pb2.UploadFileRequest(file=file)
        for start in range(0, len(data), cut):
            yield ledger_pb2.UploadFileRequest(data=data[start : start + cut])

    answer = await call(room.jobs.UploadFile, messages(), metadata=metadata)
    file: ledger_pb2.File = answer.file
    return file


async def content(room: Room, metadata: Any = (), **which: str) -> bytes:
    """What ReadMedia gives."""
    data = b""
    async with stream(room.jobs.ReadMedia, ledger_pb2.ReadMediaRequest(**which), metadata=metadata) as responses:
        async for response in responses:
            assert response.chunk.offset_bytes == len(data)
            data += response.chunk.data
    return data


async def a_key(room: Room) -> tuple[tuple[str, str], ...]:
    """The metadata of a new caller."""
    answer = await call(room.admin.CreateKey, admin_pb2.CreateKeyRequest(key=admin_pb2.Key(title="a key")))
    return ((AUTHORIZATION, f"Bearer {answer.secret}"),)


def edit_of(file_id: str) -> router_pb2.GenerateRequest:
    """An edit of an uploaded file."""
    image = request_pb2.ImageRequest(model="flux-schnell", prompt="x")
    image.edit.image.file_id = file_id
    return router_pb2.GenerateRequest(image=image)


def _estimate(file_id: str) -> router_pb2.EstimateRequest:
    return router_pb2.EstimateRequest(image=edit_of(file_id).image)


async def draw(room: Room, request: router_pb2.GenerateRequest, metadata: Any = ()) -> None:
    """Asks, and reads the answer to its end."""
    async with stream(room.generate.Generate, request, metadata=metadata) as responses:
        async for _ in responses:
            pass


@pytest.mark.parametrize("cut", [3, 4096, 1_000_000])
async def test_a_file_comes_back_as_it_was_sent(tmp_path: Path, cut: int) -> None:
    """Its type is read from its bytes, however it was cut; its name and purpose are kept."""
    async with ledger(tmp_path, happy()) as room:
        file = await uploaded(room, cut=cut)
        assert file.file_id.startswith("file-")
        assert len(file.file_id) == 37
        assert (file.media_type, file.size_bytes) == ("image/png", len(PNG))
        assert (file.file_name, file.purpose) == ("boat.png", "vision")
        again = await call(room.jobs.GetFile, ledger_pb2.GetFileRequest(file_id=file.file_id))
        assert again.file == file
        assert await content(room, file_id=file.file_id) == PNG


@pytest.mark.parametrize("oldest_first", [False, True])
async def test_files_are_listed_in_order(tmp_path: Path, oldest_first: bool) -> None:
    """Page after page, each once, newest or oldest first; of one purpose where that is asked for."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        sent = []
        for _ in range(5):
            sent.append((await uploaded(room)).file_id)
            clock.advance(1)
        await uploaded(room, purpose="batch")
        listed: list[str] = []
        token = ""
        while True:
            asked = ledger_pb2.ListFilesRequest(
                page_size=2, page_token=token, purpose="vision", oldest_first=oldest_first
            )
            answer = await call(room.jobs.ListFiles, asked)
            listed += [file.file_id for file in answer.files]
            token = answer.next_page_token
            if not token:
                break
        assert listed == (sent if oldest_first else sent[::-1])
        assert len((await call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest())).files) == 6


async def test_a_foreign_file_does_not_exist(tmp_path: Path) -> None:
    """C15: by every method another key is told the same as of a file that was never there."""
    async with ledger(tmp_path, happy(), open=False) as room:
        mine, other = await a_key(room), await a_key(room)
        file_id = (await uploaded(room, metadata=mine)).file_id
        asked: list[Callable[[str], Any]] = [
            lambda id_: call(room.jobs.GetFile, ledger_pb2.GetFileRequest(file_id=id_), metadata=other),
            lambda id_: call(room.jobs.DeleteFile, ledger_pb2.DeleteFileRequest(file_id=id_), metadata=other),
            lambda id_: call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest(page_token=id_), metadata=other),
            lambda id_: content(room, other, file_id=id_),
            lambda id_: draw(room, edit_of(id_), other),
            lambda id_: call(
                room.generate.Estimate, router_pb2.EstimateRequest(image=edit_of(id_).image), metadata=other
            ),
        ]
        for ask in asked:
            told = set()
            for one in (file_id, "file-" + "0" * 32):
                with pytest.raises(MeshError) as caught:
                    await ask(one)
                told.add((caught.value.reason, caught.value.message))
            assert [reason for reason, _ in told] == [reasons.ERROR_REASON_RESOURCE_NOT_FOUND]
        listed = await call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest(), metadata=other)
        assert not listed.files
        assert room.router.asked == []
        assert await content(room, mine, file_id=file_id) == PNG


async def test_a_request_gets_the_file_as_a_blob(tmp_path: Path) -> None:
    """The router is told where the bytes are and what they are; the caller's id goes no further."""
    async with ledger(tmp_path, happy()) as room:
        file_id = (await uploaded(room)).file_id
        await draw(room, edit_of(file_id))
        media = room.router.asked[0].image.edit.image
        assert media.WhichOneof("source") == "blob_id"
        assert (media.media_type, media.sha256) == ("image/png", hashlib.sha256(PNG).digest())
        assert await room.blobs.get(media.blob_id) == PNG


async def test_a_files_blob_is_reached_by_its_id_only(tmp_path: Path) -> None:
    """Who knows where a file lies cannot name the place in its stead."""
    async with ledger(tmp_path, happy()) as room:
        file_id = (await uploaded(room)).file_id
        request = edit_of(file_id)
        request.image.edit.image.CopyFrom(media_pb2.Media(blob_id=f"inputs/files/{file_id}"))
        with pytest.raises(MeshError) as caught:
            await draw(room, request)
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
        with pytest.raises(MeshError):
            await content(room, blob_id=f"inputs/files/{file_id}")


async def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    """Row and bytes alike, at once."""
    async with ledger(tmp_path, happy()) as room:
        file_id = (await uploaded(room)).file_id
        await call(room.jobs.DeleteFile, ledger_pb2.DeleteFileRequest(file_id=file_id))
        with pytest.raises(MeshError):
            await call(room.jobs.GetFile, ledger_pb2.GetFileRequest(file_id=file_id))
        assert await room.blobs.head(f"inputs/files/{file_id}") is None


async def test_a_file_expires(tmp_path: Path) -> None:
    """At the time that its caller named, or at the configuration's: it is hidden at once, and swept away."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock, file_retention_s=1000) as room:
        soon = Timestamp(seconds=int(clock.time()) + 100)
        late = Timestamp(seconds=int(clock.time()) + 100_000)
        first = (await uploaded(room, expire_time=soon)).file_id
        second = await uploaded(room, expire_time=late)
        assert second.expire_time.seconds <= int(clock.time()) + 1000
        clock.advance(200)
        with pytest.raises(MeshError):
            await call(room.jobs.GetFile, ledger_pb2.GetFileRequest(file_id=first))
        assert await room.part.recovery.sweep() == 1
        assert await room.blobs.head(f"inputs/files/{first}") is None
        assert await content(room, file_id=second.file_id) == PNG


@pytest.mark.parametrize(
    ("data", "told", "settings", "reason"),
    [
        (b"<svg/>", {}, {}, reasons.ERROR_REASON_INPUT_UNREADABLE),
        (b"", {}, {}, reasons.ERROR_REASON_INPUT_UNREADABLE),
        (PNG + bytes(1_000_000), {}, {"file_max_mb": 1}, reasons.ERROR_REASON_INVALID_FIELD),
        (PNG, {"size_bytes": 2_000_000}, {"file_max_mb": 1}, reasons.ERROR_REASON_INVALID_FIELD),
        (PNG, {"file_name": "a" * 256}, {}, reasons.ERROR_REASON_INVALID_FIELD),
        (PNG, {"file_name": "a\x1b[31mb"}, {}, reasons.ERROR_REASON_INVALID_FIELD),
        (PNG, {"expire_time": Timestamp(seconds=1)}, {}, reasons.ERROR_REASON_INVALID_FIELD),
    ],
    ids=["no picture", "nothing", "too large", "said to be too large", "long name", "odd name", "over already"],
)
async def test_what_is_not_taken(
    tmp_path: Path, data: bytes, told: dict[str, Any], settings: dict[str, Any], reason: int
) -> None:
    """It is refused with its reason, and nothing of it is kept."""
    async with ledger(tmp_path, happy(), **settings) as room:
        with pytest.raises(MeshError) as caught:
            await uploaded(room, data, **told)
        assert caught.value.reason == reason
        assert not (await call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest())).files
        assert [key async for key in room.blobs.list("inputs")] == []


async def test_a_key_keeps_so_much_and_no_more(tmp_path: Path) -> None:
    """The bound is the key's own; what is deleted makes room."""
    async with ledger(tmp_path, happy(), open=False, files_max_count=2) as room:
        mine, other = await a_key(room), await a_key(room)
        first = await uploaded(room, metadata=mine)
        await uploaded(room, metadata=mine)
        with pytest.raises(MeshError) as caught:
            await uploaded(room, metadata=mine)
        assert (caught.value.reason, caught.value.field) == (reasons.ERROR_REASON_INVALID_FIELD, "file")
        await uploaded(room, metadata=other)
        await call(room.jobs.DeleteFile, ledger_pb2.DeleteFileRequest(file_id=first.file_id), metadata=mine)
        await uploaded(room, metadata=mine)


async def test_an_input_is_read_by_its_own_caller_only(tmp_path: Path) -> None:
    """By the blob's id, as long as a request of that key has it."""
    async with ledger(tmp_path, happy(), open=False) as room:
        mine, other = await a_key(room), await a_key(room)
        image = request_pb2.ImageRequest(model="flux-schnell", prompt="x")
        image.edit.image.data = PNG
        await draw(room, router_pb2.GenerateRequest(image=image), mine)
        blob_id = f"inputs/{hashlib.sha256(PNG).hexdigest()}"
        assert await content(room, mine, blob_id=blob_id) == PNG
        with pytest.raises(MeshError) as caught:
            await content(room, other, blob_id=blob_id)
        assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND


async def test_inputs_that_the_edge_stored_expire_too(tmp_path: Path) -> None:
    """A picture that came as a blob is swept away with its request's inputs; a file of the caller's stays."""
    clock = FakeClock()
    async with ledger(tmp_path, happy(), clock=clock) as room:
        file_id = (await uploaded(room)).file_id
        digest = hashlib.sha256(PNG).digest()
        key = f"inputs/{digest.hex()}"
        await room.blobs.put(key, PNG)
        request = edit_of(file_id)
        request.image.references.add().image.CopyFrom(media_pb2.Media(blob_id=key, sha256=digest))
        await draw(room, request)
        clock.advance(5000)
        await room.part.recovery.sweep()
        assert await room.blobs.head(key) is None
        assert await content(room, file_id=file_id) == PNG


async def test_files_on_postgresql(tmp_path: Path) -> None:
    """The same there: sent, listed in order, read, used, over, gone."""
    clock = FakeClock()
    with postgres() as server:
        async with ledger(tmp_path, happy(), clock=clock, url=fresh_database(server), file_retention_s=1000) as room:
            sent = []
            for _ in range(3):
                sent.append((await uploaded(room)).file_id)
                clock.advance(1)
            first = await call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest(page_size=2, oldest_first=True))
            assert [file.file_id for file in first.files] == sent[:2]
            asked = ledger_pb2.ListFilesRequest(page_token=first.next_page_token, oldest_first=True)
            assert [file.file_id for file in (await call(room.jobs.ListFiles, asked)).files] == sent[2:]
            assert await content(room, file_id=sent[0]) == PNG
            await draw(room, edit_of(sent[0]))
            assert room.router.asked[0].image.edit.image.blob_id
            await call(room.jobs.DeleteFile, ledger_pb2.DeleteFileRequest(file_id=sent[0]))
            clock.advance(2000)
            assert not (await call(room.jobs.ListFiles, ledger_pb2.ListFilesRequest())).files
            assert await room.part.recovery.sweep() >= 2
            assert await room.rows("files") == []
