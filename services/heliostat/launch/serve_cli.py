"""`heliostat serve`: parts of the mesh in this process; the sandbox and the real providers with all of them."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from heliostat.chassis import logs, settings, telemetry
from heliostat.chassis.errors import MeshError
from heliostat.chassis.tether import end_with_starter
from heliostat.launch import collector, folders, greetings, live, sandbox
from heliostat.launch.config import Configuration, configure, configured
from heliostat.launch.emulator_process import EmulatorProcess
from heliostat.launch.file_watch import FileWatch
from heliostat.launch.overrides import overridden
from heliostat.launch.targets import ADAPTER

if TYPE_CHECKING:
    from heliostat.launch.process import Process


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `serve` to the command line."""
    serve = commands.add_parser("serve", help="run targets in this process")
    serve.add_argument("--config", help=f"YAML file; {folders.DEFAULT_FILE} where it exists")
    serve.add_argument("--target", default="all", help="all, or names with commas between them")
    serve.add_argument("--sandbox", action="store_true", help="emulated providers, no keys, no bill")
    serve.add_argument("--live", action="store_true", help="the real providers whose keys are in the environment")
    serve.set_defaults(command=_serve)


def _serve(given: argparse.Namespace) -> int:
    with collector.at_rest():
        if given.sandbox:
            return _serve_sandbox()
        return _serve_live() if given.live else _serve_file(folders.configuration_file(given.config), given.target)


def _serve_file(path: str, target: str) -> int:
    text = settings.read_text(path)
    configuration = configured(path, text, target, os.environ)

    async def reload(running: "Process") -> None:
        from heliostat.launch.reload import Reloading

        watch = FileWatch(path, text)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watch.look)
        await Reloading(path, target, os.environ, configuration).follow(watch, running.parts)

    return _run(configuration, lambda _: greetings.say_ready(), reload)


def _run(
    configuration: Configuration,
    on_ready: "Callable[[Process], None]",
    beside: "Callable[[Process], Coroutine[Any, Any, None]] | None" = None,
) -> int:
    import uvloop

    from heliostat.launch import allocator, process

    allocator.keep_large_buffers()
    # Helper threads (span export, the journal's writer) may hold the interpreter this long; 5 ms is felt at p99.
    sys.setswitchinterval(0.001)
    # Whatever is written under the state folder is its owner's alone.
    os.umask(0o077)
    told = configuration.process
    logs.configure(told.log.level, told.log.file)
    names = ",".join(part.name for part in configuration.parts)
    telemetry.configure(f"heliostat-{_short(names)}", told.telemetry.otlp_endpoint, {"heliostat.parts": names})
    if told.telemetry.metrics_listen:
        telemetry.serve_metrics(told.telemetry.metrics_listen)
    running = process.Process(configuration)
    end_with_starter()
    uvloop.run(process.run(running, on_ready, beside))
    return 0


def _short(names: str) -> str:
    parts = names.split(",")
    if len(parts) == 1:
        return names
    if set(parts) <= {"router", "ledger", "rehearsal"}:
        return "core"
    return "adapters" if all(part.startswith(ADAPTER) for part in parts) else "all"


def _serve_sandbox() -> int:
    state_dir = folders.state_dir("sandbox")
    ports = sandbox.Ports.from_environment(os.environ)
    emulators = EmulatorProcess(ports.emulator, state_dir / "emulators.log")
    # While they come up, this process loads its own parts.
    emulators.start()
    try:
        tree, reference = sandbox.own_tree(state_dir, ports, os.environ)
        configuration = configure(tree, "all")
        emulators.ready()
        _wake_workers()
        return _run(configuration, lambda running: greetings.greet_sandbox(running, ports, state_dir, reference))
    except MeshError as error:
        raise sandbox.with_variable(error) from None
    finally:
        emulators.stop()


def _wake_workers() -> None:
    """Somebody will ask for a picture in a moment."""
    from heliostat.adapters.sdk.convert import wake_workers

    wake_workers()


def _serve_live() -> int:
    state_dir = folders.state_dir("live")
    ports = sandbox.Ports.from_environment(os.environ)
    tree = overridden(live.tree(state_dir, ports, os.environ), os.environ, state_dir)
    asked = [f"{kind:<12} key from {variable}" for kind, variable in live.found_keys().items()]
    asked += [f"{kind:<12} at {address}" for kind, address in live.found_addresses(os.environ).items()]
    cap_usd = tree["ledger"]["spend_cap_usd"]
    try:
        return _run(configure(tree, "all"), lambda running: greetings.greet_live(running, asked, cap_usd, state_dir))
    except MeshError as error:
        raise sandbox.with_variable(error) from None
