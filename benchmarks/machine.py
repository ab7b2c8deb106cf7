"""What a result must say about where it was measured."""

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from benchmarks.peers import LITELLM_VERSION, PORTKEY_VERSION

ASK_LIMIT_S = 10


def machine() -> dict[str, str]:
    """Processor, cores, memory, kernel, interpreter, the commit measured and the peers' versions."""
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": _field("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "node": _said("node", "--version"),
        "commit": _said("git", "describe", "--always", "--dirty"),
        "litellm": LITELLM_VERSION,
        "portkey": PORTKEY_VERSION,
    }


def _field(file: str, name: str) -> str:
    with suppress(OSError):
        for line in Path(file).read_text().splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    return "unknown"


def _said(*argv: str) -> str:
    """What a program prints; "unknown" when it is not there or fails."""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=ASK_LIMIT_S, check=True)
        return done.stdout.strip()
    return "unknown"
