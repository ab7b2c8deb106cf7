"""What the traffic makes of a target. Time and chance are arguments."""

import random

import pytest
from google.rpc import status_pb2

from heliostat.chassis.clock import FakeClock
from heliostat.router.ejection import Ending
from heliostat.router.health import Change, Health
from heliostat.router.limits import allowance
from heliostat.router.record import Back, State
from heliostat.router.settings import HealthSettings, PacingSettings
from heliostat.router.table import target_of

_FAILED = status_pb2.Status(message="failed")
_RULES = HealthSettings(out_jitter=0.0)


class Ward:
    """Targets under observation, with a clock that stands still."""

    def __init__(self, rules: HealthSettings = _RULES, pacing: dict[str, PacingSettings] | None = None) -> None:
        self.clock = FakeClock()
        self.health = Health(rules, pacing, clock=self.clock, dice=random.Random(3))
        self.changes: list[Change] = []
        self.health.listen(self.changes.append)
        self.others_stand = True

    def call(self, good: bool, *, target: str = "a/x", ending: Ending = Ending.THEIRS, took_s: float = 1.0) -> bool:
        """One call, if it may be made; False where it may not."""
        permit = self.health.permit(target, self.clock.monotonic())
        if permit is None:
            return False
        if good:
            self.health.succeeded(permit, took_s, lambda: self.others_stand)
        else:
            self.health.failed(permit, ending, _FAILED, lambda: self.others_stand)
        permit.release()
        return True

    def calls(self, pattern: str, **fields: object) -> None:
        """One call per letter: + is good, - failed."""
        for letter in pattern:
            assert self.call(letter == "+", **fields)  # type: ignore[arg-type]

    def state(self, target: str = "a/x") -> State:
        """Where a target stands now."""
        return self.health.standing(target, self.clock.monotonic()).state

    @property
    def kinds(self) -> list[str]:
        """What was told, in order."""
        return [change.kind for change in self.changes]


@pytest.mark.parametrize(
    ("pattern", "state"),
    [
        ("----", State.HEALTHY),
        ("-----", State.EJECTED),
        ("----+----", State.EJECTED),  # 8 of 9 are more than half of at least 5
        ("++--", State.HEALTHY),
        ("++---", State.EJECTED),  # 3 of 5
        ("+++---+", State.HEALTHY),
        ("+++++++--", State.HEALTHY),  # 2 of 9: fewer than 10
        ("++++++++--", State.HEALTHY),  # 2 of 10 are not more than a fifth
        ("+++++++-+--", State.EJECTED),  # 3 of 11
    ],
)
def test_u42_failures_put_a_target_out(pattern: str, state: State) -> None:
    """5 in a row, or more than half of at least 5, or more than a fifth of at least 10, in 30 seconds."""
    ward = Ward()
    for letter in pattern:
        if not ward.call(letter == "+"):
            break
    assert ward.state() is state


def test_old_failures_are_forgotten() -> None:
    """What happened before the window says nothing of today."""
    ward = Ward()
    ward.calls("+---")
    ward.clock.advance(30.0)
    ward.calls("+---+")
    assert ward.state() is State.HEALTHY


def test_f09_the_last_one_standing_is_not_put_out_by_count() -> None:
    """A lone target that fails is still better than nobody."""
    ward = Ward()
    ward.others_stand = False
    ward.calls("-" * 50)
    assert ward.state() is State.HEALTHY
    ward.others_stand = True
    ward.calls("-")
    assert ward.state() is State.EJECTED


def test_f03_failures_to_connect_are_counted_apart() -> None:
    """Ours and theirs do not add up in a row; ours put a target out as well."""
    ward = Ward(HealthSettings(many_calls=100, some_calls=100))
    for _ in range(4):
        ward.calls("-", ending=Ending.OURS)
        ward.calls("-", ending=Ending.THEIRS)
    assert ward.state() is State.HEALTHY
    ward.calls("-", ending=Ending.THEIRS)
    assert ward.state() is State.EJECTED  # a row of theirs does not end with ours
    other = Ward()
    other.calls("-----", ending=Ending.OURS)
    standing = other.health.standing("a/x", 0.0)
    assert standing.state is State.EJECTED
    assert "could not be reached 5 times in a row" in standing.why


def test_a_failure_of_the_provider_ends_a_row_of_failures_to_connect() -> None:
    """Whoever answers with an error was reached."""
    ward = Ward(HealthSettings(many_calls=100, some_calls=100))
    ward.calls("----", ending=Ending.OURS)
    ward.calls("-", ending=Ending.THEIRS)
    ward.calls("----", ending=Ending.OURS)
    assert ward.state() is State.HEALTHY


def test_u42_ten_seconds_then_one_probe_then_a_ramp() -> None:
    """One call at a time tries it; its success brings it back, and calls at once double each second."""
    ward = Ward()
    ward.calls("-----")
    ward.clock.advance(9.9)
    assert not ward.call(True)
    ward.clock.advance(0.2)
    assert ward.state() is State.PROBING
    probe = ward.health.permit("a/x", ward.clock.monotonic())
    assert probe is not None
    assert ward.health.permit("a/x", ward.clock.monotonic()) is None
    ward.health.succeeded(probe, 1.0, lambda: True)
    probe.release()
    assert ward.state() is State.HEALTHY
    assert ward.kinds == ["ejected", "probing", "returned"]
    permits: list[object] = []
    at_once = []
    for _ in range(4):
        while (permit := ward.health.permit("a/x", ward.clock.monotonic())) is not None:
            permits.append(permit)
        at_once.append(len(permits))
        ward.clock.advance(1.0)
    assert at_once == [2, 4, 8, 16]


def test_u42_the_pause_doubles_after_twelve_failed_probes() -> None:
    """Ten seconds after each of twelve failed probes, then 20, 40 … up to 300."""
    ward = Ward()
    ward.calls("-----")
    spans = []
    for _ in range(19):
        standing = ward.health.standing("a/x", ward.clock.monotonic())
        assert standing.until is not None
        spans.append(round(standing.until - ward.clock.monotonic()))
        ward.clock.advance(standing.until - ward.clock.monotonic())
        assert ward.call(False)
    assert spans == [10] * 13 + [20, 40, 80, 160, 300, 300]
    assert ward.kinds.count("ejected") == 1


def test_the_time_out_is_shortened_by_chance() -> None:
    """Replicas that put a target out at one time do not come back at one time."""
    spans = set()
    for seed in range(20):
        clock = FakeClock()
        health = Health(clock=clock, dice=random.Random(seed))
        health.eject("a/x", "failed")
        until = health.standing("a/x", 0.0).until
        assert until is not None
        assert 9.0 <= until <= 10.0
        spans.add(until)
    assert len(spans) == 20


def test_calls_that_began_before_say_nothing() -> None:
    """A success that was under way when the target went out does not bring it back; nor does a failure count later."""
    ward = Ward()
    late = [ward.health.permit("a/x", 0.0) for _ in range(12)]
    ward.clock.advance(1.0)
    ward.calls("-----")
    for permit in late[:6]:
        assert permit is not None
        ward.health.succeeded(permit, 1.0, lambda: True)
        permit.release()
    assert ward.state() is State.EJECTED
    ward.clock.advance(10.0)
    ward.calls("+")
    for permit in late[6:]:
        assert permit is not None
        ward.health.failed(permit, Ending.THEIRS, _FAILED, lambda: True)
        permit.release()
    assert ward.state() is State.HEALTHY


def test_u41_slow_answers_count() -> None:
    """Beyond three times what 99 of 100 took, answers count like failures of a share, though nothing failed."""
    ward = Ward()
    ward.calls("+" * 30, took_s=2.0)
    ward.clock.advance(31.0)
    ward.calls("++", took_s=2.0)
    ward.calls("++", took_s=7.0)
    assert ward.state() is State.HEALTHY
    ward.calls("+", took_s=7.0)
    standing = ward.health.standing("a/x", ward.clock.monotonic())
    assert standing.state is State.EJECTED
    assert "slow in 3 of its last 5" in standing.why


def test_u41_a_slow_probe_does_not_heal_and_a_new_pace_is_learned() -> None:
    """A target that stays slow is tried now and then, until its new pace is the usual one."""
    ward = Ward()
    ward.calls("+" * 30, took_s=2.0)
    ward.calls("+" * 40, took_s=2.0)
    ward.clock.advance(31.0)
    ward.calls("+++++", took_s=9.0)
    probes = 0
    while ward.state() is not State.HEALTHY:
        standing = ward.health.standing("a/x", ward.clock.monotonic())
        ward.clock.advance((standing.until or 0.0) - ward.clock.monotonic())
        ward.calls("+", took_s=9.0)
        probes += 1
        assert probes < 60
    assert ward.clock.monotonic() > 300.0


@pytest.mark.parametrize(("target", "others"), [("a/x", State.HEALTHY), ("a", State.EJECTED)])
def test_f17_what_concerns_one_model_leaves_the_others_alone(target: str, others: State) -> None:
    """A model that is gone is out alone; a key that is refused takes out everything behind it."""
    ward = Ward()
    ward.health.eject(target, "refuses our key", "key_refused", out_s=600.0)
    assert ward.state("a/x") is State.EJECTED
    assert ward.state("a/y") is others
    assert ward.state("b/x") is State.HEALTHY
    hold = ward.health.hold("a/x", ward.clock.monotonic())
    assert hold is not None
    assert hold.back is Back.OUT
    assert ward.kinds == ["key_refused"]


def test_u17_an_account_comes_back_with_one_real_call() -> None:
    """After ten minutes one call of any of its targets tries it."""
    ward = Ward()
    ward.health.eject("a", "refuses our key", "key_refused", out_s=600.0)
    ward.clock.advance(600.0)
    first = ward.health.permit("a/x", ward.clock.monotonic())
    assert first is not None
    assert ward.health.permit("a/y", ward.clock.monotonic()) is None
    ward.health.succeeded(first, 1.0, lambda: True)
    first.release()
    assert ward.call(True, target="a/y")
    assert ward.kinds == ["key_refused", "probing", "returned"]


def test_an_operators_reset_forgets_everything() -> None:
    """Ejection, pause and account's ban end at once."""
    ward = Ward()
    ward.calls("-----")
    ward.health.pause("a/x", 50.0, "asked to slow down")
    ward.health.eject("a", "has no credit", "credit_exhausted", out_s=600.0)
    ward.health.reset("a/x")
    assert ward.call(True)


def test_f07_a_pause_told_by_another_replica_keeps_its_end() -> None:
    """It neither shortens a longer one nor is it told on as one's own."""
    ward = Ward()
    ward.health.pause("a/x", 20.0, "asked to slow down")
    ward.health.pause("a/x", 10.0, "asked to slow down", shared=True)
    ward.health.pause("a/y", 10.0, "asked to slow down", shared=True)
    assert ward.health.standing("a/x", 0.0).until == 20.0
    assert [(change.target, change.shared) for change in ward.changes] == [("a/x", False), ("a/y", True)]


def test_f08_one_failure_is_counted_once() -> None:
    """However many rooms hear of it, a call is one call."""
    ward = Ward()
    ward.calls("-", target="a/x")
    record = ward.health.seen("a/x")
    assert record is not None
    assert (record.consecutive_failures, record.success_ratio()) == (1, 0.0)


def test_f15_names_that_differ_by_case_are_two_targets() -> None:
    """Providers tell them apart, and so do we."""
    ward = Ward()
    ward.calls("-----", target="a/Model")
    assert ward.state("a/Model") is State.EJECTED
    assert ward.state("a/model") is State.HEALTHY


def test_calls_at_once_and_per_minute_are_held_to() -> None:
    """By target and by adapter, before the provider has to say so."""
    pacing = {"a": PacingSettings(at_once=2), "b/x": PacingSettings(per_minute=3)}
    ward = Ward(pacing=pacing)
    now = ward.clock.monotonic()
    one, two = ward.health.permit("a/x", now), ward.health.permit("a/y", now)
    assert one is not None
    assert two is not None
    assert ward.health.permit("a/z", now) is None
    one.release()
    one.release()
    assert ward.health.permit("a/z", now) is not None
    assert ward.health.permit("a/x", now) is None
    for _ in range(3):
        ward.calls("+", target="b/x")
        ward.clock.advance(10.0)
    hold = ward.health.hold("b/x", ward.clock.monotonic())
    assert hold is not None
    assert (hold.back, hold.until) == (Back.BUSY, 60.0)
    ward.clock.advance(30.0)
    ward.calls("+", target="b/x")


@pytest.mark.parametrize(
    ("durations", "share", "expected"),
    [([], 0.5, 0.0), ([3.0], 0.95, 3.0), ([1.0, 2.0, 3.0], 0.5, 2.0), ([float(n) for n in range(100)], 0.95, 95.0)],
)
def test_quantiles(durations: list[float], share: float, expected: float) -> None:
    """Of the successful calls only; 0 where there is none."""
    record = Health().record("a/x")
    for duration in durations:
        record.note(duration)
    record.note(None)
    assert record.quantile_s(share) == expected


def test_only_the_last_calls_count() -> None:
    """What happened long ago is forgotten, so that a mended target looks mended."""
    record = Health().record("a/x")
    for _ in range(500):
        record.note(None)
    for _ in range(200):
        record.note(1.0)
    assert record.success_ratio() == 1.0


def test_a_target_has_one_record() -> None:
    """Whatever route it is asked through."""
    health = Health()
    assert health.seen("a/x") is None
    assert health.record("a/x") is health.record("a/x") is health.seen("a/x")


@pytest.mark.parametrize(
    ("remaining_s", "target_s", "patient", "expected_s"),
    [
        (None, None, False, 180.0),
        (None, None, True, 300.0),
        (None, 20.0, False, 20.0),
        (None, 400.0, False, 300.0),
        (10.0, None, False, 9.8),
        (10.0, 4.0, True, 9.8),
        (1.0, None, False, 0.95),
    ],
)
def test_time_of_an_attempt(
    remaining_s: float | None, target_s: float | None, patient: bool, expected_s: float
) -> None:
    """The least of what the target, the router and the caller allow, less what the last word needs."""
    limits = allowance(FakeClock(), remaining_s, 300.0, 180.0, 3)
    assert limits.for_attempt_s(target_s, patient) == pytest.approx(expected_s)


def test_attempts_share_the_requests_time() -> None:
    """What the first one used up, the second one lacks."""
    clock = FakeClock()
    limits = allowance(clock, None, 300.0, 180.0, 3)
    clock.advance(180.0)
    assert limits.for_attempt_s(None, False) == 120.0
    clock.advance(121.0)
    assert limits.time_left_s() < 0


@pytest.mark.parametrize(("per_failure", "state"), [(1, State.EJECTED), (2, State.HEALTHY)])
def test_u42_calls_that_were_under_way_do_not_hide_an_outage(per_failure: int, state: State) -> None:
    """Good ends of calls that began before the failures end a row only where they outnumber it."""
    ward = Ward(HealthSettings(many_calls=100, some_calls=100))
    early = [ward.health.permit("a/x", 0.0) for _ in range(5 * per_failure)]
    ward.clock.advance(1.0)
    for _ in range(5):
        ward.calls("-")
        for _ in range(per_failure):
            permit = early.pop()
            assert permit is not None
            ward.health.succeeded(permit, 1.0, lambda: True)
            permit.release()
    assert ward.state() is state


def test_a_large_route_is_looked_through_while_targets_come_back() -> None:
    """Those that have recovered leave the list of the watched ones while it is read."""
    ward = Ward(HealthSettings(ramp_s=0.0))
    targets = [target_of(f"a/{number}") for number in range(100)]
    places = {target.name: place for place, target in enumerate(targets)}
    for target in targets[:20]:
        ward.health.pause(target.name, 1.0, "asked to slow down")
    ward.clock.advance(2.0)
    for target in targets[:20]:
        ward.calls("+", target=target.name)
    now = ward.clock.monotonic()
    found = [target for target in ward.health.concerned(targets, places) if ward.health.hold(target.name, now) is None]
    assert len(found) == 20
    assert ward.health.calm


def test_u41_answers_that_are_just_not_slow_do_not_raise_the_measure() -> None:
    """A target that gets slower bit by bit is measured by its old pace."""
    ward = Ward()
    ward.calls("+" * 100, took_s=2.0)
    ward.clock.advance(31.0)
    ward.calls("++", took_s=5.9)
    ward.calls("+++", took_s=6.1)
    assert ward.state() is State.EJECTED


def test_u17_a_slow_success_brings_an_account_back() -> None:
    """A key works or it does not; how fast its models are is another matter."""
    ward = Ward()
    ward.calls("+" * 30, took_s=2.0)
    ward.health.eject("a", "refuses our key", "key_refused", out_s=600.0)
    ward.clock.advance(600.0)
    ward.calls("+", took_s=30.0)
    assert ward.state() is State.HEALTHY
