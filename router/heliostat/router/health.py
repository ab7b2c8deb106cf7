"""What the traffic tells of each target: whether it may be asked now, and if not, until when.

A target is kept back by what it did itself, and by what its adapter's account did: a key that is refused or credit that
is exhausted concerns all targets of an account, which therefore has a record of its own, under its name alone: "fal",
or "fal@team-b" where the adapter has several.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.rpc import status_pb2

from heliostat.chassis.clock import Clock
from heliostat.router.ejection import Ending
from heliostat.router.record import Back, Hold, Record, Standing, State
from heliostat.router.settings import HealthSettings, PacingSettings
from heliostat.router.table import Target

# A target that is not tried, since enough others are, is looked at again after so many seconds.
_TRIED_LATER_S = 1.0

__all__ = ["Change", "Health", "Permit", "Standing", "State"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to a target. `target` is a route's model where all its targets are down.

    `kind`: ejected, returned, paused, probing, key_refused, credit_exhausted, model_gone, all_targets_down, changed.
    `until` is on the monotonic clock. `shared`: another replica told it.
    """

    target: str
    kind: str
    message: str
    until: float | None = None
    shared: bool = False


class Permit:
    """Leave to call a target once; given back when the call is over."""

    __slots__ = ("_health", "_is_out", "_tries", "began", "probing", "records", "target")

    def __init__(self, health: "Health", target: str, records: Sequence[Record], now: float) -> None:
        self._health = health
        self._is_out = True
        self.target = target
        self.began = now
        self.records = records
        self.probing = [record.is_tried for record in records]
        self._tries = 0
        for record, probing in zip(records, self.probing, strict=True):
            record.gate.enter(now, probing=probing)
            self._tries += record.breaker.is_doubted
        if self._tries:
            health.trying(self._tries)

    def release(self) -> None:
        """The call is over, however it ended. More than once is once."""
        if self._is_out:
            self._is_out = False
            for record, probing in zip(self.records, self.probing, strict=True):
                record.gate.leave(probing=probing)
            self.taken()
            self._health.make_room()

    def taken(self) -> None:
        """The provider took the work, or the call is over: it does not count among those that try any more."""
        if self._tries:
            self._health.trying(-self._tries)
            self._tries = 0


class Health:
    """Records by target name; a target in several routes has one."""

    def __init__(
        self,
        settings: HealthSettings | None = None,
        pacing: Mapping[str, PacingSettings] | None = None,
        *,
        clock: Clock | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self._settings = settings or HealthSettings()
        self._pacing = dict(pacing or {})
        self._clock = clock or Clock()
        self._dice = dice or random.Random()
        self._records: dict[str, Record] = {}
        self._has_accounts = False  # whether there are records of whole adapters
        # Names of those that are not plainly well; looked at for every request, and usually empty.
        self._watched: dict[str, Record] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._room_seekers: list[Callable[[], None]] = []
        self._may_try: Callable[[float, int], bool] = lambda now, under_way: True
        self._tries = 0  # calls under way that try targets which were put out by count
        for name in self._pacing:
            self._watch(self.record(name))

    # Looking

    def record(self, target: str) -> Record:
        """The record of a target, made when it is first asked for."""
        record = self._records.get(target)
        if record is None:
            pacing = self._pacing_of(target)
            record = self._records[target] = Record(target, self._settings, pacing)
            self._has_accounts = self._has_accounts or "/" not in target
            if pacing is not None:
                self._watch(record)
        return record

    def _pacing_of(self, name: str) -> PacingSettings | None:
        """The limits of an adapter, an account or a target: its own, or those of all accounts."""
        return self._pacing.get(name) or self._pacing.get(_without_account(name))

    def _meet(self, target: str) -> None:
        """Makes the records of an account that has limits: it is not named by the configuration."""
        if "@" in target and self._pacing:
            for name in (_account(target), target):
                if name not in self._records and self._pacing_of(name) is not None:
                    self.record(name)

    def seen(self, target: str) -> Record | None:
        """The record of a target; None where it has never been asked."""
        return self._records.get(target)

    def calls(self) -> Iterator[tuple[str, int, int]]:
        """Every target that has been asked: its name, the calls under way, the calls begun so far."""
        for name, record in self._records.items():
            yield name, record.in_flight, record.begun

    def standing(self, target: str, now: float) -> Standing:
        """Where a target stands: by its adapter's account where that is out, else by itself."""
        for name in (_account(target), target):
            record = self._watched.get(name)
            if record is not None:
                standing = record.standing(now)
                if standing.state is not State.HEALTHY:
                    return standing
        return Standing(State.HEALTHY)

    @property
    def calm(self) -> bool:
        """True where nothing at all is kept back: nobody needs to be asked about one by one."""
        return not self._watched

    def hold(self, target: str, now: float) -> Hold | None:
        """What keeps a target back now; None where it may be asked."""
        self._meet(target)
        for name in (_account(target), target):
            record = self._watched.get(name)
            if record is not None:
                hold = record.hold(now)
                if hold is not None:
                    return hold
                if record.breaker.is_doubted and not self._may_try(now, self._tries):
                    return Hold(Back.EJECTED, now + _TRIED_LATER_S, f"{record.breaker.why}, and others are tried first")
                if record.is_calm(now):
                    del self._watched[name]
        return None

    def is_doubted(self, target: str) -> bool:
        """True where a target failed too often and nobody knows yet whether it works again."""
        for name in (_account(target), target):
            record = self._watched.get(name)
            if record is not None and record.breaker.is_doubted:
                return True
        return False

    def shares(self, now: float) -> dict[str, float]:
        """What targets that have come back lately get of their weights, above 0 and below 1."""
        return {name: record.gate.share(now) for name, record in self._watched.items() if record.gate.ramping(now)}

    def concerned(self, targets: Sequence[Target], places: Mapping[str, int]) -> list[Target]:
        """Those of many targets, each at its place by name, that something may keep back."""
        watched = self._watched
        accounts = {name for name in watched if "/" not in name}
        if accounts:
            return [target for target in targets if target.scope in accounts or target.name in watched]
        return [targets[places[name]] for name in watched if name in places]

    def limit_tries(self, may_try: Callable[[float, int], bool]) -> None:
        """Asks `may_try` before a request tries a target that was put out by count: it is told the time and how many
        such calls are under way.
        """
        self._may_try = may_try

    def trying(self, count: int) -> None:
        """So many calls more, or fewer, try targets that were put out by count."""
        self._tries += count

    def listen(self, callback: Callable[[Change], None]) -> None:
        """Calls `callback` with everything that happens from now on."""
        self._listeners.append(callback)

    def seek_room(self, callback: Callable[[], None]) -> None:
        """Calls `callback` whenever a target may take calls that it could not take before."""
        self._room_seekers.append(callback)

    # Calls

    def permit(self, target: str, now: float, *, forced: bool = False) -> Permit | None:
        """Leave to call a target; None where it is kept back. `forced`: whatever keeps it back."""
        self._meet(target)
        if not forced and self._watched and self.hold(target, now) is not None:
            return None
        records = [self.record(target)]
        if self._has_accounts:
            account = self._records.get(_account(target))
            if account is not None:
                records.append(account)
        permit = Permit(self, target, records, now)
        if not self._watched:
            return permit
        for record, probing in zip(records, permit.probing, strict=True):
            if probing and record.breaker.until is not None:
                self._tell(record.name, "probing", "One call tries it.")
        return permit

    def accepted(self, permit: Permit) -> None:
        """The provider took the work of this call: a pause that it was to try is over."""
        if not self._watched:
            return
        permit.taken()
        for record, probing in zip(permit.records, permit.probing, strict=True):
            if probing and record.pause.until is not None and record.breaker.until is None:
                self._return(record)

    def succeeded(self, permit: Permit, duration_s: float, others_stand: Callable[[], bool]) -> None:
        """A call gave its pictures after `duration_s` seconds. `others_stand`: another target of its route is well."""
        now = self._clock.monotonic()
        record = self.record(permit.target)
        record.note(duration_s)
        slow = record.pulse.is_slow(now, duration_s)
        if self._watched:
            self._heal(permit, now, slow=slow)
        if permit.began >= record.breaker.since and record.breaker.until is None:
            record.breaker.good(now, permit.began, slow=slow)
            if slow:
                self._judge(record, now, others_stand)

    def failed(
        self, permit: Permit, ending: Ending, status: status_pb2.Status, others_stand: Callable[[], bool]
    ) -> None:
        """A call failed, and the target is to blame: theirs, or ours where it was not reached at all."""
        now = self._clock.monotonic()
        record = self.record(permit.target)
        record.note(None)
        record.last_error = status
        for each, probing in zip(permit.records, permit.probing, strict=True):
            breaker = each.breaker
            if probing and breaker.by_count and breaker.state(now) == "probing":
                breaker.probe_failed(now, breaker.why, self._dice)
                self._tell(each.name, "changed", "It was tried by one call, which failed.", breaker.until)
        if permit.began >= record.breaker.since and record.breaker.until is None:
            record.breaker.failed(now, ending)
            self._judge(record, now, others_stand)

    def refused(self, permit: Permit, status: status_pb2.Status) -> None:
        """A call failed because the target wants to be left alone, or cannot work: no failure of its own."""
        record = self.record(permit.target)
        record.note(None)
        record.last_error = status

    # What is done to targets

    def slow_down(self, permit: Permit, wanted_s: float | None, why: str) -> float:
        """The target asked this call to slow down, for `wanted_s` seconds or without saying how long; gives the end."""
        now = self._clock.monotonic()
        record = self.record(permit.target)
        until = record.pause.ask(now, wanted_s, permit.began, self._dice)
        record.pause.why = why
        self._watch(record)
        self._tell(record.name, "paused", f"It {why}.", until)
        return until

    def pause(self, target: str, until: float, why: str, *, shared: bool = False) -> None:
        """Leaves a target alone until a time on the monotonic clock; a pause that ends later stays."""
        now = self._clock.monotonic()
        if until <= now:
            return
        record = self.record(target)
        if record.pause.until is not None and record.pause.until >= until:
            return
        record.pause.hold(now, until - now)
        record.pause.why = why
        self._watch(record)
        self._tell(target, "paused", f"It {why}.", until, shared=shared)

    def eject(self, target: str, why: str, kind: str = "ejected", *, out_s: float | None = None) -> None:
        """Puts a target out: for `out_s` seconds because of a fact, or by the rules for counts. "fal" means a whole
        adapter.
        """
        now = self._clock.monotonic()
        record = self.record(target)
        breaker = record.breaker
        again = not breaker.by_count and breaker.until is not None
        if again and breaker.state(now) == "probing":
            breaker.probe_failed(now, why, self._dice)
        elif not again:
            breaker.put_out(now, why, self._dice, out_s=out_s)
            self._watch(record)
            self._tell(target, kind, f"It {why}.", breaker.until)

    def reset(self, target: str) -> None:
        """Forgets failures and pauses of a target, and of its adapter's account."""
        now = self._clock.monotonic()
        for name in (_account(target), target):
            record = self._records.get(name)
            if record is not None:
                was_in = record.standing(now).state is State.HEALTHY
                record.breaker.come_in(now)
                record.pause.end()
                record.last_error = None
                if not was_in:
                    self._tell(name, "returned", "It was reset by an operator.")
        self.make_room()

    def pace(self, pacing: Mapping[str, PacingSettings]) -> None:
        """Holds to other limits from now on, by adapter or target name."""
        named = {*self._pacing, *pacing}
        self._pacing = dict(pacing)
        for name in named | {name for name in self._records if _without_account(name) in named}:
            record = self.record(name)
            record.gate.pace(self._pacing_of(name))
            self._watch(record)
        self.make_room()

    def make_room(self) -> None:
        """Lets those who wait look again."""
        for callback in self._room_seekers:
            callback()

    def tell(self, target: str, kind: str, message: str) -> None:
        """Lets listeners know of something that concerns no single record."""
        self._tell(target, kind, message)

    def _heal(self, permit: Permit, now: float, *, slow: bool) -> None:
        """A success brings back what it was to try, and what failed too often before it began."""
        for record, probing in zip(permit.records, permit.probing, strict=True):
            breaker = record.breaker
            if breaker.until is None:
                if record.pause.until is not None and (probing or permit.began >= record.pause.until):
                    self._return(record)
            elif slow and probing and breaker.by_count:
                breaker.probe_failed(now, breaker.why, self._dice)
                self._tell(record.name, "changed", "It was tried by one call, which took too long.", breaker.until)
            elif probing or (permit.began >= breaker.since and not slow):
                self._return(record)

    def _return(self, record: Record) -> None:
        now = self._clock.monotonic()
        was_out = record.breaker.until is not None
        record.breaker.come_in(now)
        record.pause.end()
        record.gate.ramp(now)
        self._tell(record.name, "returned" if was_out else "changed", "It works again.")
        self.make_room()

    def _judge(self, record: Record, now: float, others_stand: Callable[[], bool]) -> None:
        breaker = record.breaker
        why = breaker.verdict(now, others_stand=True)
        if why and others_stand():
            breaker.put_out(now, why, self._dice)
            self._watch(record)
            self._tell(record.name, "ejected", f"It {why}.", breaker.until)

    def _watch(self, record: Record) -> None:
        self._watched[record.name] = record

    def _tell(self, target: str, kind: str, message: str, until: float | None = None, *, shared: bool = False) -> None:
        change = Change(target, kind, message, until, shared)
        for callback in self._listeners:
            callback(change)


def _account(target: str) -> str:
    """What the target's key belongs to: "fal", or "fal@team-b"."""
    return target.partition("/")[0]


def _without_account(name: str) -> str:
    """ "fal" of "fal@team-b", "fal/flux" of "fal@team-b/flux"; other names as they are."""
    scope, slash, provider_model = name.partition("/")
    return scope.partition("@")[0] + slash + provider_model
