"""Which request is a repetition: (caller, key, request hash) -> run, join or replay.

Two things make a repetition: an idempotency key, claimed in the journal before anything else, and a library's own
retry (it says how often it has sent the request), which is matched by the request's hash within some minutes: one call
is repeated by one retry of each count, so that calls that are alike keep a picture each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from sqlalchemy.exc import IntegrityError

from heliostat.ledger.claims import check_same_request
from heliostat.ledger.desk import Desk
from heliostat.ledger.journal import Row, Stored, id_taken
from heliostat.ledger.order import Order
from heliostat.ledger.repeats import Repeats
from heliostat.ledger.run import Run

# So many calls' retries are remembered.
_MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Admission:
    """How a request was let in: a run (`joined` where another caller's request started it), or what is replayed.

    With neither, `elsewhere` is the id of a request that runs in another process, or waits for recovery.
    """

    run: Run | None = None
    joined: bool = False
    stored: Stored | None = None
    elsewhere: str = ""

    @property
    def repeats(self) -> str:
        """The id of the request that this one repeats; empty for one that is new."""
        if self.run is not None:
            return self.run.request_id if self.joined else ""
        return self.elsewhere if self.stored is None else str(self.stored.request["request_id"])


class Runs:
    """The runs of this process, and the way in."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._by_id: dict[str, Run] = {}
        self._by_hash: dict[tuple[str, str], list[Run]] = {}
        self._by_claim: dict[tuple[str, str], Run] = {}
        # Request id -> the highest count of a retry that it answered.
        self._repeated: dict[str, int] = {}
        self.repeats = Repeats()
        self._claiming: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self.begun = 0
        """How many runs were started here, ever."""

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
        self.begun += 1
        if order.idempotency_key:
            self._by_claim[order.caller.key_id, order.idempotency_key] = run
        else:
            self._by_hash.setdefault((order.caller.key_id, order.form.hash), []).append(run)
        run.start()
        return run

    def _forget(self, run: Run) -> None:
        order = run.order
        self._by_id.pop(order.request_id, None)
        claim = order.caller.key_id, order.idempotency_key
        if self._by_claim.get(claim) is run:
            del self._by_claim[claim]
        place = order.caller.key_id, order.form.hash
        alike = self._by_hash.get(place, [])
        if run in alike:
            alike.remove(run)
            if not alike:
                del self._by_hash[place]

    async def admit(
        self, order: Order, retry_count: int, before_new: Callable[[], Awaitable[None]] | None = None
    ) -> Admission:
        """Runs, joins or replays. `retry_count`: how often the caller's library sent this before. `before_new` is
        called before a request is let in that is no repetition; what it raises keeps it out.

        Raises IDEMPOTENCY_CONFLICT where the key was used for another request, INVALID_FIELD where the id is taken.
        """
        admission = await self._admit(order, retry_count, before_new)
        if admission.repeats:
            self.repeats.note(admission.repeats)
        return admission

    async def _admit(
        self, order: Order, retry_count: int, before_new: Callable[[], Awaitable[None]] | None
    ) -> Admission:
        if order.idempotency_key:
            return await self._admit_keyed(order, before_new)
        if retry_count > 0:
            repeated = await self._find_repeated(order, retry_count)
            if repeated is not None:
                return repeated
        self._desk.doors.check()
        if before_new is not None:
            await before_new()
        return Admission(run=self.start(order))

    async def _admit_keyed(self, order: Order, before_new: Callable[[], Awaitable[None]] | None) -> Admission:
        place = order.caller.key_id, order.idempotency_key
        lock = self._claiming.get(place)
        if lock is None:
            lock = self._claiming[place] = asyncio.Lock()
        async with lock:
            running = self._by_claim.get(place)
            if running is not None:
                check_same_request(running.order.form.hash, order.form.hash)
                return Admission(run=running, joined=True)
            opening, since_us = order.opening(self._desk.owner), self._since_us(self._desk.settings.idempotency_s)
            careful = before_new is not None or not self._desk.doors.are_open
            if careful and not await self._desk.journal.holder(opening, since_us):
                self._desk.doors.check()
                if before_new is not None:
                    await before_new()
            held = await _twice(lambda: self._claim(opening, since_us))
            if held is not None:
                return self._over_or_elsewhere(held)
            return Admission(run=self.start(order, opened=True))

    async def _claim(self, opening: Row, since_us: int) -> Stored | None:
        return await self._desk.journal.claim(opening, since_us)

    def _since_us(self, span_s: float) -> int:
        return self._desk.now_us() - int(span_s * 1e6)

    async def _find_repeated(self, order: Order, retry_count: int) -> Admission | None:
        """The call that a retry repeats: one whose caller has left before one that still has a caller, one that is
        under way before one that is over, the newest of those."""
        running = self._by_hash.get((order.caller.key_id, order.form.hash), ())
        for run in sorted(running, key=lambda each: each.reader_count > 0):
            if self._takes(run.request_id, retry_count):
                return Admission(run=run, joined=True)
        since_us = self._since_us(self._desk.settings.retry_join_s)
        found = await self._desk.journal.repeatable(order.caller.key_id, order.form.hash, since_us)
        return await self._first_of(found, retry_count)

    async def _first_of(self, found: Iterable[str], retry_count: int) -> Admission | None:
        for request_id in found:
            if self._takes(request_id, retry_count):
                stored = await self._desk.journal.find(request_id)
                return None if stored is None else self._over_or_elsewhere(stored)
        return None

    def _takes(self, request_id: str, retry_count: int) -> bool:
        """Notes that a call is repeated by a retry of this count; False where one of it or a later one came before."""
        if self._repeated.get(request_id, 0) >= retry_count:
            return False
        self._repeated[request_id] = retry_count
        while len(self._repeated) > _MOST_REMEMBERED:
            del self._repeated[next(iter(self._repeated))]
        return True

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
