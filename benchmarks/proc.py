"""The kernel's account of a process tree, read from /proc: CPU seconds, resident and proportional memory, listeners."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SAMPLE_S = 0.05
TREE_EVERY = 10


def tree(roots: Iterable[int]) -> list[int]:
    """The living processes among `roots` and all their descendants."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields:
                children[int(fields[1])].append(int(entry))
    found: list[int] = []
    todo = [pid for pid in roots if Path(f"/proc/{pid}").exists()]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(children[pid])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; empty when the process is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the tree, of its ended and awaited children too; grain 10 ms."""
    ticks = 0
    for pid in tree(roots):
        fields = _stat(pid)
        ticks += sum(int(value) for value in fields[11:15])
    return ticks / TICKS_PER_S


def rss_bytes(pids: Iterable[int]) -> int:
    """Resident bytes, summed: a page shared by two processes counts twice."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES


def pss_bytes(pids: Iterable[int]) -> int:
    """Proportional bytes, summed: a shared page counts once, divided among its users."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def listeners(port: int) -> set[int]:
    """The processes that hold a listening TCP socket on `port`, as far as we may look."""
    inodes = _listening_inodes(port)
    found: set[int] = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError):
                links = (os.readlink(link) for link in os.scandir(f"/proc/{entry}/fd"))
                if any(link in inodes for link in links):
                    found.add(int(entry))
    return found


def _listening_inodes(port: int) -> set[str]:
    inodes: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    return inodes


class PeakSampler:
    """Highest memory of a tree while the `async with` block runs, looked at every 50 ms.

    `rss` is always kept; `pss` only when asked for, because the kernel walks the page tables for it.
    """

    def __init__(self, roots: Iterable[int], *, with_pss: bool = False) -> None:
        self._roots = list(roots)
        self._with_pss = with_pss
        self.rss = 0
        self.pss = 0

    async def __aenter__(self) -> "PeakSampler":
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._look(tree(self._roots))

    async def _watch(self) -> None:
        while True:
            pids = tree(self._roots)
            for _ in range(TREE_EVERY):
                self._look(pids)
                await asyncio.sleep(SAMPLE_S)

    def _look(self, pids: list[int]) -> None:
        self.rss = max(self.rss, rss_bytes(pids))
        if self._with_pss:
            self.pss = max(self.pss, pss_bytes(pids))
