"""Whoever is started by a process that is killed ends with it: nothing is left that holds ports and spends money."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.support.mesh import free_port

EMULATORS = """
import sys, time
from pathlib import Path
from heliostat.launch.emulator_process import EmulatorProcess
emulators = EmulatorProcess(0, Path(sys.argv[1]) / "log")
emulators.start()
print(emulators.ready(), emulators.pid, flush=True)
time.sleep(600)
"""


def gone(pid: int) -> bool:
    """True where no process of that id runs; one that only waits to be reaped does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def wait_until_gone(pids: list[int], within_s: float) -> list[int]:
    """Those that still run after that time."""
    ends = time.monotonic() + within_s
    while (left := [pid for pid in pids if not gone(pid)]) and time.monotonic() < ends:
        time.sleep(0.05)
    return left


def environment() -> dict[str, str]:
    """As this process's, with the sources to be found."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")


def test_emulated_providers_end_with_who_started_them(tmp_path: Path) -> None:
    """Killed, it cannot tell them."""
    with subprocess.Popen(
        [sys.executable, "-c", EMULATORS, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment()
    ) as starter:
        assert starter.stdout is not None
        line = starter.stdout.readline().split()
        starter.send_signal(signal.SIGKILL)
    pid = int(line[1])
    assert wait_until_gone([pid], 20) == []


def test_the_processes_of_a_mesh_end_with_their_supervisor(tmp_path: Path) -> None:
    """SIGKILL of `heliostat mesh` leaves no edge, no core and no adapter behind."""
    tree = {
        "state_dir": str(tmp_path / "state"),
        "sandbox": True,
        "edge": {"port": free_port()},
        "ledger": {"open": True, "listen": [f"127.0.0.1:{free_port()}"]},
        "router": {"routes": [{"model": "m", "targets": [{"target": "mock/mock-image"}]}]},
        "adapters": {"mock": {}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(tree))
    command = [sys.executable, "-m", "heliostat.launch", "--state-dir", str(tmp_path / "mesh"), "mesh"]
    with subprocess.Popen(
        [*command, "--config", str(tmp_path / "config.yaml")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
    ) as supervisor:
        assert supervisor.stdout is not None
        pids = []
        for line in supervisor.stdout:
            if " pid " in line:
                pids.append(int(line.rsplit(" ", 1)[1]))
            if line.startswith("Ctrl+C"):
                break
        alive = [pid for pid in pids if not gone(pid)]
        supervisor.send_signal(signal.SIGKILL)
    assert len(alive) == 3
    assert wait_until_gone(pids, 20) == []
