"""The operators' commands: a synchronous client of the admin services; each part of them in a file of its own."""

import argparse
from collections.abc import Callable

import grpc
from grpc_status import rpc_status

from heliostat.chassis.errors import MeshError, from_status
from heliostat.launch import arms_cli, folders, keys_cli, routing_cli, unknowns_cli, usage_cli
from heliostat.launch.config import admin_socket


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `keys` and `admin` to the command line."""
    keys_cli.add_commands(commands)
    admin = commands.add_parser("admin", help="look at routing and requests; change routing").add_subparsers(
        required=True, metavar="what"
    )
    routing_cli.add_commands(admin)
    arms_cli.add_commands(admin)
    unknowns_cli.add_commands(admin)
    usage_cli.add_commands(admin)


def ask(given: argparse.Namespace) -> int:
    """Runs the command that was given, and prints what it gives; the exit code. Raises MeshError."""
    output = run(address_of(given), lambda channel: str(given.admin(channel, given)))
    if output:
        print(output)
    return 0


def address_of(given: argparse.Namespace) -> str:
    """Where the admin services of the installation that is meant are."""
    return str(given.address) or admin_socket(folders.meant(given))


def run(address: str, command: Callable[[grpc.Channel], str]) -> str:
    """Runs one command against the admin services at `address`. Raises MeshError."""
    with grpc.insecure_channel(address) as channel:
        try:
            return command(channel)
        except grpc.RpcError as error:
            status = rpc_status.from_call(error)
            if status is not None:
                raise from_status(status) from None
            raise MeshError(
                0, f"The core does not answer at {address}; start it, or name its state folder with --state-dir."
            ) from None
