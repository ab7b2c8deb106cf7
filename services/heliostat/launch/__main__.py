"""The command line: serve, mesh, check-config, list-targets, keys, admin, prices, healthcheck."""

import argparse
import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from heliostat.chassis import logs, settings, telemetry
from heliostat.chassis.errors import MeshError
from heliostat.chassis.tether import end_with_starter
from heliostat.launch import collector, live, sandbox
from heliostat.launch.config import Configuration, admin_socket, configure, configured, printed
from heliostat.launch.file_watch import FileWatch
from heliostat.launch.targets import ADAPTER, STREET, adapter_kinds

_DEFAULT_FILE = "heliostat.yaml"
_DEFAULT_STATE_DIR = ".heliostat"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    given = command_line().parse_args(arguments)
    try:
        if hasattr(given, "admin"):
            return _admin(given)
        command: Callable[[argparse.Namespace], int] = given.command
        return command(given)
    except MeshError as error:
        print(f"heliostat: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has enough, such as `head`; at its exit Python flushes what is left, into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def command_line() -> argparse.ArgumentParser:
    """All commands."""
    from heliostat.launch import admin_cli, console_cli, prices_cli, tools_cli

    parser = argparse.ArgumentParser(prog="heliostat", description="Self-hosted AI image gateway.")
    parser.add_argument("--state-dir", default="", help="folder of a running installation (for keys and admin)")
    parser.add_argument("--address", default="", help="the operators' door itself, where admin.listen names one")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run targets in this process")
    serve.add_argument("--config", help=f"YAML file; {_DEFAULT_FILE} where it exists")
    serve.add_argument("--target", default="all", help="all, or names with commas between them")
    serve.add_argument("--sandbox", action="store_true", help="emulated providers, no keys, no bill")
    serve.add_argument("--live", action="store_true", help="the real providers whose keys are in the environment")
    serve.set_defaults(command=_serve)
    mesh = commands.add_parser("mesh", help="run all targets as processes of their own on loopback")
    mesh.add_argument("--config", help="YAML file; without it the sandbox")
    mesh.add_argument("--unix", action="store_true", help="unix sockets instead of ports")
    mesh.set_defaults(command=_mesh)
    check = commands.add_parser("check-config", help="check the configuration and print it, defaults included")
    check.add_argument("--config")
    check.add_argument("--target", default="all")
    check.add_argument("--sandbox", action="store_true")
    check.set_defaults(command=_check_config)
    commands.add_parser("list-targets", help="print the targets").set_defaults(command=_list_targets)
    health = commands.add_parser("healthcheck", help="ask a gRPC server whether it serves; exit code 0 if so")
    health.add_argument("address")
    health.set_defaults(command=_healthcheck)
    admin_cli.add_commands(commands)
    prices_cli.add_commands(commands, _folder)
    console_cli.add_commands(commands)
    tools_cli.add_commands(commands, _folder)
    return parser


def _state_dir(name: str) -> Path:
    return Path(os.environ.get("HELIOSTAT_STATE_DIR", "") or f".heliostat/{name}")


def _file(config: str | None) -> str:
    if config is None and Path(_DEFAULT_FILE).is_file():
        config = _DEFAULT_FILE
    if config is None:
        raise settings.refused(
            f"There is no {_DEFAULT_FILE} here: name a file with --config, or try --sandbox, which needs none."
        )
    return config


def _serve(given: argparse.Namespace) -> int:
    with collector.at_rest():
        if given.sandbox:
            return _serve_sandbox()
        return _serve_live() if given.live else _serve_file(_file(given.config), given.target)


def _serve_file(path: str, target: str) -> int:
    text = settings.read_text(path)
    configuration = configured(path, text, target, os.environ)

    async def reload(running: Any) -> None:
        from heliostat.launch.reload import Reloading

        watch = FileWatch(path, text)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watch.look)
        await Reloading(path, target, os.environ, configuration).follow(watch, running.parts)

    return _run(configuration, lambda _: _say_ready(), reload)


def _say_ready() -> None:
    # A supervisor waits for this line; people read the log.
    if os.environ.get("HELIOSTAT_READY_LINE"):
        print("ready", flush=True)


def _run(
    configuration: Configuration,
    on_ready: Callable[[Any], None],
    beside: Callable[[Any], Coroutine[Any, Any, None]] | None = None,
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
    state_dir = _state_dir("sandbox")
    ports = sandbox.Ports.from_environment(os.environ)
    emulators = sandbox.EmulatorProcess(ports.emulator, state_dir / "emulators.log")
    # While they come up, this process loads its own parts.
    emulators.start()
    try:
        tree, reference = _sandbox_tree(state_dir, ports)
        configuration = configure(tree, "all")
        emulators.ready()
        return _run(configuration, lambda running: _greet(running, ports, state_dir, reference))
    finally:
        emulators.stop()


def _sandbox_tree(state_dir: Path, ports: sandbox.Ports) -> tuple[dict[str, Any], str]:
    reference = sandbox.key_reference(state_dir, os.environ)
    tree = sandbox.tree(state_dir, ports, reference)
    overrides = settings.read_tree(None, os.environ)
    tree = _merged(tree, overrides)
    if sys.stdout.isatty() or not tree.get("log"):
        tree.setdefault("log", {}).setdefault("file", str(state_dir / "heliostat.log"))
    return tree, reference


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _greet(running: Any, ports: sandbox.Ports, state_dir: Path, reference: str) -> None:
    http = running.http_url() or f"http://127.0.0.1:{ports.http}"
    grpc = ", ".join(running.addresses.get("ledger", []))
    key = settings.Secret(reference).reveal()
    print(
        f"""
Heliostat runs in its sandbox: emulated providers, no keys, no network, no bill.

{_console_line(running.console_url())}  REST    {http}/v1        docs: {http}/docs
  gRPC    {grpc}
  Key     {key}
  Log     {state_dir / "heliostat.log"}
  Faults  http://127.0.0.1:{ports.emulator}/_emulator/journal

Try it from another terminal:

  export KEY={key}
  curl {http}/v1/images/generations -H "Authorization: Bearer $KEY" \\
    -d '{{"model":"flux-schnell","prompt":"A sunset over mountains","size":"16:9","output_format":"webp"}}'

Ctrl+C ends it.
""",
        flush=True,
    )
    _say_ready()


def _console_line(url: str) -> str:
    return f"  Console {url}\n" if url else ""


def _serve_live() -> int:
    state_dir = _state_dir("live")
    ports = sandbox.Ports.from_environment(os.environ)
    tree = live.tree(state_dir, ports, os.environ)
    tree = _merged(tree, settings.read_tree(None, os.environ))
    tree.setdefault("log", {}).setdefault("file", str(state_dir / "heliostat.log"))
    configuration = configure(tree, "all")

    def greet(running: Any) -> None:
        http = running.http_url()
        print("\nHeliostat is live. These calls cost money, up to the cap.\n")
        for kind, variable in live.found_keys().items():
            print(f"  {kind:<12} key from {variable}")
        for kind, address in live.found_addresses(os.environ).items():
            print(f"  {kind:<12} at {address}")
        print(f"\n{_console_line(running.console_url())}  REST    {http}/v1        docs: {http}/docs")
        print(f"  gRPC    {', '.join(running.addresses['ledger'])}")
        print(f"  Cap     {tree['ledger']['spend_cap_usd']:g} USD in all (HELIOSTAT_SPEND_CAP_USD)")
        print(f'  Models  curl {http}/v1/models -H "Authorization: Bearer $KEY"')
        print(f"\nMake a key in another terminal: {sys.argv[0]} --state-dir {state_dir} keys create\n", flush=True)
        _say_ready()

    return _run(configuration, greet)


def _mesh(given: argparse.Namespace) -> int:
    import uvloop

    try:
        return uvloop.run(_mesh_until_stopped(given))
    except RuntimeError as error:
        print(f"heliostat: {error}", file=sys.stderr)
        return 1


async def _mesh_until_stopped(given: argparse.Namespace) -> int:
    from heliostat.launch.supervisor import Supervisor

    state_dir = _state_dir("mesh")
    emulators = following = None
    if given.config is None:
        ports = sandbox.Ports.from_environment(os.environ)
        tree, reference = _sandbox_tree(state_dir, ports)
        emulators = sandbox.EmulatorProcess(ports.emulator, state_dir / "emulators.log")
        emulators.start()
        emulators.ready()
    else:
        path = _file(given.config)
        text = settings.read_text(path)
        tree, reference = settings.tree_of(text, path, os.environ), ""
    logs.configure("info", str(state_dir / "supervisor.log"))
    supervisor = Supervisor(tree, state_dir, state_dir / "sockets" if given.unix else None)
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    try:
        await supervisor.start()
        edge = supervisor.tree["edge"]
        print(f"\nThe mesh runs: REST on http://{edge.get('host', '127.0.0.1')}:{edge.get('port', 8080)}/v1")
        print(_console_line(edge.get("console_url", "")), end="")
        if reference:
            print(f"  Key     {settings.Secret(reference).reveal()}")
        for name in supervisor.children:
            line = f"{name.replace(',', ', '):<22} pid {supervisor.pid(name)}"
            print(textwrap.fill(line, 100, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False))
        print("\nCtrl+C ends it.\n", flush=True)
        _say_ready()
        if given.config is not None:
            following = asyncio.create_task(supervisor.follow(path, FileWatch(path, text), os.environ))
        await asked.wait()
    finally:
        if following is not None:
            following.cancel()
        await supervisor.stop()
        if emulators is not None:
            emulators.stop()
    return 0


def _check_config(given: argparse.Namespace) -> int:
    if given.sandbox:
        tree, _ = _sandbox_tree(_state_dir("sandbox"), sandbox.Ports.from_environment(os.environ))
        configuration = configure(tree, given.target)
    else:
        path = _file(given.config)
        configuration = configured(path, settings.read_text(path), given.target, os.environ)
    print(printed(configuration), end="")
    return 0


def _list_targets(given: argparse.Namespace) -> int:
    del given
    for name in (*reversed(STREET), *(ADAPTER + kind for kind in adapter_kinds())):
        print(name)
    return 0


def _healthcheck(given: argparse.Namespace) -> int:
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(given.address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
        except grpc.RpcError as error:
            print(f"{given.address} does not answer: {error.code().name.lower()}", file=sys.stderr)
            return 1
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


def _admin(given: argparse.Namespace) -> int:
    from heliostat.launch import admin_cli

    folder = _folder(given)
    address = given.address or admin_socket(folder)
    output = admin_cli.run(address, lambda channel: str(given.admin(channel, given)))
    if output:
        print(output)
    return 0


def _folder(given: argparse.Namespace) -> Path:
    """The folder of the installation that is meant: the named one, else one that runs, else the sandbox's."""
    return Path(given.state_dir) if given.state_dir else next(iter(_running_folders()), _state_dir("sandbox"))


def _running_folders() -> list[Path]:
    folders = (Path(_DEFAULT_STATE_DIR), _state_dir("sandbox"), _state_dir("live"), _state_dir("mesh"))
    return [folder for folder in folders if (folder / "admin.sock").exists()]


if __name__ == "__main__":
    sys.exit(main())
