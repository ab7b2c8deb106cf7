"""GET and DELETE /v1/jobs/{id}: a request that outlived its connection."""

import orjson
from starlette.requests import Request

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import call
from heliostat.edge.desk import SMALL_CALL_S, Desk
from heliostat.edge.from_proto import job_body
from heliostat.edge.visit import Reply, Visit, visit_of

# When it is worth asking again for a job that is under way, in seconds.
_ASK_AGAIN_S = 2


class Jobs:
    """Tells and cancels jobs of the caller."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def job(self, request: Request) -> Reply:
        """The job, with its result once it is there. Raises RESOURCE_NOT_FOUND."""
        visit = visit_of(request)
        ask = ledger_pb2.GetJobRequest(request_id=request.path_params["id"])
        answer = await call(self._desk.ledger.GetJob, ask, timeout_s=SMALL_CALL_S, metadata=visit.credentials())
        return self._reply(answer.request, visit)

    async def cancel(self, request: Request) -> Reply:
        """The job after its cancel. Raises RESOURCE_NOT_FOUND."""
        visit = visit_of(request)
        ask = ledger_pb2.CancelJobRequest(request_id=request.path_params["id"])
        answer = await call(self._desk.ledger.CancelJob, ask, timeout_s=SMALL_CALL_S, metadata=visit.credentials())
        return self._reply(answer.request, visit)

    def _reply(self, job: ledger_pb2.Request, visit: Visit) -> Reply:
        body = job_body(job, self._desk.link_maker(visit), sandbox=self._desk.sandbox)
        headers = {"x-heliostat-request-id": job.request_id}
        if body["status"] == "in_progress":
            headers["retry-after"] = str(_ASK_AGAIN_S)
        return Reply(200, [orjson.dumps(body)], headers=headers)
