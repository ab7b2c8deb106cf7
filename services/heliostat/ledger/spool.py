"""The spool: a folder of this machine's own, where the ends of requests wait that database or media store cannot take.

One file for each, written under another name, synced, renamed, and the folder synced: what is there is whole, and
survives the process and the machine. What cannot be read is set aside with the reason beside it, and never guessed at.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.chassis import telemetry
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.ledger.late import Contents, Late, Place, Unreadable, pieces, read
from heliostat.ledger.picture import media_key

_SUFFIX, _UNFINISHED, _TRIAL = ".end", ".part", ".trial"
_TRIAL_BYTES = 65_536
_ASIDE = "quarantine"
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that waits."""

    path: Path
    size: int
    pictures: Mapping[str, Place]


class Spool:
    """What waits, in the order in which it came. Also the blobs' overflow: its pictures can be read."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        """`max_bytes` bounds the files together; once half of it is used nothing new should be taken on."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._entries: dict[Path, Entry] = {}
        self._places: dict[str, tuple[Path, Place]] = {}
        self._used = 0
        self._promised = 0
        self._broken = False
        self._arrived = asyncio.Event()

    @property
    def is_crowded(self) -> bool:
        """True where only what is under way may still use it: half full, or its last file could not be written."""
        return self._broken or self._used + self._promised > self._max_bytes // 2

    @property
    def entries(self) -> Sequence[Entry]:
        """What waits, oldest first."""
        return list(self._entries.values())

    async def wait(self) -> None:
        """Returns when something waits."""
        while not self._entries:
            self._arrived.clear()
            await self._arrived.wait()

    async def look(self) -> None:
        """Where the last file could not be written: tries whether that is over, with a file of no meaning."""
        if not self._broken:
            return
        trial = self._folder / f"trial-{secrets.token_hex(4)}{_TRIAL}"
        try:
            await asyncio.to_thread(_write, trial, [bytes(_TRIAL_BYTES)])
            await asyncio.to_thread(trial.unlink)
        except OSError:
            return
        self._broken = False

    async def open(self) -> None:
        """Takes up what an earlier process left. What is no file of ours, or damaged, is set aside."""
        for path in await asyncio.to_thread(self._left_behind):
            contents = await self.load(path)
            if contents is not None:
                self._take_up(path, (await asyncio.to_thread(path.stat)).st_size, contents.pictures)

    def _left_behind(self) -> list[Path]:
        self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        for useless in (*self._folder.glob(f"*{_UNFINISHED}"), *self._folder.glob(f"*{_TRIAL}")):
            useless.unlink()
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    async def keep(self, late: Late, pictures: Mapping[str, Sequence[bytes]], time_us: int) -> None:
        """Keeps one end; when this returns it is on disk. Raises OVERLOADED where there is no room or no disk."""
        data = list(pieces(late, pictures))
        size = sum(map(len, data))
        if self._used + self._promised + size > self._max_bytes:
            self._broken = True
            log.error("the spool is full: an end could not be kept", request_id=late.request_id)
            raise _no_room()
        path = self._folder / f"{time_us:020d}-{secrets.token_hex(4)}{_SUFFIX}"
        self._promised += size
        try:
            await asyncio.to_thread(_write, path, data)
        except OSError as error:
            self._broken = True
            log.error("the spool cannot be written to", error=error.strerror, request_id=late.request_id)
            raise _no_room() from error
        finally:
            self._promised -= size
        self._broken = False
        contents = await self.load(path)
        if contents is None:
            raise _no_room()
        self._take_up(path, size, contents.pictures)
        log.warning("the end of a request waits in the spool", request_id=late.request_id, bytes=size)

    def _take_up(self, path: Path, size: int, pictures: Mapping[str, Place]) -> None:
        self._entries[path] = Entry(path, size, pictures)
        self._used += size
        for media_id, place in pictures.items():
            self._places[media_key(media_id)] = (path, place)
        self._measure()
        self._arrived.set()

    async def load(self, path: Path) -> Contents | None:
        """Reads a file and checks it anew; None where it had to be set aside."""
        try:
            return await asyncio.to_thread(_load, path)
        except FileNotFoundError:
            await self.forget(path)
        except (Unreadable, OSError) as error:
            why = str(error) if isinstance(error, Unreadable) else f"it cannot be read ({error.strerror})"
            await self.set_aside(path, why)
        return None

    async def set_aside(self, path: Path, why: str) -> None:
        """Moves a file out of the way, with the reason in a file beside it: a person has to look at it."""
        log.error("a file of the spool was set aside: nothing of it was counted", file=path.name, why=why)
        telemetry.OPERATOR_EVENTS.labels("spool_quarantined").inc()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(_move_aside, path, why)
        self._drop(path)

    async def forget(self, path: Path) -> None:
        """Removes a file whose contents are all written."""
        with contextlib.suppress(FileNotFoundError):
            await asyncio.to_thread(path.unlink)
        self._drop(path)

    def _drop(self, path: Path) -> None:
        entry = self._entries.pop(path, None)
        if entry is None:
            return
        self._used -= entry.size
        self._broken = False
        for media_id in entry.pictures:
            self._places.pop(media_key(media_id), None)
        self._measure()

    def _measure(self) -> None:
        telemetry.SPOOL_FILES.set(len(self._entries))
        telemetry.SPOOL_BYTES.set(self._used)

    # The blobs' overflow

    def size(self, key: str) -> int | None:
        """Bytes of the picture behind a blob key; None where it does not wait here."""
        found = self._places.get(key)
        return None if found is None else found[1].size

    async def read(self, key: str, start: int, end: int) -> bytes:
        """Bytes of a picture that waits. Raises RESOURCE_NOT_FOUND once it does not wait any more."""
        found = self._places.get(key)
        try:
            if found is not None:
                path, place = found
                return await asyncio.to_thread(_read_part, path, place.offset + start, end - start)
        except OSError as error:
            log.warning("a picture in the spool cannot be read", error=error.strerror)
        raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "The picture does not wait any more.")


def _write(path: Path, data: Iterable[bytes]) -> None:
    unfinished = path.with_suffix(_UNFINISHED)
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    try:
        with open(unfinished, "xb", opener=lambda name, flags: os.open(name, flags, _FILE_MODE)) as out:
            for piece in data:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
        os.rename(unfinished, path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _load(path: Path) -> Contents:
    with open(path, "rb") as file:
        return read(file)


def _move_aside(path: Path, why: str) -> None:
    aside = path.parent / _ASIDE
    aside.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    os.rename(path, aside / path.name)
    (aside / f"{path.name}.reason").write_text(f"{why}\n", encoding="utf-8")


def _read_part(path: Path, offset: int, size: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)


def _no_room() -> MeshError:
    return MeshError(
        reasons.ERROR_REASON_OVERLOADED,
        "What was bought cannot be written down anywhere now; check database, media store and the spool's disk.",
        retry_after_s=2,
    )
