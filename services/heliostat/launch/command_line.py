"""The command line: every command, each in a file of its own where it is more than a few lines."""

import argparse
import os
import sys
from collections.abc import Callable

from heliostat.chassis import settings
from heliostat.chassis.errors import MeshError
from heliostat.launch import (
    admin_cli,
    collector,
    console_cli,
    folders,
    mesh_cli,
    prices_cli,
    sandbox,
    serve_cli,
    tools_cli,
)
from heliostat.launch.config import Configuration, configure, configured, printed
from heliostat.launch.targets import ADAPTER, STREET, adapter_kinds


def run(arguments: list[str] | None = None) -> int:
    """Runs one command; gives the exit code. Without any it says which there are."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        command_line().print_help(sys.stderr)
        return 2
    given = command_line().parse_args(words)
    command: Callable[[argparse.Namespace], int] = given.command
    try:
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
    parser = argparse.ArgumentParser(prog="heliostat", description="Self-hosted AI image gateway.")
    parser.add_argument("--state-dir", default="", help="folder of a running installation (for keys and admin)")
    parser.add_argument("--address", default="", help="the operators' door itself, where admin.listen names one")
    parser.set_defaults(command=admin_cli.ask)
    commands = parser.add_subparsers(required=True, metavar="command")
    serve_cli.add_commands(commands)
    mesh_cli.add_commands(commands)
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
    prices_cli.add_commands(commands)
    console_cli.add_commands(commands)
    tools_cli.add_commands(commands)
    return parser


def _check_config(given: argparse.Namespace) -> int:
    with collector.at_rest():
        print(printed(_configuration(given)), end="")
    return 0


def _configuration(given: argparse.Namespace) -> Configuration:
    if given.sandbox:
        ports = sandbox.Ports.from_environment(os.environ)
        tree, _ = sandbox.own_tree(folders.state_dir("sandbox"), ports, os.environ)
        return configure(tree, given.target)
    path = folders.configuration_file(given.config)
    return configured(path, settings.read_text(path), given.target, os.environ)


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
