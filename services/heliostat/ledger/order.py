"""What a run is to do, and for whom."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from heliostat.api.image.v1 import request_pb2
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.callers import Caller
from heliostat.ledger.journal import RUNNING, Row
from heliostat.ledger.normal_form import NormalForm, operation


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
