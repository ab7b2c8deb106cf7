"""`heliostat mesh`: edge, core and adapters as processes of their own on loopback, restarted when they die.

Providers that mapping files describe share the process of their one adapter, each with its service and its address.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from heliostat.chassis import settings, tether
from heliostat.chassis.errors import MeshError
from heliostat.chassis.logs import get_logger
from heliostat.launch.config import admin_socket, configure
from heliostat.launch.file_watch import FileWatch
from heliostat.launch.targets import ADAPTER, processes_of

log = get_logger("heliostat.launch")

_RESTART_AFTER_S = 0.2
_DRAIN_S = 30.0
_STOP_AFTER_DRAIN_S = 10.0
_CORE = "ledger,router"
# A start is most of a second of computing: many more at a time than there are cores end no sooner, and want memory.
_STARTS_AT_ONCE = 4 * (os.cpu_count() or 1)


@dataclass
class Child:
    """One process of the mesh."""

    name: str
    arguments: Sequence[str]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    ready: int = 0
    """Starts that came as far as ready."""
    news: asyncio.Event = field(default_factory=asyncio.Event)


def spread(tree: Mapping[str, Any], sockets: Path | None = None) -> dict[str, Any]:
    """The same configuration with an address for every service that has none: unix sockets in `sockets`, else loopback
    ports."""
    spread_tree = dict(tree)

    def address(name: str) -> str:
        return f"unix:{sockets / name}.sock" if sockets is not None else f"127.0.0.1:{_free_port()}"

    adapters = {}
    for name, section in (tree.get("adapters") or {}).items():
        if (section or {}).get("address"):
            # Somebody else runs it.
            adapters[name] = section
            continue
        place = address(f"adapter-{name}")
        adapters[name] = {**(section or {}), "address": place, "listen": [place]}
    spread_tree["adapters"] = adapters
    core = address("core")
    ledger = dict(tree.get("ledger") or {})
    ledger["listen"] = [*ledger.get("listen", ()), core]
    spread_tree["ledger"] = ledger
    # On one machine the blobs are near: base64 pictures need not cross the wire from core to edge as well.
    spread_tree["edge"] = {"pictures": "store", **(tree.get("edge") or {}), "router": core}
    if tree.get("console") is not None:
        door = (tree.get("admin") or {}).get("listen") or admin_socket(Path(tree.get("state_dir") or ".heliostat"))
        doors = {"core": core, "ledger_admin": door, "router_admin": door}
        if tree.get("rehearsal") is not None:
            doors["sandbox_controls"] = door
        spread_tree["console"] = {**tree["console"], **doors}
    return spread_tree


# Ports that were given out; nobody listens on them yet while others are chosen.
_GIVEN: set[int] = set()


def _free_port() -> int:
    """A port of loopback that nobody listens on now, below those that systems give to whoever connects somewhere."""
    for port in random.sample(range(22_000, 32_700), 10_700):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port
    raise settings.refused("No port of loopback from 22000 to 32699 is free; end what listens there.")


class Supervisor:
    """The processes of a mesh on this machine."""

    def __init__(
        self,
        tree: Mapping[str, Any],
        folder: Path,
        sockets: Path | None = None,
        first_environment: Mapping[str, str] | None = None,
    ) -> None:
        """`first_environment` is for the first start of each process only, beside this one's own."""
        self.tree = spread(tree, sockets)
        self._first_environment = dict(first_environment or {})
        self.file = folder / "mesh.yaml"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if sockets is not None:
            sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._processes_file: Path | None = None
        if self.tree.get("rehearsal") is not None:
            self._processes_file = folder.resolve() / "processes.json"
            self.tree["rehearsal"] = {**self.tree["rehearsal"], "processes_file": str(self._processes_file)}
        self._write()
        console = ["console"] if self.tree.get("console") is not None else []
        own = {name: section for name, section in self.tree["adapters"].items() if "listen" in section}
        adapters = [",".join(ADAPTER + name for name in names) for names in processes_of(own)]
        self.children = {name: Child(name, self._arguments(name)) for name in (*adapters, _CORE, *console, "edge")}
        self._child_of = {target: child for child in self.children.values() for target in child.name.split(",")}
        self._child_of |= self.children
        self._watches: list[asyncio.Task[None]] = []
        self._stopping = False

    def _write(self) -> None:
        """Writes the processes' file, in one step: they watch it."""
        new = self.file.with_suffix(".new")
        new.write_text(yaml.safe_dump(self.tree, sort_keys=False), encoding="utf-8")
        new.chmod(0o600)
        new.replace(self.file)

    async def follow(self, path: str, watch: FileWatch, environment: Mapping[str, str]) -> None:
        """Hands changes of the router's section in the file at `path` on to the processes, until it is cancelled."""
        async for text in watch.changes():
            try:
                await asyncio.to_thread(self._take, path, text, environment)
            except MeshError as error:
                log.warning("a changed configuration was refused; the one before goes on", file=path, why=error.message)

    def _take(self, path: str, text: str, environment: Mapping[str, str]) -> None:
        """Writes the router's section of a text for the processes. Raises INVALID_FIELD."""
        tree = settings.tree_of(text, path, environment)
        if not tree:
            raise settings.refused(f"{path} is empty: it would take everything away.")
        changed = {**self.tree, "router": tree.get("router")}
        try:
            configure(changed, "ledger,router")
        except settings.Refusal as refusal:
            raise refusal.located(path, text) from None
        self.tree = changed
        self._write()

    def _arguments(self, target: str) -> list[str]:
        if target == _CORE and self._processes_file is not None:
            # The sandbox's controls stand beside ledger and router, behind the same operators' door.
            target += ",rehearsal"
        return [sys.executable, "-m", "heliostat.launch", "serve", "--config", str(self.file), f"--target={target}"]

    async def start(self) -> None:
        """Starts all, a few at a time, and returns when each says that it is ready. Raises RuntimeError where one does
        not start; no other is started then."""
        free = asyncio.Semaphore(_STARTS_AT_ONCE)

        async def start(child: Child) -> None:
            async with free:
                await self._spawn(child)

        try:
            async with asyncio.TaskGroup() as starts:
                for child in self.children.values():
                    starts.create_task(start(child))
        except* RuntimeError as errors:
            raise errors.exceptions[0] from None
        self._watches = [asyncio.create_task(self._watch(child)) for child in self.children.values()]

    async def _spawn(self, child: Child) -> None:
        child.starts += 1
        first = self._first_environment if child.starts == 1 else {}
        child.process = await asyncio.create_subprocess_exec(
            *child.arguments,
            # Held open, and never written to: it closes when this process dies, and the child ends with it.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl+C reaches a whole terminal's group; the processes have to stop one after the other.
            start_new_session=True,
            env={**os.environ, **first, "HELIOSTAT_READY_LINE": "1", tether.VARIABLE: "1"},
        )
        line = await child.process.stdout.readline() if child.process.stdout else b""
        if line.strip() != b"ready":
            raise RuntimeError(f"{child.name} did not start; what it said above, or its log, tells why")
        child.ready += 1
        self._tell_processes()
        child.news.set()
        child.news = asyncio.Event()

    async def _watch(self, child: Child) -> None:
        while not self._stopping and child.process is not None:
            code = await child.process.wait()
            if self._stopping:
                return
            self._tell_processes()
            log.warning("a process died and is started again", part=child.name, exit_code=code)
            await asyncio.sleep(_RESTART_AFTER_S)
            with suppress(RuntimeError):
                await self._spawn(child)

    def _tell_processes(self) -> None:
        """Writes the process ids for the sandbox's controls, which may kill an adapter."""
        if self._processes_file is not None:
            new = self._processes_file.with_suffix(".new")
            new.write_text(json.dumps({target: self.pid(target) for target in self._child_of}), encoding="utf-8")
            new.chmod(0o600)
            new.replace(self._processes_file)

    def pid(self, name: str) -> int:
        """Process id of a target such as "adapter-fal" or "edge", or of a child by its name; 0 while it is down."""
        process = self._child_of[name].process
        return process.pid if process is not None and process.returncode is None else 0

    async def started_again(self, name: str, starts: int, within_s: float) -> None:
        """Returns when a target is ready that had been started `starts` times before it died. Raises TimeoutError."""
        child = self._child_of[name]
        async with asyncio.timeout(within_s):
            while child.ready <= starts:
                await child.news.wait()

    def _stop_within_s(self) -> float:
        """A process that drains is not killed for it."""
        drains = (section.get("drain_s", _DRAIN_S) for section in (self.tree.get("mesh") or {}, self.tree["edge"]))
        return float(max(drains)) + _STOP_AFTER_DRAIN_S

    async def stop(self) -> None:
        """Stops from left to right, so that nobody loses who it talks to; kills what does not stop in time."""
        self._stopping = True
        street = [child for child in self.children.values() if not child.name.startswith(ADAPTER)]
        for child in reversed(street):
            await self._stop(child)
        # Adapters do not talk to each other.
        await asyncio.gather(*(self._stop(child) for child in self.children.values() if child not in street))
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    async def _stop(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._stop_within_s())
        except TimeoutError:
            process.kill()
            await process.wait()
