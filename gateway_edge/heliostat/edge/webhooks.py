"""POST /v1/providers/{provider}/webhook: a provider's callback, handed down the street to its adapter.

Nobody is believed here: the adapter checks the callback, and a callback only wakes a poll.
"""

from starlette.requests import Request

from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.router.v1 import router_pb2
from heliostat.chassis.calls import call
from heliostat.chassis.errors import MeshError
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.limits import read_body
from heliostat.edge.problems import Refusal
from heliostat.edge.visit import Reply, visit_of

MAX_WEBHOOK_BYTES = 1024 * 1024


class Webhooks:
    """Takes callbacks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def webhook(self, request: Request) -> Reply:
        """202 where a job waits for it. Raises RESOURCE_NOT_FOUND where none does, a Refusal where it is forged."""
        visit = visit_of(request)
        silence_s = self._desk.settings.body_timeout_s
        body = await read_body(visit, request.receive, MAX_WEBHOOK_BYTES, silence_s)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in visit.headers.items()}
        ask = router_pb2.DeliverWebhookRequest(provider=request.path_params["provider"], headers=headers, body=body)
        try:
            answer = await call(self._desk.router.DeliverWebhook, ask, timeout_s=SMALL_CALL_S)
        except MeshError as error:
            if error.reason == reasons.ERROR_REASON_CALLER_UNKNOWN:
                raise Refusal(401, "invalid_signature", error.message) from None
            raise
        if not answer.found:
            raise MeshError(reasons.ERROR_REASON_RESOURCE_NOT_FOUND, "No job waits for this callback here.")
        return Reply(202, [b'{"found":true}'])
