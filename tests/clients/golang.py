"""Builds the programs of docs/examples/go, once for each lock; Go keeps what it compiled."""

import asyncio
import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.clients.shared_folder import alone

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "docs" / "examples" / "go"
PROTOS = ROOT / "protos"
# The first build compiles gRPC and its friends; later ones find them in Go's own cache.
_BUILD_WITHIN_S = 540
_UNREACHABLE = ("no such host", "connection refused", "i/o timeout", "network is unreachable", "TLS handshake timeout")
_PROGRAMS = ("./rest", "./grpc", "./adapter")

Command = Sequence[str]


async def ran(command: Command, environment: Mapping[str, str], cwd: Path, within_s: float) -> tuple[int, str, str]:
    """Exit code, output and complaints of a program. Raises TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, "HELIOSTAT_PROTOS": str(PROTOS), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


async def built(program: str) -> Path:
    """The program's file. Skips the test where Go, or what it needs from outside, is absent."""
    if shutil.which("go") is None:
        pytest.skip("go is not installed")
    folder = ROOT / ".heliostat" / "go" / hashlib.sha256((SOURCE / "go.sum").read_bytes()).hexdigest()[:16]
    async with alone(folder):
        shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin", "gen"))
        protoc = {"PROTOC": f"{sys.executable} -m grpc_tools.protoc"}
        for command in (("sh", "stubs.sh"), ("go", "vet", *_PROGRAMS), ("go", "build", "-o", "bin/", *_PROGRAMS)):
            try:
                code, out, err = await ran(command, protoc, folder, _BUILD_WITHIN_S)
            except TimeoutError:
                pytest.skip(f"{' '.join(command)} did not end within {_BUILD_WITHIN_S} s")
            if code and any(word in err for word in _UNREACHABLE):
                pytest.skip("the Go module proxy cannot be reached")
            assert code == 0, out + err
    return folder / "bin" / program
