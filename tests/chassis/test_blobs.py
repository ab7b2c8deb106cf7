"""Blobs keep bytes under keys, whole or not at all, and nothing outside of their folder."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.errors import MeshError

KEY = "media/ab/abcd.png"


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A store of either kind that needs no network."""
    return Blobs((tmp_path / "kept things").as_uri() if request.param == "folder" else "memory://")


async def test_what_is_put_can_be_got(blobs: Blobs) -> None:
    """Bytes and pieces come back as they were, whole and in ranges."""
    await blobs.put(KEY, b"0123456789")
    await blobs.put("media/ab/pieces.png", [b"0123", b"4567", b"89"])
    assert await blobs.get(KEY) == await blobs.get("media/ab/pieces.png") == b"0123456789"
    assert await blobs.get_range(KEY, 2, 5) == b"234"
    assert [piece async for piece in blobs.stream(KEY, 1, 8, chunk_bytes=3)] == [b"123", b"456", b"7"]
    assert [piece async for piece in blobs.stream(KEY, chunk_bytes=6)] == [b"012345", b"6789"]


async def test_a_put_takes_pieces_as_they_are_made(blobs: Blobs) -> None:
    """A lazy iterable of two pieces of 1 MiB arrives whole."""

    def pieces() -> Iterator[bytes]:
        for value in (1, 2):
            yield bytes([value]) * 2**20

    await blobs.put(KEY, pieces())
    data = await blobs.get(KEY)
    assert (len(data), data[0], data[-1]) == (2**21, 1, 2)


async def test_head_tells_size_and_a_tag_that_follows_the_bytes(blobs: Blobs) -> None:
    """The tag differs after the bytes did; a missing file has no head."""
    await blobs.put(KEY, b"one")
    first = await blobs.head(KEY)
    await blobs.put(KEY, b"other")
    second = await blobs.head(KEY)
    assert first is not None
    assert second is not None
    assert (first.size, second.size) == (3, 5)
    assert first.etag != second.etag
    assert await blobs.head("media/none.png") is None


async def test_a_missing_file_is_not_found(blobs: Blobs) -> None:
    """Reading says so; deleting does not mind."""
    with pytest.raises(MeshError) as caught:
        await blobs.get(KEY)
    assert caught.value.reason == reasons.ERROR_REASON_RESOURCE_NOT_FOUND
    await blobs.delete(KEY)


async def test_list_names_the_keys_of_a_folder(blobs: Blobs) -> None:
    """Keys of other folders are not among them, nor are deleted ones."""
    for key in ("inputs/a", "inputs/b", "media/cd/c.png"):
        await blobs.put(key, b"x")
    await blobs.delete("inputs/b")
    assert [key async for key in blobs.list("inputs")] == ["inputs/a"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "a/../b", "..", "a//b", "a/", "a\\b", "a\0b", "ä", "%2e%2e/a", "x" * 513]
)
async def test_a_key_that_could_lead_elsewhere_is_refused(blobs: Blobs, key: str) -> None:
    """No key leads out of the store, or means two things."""
    for attempt in (blobs.put(key, b"x"), blobs.get(key), blobs.delete(key)):
        with pytest.raises(MeshError) as caught:
            await attempt
        assert caught.value.reason == reasons.ERROR_REASON_INVALID_FIELD


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads a kept picture."""
    folder = tmp_path / "blobs"
    await Blobs(folder.as_uri()).put(KEY, b"x")
    assert stat.S_IMODE((folder / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_store_that_fails_is_unavailable(tmp_path: Path) -> None:
    """A file where a folder should be makes every put fail, with a sentence and without the store's own text."""
    (tmp_path / "media").write_bytes(b"in the way")
    with pytest.raises(MeshError) as caught:
        await Blobs(tmp_path.as_uri()).put(KEY, b"x")
    assert caught.value.reason == reasons.ERROR_REASON_MESH_UNAVAILABLE
    assert str(tmp_path) not in caught.value.message
