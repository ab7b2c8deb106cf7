"""Commands against scripted answers: grpcio-testing's channel holds requests to the contract, no server runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc_testing

from heliostat.api.ledger.v1 import admin_pb2 as ledger_pb2
from heliostat.api.router.v1 import admin_pb2 as router_pb2

KEYS = ledger_pb2.DESCRIPTOR.services_by_name["LedgerAdminService"]
TARGETS = router_pb2.DESCRIPTOR.services_by_name["RouterAdminService"]


def played(
    command: Callable[[grpc.Channel], str],
    *answers: tuple[Any, str, Any],
    metadata: list[dict[str, str]] | None = None,
) -> tuple[str, list[Any]]:
    """Runs a command against scripted answers (service, method, response); gives its output and the requests.

    A list of responses is a stream. `metadata` takes what each call carried.
    """
    channel = grpc_testing.channel([KEYS, TARGETS], grpc_testing.strict_real_time())
    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(command, channel)
        requests = []
        for service, method, response in answers:
            take = channel.take_unary_stream if isinstance(response, list) else channel.take_unary_unary
            carried, request, call = take(service.methods_by_name[method])
            requests.append(request)
            if metadata is not None:
                metadata.append(dict(carried or ()))
            call.send_initial_metadata(())
            if isinstance(response, list):
                for message in response:
                    call.send_response(message)
                call.terminate((), grpc.StatusCode.OK, "")
            else:
                call.terminate(response, (), grpc.StatusCode.OK, "")
        return output.result(10), requests
