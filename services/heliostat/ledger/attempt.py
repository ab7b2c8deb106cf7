"""One attempt as its run sees it: what it reserved, how far it came, how it ended."""

from typing import Any, Self

from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.errors import MeshError, from_status, reason_name, to_status
from heliostat.chassis.money import to_micros, usd
from heliostat.ledger.journal import OPEN, Row, attempt_state

_SUCCEEDED = ledger_pb2.ATTEMPT_STATE_SUCCEEDED
_UNBILLED = ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED
_BILLED = ledger_pb2.ATTEMPT_STATE_FAILED_BILLED
_UNKNOWN = ledger_pb2.ATTEMPT_STATE_UNKNOWN
_BILLED_WORDS = {event_pb2.BILLED_YES: "yes", event_pb2.BILLED_NO: "no"}


class RunningAttempt:
    """An attempt from its intent to its end. Money is in micro-dollars, times in micro-seconds since the epoch."""

    # fmt: off
    __slots__ = (
        "accept_time_us", "accepted", "account", "asked", "attempt_id", "billed", "computed", "cost", "doubt",
        "estimate", "estimated", "held", "image_count", "job_id", "outcome", "price_version", "provider",
        "provider_model", "reason", "reported", "start_time_us", "state", "status", "target",
        "told_end_us",
    )
    # fmt: on

    def __init__(self, attempt_id: str, started: event_pb2.AttemptStarted, estimate: int, start_time_us: int) -> None:
        self.attempt_id = attempt_id
        self.target = started.target
        self.provider = started.provider
        self.provider_model = started.provider_model
        self.account = started.account
        self.image_count = started.image_count
        self.estimate = estimate
        self.held = estimate
        self.estimated = _micros_of(started, "estimated_cost")
        self.computed: int | None = None
        self.reported: int | None = None
        self.price_version = ""
        self.doubt = ""
        self.start_time_us = start_time_us
        self.state: int = OPEN
        self.asked = False
        self.accepted = False
        self.accept_time_us: int | None = None
        self.job_id = ""
        self.outcome = event_pb2.OUTCOME_UNSPECIFIED
        self.billed = event_pb2.BILLED_UNSPECIFIED
        self.cost = 0
        self.status: bytes | None = None
        self.reason = ""
        self.told_end_us: int | None = None

    @classmethod
    def of_row(cls, row: Row) -> Self:
        """An attempt that an earlier process began, as its row tells."""
        started = event_pb2.AttemptStarted(
            target=row["target"],
            provider=row["provider"],
            provider_model=row["provider_model"],
            account=row["account"],
            image_count=row["image_count"],
        )
        attempt = cls(row["attempt_id"], started, row["reserved_micros"], row["start_time_us"])
        attempt.state = row["state"]
        attempt.asked = True
        attempt.accepted = row["accept_time_us"] is not None
        attempt.accept_time_us = row["accept_time_us"]
        attempt.job_id = row["provider_job_id"]
        attempt.outcome, attempt.billed = row["outcome"], row["billed"]
        attempt.cost, attempt.status = row["cost_micros"], row["status"]
        attempt.estimated = row["estimated_micros"]
        return attempt

    @property
    def resumable(self) -> bool:
        """True where the provider's job is known and its end is not."""
        return self.state == OPEN and bool(self.job_id)

    @property
    def at_stake(self) -> bool:
        """True where money may be lost if the attempt is given up now.

        Once its target was asked, only the target knows what it has done: many providers take work without saying so
        before it is finished.
        """
        return self.state == OPEN and self.asked and self.estimate != 0

    def intent(self, request_id: str, decision: bytes | None) -> Row:
        """The attempt's row as it is written before its target is asked, with why that was chosen."""
        return {
            "attempt_id": self.attempt_id,
            "request_id": request_id,
            "target": self.target,
            "provider": self.provider,
            "provider_model": self.provider_model,
            "account": self.account,
            "state": OPEN,
            "outcome": self.outcome,
            "billed": self.billed,
            "cost_micros": 0,
            "reserved_micros": self.estimate,
            "provider_job_id": "",
            "status": None,
            "start_time_us": self.start_time_us,
            "accept_time_us": None,
            "end_time_us": None,
            "image_count": self.image_count,
            "decision": decision,
            "estimated_micros": self.estimated,
            "computed_micros": None,
            "reported_micros": None,
            "price_version": None,
            "cost_doubt": None,
        }

    def end_as(self, told: event_pb2.Attempt) -> None:
        """Ends as the router told."""
        failed = told.HasField("status")
        self.outcome = told.outcome
        self.billed = told.billed
        if failed and self.job_id and told.outcome == event_pb2.OUTCOME_NOT_SENT:
            # Nothing was sent this time: that says nothing of a job that the provider took before.
            self.outcome, self.billed = event_pb2.OUTCOME_ACCEPTED, event_pb2.BILLED_UNKNOWN
        self.job_id = told.provider_job_id or self.job_id
        self.image_count = told.image_count if not failed else 0
        if failed:
            self.status = told.status.SerializeToString()
            self.reason = reason_name(from_status(told.status).reason)
        elif told.HasField("duration"):
            # A delivered attempt is written with the request's end, and was over before a further one began.
            self.told_end_us = self.start_time_us + told.duration.ToMicroseconds()
        estimated = _micros_of(told, "estimated_cost")
        self.estimated = self.estimated if estimated is None else estimated
        self.computed, self.reported = _micros_of(told, "computed_cost"), _micros_of(told, "reported_cost")
        self.price_version, self.doubt = told.price_version, told.cost_doubt
        self._settle(attempt_state(self.outcome, self.billed, failed=failed), _micros_of(told, "cost"))

    def end_with_result(self, result: event_pb2.ImageResult) -> None:
        """Ends well where the router told of the result but not of the attempt."""
        self.outcome = event_pb2.OUTCOME_DELIVERED
        self.billed = event_pb2.BILLED_YES
        self.image_count = result.image_count
        self._settle(_SUCCEEDED, _micros_of(result.cost, "amount"))

    def end_with_error(self, error: MeshError) -> None:
        """Ends with an error that came without the attempt's own end: what nobody told is unknown."""
        failure = error.failure or event_pb2.AttemptFailure()
        if not self.asked:
            failure = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_NOT_SENT, billed=event_pb2.BILLED_NO)
        if failure.outcome == event_pb2.OUTCOME_UNSPECIFIED and self.accepted:
            failure = event_pb2.AttemptFailure(outcome=event_pb2.OUTCOME_ACCEPTED, billed=failure.billed)
        self.outcome = failure.outcome
        self.billed = failure.billed
        self.job_id = failure.provider_job_id or self.job_id
        self.image_count = 0
        self.status = to_status(error).SerializeToString()
        self.reason = reason_name(error.reason)
        self._settle(attempt_state(failure.outcome, failure.billed, failed=True), _micros_of(failure, "cost"))

    def ending(self, end_time_us: int) -> Row:
        """What the attempt's end writes, at `end_time_us` unless the router told of an earlier end."""
        if self.told_end_us is not None:
            end_time_us = min(end_time_us, self.told_end_us)
        return {
            "state": self.state,
            "outcome": self.outcome,
            "billed": self.billed,
            "cost_micros": self.cost,
            "reserved_micros": self.held,
            "provider_job_id": self.job_id,
            "status": self.status,
            "accept_time_us": self.accept_time_us,
            "end_time_us": end_time_us,
            "image_count": self.image_count,
            "estimated_micros": self.estimated,
            "computed_micros": self.computed,
            "reported_micros": self.reported,
            "price_version": self.price_version or None,
            "cost_doubt": self.doubt or None,
        }

    def summary(self) -> dict[str, Any]:
        """The attempt in a few words, for the metadata of an error; the cost is in US dollars."""
        billed = "no" if self.state == _UNBILLED else _BILLED_WORDS.get(self.billed, "unknown")
        outcome = event_pb2.Outcome.Name(self.outcome).removeprefix("OUTCOME_").lower()
        return {
            "target": self.target,
            "outcome": "unknown" if outcome == "unspecified" else outcome,
            "billed": billed,
            **({"provider_job_id": self.job_id} if self.job_id else {}),
            "reason": self.reason,
            "cost": usd(self.cost or self.held),
        }

    def _settle(self, state: int, cost: int | None) -> None:
        """Ends in `state`; `cost` is None where nobody told: what was bought for an unknown price stays reserved."""
        self.state = state
        if state == _UNKNOWN:
            self.billed = event_pb2.BILLED_UNKNOWN
            self.held = max(self.estimate, cost or 0)
            return
        self.held = 0
        if state in (_SUCCEEDED, _BILLED) and self.billed != event_pb2.BILLED_NO:
            self.billed = event_pb2.BILLED_YES
            self.cost = cost or 0
            self.held = self.estimate if cost is None else 0


def _micros_of(message: Any, field: str) -> int | None:
    """An amount of Money in micro-dollars; None where it is absent."""
    return to_micros(getattr(message, field)) if message.HasField(field) else None
