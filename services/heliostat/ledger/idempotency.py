"""Which request is a repetition: (caller, key, request hash) -> run, join or replay.

Two things make a repetition: an idempotency key, claimed in the journal before anything else, and a library's own
retry (it says how often it has sent the request), which is matched by the request's hash within some minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from sqlalchemy.exc import IntegrityError

from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import Row, Stored, check_same_request, id_taken
from heliostat.ledger.order import Order
from heliostat.ledger.run import Run


@dataclass(frozen=True, slots=True)
class Admission:
    """How a request was let in: a run (`joined` where another caller's request started it), or what is replayed.

    With neither, `elsewhere` is the id of a request that runs in another process, or waits for recovery.
    """

    run: Run | None = None
    joined: bool = False
    stored: Stored | None = None
    elsewhere: str = ""


class Runs:
    """The runs of this process, and the way in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._by_id: dict[str, Run] = {}
        self._by_hash: dict[tuple[str, str], Run] = {}
        self._by_claim: dict[tuple[str, str], Run] = {}
        self._claiming: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, request_id: str) -> Run | None:
        """The run of that id, where it is under way here."""
        return self._by_id.get(request_id)

    def under_way(self, key_id: str) -> int:
        """How many runs of a key are under way."""
        return sum(run.order.caller.key_id == key_id for run in self._by_id.values())

    def all(self) -> list[Run]:
        """Every run that is under way."""
        return list(self._by_id.values())

    def start(self, order: Order, *, opened: bool = False) -> Run:
        """Starts a run. Raises INVALID_FIELD where one of this id is under way."""
        if order.request_id in self._by_id:
            raise id_taken()
        run = Run(self._desk, order, self._forget, opened=opened)
        self._by_id[order.request_id] = run
        self._by_hash[order.caller.key_id, order.form.hash] = run
        if order.idempotency_key:
            self._by_claim[order.caller.key_id, order.idempotency_key] = run
        run.start()
        return run

    def _forget(self, run: Run) -> None:
        order = run.order
        self._by_id.pop(order.request_id, None)
        places: tuple[tuple[dict[Any, Run], Any], ...] = (
            (self._by_hash, (order.caller.key_id, order.form.hash)),
            (self._by_claim, (order.caller.key_id, order.idempotency_key)),
        )
        for index, place in places:
            if index.get(place) is run:
                del index[place]

    async def admit(self, order: Order, retry_count: int) -> Admission:
        """Runs, joins or replays. `retry_count`: how often the caller's library sent this before.

        Raises IDEMPOTENCY_CONFLICT where the key was used for another request, INVALID_FIELD where the id is taken.
        """
        if order.idempotency_key:
            return await self._admit_keyed(order)
        if retry_count > 0:
            repeated = await self._find_repeated(order)
            if repeated is not None:
                return repeated
        return Admission(run=self.start(order))

    async def _admit_keyed(self, order: Order) -> Admission:
        place = order.caller.key_id, order.idempotency_key
        lock = self._claiming.get(place)
        if lock is None:
            lock = self._claiming[place] = asyncio.Lock()
        async with lock:
            running = self._by_claim.get(place)
            if running is not None:
                check_same_request(running.order.form.hash, order.form.hash)
                return Admission(run=running, joined=True)
            opening = order.opening(self._desk.owner)
            held = await _twice(lambda: self._claim(opening))
            if held is not None:
                return self._over_or_elsewhere(held)
            return Admission(run=self.start(order, opened=True))

    async def _claim(self, opening: Row) -> Stored | None:
        return await self._desk.journal.claim(opening)

    async def _find_repeated(self, order: Order) -> Admission | None:
        running = self._by_hash.get((order.caller.key_id, order.form.hash))
        if running is not None:
            return Admission(run=running, joined=True)
        since_us = self._desk.now_us() - int(self._desk.settings.retry_join_s * 1e6)
        found = await self._desk.journal.find_repeated(order.caller.key_id, order.form.hash, since_us)
        stored = await self._desk.journal.find(found) if found else None
        return None if stored is None else self._over_or_elsewhere(stored)

    def _over_or_elsewhere(self, stored: Stored) -> Admission:
        request_id = stored.request["request_id"]
        running = self._by_id.get(request_id)
        if running is not None:
            return Admission(run=running, joined=True)
        if stored.request["end_time_us"] is None:
            return Admission(elsewhere=request_id)
        return Admission(stored=stored)


async def _twice(claim: Callable[[], Awaitable[Stored | None]]) -> Stored | None:
    """Claims; where another process claimed between our look and our write, the second try finds its claim."""
    try:
        return await claim()
    except IntegrityError:
        try:
            return await claim()
        except IntegrityError:
            raise id_taken() from None
