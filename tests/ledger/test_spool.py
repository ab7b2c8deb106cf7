"""The spool: what is in it is whole or set aside, bounded, written once; nothing in it makes a wrong bill."""

import asyncio
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliostat.api.image.v1 import event_pb2
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
from heliostat.ledger.catching_up import CatchingUp
from heliostat.ledger.journal import Ending
from heliostat.ledger.late import MAGIC, Late, pieces
from heliostat.ledger.spool import Spool
from tests.support.ledger_room import PRICE, Room, ask, happy, ledger, picture_bytes

NOW_US = 1_800_000_000_000_000
DATA = picture_bytes(200_000)
MEDIA_ID = "0" * 32 + ".png"
FOREVER = 10_000_000


def late(request_id: str = "req_x", **opening: Any) -> Late:
    """An end of few words: bytes, numbers and nothing among its values."""
    row = {"request_id": request_id, "key_id": "k", "payload": b"\x00\xff", "end_time_us": None, **opening}
    end = Ending(request_id, {"state": 2, "error": b"\x01"}, {"a": {"state": 2}}, [{"media_id": MEDIA_ID}], "me", 0)
    return Late(row, [{"attempt_id": "a", "request_id": request_id}], end)


async def opened(folder: Path, max_bytes: int = FOREVER) -> Spool:
    """A spool over a folder, as a process finds it at its start."""
    spool = Spool(folder, max_bytes)
    await spool.open()
    return spool


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """By this process and by the next one: rows as they were, the picture byte for byte, whole and in parts."""
    spool = await opened(tmp_path)
    await spool.keep(late(), {MEDIA_ID: [DATA[:70_000], DATA[70_000:]]}, NOW_US)
    for found in (spool, await opened(tmp_path)):
        (entry,) = found.entries
        contents = await found.load(entry.path)
        assert contents is not None
        assert contents.late == late()
        key = f"media/00/{MEDIA_ID}"
        assert found.size(key) == len(DATA)
        assert await found.read(key, 0, len(DATA)) == DATA
        assert await found.read(key, 1000, 1010) == DATA[1000:1010]


async def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    """The file, its pictures and its bytes in the count."""
    spool = await opened(tmp_path)
    await spool.keep(late(), {MEDIA_ID: [DATA]}, NOW_US)
    await spool.forget(spool.entries[0].path)
    assert (spool.entries, spool.size(f"media/00/{MEDIA_ID}")) == ([], None)
    with pytest.raises(MeshError):
        await spool.read(f"media/00/{MEDIA_ID}", 0, 1)
    assert names(tmp_path) == []


def _cut(data: bytes) -> bytes:
    return data[:-10]


def _flipped(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


def _with_head(head: bytes) -> bytes:
    import hashlib

    body = MAGIC + len(head).to_bytes(8, "big") + head
    return body + hashlib.sha256(body).digest()


def _dearer(data: bytes) -> bytes:
    """Somebody changed an amount and left the checksum."""
    return data.replace(b'"state":2', b'"state":3', 1)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_cut, "checksum"),
        (_flipped, "checksum"),
        (_dearer, "checksum"),
        (lambda _: b"", "does not begin"),
        (lambda _: b"heliostat spool 2\n" + bytes(100), "does not begin"),
        (lambda _: MAGIC + b"\xff" * 8, "larger than any"),
        (lambda _: _with_head(b"{"), "cannot be understood"),
        (lambda _: _with_head(b"[]"), "cannot be understood"),
        (lambda _: _with_head(json.dumps({"opening": {}, "intents": [], "ending": {"x": 1}, "pictures": []}).encode()),
         "cannot be understood"),
        (lambda _: _with_head(json.dumps({"opening": {"p": {"base64": "%"}}}).encode()), "cannot be understood"),
    ],
)  # fmt: skip
async def test_what_is_not_whole_is_set_aside(tmp_path: Path, spoil: Callable[[bytes], bytes], why: str) -> None:
    """With its reason beside it, counted for operators; what is sound beside it is taken up."""
    spool = await opened(tmp_path)
    await spool.keep(late("req_bad"), {MEDIA_ID: [DATA]}, NOW_US)
    (bad,) = spool.entries
    await spool.keep(late("req_good"), {}, NOW_US + 1)
    bad.path.write_bytes(spoil(bad.path.read_bytes()))
    before = telemetry.OPERATOR_EVENTS.labels("spool_quarantined")._value.get()
    found = await opened(tmp_path)
    assert telemetry.OPERATOR_EVENTS.labels("spool_quarantined")._value.get() == before + 1
    contents = [await found.load(entry.path) for entry in found.entries]
    assert [each.late.request_id for each in contents if each is not None] == ["req_good"]
    aside = tmp_path / "quarantine" / bad.path.name
    assert aside.exists()
    assert why in aside.with_name(f"{aside.name}.reason").read_text()
    assert (await opened(tmp_path)).entries[0].path == found.entries[0].path


async def test_half_a_file_of_a_killed_process_is_nothing(tmp_path: Path) -> None:
    """A file that was not renamed yet was not promised to anybody: it is removed."""
    data = b"".join(pieces(late(), {}))
    (tmp_path / "00000000000000000001-abcd.part").write_bytes(data[:20])
    assert (await opened(tmp_path)).entries == []
    assert names(tmp_path) == []


async def test_the_spool_is_bounded(tmp_path: Path) -> None:
    """Half full it is crowded, and takes what is under way; what would go beyond its bound is refused."""
    spool = await opened(tmp_path, 500_000)
    await spool.keep(late("one"), {MEDIA_ID: [DATA]}, NOW_US)
    assert not spool.is_crowded
    await spool.keep(late("two"), {"1" * 32 + ".png": [DATA]}, NOW_US + 1)
    assert spool.is_crowded
    with pytest.raises(MeshError) as caught:
        await spool.keep(late("three"), {"2" * 32 + ".png": [DATA]}, NOW_US + 2)
    assert caught.value.reason == reasons.ERROR_REASON_OVERLOADED
    assert len(names(tmp_path)) == 2
    assert (await opened(tmp_path, 500_000)).is_crowded
    for entry in spool.entries:
        await spool.forget(entry.path)
    assert not spool.is_crowded


_ON_A_FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from heliostat.chassis.errors import MeshError
from heliostat.ledger.spool import Spool
from tests.ledger.test_spool import DATA, MEDIA_ID, NOW_US, late

async def main():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    spool = Spool(Path(sys.argv[1]), 10_000_000)
    await spool.open()
    try:
        await spool.keep(late(), {MEDIA_ID: [DATA]}, NOW_US)
    except MeshError as error:
        print("refused", spool.is_crowded, len(list(Path(sys.argv[1]).iterdir())), error.reason)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await spool.look()
    print("again", spool.is_crowded, len(list(Path(sys.argv[1]).iterdir())))
    await spool.keep(late(), {MEDIA_ID: [DATA]}, NOW_US)
    print("kept", len(spool.entries))

asyncio.run(main())
"""


def test_m14_a_disk_that_takes_no_more(tmp_path: Path) -> None:
    """The kernel refuses to let a file grow: no half file stays, the doors close, and open once it works again."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_FULL_DISK, str(tmp_path / "spool")], capture_output=True, text=True, check=True
    )
    refused = f"refused True 0 {reasons.ERROR_REASON_OVERLOADED}"
    assert done.stdout.splitlines() == [refused, "again False 0", "kept 1"]


# What is written from it


async def waiting(room: Room, folder: Path) -> None:
    """Runs a request whose picture the store does not take: its end waits in the spool, its rows are committed."""
    (folder / "blobs").mkdir(exist_ok=True)
    (folder / "blobs" / "media").write_bytes(b"in the way")
    await room.run(ask())
    assert len(room.part.spool.entries) == 1


async def catch_up(room: Room, folder: Path) -> int:
    """What is left after the store works again and a round has passed."""
    (folder / "blobs" / "media").unlink(missing_ok=True)
    await room.blobs.standing.wait_up()
    return await room.part.catching_up.catch_up()


async def test_an_end_is_written_once_however_often_it_is_tried(tmp_path: Path) -> None:
    """The same file comes back twice, as after a crash between the commit and its removal: one bill, one picture."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (entry,) = room.part.spool.entries
        copy = entry.path.read_bytes()
        assert await catch_up(room, tmp_path) == 0
        before = {table: await room.rows(table) for table in ("requests", "attempts", "media")}
    for _ in range(2):
        entry.path.write_bytes(copy)
        async with ledger(tmp_path, happy(DATA)) as room:
            assert room.part.spool.entries == []
            assert {table: await room.rows(table) for table in before} == before
    assert before["requests"][0]["cost_micros"] == PRICE


async def test_an_end_without_its_rows_brings_them(tmp_path: Path) -> None:
    """The journal was put back to an older copy: request, attempt and picture come from the file, once."""
    async with ledger(tmp_path, happy(DATA)) as room:
        pass
    shutil.copy(tmp_path / "heliostat.db", tmp_path / "older.db")
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
    (tmp_path / "blobs" / "media").unlink(missing_ok=True)
    for name in ("heliostat.db-wal", "heliostat.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "older.db", tmp_path / "heliostat.db")
    if not list((tmp_path / "spool").glob("*.end")):
        pytest.fail("the last try at the stop emptied the spool although the store was out")
    async with ledger(tmp_path, happy(DATA)) as room:
        (request,), (attempt,) = await room.rows("requests"), await room.rows("attempts")
        (media,) = await room.rows("media")
        assert (request["cost_micros"], attempt["cost_micros"]) == (PRICE, PRICE)
        assert request["state"] == ledger_pb2.REQUEST_STATE_SUCCEEDED
        assert await room.blobs.get(f"media/{media['media_id'][:2]}/{media['media_id']}", media["sha256"]) == DATA


async def test_a_file_of_another_request_of_that_id_is_set_aside(tmp_path: Path) -> None:
    """The journal tells of another caller's request: nothing of it changes."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (entry,) = room.part.spool.entries
        contents = await room.part.spool.load(entry.path)
        assert contents is not None
        before = await room.rows("requests")
        told = contents.late
        foreign = Late({**told.opening, "key_id": "somebody"}, told.intents, told.ending)
        await room.part.spool.keep(foreign, {}, NOW_US * 2)
        await catch_up(room, tmp_path)
        assert await room.rows("requests") == before
        assert len(list((tmp_path / "spool" / "quarantine").glob("*.reason"))) == 1


async def test_what_another_process_closed_as_unknown_is_settled(tmp_path: Path) -> None:
    """Another process took the request over and could only reserve; the file knows what was paid and got."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (entry,) = room.part.spool.entries
        contents = await room.part.spool.load(entry.path)
        assert contents is not None
        told = contents.late
        old, other = told.opening, "req_" + "1" * 24
        opening = {**old, "request_id": other}
        attempt_id = f"{other}/0/1"
        intent = {**told.intents[0], "attempt_id": attempt_id, "request_id": other}
        (end,) = told.ending.attempts.values()
        unknown = {
            **end,
            "state": ledger_pb2.ATTEMPT_STATE_UNKNOWN,
            "billed": event_pb2.BILLED_UNKNOWN,
            "cost_micros": 0,
            "reserved_micros": PRICE,
        }
        closed = {**told.ending.request, "state": ledger_pb2.REQUEST_STATE_FAILED, "cost_micros": 0, "result": None,
                  "reserved_micros": PRICE, "end_time_us": NOW_US}  # fmt: skip
        await room.part.journal.open(opening, intent)
        await room.part.journal.end(Ending(other, closed, {attempt_id: unknown}, (), opening["owner"], 0))
        picture = {**told.ending.media[0], "media_id": MEDIA_ID, "request_id": other, "attempt_id": attempt_id}
        known = Ending(other, dict(told.ending.request), {attempt_id: end}, [picture], opening["owner"], 0)
        await room.part.spool.keep(Late(opening, [intent], known), {MEDIA_ID: [DATA]}, NOW_US * 2)
        assert await catch_up(room, tmp_path) == 0
        row = next(row for row in await room.rows("requests") if row["request_id"] == other)
        made = next(row for row in await room.rows("attempts") if row["attempt_id"] == attempt_id)
        assert (row["state"], row["cost_micros"], row["reserved_micros"]) == (closed["state"], PRICE, 0)
        assert made["state"] == ledger_pb2.ATTEMPT_STATE_RECONCILED_BILLED
        assert await room.blobs.get(f"media/00/{MEDIA_ID}", picture["sha256"]) == DATA


async def test_what_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    """The request is another owner's now: the file waits, and nothing is written over."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (entry,) = room.part.spool.entries
        contents = await room.part.spool.load(entry.path)
        assert contents is not None
        told, other = contents.late, "req_" + "2" * 24
        opening = {**told.opening, "request_id": other}
        await room.part.journal.open({**opening, "owner": "another", "fence": 1})
        end = Ending(other, dict(told.ending.request), {}, (), opening["owner"], 0)
        await room.part.spool.keep(Late(opening, (), end), {}, NOW_US * 2)
        assert await catch_up(room, tmp_path) == 1
        row = next(row for row in await room.rows("requests") if row["request_id"] == other)
        assert row["state"] == ledger_pb2.REQUEST_STATE_RUNNING


async def test_a_picture_that_was_purged_meanwhile_is_not_brought_back(tmp_path: Path) -> None:
    """The caller had it removed while it waited: the file goes, the picture does not come."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (media,) = await room.rows("media")
        await room.part.journal.forget_blobs([media["media_id"]], (), room.part.recovery._desk.now_us())
        assert await catch_up(room, tmp_path) == 0
        assert [key async for key in room.blobs.list("media")] == []


async def test_one_bad_end_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """The journal cannot take a file's rows: it is set aside, the next one is written."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (entry,) = room.part.spool.entries
        contents = await room.part.spool.load(entry.path)
        assert contents is not None
        told, bad, good = contents.late, "req_" + "3" * 24, "req_" + "4" * 24
        for name, row in ((bad, {"no_such_column": 1}), (good, {})):
            opening = {**told.opening, "request_id": name, **row}
            end = Ending(name, dict(told.ending.request), {}, (), opening["owner"], 0)
            await room.part.spool.keep(Late(opening, (), end), {}, NOW_US * 2)
        assert await catch_up(room, tmp_path) == 0
        names = {row["request_id"] for row in await room.rows("requests")}
        assert good in names
        assert bad not in names
        (reason,) = (tmp_path / "spool" / "quarantine").glob("*.reason")
        assert "the journal refuses it" in reason.read_text()


async def test_two_rounds_at_once_write_each_end_once(tmp_path: Path) -> None:
    """The background and a stop at the same time."""
    async with ledger(tmp_path, happy(DATA)) as room:
        await waiting(room, tmp_path)
        (tmp_path / "blobs" / "media").unlink()
        await room.blobs.standing.wait_up()
        catching: CatchingUp = room.part.catching_up
        assert max(await asyncio.gather(*(catching.catch_up() for _ in range(5)))) == 0
        assert len(await room.rows("media")) == 1
