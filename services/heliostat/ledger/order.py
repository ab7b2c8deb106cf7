"""What a run is to do, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from heliostat.api.image.v1 import request_pb2
from heliostat.api.router.v1 import router_pb2
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.callers import Caller
from heliostat.ledger.journal import RUNNING, Row
from heliostat.ledger.keys import retention_s
from heliostat.ledger.normal_form import NormalForm, operation
from heliostat.ledger.settings import LedgerSettings


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do, and for whom. `earlier` are the attempts of a process that is gone: a resume."""

    request_id: str
    caller: Caller
    image: request_pb2.ImageRequest
    form: NormalForm
    traceparent: str
    create_time_us: int
    idempotency_key: str = ""
    may_come_back: bool = False
    earlier: Sequence[RunningAttempt] = ()
    answer_form: str = ""
    fence: int = 0

    def to_router(self) -> router_pb2.GenerateRequest:
        """What the router is asked for; a resume goes on with the jobs that are known and not over."""
        return router_pb2.GenerateRequest(
            image=self.image,
            request_id=self.request_id,
            progressive=True,
            resume=[
                router_pb2.ResumeAttempt(
                    attempt_id=each.attempt_id,
                    target=each.target,
                    provider_job_id=each.job_id,
                    account=each.account,
                )
                for each in self.earlier
                if each.resumable
            ],
        )

    def expire_time_us(self, settings: LedgerSettings) -> int:
        """Until when the request's pictures are kept, in micro-seconds since the epoch."""
        retention = self.caller.key.retention
        if retention.HasField("media"):
            kept_s = retention.media.seconds
        else:
            kept_s = settings.keyed_media_retention_s if self.idempotency_key else settings.media_retention_s
        return self.create_time_us + kept_s * 1_000_000

    def payload_kept_s(self, settings: LedgerSettings) -> int:
        """Seconds for which prompt and inputs are kept after the end: the key's own time, else the configuration's."""
        own = retention_s(self.caller.key, "payload")
        return settings.payload_retention_s if own is None else own

    def opening(self, owner: str) -> Row:
        """The request's row as it is first written."""
        image = self.image
        return {
            "request_id": self.request_id,
            "key_id": self.caller.key_id,
            "owner": owner,
            "state": RUNNING,
            "model": image.model,
            "operation": operation(image),
            "image_count": image.image_count or 1,
            "create_time_us": self.create_time_us,
            "end_time_us": None,
            "cost_micros": 0,
            "reserved_micros": 0,
            "request_hash": self.form.hash,
            "idempotency_key": self.idempotency_key or None,
            "session_id": image.session_id or None,
            "end_user_id": image.end_user_id or None,
            "tags": orjson.dumps(dict(image.tags)).decode() if image.tags else None,
            "trace_id": self.traceparent[3:35],
            "provider": None,
            "provider_model": None,
            "client_gone": 0,
            "purged": 0,
            "payload": self.form.payload,
            "error": None,
            "result": None,
            "fence": self.fence,
            "answer_form": self.answer_form or None,
            "cancel_time_us": None,
        }
