"""A sandbox of the demo's own: `heliostat serve --sandbox` on free ports, with a fresh state folder."""

import asyncio
import os
import random
import secrets
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path

_START_S = 60.0
_STOP_S = 15.0
_PORTS = range(23_000, 32_000)


class SandboxProcess:
    """The sandbox, as a process. `url`, `console_url` and `key` are valid once it has started."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for its state; what a demo before left there is removed."""
        self.folder = folder
        self.key = "demo-" + secrets.token_urlsafe(18)
        ports = _free_ports(4)
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.console_url = f"http://127.0.0.1:{ports[3]}"
        names = ("HELIOSTAT_HTTP_PORT", "HELIOSTAT_GRPC_PORT", "HELIOSTAT_EMULATOR_PORT", "HELIOSTAT_CONSOLE_PORT")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HELIOSTAT_")},
            **{name: str(port) for name, port in zip(names, ports, strict=True)},
            "HELIOSTAT_STATE_DIR": str(folder),
            "HELIOSTAT_API_KEY": self.key,
            "HELIOSTAT_READY_LINE": "1",
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def door(self) -> str:
        """The operators' door."""
        return f"unix:{(self.folder / 'admin.sock').resolve()}"

    async def start(self) -> None:
        """Returns when it serves. Raises RuntimeError where it does not come up, TimeoutError where it takes long."""
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, mode=0o700)
        with (self.folder / "output.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "heliostat.launch", "serve", "--sandbox"),
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # Ctrl+C is for the demo; it stops its sandbox itself.
                start_new_session=True,
            )
        if await self._says_ready(self._process.stdout):
            return
        raise RuntimeError(f"the sandbox did not start; {self.folder / 'output.log'} says why")

    async def _says_ready(self, output: asyncio.StreamReader | None) -> bool:
        async with asyncio.timeout(_START_S):
            while output is not None and (line := await output.readline()):
                if line.strip() == b"ready":
                    return True
        return False

    async def stop(self) -> None:
        """Ends it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has now, all different; below those that systems give to connections, one of which might take
    one before the sandbox does. Raises RuntimeError where there are none.
    """
    free: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
        if len(free) == count:
            return free
    raise RuntimeError("there are no free ports")
