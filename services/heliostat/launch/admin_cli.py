"""The operators' commands: a synchronous client of the admin services; each part of them in a file of its own."""

import argparse
from collections.abc import Callable

import grpc
from grpc_status import rpc_status

from heliostat.chassis.errors import MeshError, from_status
from heliostat.launch import arms_cli, keys_cli, routing_cli, unknowns_cli, usage_cli


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
