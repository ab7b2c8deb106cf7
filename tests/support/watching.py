"""What a test watches beside its mesh: log lines, answers, who is connected to, open descriptors."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.evidence import Answer

# States of the kernel's table of connections: all but listening ones and those that are over.
_CONNECTED = {"01", "02", "04", "05", "08", "09", "0B"}
_watchers: "list[set[str]]" = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watchers and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not (host.startswith("127.") or host in {"::1", "localhost"}):
            for found in _watchers:
                found.add(f"{host}:{arguments[1][1]}")


# CPython lets nobody take an audit hook away again: this one is idle while nobody watches.
sys.addaudithook(_audit)


@contextmanager
def connections_out() -> Iterator[set[str]]:
    """Addresses beyond this machine that this process's Python code tries to connect to meanwhile."""
    found: set[str] = set()
    _watchers.append(found)
    try:
        yield found
    finally:
        _watchers.remove(found)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {getattr(record, 'fields', '')} {record.exc_info or ''}")


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """What this process logs meanwhile, with all fields."""
    logger, lines = logging.getLogger("heliostat"), _Lines()
    level = logger.level
    logger.addHandler(lines)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    try:
        yield lines.lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)


@dataclass
class Ears:
    """Hears what callers are told: an event hook of httpx."""

    answers: list[Answer] = field(default_factory=list)
    errors: list[bytes] = field(default_factory=list)

    async def hear(self, response: httpx.Response) -> None:
        """Notes one answer; the body of an error is read."""
        if response.status_code >= 400:
            self.errors.append(await response.aread())
        if response.request.method == "POST" and response.url.path.startswith("/v1/images/"):
            request_id = response.headers.get("x-heliostat-request-id", "")
            replayed = response.headers.get("idempotent-replayed") == "true"
            if not response.url.query and request_id:
                self.answers.append(Answer(response.status_code, request_id, replayed))

    def texts(self) -> dict[str, bytes]:
        """The bodies of errors, each under a name."""
        return {f"error {number}": body for number, body in enumerate(self.errors)}


@dataclass
class Sockets:
    """Who the processes of a mesh are connected to, as the kernel tells (Linux), beyond whom they may be."""

    allowed_ports: set[int]
    own_ports: set[int] = field(default_factory=set)
    """Ports at which the mesh listens, or listened: who is connected there came to us."""
    strangers: set[str] = field(default_factory=set)

    def look(self, pids: Iterable[int]) -> None:
        """Looks once at every process; one that has ended is skipped."""
        for pid in pids:
            with suppress(OSError):
                self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        own = _sockets_of(pid)
        for each in connections(pid):
            if each.inode not in own or each.state not in _CONNECTED or each.local_port in self.own_ports:
                continue
            if not each.peer_is_loopback or each.peer_port not in self.allowed_ports:
                self.strangers.add(f"{each.peer}:{each.peer_port}")


@dataclass(frozen=True)
class Connection:
    """One line of the kernel's tables of TCP connections."""

    inode: str
    state: str
    local_port: int
    peer: str
    """The address as the kernel writes it: hexadecimal, each four bytes of it from right to left."""
    peer_port: int

    @property
    def peer_is_loopback(self) -> bool:
        """True for 127.0.0.0/8, also as an IPv6 address, and for ::1."""
        return (self.peer.endswith("7F") and self.peer[:-8] in _LOOPBACK_PREFIXES) or self.peer == _LOOPBACK_6


_LOOPBACK_PREFIXES = ("", "0000000000000000FFFF0000")
_LOOPBACK_6 = "00000000000000000000000001000000"


def connections(pid: int | str = "self") -> Iterator[Connection]:
    """Every TCP socket of this machine, as a process sees it."""
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            peer, _, peer_port = fields[2].partition(":")
            local_port = int(fields[1].partition(":")[2], 16)
            yield Connection(fields[9], fields[3], local_port, peer, int(peer_port, 16))


def _sockets_of(pid: int) -> set[str]:
    found = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{name}")
            if target.startswith("socket:["):
                found.add(target[8:-1])
    return found


def descriptor_count(pid: int) -> int:
    """Open files, pipes and watches of a process; 0 where it has ended or this is not Linux.

    Sockets are left out: connections are kept for the next caller, and closed only when they were idle for a minute.
    """
    try:
        return len(os.listdir(f"/proc/{pid}/fd")) - len(_sockets_of(pid))
    except OSError:
        return 0
