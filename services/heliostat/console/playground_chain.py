"""A chain of steps, as the ledger remembers it: requests of one session, each with the step that it goes on from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.type import money_pb2

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis.calls import Metadata, call
from heliostat.console.desk import ASK_S, Desk
from heliostat.console.playground_ask import CHAIN_ID, FROM_TAG, STEP_TAG
from heliostat.console.playground_models import STEP_WORDS

# More than anybody clicks; older steps are found in the list of requests.
_MOST_STEPS = 100
NAMES = {
    "text_to_image": "Draw",
    "edit": "Edit",
    "segment": "Segment",
    "remove_background": "Remove background",
    "upscale": "Upscale",
    "style_transfer": "Restyle",
    "outpaint": "Outpaint",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain."""

    number: int
    record: ledger_pb2.Request
    parent: int
    """Number of the step that it goes on from; 0 where it begins anew, or where that one is older than what is told."""
    in_line: bool
    """Whether the step that is looked at goes back to this one."""

    @property
    def name(self) -> str:
        """What was done."""
        done = self.record.tags.get(STEP_TAG) or self.record.operation
        return NAMES.get(done, done.replace("_", " "))


@dataclass(frozen=True, slots=True)
class Chain:
    """All steps in order, and what they cost together."""

    links: Sequence[Link]
    cost: money_pb2.Money
    reserved: money_pb2.Money
    count: int
    at: str
    now: float
    """Seconds since the epoch, for what is kept no longer."""


def chain_of(listed: ledger_pb2.ListRequestsResponse, at: str, now: float) -> Chain:
    """The chain out of its requests, newest first; `at` is the request that is looked at. Pure."""
    records = list(reversed(listed.requests))
    numbers = {record.request_id: number for number, record in enumerate(records, 1)}
    parents = {record.request_id: record.tags.get(FROM_TAG, "") for record in records}
    line, there = set(), at
    while there in parents and there not in line:
        line.add(there)
        there = parents[there]
    links = [
        Link(
            numbers[record.request_id],
            record,
            numbers.get(parents[record.request_id], 0),
            record.request_id in line,
        )
        for record in records
    ]
    return Chain(links, listed.total_cost, listed.total_reserved, listed.total_count, at, now)


class Chains:
    """Asks the ledger for chains."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def told(self, chain_id: str, at: str, metadata: Metadata) -> Chain:
        """A chain; empty where there is none of that name. Raises MeshError."""
        now = self._desk.clock.time()
        if not CHAIN_ID.fullmatch(chain_id):
            return chain_of(ledger_pb2.ListRequestsResponse(), at, now)
        ask = ledger_pb2.ListRequestsRequest(page_size=_MOST_STEPS)
        ask.filter.session_id = chain_id
        listed = await call(self._desk.ledger.ListRequests, ask, timeout_s=ASK_S, metadata=metadata)
        return chain_of(listed, at, now)

    async def shown(
        self,
        request_id: str,
        metadata: Metadata,
        labels: Mapping[int, str] | None = None,
        seeds: Mapping[int, int] | None = None,
    ) -> dict[str, Any]:
        """What the page shows of one step, as values of `playground/result.html`; `labels` and `seeds` by place.

        Raises RESOURCE_NOT_FOUND.
        """
        ask = ledger_pb2.GetRequestRequest(request_id=request_id)
        record = (await call(self._desk.ledger.GetRequest, ask, timeout_s=ASK_S, metadata=metadata)).request
        now = self._desk.clock.time()
        kept = [media for media in record.media if not media.late]
        kept.sort(key=lambda media: media.image_index)
        return {
            "record": record,
            "parent": record.tags.get(FROM_TAG, ""),
            "pictures": [media for media in kept if not media.purged and media.expire_time.seconds > now],
            "gone_count": sum(media.purged or media.expire_time.seconds <= now for media in kept),
            "labels": labels or {},
            "seeds": seeds or {},
            "step_words": STEP_WORDS,
        }
