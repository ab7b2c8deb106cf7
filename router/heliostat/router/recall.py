"""What was decided for the last requests, so that an operator can ask why; the ledger has it for all of them."""

from heliostat.api.image.v1 import event_pb2

MOST_REQUESTS = 1_000
MOST_CANDIDATES = 100
"""Decisions about more targets are left to the ledger: a thousand of them would fill the memory."""


class Recall:
    """The first decision of each of the last requests."""

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._decisions: dict[str, event_pb2.Decision] = {}

    def keep(self, request_id: str, decision: event_pb2.Decision) -> None:
        """Remembers a decision, and forgets the oldest one where there are too many. It must not change any more."""
        if len(decision.candidates) > MOST_CANDIDATES:
            return
        decisions = self._decisions
        if len(decisions) >= self._most:
            del decisions[next(iter(decisions))]
        decisions[request_id] = decision

    def decision(self, request_id: str) -> event_pb2.Decision | None:
        """What was decided before the first attempt of a request; None where that is not remembered."""
        return self._decisions.get(request_id)
