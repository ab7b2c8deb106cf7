"""What a process does not load, and what rests while it loads: thirty of them are a mesh."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heliostat.launch.targets import package_of

ADAPTER = """
import asyncio, sys
from heliostat.launch.config import configure
from heliostat.launch.process import Process
async def start():
    adapter = {"base_url": "http://127.0.0.1:1", "listen": ["unix:" + sys.argv[1] + "/fal.sock"]}
    process = Process(configure({"state_dir": sys.argv[1], "adapters": {"fal": adapter}}, "adapter-fal"))
    await process.start()
    print(*sys.modules)
    await process.stop(0)
asyncio.run(start())
"""
COLLECTOR = """
import asyncio, gc, os, signal, sys
from heliostat.launch import collector, process
from heliostat.launch.config import configure
def told(_):
    print(was, gc.isenabled(), gc.get_freeze_count() > 0)
    os.kill(os.getpid(), signal.SIGTERM)
with collector.at_rest():
    was = gc.isenabled()
    tree = {"state_dir": sys.argv[1], "mesh": {"notice_s": 0}, "adapters": {"mock": {}}}
    asyncio.run(process.run(process.Process(configure(tree, "adapter-mock")), told))
print(gc.isenabled())
"""
COMMAND_LINE = """
import sys
from heliostat.launch.command_line import command_line
command_line()
print(*sys.modules)
"""
SANDBOX = """
import sys
from pathlib import Path
from heliostat.launch import sandbox
sandbox.tree(Path(sys.argv[1]), sandbox.Ports(1, 2, 3, 4), "env:X")
print(*sys.modules)
"""
WORKER = """
import sys
import heliostat.launch.__main__
print(*sys.modules)
"""

DECODERS = ("PIL", "numpy", "cv2")
HTTP_SERVED = ("starlette", "uvicorn", "jinja2", "argon2")
STORE = ("sqlalchemy", "alembic", "obstore")
ROOMS = ("edge", "ledger", "router", "console", "rehearsal", "emulators", "painting", "conformance", "demo")


async def words_of(program: str, folder: Path) -> list[str]:
    """What a process of its own prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split()


async def modules_of(program: str, folder: Path) -> set[str]:
    """The modules that a process of its own has loaded where `program` prints them."""
    return set(await words_of(program, folder))


@pytest.mark.parametrize(
    ("program", "foreign"),
    [
        pytest.param(
            ADAPTER,
            (*DECODERS, *HTTP_SERVED, *STORE, *(f"heliostat.{room}" for room in ROOMS)),
            id="the process of one adapter",
        ),
        pytest.param(
            COMMAND_LINE,
            (*DECODERS, *HTTP_SERVED, *STORE, *(f"heliostat.{room}" for room in ROOMS), "heliostat.adapters.sdk"),
            id="the command line",
        ),
        pytest.param(SANDBOX, (*DECODERS, *STORE, "heliostat.painting", "heliostat.ledger"), id="the sandbox's tree"),
        pytest.param(WORKER, ("argparse", "heliostat.chassis", "pydantic", "grpc"), id="a worker of a pool"),
    ],
)
async def test_nothing_foreign_is_loaded(program: str, foreign: tuple[str, ...], tmp_path: Path) -> None:
    """By the names of libraries and rooms."""
    loaded = await modules_of(program, tmp_path)
    assert "heliostat.launch" in loaded
    assert {name for name in foreign if name in loaded} == set()


async def test_an_adapter_s_process_loads_one_adapter(tmp_path: Path) -> None:
    """The others are found by their folders' names."""
    loaded = await modules_of(ADAPTER, tmp_path)
    assert {name for name in set(package_of().values()) if f"heliostat.adapters.{name}" in loaded} == {"fal"}


async def test_the_sandbox_s_tree_needs_no_emulated_provider(tmp_path: Path) -> None:
    """Where they are is told without what they are."""
    loaded = await modules_of(SANDBOX, tmp_path)
    assert "heliostat.emulators.fal" in loaded
    assert [name for name in loaded if name.endswith(".opening") or name.startswith("heliostat.emulators.fal.")] == []


async def test_the_collector_rests_until_a_process_is_ready(tmp_path: Path) -> None:
    """Then it works, and leaves alone what was loaded."""
    assert await words_of(COLLECTOR, tmp_path) == ["False", "True", "True", "True"]
