"""The emulated providers as a process beside this one."""

import os
import subprocess
import sys
from pathlib import Path

from heliostat.chassis import tether
from heliostat.chassis.settings import refused
from heliostat.launch.sandbox import provide_key


class EmulatorProcess:
    """The emulated providers, in a process of their own. Not to be started twice."""

    def __init__(self, port: int, log_file: Path) -> None:
        provide_key()
        self._port = port
        self._log_file = log_file
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts them and does not wait; `ready` does."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
                [sys.executable, "-m", "heliostat.emulators", "--port", str(self._port)],
                # Held open: when this process is killed, they end with it.
                stdin=subprocess.PIPE,
                env={**os.environ, tether.VARIABLE: "1"},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # Ctrl+C reaches a whole terminal's group; requests under way still need their providers then.
                start_new_session=True,
            )

    def ready(self) -> str:
        """Waits until they listen and gives their base URL. Raises INVALID_FIELD where the port is taken."""
        line = self._process.stdout.readline() if self._process and self._process.stdout else ""
        if not line.startswith("listening "):
            self.stop()
            raise refused(
                f"The emulated providers cannot listen on port {self._port}: set HELIOSTAT_EMULATOR_PORT to a free one."
            )
        return line.removeprefix("listening ").strip()

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """Ends them; waits up to five seconds."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end:
                end.close()
        self._process = None
