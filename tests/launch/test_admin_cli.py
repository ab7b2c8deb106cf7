"""The operators' commands: a synchronous client, held against the contract by grpcio-testing."""

from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_status import rpc_status

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.chassis.errors import MeshError, to_status
from heliostat.launch import admin_cli, keys_cli
from tests.support.scripted_channel import KEYS, played


def test_a_new_key_is_shown_once() -> None:
    """The secret comes first, so that it can be copied."""
    answer = ledger_pb2.CreateKeyResponse(key=ledger_pb2.Key(key_id="k1"), secret="hel_k1_x")
    output, requests = played(
        lambda channel: keys_cli.create_key(channel, ledger_pb2.Key(title="ci")), (KEYS, "CreateKey", answer)
    )
    assert output.splitlines()[0] == "hel_k1_x"
    assert requests[0].key.title == "ci"


def test_keys_are_listed_page_by_page() -> None:
    """All pages, one table."""
    first = ledger_pb2.Key(key_id="k1", title="ci", create_time=Timestamp(seconds=1_800_000_000))
    second = ledger_pb2.Key(key_id="k2", revoke_time=Timestamp(seconds=1))
    output, requests = played(
        lambda channel: keys_cli.list_keys(channel, True),
        (KEYS, "ListKeys", ledger_pb2.ListKeysResponse(keys=[first], next_page_token="t")),
        (KEYS, "ListKeys", ledger_pb2.ListKeysResponse(keys=[second])),
    )
    assert [line.split()[:2] for line in output.splitlines()] == [["ID", "STATE"], ["k1", "good"], ["k2", "revoked"]]
    assert [request.page_token for request in requests] == ["", "t"]


def test_errors_are_sentences() -> None:
    """What the core refuses is told in its own words."""

    class Refused(grpc.RpcError):
        def __init__(self) -> None:
            self.status = rpc_status.to_status(
                to_status(MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "There is no key k9."))
            )

        def code(self) -> grpc.StatusCode:
            return self.status.code

        def details(self) -> str:
            return str(self.status.details)

        def trailing_metadata(self) -> Any:
            return self.status.trailing_metadata

    def refuse(_: grpc.Channel) -> str:
        raise Refused

    with pytest.raises(MeshError, match="There is no key k9"):
        admin_cli.run("127.0.0.1:1", refuse)


def test_a_core_that_is_away_is_said(tmp_path: Any) -> None:
    """With what to do about it."""
    with pytest.raises(MeshError, match="start it, or name its state folder"):
        admin_cli.run(f"unix:{tmp_path}/nobody.sock", lambda channel: keys_cli.revoke_key(channel, "k"))
