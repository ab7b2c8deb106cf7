"""The operators' commands: a synchronous client of the admin services; keys here, routing in routing_cli."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime

import grpc
from grpc_status import rpc_status

from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.api.ledger.v1 import admin_pb2_grpc as ledger_pb2_grpc
from heliostat.chassis.errors import MeshError, from_status
from heliostat.launch import arms_cli, routing_cli, unknowns_cli
from heliostat.launch.tables import table

_TIMEOUT_S = 10.0


def create_key(channel: grpc.Channel, title: str) -> str:
    """Makes a key and tells its secret, this once."""
    stub = ledger_pb2_grpc.LedgerAdminServiceStub(channel)
    answer = stub.CreateKey(ledger_pb2.CreateKeyRequest(key=ledger_pb2.Key(title=title)), timeout=_TIMEOUT_S)
    return f"{answer.secret}\n\nThis is key {answer.key.key_id}. The secret is not shown again."


def list_keys(channel: grpc.Channel, show_revoked: bool) -> str:
    """All keys as a table, newest first."""
    stub = ledger_pb2_grpc.LedgerAdminServiceStub(channel)
    rows, token = [], ""
    while True:
        request = ledger_pb2.ListKeysRequest(page_size=100, page_token=token, show_revoked=show_revoked)
        answer = stub.ListKeys(request, timeout=_TIMEOUT_S)
        for key in answer.keys:
            state = "revoked" if key.HasField("revoke_time") else "good"
            made = datetime.fromtimestamp(key.create_time.seconds, UTC).strftime("%Y-%m-%d %H:%M")
            rows.append((key.key_id, state, made, key.title))
        token = answer.next_page_token
        if not token:
            return table(("ID", "STATE", "MADE (UTC)", "TITLE"), rows)


def revoke_key(channel: grpc.Channel, key_id: str) -> str:
    """Ends a key at once."""
    stub = ledger_pb2_grpc.LedgerAdminServiceStub(channel)
    stub.RevokeKey(ledger_pb2.RevokeKeyRequest(key_id=key_id), timeout=_TIMEOUT_S)
    return f"Key {key_id} is revoked."


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `keys` and `admin` to the command line."""
    keys = commands.add_parser("keys", help="make, list and revoke API keys").add_subparsers(
        required=True, metavar="do"
    )
    make = keys.add_parser("create", help="make a key; its secret is shown once")
    make.add_argument("title", nargs="?", default="", help="what people call it")
    make.set_defaults(admin=lambda channel, given: create_key(channel, given.title))
    listed = keys.add_parser("list", help="list keys")
    listed.add_argument("--all", action="store_true", help="also revoked ones")
    listed.set_defaults(admin=lambda channel, given: list_keys(channel, given.all))
    revoke = keys.add_parser("revoke", help="end a key at once")
    revoke.add_argument("key_id")
    revoke.set_defaults(admin=lambda channel, given: revoke_key(channel, given.key_id))
    admin = commands.add_parser("admin", help="look at the routing and change it").add_subparsers(
        required=True, metavar="what"
    )
    routing_cli.add_commands(admin)
    arms_cli.add_commands(admin)
    unknowns_cli.add_commands(admin)


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
