"""`heliostat mesh`: all targets as processes of their own."""

import argparse
import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from heliostat.chassis import logs, settings
from heliostat.launch import folders, greetings, sandbox
from heliostat.launch.emulator_process import EmulatorProcess
from heliostat.launch.file_watch import FileWatch

if TYPE_CHECKING:
    from heliostat.launch.supervisor import Supervisor


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `mesh` to the command line."""
    mesh = commands.add_parser("mesh", help="run all targets as processes of their own on loopback")
    mesh.add_argument("--config", help="YAML file; without it the sandbox")
    mesh.add_argument("--unix", action="store_true", help="unix sockets instead of ports")
    mesh.set_defaults(command=_mesh)


def _mesh(given: argparse.Namespace) -> int:
    import uvloop

    try:
        return uvloop.run(_mesh_until_stopped(given))
    except RuntimeError as error:
        print(f"heliostat: {error}", file=sys.stderr)
        return 1


async def _mesh_until_stopped(given: argparse.Namespace) -> int:
    from heliostat.launch.supervisor import Supervisor

    state_dir = folders.state_dir("mesh")
    sockets = state_dir / "sockets" if given.unix else None
    log_file = str(state_dir / "supervisor.log")
    if given.config is not None:
        text = settings.read_text(given.config)
        tree = settings.tree_of(text, given.config, os.environ)
        logs.configure("info", log_file)
        await _supervise(Supervisor(tree, state_dir, sockets), "", (given.config, FileWatch(given.config, text)))
        return 0
    ports = sandbox.Ports.from_environment(os.environ)
    tree, reference = sandbox.own_tree(state_dir, ports, os.environ)
    emulators = EmulatorProcess(ports.emulator, state_dir / "emulators.log")
    emulators.start()
    try:
        emulators.ready()
        logs.configure("info", log_file)
        await _supervise(Supervisor(tree, state_dir, sockets), reference)
    finally:
        emulators.stop()
    return 0


async def _supervise(supervisor: "Supervisor", reference: str, file: tuple[str, FileWatch] | None = None) -> None:
    """Runs the mesh until SIGTERM or SIGINT; hands changes of the file that it was made from on, where there is one."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    following: asyncio.Task[None] | None = None
    try:
        await supervisor.start()
        pids = {name: supervisor.pid(name) for name in supervisor.children}
        greetings.greet_mesh(supervisor.tree["edge"], reference, pids)
        if file is not None:
            following = asyncio.create_task(supervisor.follow(*file, os.environ))
        await asked.wait()
    finally:
        if following is not None:
            following.cancel()
        await supervisor.stop()
