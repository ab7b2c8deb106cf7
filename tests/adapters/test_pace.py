"""When a job is looked at: how late its end is found, and after how many looks. All in virtual time."""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from benchmarks.routing_sim.virtual_time import run as run_virtually
from heliostat.adapters.sdk import Answer, pace, polling
from heliostat.adapters.sdk.pace import Durations, Progress, Window, wait_s, window_of
from heliostat.api.image.v1 import reason_pb2 as reasons
from heliostat.api.image.v1 import request_pb2
from heliostat.chassis.errors import MeshError
from tests.adapters.virtual_jobs import DONE, RUNNING, Bench, Found, follow, minimum, share

Result = TypeVar("Result")
KNOWN = 10


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Runs in virtual time, beside the loop of the test."""
    return run_virtually(main)


async def series(durations: list[float], **how: Any) -> list[Found]:
    """One job after the other."""
    bench = Bench()
    return [await follow(bench, takes_s, **how) for takes_s in durations]


def drawn(spread_s: float, count: int = 300, mean_s: float = 10.0, seed: int = 3) -> list[float]:
    """How long jobs take, in seconds."""
    dice = random.Random(seed)
    return [max(0.05, dice.gauss(mean_s, spread_s)) for _ in range(count)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("spread_s", "tail_s"), [(0.5, 0.11), (1.0, 0.2)])
def test_ends_are_found_within_a_tenth_of_a_second_for_hardly_more_looks_than_must_be(
    spread_s: float, tail_s: float, seed: int
) -> None:
    """Jobs of 10 s, from the eleventh of their kind on: at most 1.2 times the minimum, as pace.py defines it."""
    durations = drawn(spread_s, seed=seed)
    found = run(series(durations))[KNOWN:]
    late = [each.late_s for each in found]
    assert sum(each.looks for each in found) / len(found) <= 1.2 * minimum(durations)
    assert share(late, 0.5) <= 0.07
    assert sum(late) / len(late) <= 0.1
    assert share(late, 0.95) <= tail_s


@pytest.mark.parametrize("spread_s", [0.0, 0.1, 0.25])
def test_jobs_that_all_take_as_long_cost_a_few_looks_beyond_the_minimum(spread_s: float) -> None:
    """Where one look would do, 1.2 times that cannot be held: there is an early one, and no margin is 0."""
    durations = drawn(spread_s)
    found = run(series(durations))[KNOWN:]
    late = [each.late_s for each in found]
    assert sum(each.looks for each in found) / len(found) <= minimum(durations) + 5
    assert share(late, 0.95) <= 0.11


@pytest.mark.parametrize("spread_s", [2.0, 3.0])
def test_jobs_that_differ_much_are_looked_at_no_more_than_others(spread_s: float) -> None:
    """Looks are further apart instead; the median stays below 0.2 s."""
    found = run(series(drawn(spread_s)))[KNOWN:]
    assert sum(each.looks for each in found) / len(found) <= 30
    assert share([each.late_s for each in found], 0.5) <= 0.2


def test_slow_answers_count_as_waits() -> None:
    """Answers that take 80 ms, there and back: looks stay a step apart, and the way back is added."""
    found = run(series(drawn(0.5), answering_s=0.08))[KNOWN:]
    late = [each.late_s for each in found]
    assert share(late, 0.5) <= 0.12
    assert share(late, 0.95) <= 0.2


def test_the_first_job_of_a_kind_cannot_be_known() -> None:
    """It is found as late as a third of its time, two seconds at most; the second one much better."""
    for takes_s in (0.3, 1.0, 3.0, 10.0, 60.0):
        first, second = run(series([takes_s, takes_s]))
        assert first.late_s <= min(0.35 * takes_s + 0.11, 2.2)
        assert first.looks <= 16 + takes_s / 2
        assert second.late_s <= max(0.11, takes_s / 60)


def test_progress_foretells_the_end_of_a_first_job() -> None:
    """A provider that tells per cents is believed where nothing else is known."""
    late = []
    for takes_s in (5.0, 10.0, 20.0, 40.0):
        (found,) = run(series([takes_s], percent=lambda now, takes_s=takes_s: min(100.0, 100 * now / takes_s)))
        late.append(found.late_s)
        assert found.looks <= 40
    assert max(late) <= 0.15


@pytest.mark.parametrize("percent", [0.0, 50.0, 99.0, 100.0, float("nan")])
def test_progress_that_stands_still_is_not_believed(percent: float) -> None:
    """The job is found as if nothing had been said."""
    (plain,) = run(series([10.0]))
    (told,) = run(series([10.0], percent=lambda now: percent))
    assert told == plain


def test_a_webhook_is_never_late() -> None:
    """And teaches when the job did end: the next one, without it, is found in time."""

    async def both() -> tuple[Found, Found]:
        bench = Bench()
        return await follow(bench, 10.0, webhook=True), await follow(bench, 10.0)

    called, polled = run(both())
    assert called.late_s == 0
    assert polled.late_s <= 0.2


def test_what_fails_early_is_told_early() -> None:
    """A refused prompt does not wait for the time that a picture takes."""

    async def late() -> Found:
        bench = Bench()
        for takes_s in drawn(0.5, count=30):
            await follow(bench, takes_s)
        return await follow(bench, 1.0)

    assert run(late()).late_s <= 0.5


@pytest.mark.parametrize("other_s", [4.0, 25.0])
def test_a_model_that_has_become_another_is_learned_anew(other_s: float) -> None:
    """After twenty jobs; until then no end is found later than two seconds or half of the time."""
    found = run(series([*drawn(0.3, count=60), *drawn(0.3, count=40, mean_s=other_s)]))[60:]
    assert max(each.late_s for each in found) <= max(2.2, 10.0 - other_s)
    assert share([each.late_s for each in found[20:]], 0.9) <= 0.5


def test_one_freak_does_not_make_everybody_looked_at() -> None:
    """A picture that the provider had at hand once."""
    durations = drawn(0.3, count=100)
    usual = run(series(durations))[60:]
    durations[55] = 0.2
    freak = run(series(durations))[60:]
    assert sum(each.looks for each in freak) <= 1.3 * sum(each.looks for each in usual)


def test_kinds_of_jobs_are_known_apart() -> None:
    """Four pictures take longer than one, and large ones longer than small ones."""
    large = request_pb2.Size(pixels=request_pb2.PixelSize(width_px=4096, height_px=4096))

    async def mixed() -> list[Found]:
        bench, found = Bench(), []
        for _ in range(20):
            found.append(await follow(bench, 3.0))
            found.append(await follow(bench, 9.0, image_count=4))
            found.append(await follow(bench, 20.0, size=large))
        return found[-3:]

    for each in run(mixed()):
        assert each.late_s <= 0.11
        assert each.looks <= 12


def test_a_job_that_is_gone_on_with_teaches_nothing() -> None:
    """Nobody knows how long it has run already."""

    async def resumed() -> tuple[object, object]:
        bench = Bench()
        call = bench.call()
        call.resume_provider_job_id = "job-1"
        async for _ in polling.poll(call, lambda: asyncio.sleep(0, DONE)):
            break
        return call.looked_s, bench.durations.window(call.kind)

    assert run(resumed()) == (None, None)


@pytest.mark.parametrize("retry_after_s", [None, 2.0])
def test_a_provider_that_refuses_looks_is_looked_at_less(retry_after_s: float | None) -> None:
    """It answers one look per second, over all jobs: refusals soon become rare."""

    async def limited() -> tuple[int, int]:
        bench, last, refusals = Bench(), [-10.0], [0]

        async def one_per_second(_: float) -> None:
            now = bench.clock.monotonic()
            if now - last[0] < 1.0:
                refusals[0] += 1
                raise MeshError(reasons.ERROR_REASON_RATE_LIMITED, "no", retry_after_s=retry_after_s)
            last[0] = now

        looks = 0
        for takes_s in drawn(0.5, count=30):
            looks += (await follow(bench, takes_s, before=one_per_second)).looks
        return looks, refusals[0]

    looks, refusals = run(limited())
    assert refusals <= 0.5 * looks
    assert looks <= 30 * 16


def test_looks_that_fail_become_rarer() -> None:
    """A provider that is down for ten seconds in the window is not asked a hundred times."""

    async def down() -> Found:
        bench = Bench()
        for takes_s in drawn(0.5, count=30):
            await follow(bench, takes_s)

        async def broken(now: float) -> None:
            if 8.0 < now < 18.0:
                raise MeshError(reasons.ERROR_REASON_PROVIDER_UNAVAILABLE, "no")

        return await follow(bench, 10.0, before=broken)

    assert run(down()).looks <= 20


def test_an_adapter_may_have_waits_of_its_own() -> None:
    """For a provider whose rule says how often it may be asked."""

    async def times() -> list[float]:
        bench = Bench()
        call, asked = bench.call(), []

        async def ask() -> Answer:
            asked.append(bench.clock.monotonic())
            return DONE if len(asked) == 4 else RUNNING

        async for answer in polling.poll(call, ask, first_s=10.0, longest_s=10.0):
            if answer is DONE:
                break
        assert call.looked_s is None
        return [after - before for before, after in zip([0.0, *asked], asked, strict=False)]

    assert all(9.0 <= each <= 11.0 for each in run(times()))


@pytest.mark.parametrize(
    ("durations", "window"),
    [
        ((), None),
        ((8.0,), Window(6.1, 10.0, 0.1)),
        ((0.1,), Window(0.175, 0.125, 0.1)),
        ((10.0,) * 50, Window(10.093, 10.007, 0.1)),
        ((10.0, 90.0), Window(-1.0, 124.58, 3.11)),
    ],
)
def test_windows(durations: tuple[float, ...], window: Window | None) -> None:
    """The margin shrinks with every job; a wide window has wide steps."""
    made = window_of(durations)
    if window is None or made is None:
        assert made is window
        return
    if window.begin_s >= 0:
        assert made == pytest.approx(window, abs=0.01)
    else:
        assert made.step_s == pytest.approx(window.step_s, abs=0.05)
        assert made.end_s == pytest.approx(window.end_s, abs=3)


def test_every_wait_is_a_wait() -> None:
    """Whatever is known and however long a job runs: more than nothing, and no longer than the longest."""
    dice = random.Random(5)
    for _ in range(5_000):
        window = window_of([dice.expovariate(0.1) for _ in range(dice.randrange(4))])
        foretold = dice.choice([None, dice.uniform(-10, 500)])
        seconds = wait_s(window, dice.expovariate(0.05), dice.random(), foretold)
        assert 0.04 < seconds <= max(1.1 * pace.LONGEST_S, 1.5 * pace.SELDOM_S, *(window or (0,)))


def test_what_is_remembered_has_a_bound() -> None:
    """Callers may make up any number of sizes."""
    durations = Durations()
    for place in range(3_000):
        durations.learn(("m", str(place)), 5.0, 4.9)
    known = sum(durations.window(("m", str(place))) != durations.window(("m",)) for place in range(3_000))
    assert durations.window(("m",)) is not None
    assert durations.window(("n", "1")) is None
    assert known <= 1_024


def test_progress_is_told_as_it_went() -> None:
    """Straight on from the first word to the last one; nothing after too little."""
    progress = Progress()
    assert progress.end() is None
    progress.told(10.0, 1.0)
    progress.told(15.0, 2.0)
    assert progress.end() is None
    progress.told(60.0, 6.0)
    progress.told(50.0, 7.0)
    assert progress.end() == pytest.approx(10.0)
