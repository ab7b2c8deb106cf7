"""What can be seen of an installation from its configuration and its folder, without calling anybody."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from heliostat.chassis.settings import Secret
from heliostat.launch.config import Configuration
from heliostat.launch.findings import Finding, bad, note, ok
from heliostat.launch.targets import ADAPTER

_LITTLE_BYTES = 1_000_000_000
_MB = 1_000_000
_SQLITE = "sqlite:///"
_SQLITE_HEAD = b"SQLite format 3\x00"


def adapters(configuration: Configuration) -> Iterator[tuple[str, Any]]:
    """Name and settings of every adapter that runs here."""
    for part in configuration.parts:
        if part.name.startswith(ADAPTER):
            yield part.name.removeprefix(ADAPTER), part.settings


def keys(configuration: Configuration) -> list[Finding]:
    """Whether every adapter has its key, or one of its accounts."""
    here, found = list(adapters(configuration)), []
    for name, settings in here:
        secrets = [each.api_key for each in getattr(settings, "accounts", {}).values()]
        wanted = secrets or [getattr(settings, "api_key", None)]
        missing = [each for each in wanted if isinstance(each, Secret) and not each.present()]
        where = ", ".join(each.reference for each in missing)
        engine = getattr(settings, "address_variable", "")
        if engine and not settings.base_url:
            found.append(bad("keys", f"{name} has no address", f"set adapters.{name}.base_url"))
        elif missing and engine:
            found.append(note("keys", f"{name}: nothing at {where}", "set it where the engine asks for a key"))
        elif missing and len(missing) < len(wanted):
            found.append(note("keys", f"{name}: nothing at {where}", "set it, or remove the account"))
        elif missing:
            found.append(bad("keys", f"{name} has no key at {where}", f"set it, or remove adapters.{name}"))
    if not here:
        return [bad("keys", "no adapter runs here", "add one under adapters, such as `adapters: {fal: {}}`")]
    return found or [ok("keys", f"every adapter has what it needs ({len(here)})")]


def disk(configuration: Configuration) -> list[Finding]:
    """Whether the folder for what is kept can be written to, and has room."""
    folder = _nearest(configuration.state_dir)
    if not os.access(folder, os.W_OK):
        return [
            bad("disk", f"{folder} cannot be written to", "give it to the user that runs Heliostat, or set state_dir")
        ]
    free = shutil.disk_usage(folder).free
    least = configuration.process.blobs.min_free_mb * _MB
    told = f"{free / _LITTLE_BYTES:.1f} GB are free at {folder}"
    if free < least:
        return [bad("disk", told, "make room: nothing new is taken on (blobs.min_free_mb)")]
    if free < _LITTLE_BYTES:
        return [note("disk", told, "make room, or keep pictures for a shorter time (ledger.media_retention_s)")]
    return [ok("disk", told)]


def _nearest(folder: Path) -> Path:
    """The folder, or what stands above it where it is not there yet."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return folder


def ports(configuration: Configuration, *, running: bool) -> list[Finding]:
    """Whether what it listens on is free, or its own while it is `running`."""
    found = []
    for place, host, port in _listened(configuration):
        if port == 0:
            continue
        taken = _is_taken(host, port)
        if taken and not running:
            found.append(bad("ports", f"{host}:{port} is taken by another program", f"end it, or change {place}"))
        elif running and not taken:
            found.append(
                note("ports", f"nobody listens on {host}:{port}", f"what runs has another {place}; start it anew")
            )
        else:
            found.append(ok("ports", f"{host}:{port} is {'served' if taken else 'free'} ({place})"))
    return found


def _listened(configuration: Configuration) -> Iterator[tuple[str, str, int]]:
    for part in configuration.parts:
        place = part.name if not part.name.startswith(ADAPTER) else f"adapters.{part.name.removeprefix(ADAPTER)}"
        if isinstance(getattr(part.settings, "port", None), int):
            yield f"{place}.port", part.settings.host, part.settings.port  # type: ignore[attr-defined]
        for address in part.settings.listen:
            host, _, port = address.rpartition(":")
            if host and port.isdecimal() and not address.startswith("unix:"):
                yield f"{place}.listen", host.strip("[]"), int(port)


def _is_taken(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as made:
        # As servers do: a port that only waits for its last packets is free.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, port))
        except OSError:
            return True
    return False


def database(configuration: Configuration) -> list[Finding]:
    """Whether rows can be kept: a file that is one, or a server that has an address."""
    told = configuration.process.database
    if told.url_secret is not None and not told.url_secret.present():
        return [bad("database", f"nothing at {told.url_secret.reference}", "set it: it holds the database's address")]
    url = told.url_secret.reveal() if told.url_secret is not None else told.url
    if url and not url.startswith(_SQLITE):
        parts = urlsplit(url)
        return [ok("database", f"PostgreSQL at {parts.hostname or 'its socket'}:{parts.port or 5432}")]
    file = Path(url.removeprefix(_SQLITE)) if url else configuration.state_dir / "heliostat.db"
    if not file.exists():
        return [ok("database", f"{file} is made at the first start")]
    try:
        with file.open("rb") as opened:
            head = opened.read(len(_SQLITE_HEAD))
    except OSError as error:
        return [bad("database", f"{file}: {error.strerror}", "give it to the user that runs Heliostat")]
    if head not in (b"", _SQLITE_HEAD):
        return [bad("database", f"{file} is no SQLite database", "put the file back from a copy, or move it away")]
    return [ok("database", f"{file}, {file.stat().st_size / _MB:.1f} MB")]
