"""The checker has been seen to fail: on histories with one fault in them, and on builds that are broken on purpose."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heliostat.adapters.sdk.http import ProviderClient
from heliostat.api.image.v1 import event_pb2
from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.chassis import telemetry
from heliostat.chassis.blobs import Blobs
from heliostat.chassis.logs import get_logger
from heliostat.ledger import journal
from heliostat.ledger.attempt import RunningAttempt
from heliostat.ledger.callers import Callers
from heliostat.ledger.decisions import DecisionLog
from tests.support.checker import faults_of
from tests.support.collector import Span
from tests.support.evidence import Evidence, Row, gather
from tests.support.mesh import KEY, Mesh, mesh

ASKED = {"model": "flux-schnell", "prompt": "a lighthouse in the evening", "size": "256x256"}
ONE_FAULT = [{"path": "submit", "status": 503}, {"ok": True}]


def numbers(evidence: Evidence) -> set[str]:
    """The invariants that the checker reports."""
    return {fault.partition(":")[0] for fault in faults_of(evidence)}


async def day(folder: Path, **over: Any) -> Evidence:
    """Two requests, the first of which goes to the second provider; what they leave behind, unchecked."""
    async with mesh(folder, over=over, checked=False) as running:
        await running.script("fal", *ONE_FAULT)
        for _ in range(2):
            await running.generate(**ASKED)
        await asyncio.sleep(0)
    return left(running)


def left(running: Mesh) -> Evidence:
    """What a mesh that has stopped left behind."""
    assert running.left is not None
    return running.left


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A day on which nothing went wrong."""
    return asyncio.run(day(tmp_path_factory.mktemp("sound")))


def test_a_sound_history_has_no_fault(sound: Evidence) -> None:
    """And it has everything that is checked: rows, bills, pictures, answers, spans, texts."""
    assert faults_of(sound) == []
    assert len(sound.requests) == 2
    assert [row["state"] for row in sound.attempts.values()].count(ledger_pb2.ATTEMPT_STATE_SUCCEEDED) == 2
    assert len(sound.attempts) == 3
    assert sum(entry["cost_micros"] for entry in sound.submits) > 0
    assert len(sound.media) == len(sound.files or ()) == len(sound.answers) == 2
    assert sound.spans
    assert {"log", "metrics", "heliostat.db"} <= set(sound.texts)


Break = Callable[[Evidence], Evidence]


def delivered(evidence: Evidence) -> str:
    """The attempt that was billed."""
    return next(entry["attempt_id"] for entry in evidence.submits if entry["billed"])


def failed_over(evidence: Evidence) -> list[Row]:
    """The two attempts of the request that went to the second provider."""
    return next(rows for name in evidence.requests if len(rows := evidence.attempts_of(name)) == 2)


def with_request(evidence: Evidence, **changes: Any) -> Evidence:
    """One request's row says something else."""
    name, row = next(iter(evidence.requests.items()))
    return replace(evidence, requests={**evidence.requests, name: {**row, **changes}})


def with_attempt(evidence: Evidence, name: str, **changes: Any) -> Evidence:
    """One attempt's row says something else."""
    return replace(evidence, attempts={**evidence.attempts, name: {**evidence.attempts[name], **changes}})


def with_entry(evidence: Evidence, **changes: Any) -> Evidence:
    """The billed submit's entry says something else."""
    entries = [{**entry, **changes} if entry["billed"] else entry for entry in evidence.entries]
    return replace(evidence, entries=entries)


def without_picture_rows(evidence: Evidence) -> Evidence:
    """The ledger does not know the pictures that are kept."""
    return replace(evidence, media=[])


def asked_again(evidence: Evidence) -> Evidence:
    """The target that may have taken the request is asked once more; both attempts cost nothing."""
    first, second = failed_over(evidence)
    unknown = {"state": ledger_pb2.ATTEMPT_STATE_UNKNOWN, "outcome": event_pb2.OUTCOME_ACCEPTED, "decision": None}
    evidence = with_attempt(evidence, first["attempt_id"], **unknown)
    return with_attempt(evidence, second["attempt_id"], target=first["target"])


def side_by_side(evidence: Evidence) -> Evidence:
    """The second attempt began before the first one ended."""
    first, second = failed_over(evidence)
    return with_attempt(evidence, first["attempt_id"], end_time_us=second["start_time_us"] + 1)


def out_of_order(evidence: Evidence) -> Evidence:
    """The first attempt went to the provider that was second."""
    first, second = failed_over(evidence)
    return with_attempt(evidence, first["attempt_id"], target=second["target"])


def another_picture(evidence: Evidence) -> Evidence:
    """A caller got bytes that nobody kept."""
    answer = evidence.answers[-1]
    return replace(evidence, answers=[*evidence.answers, replace(answer, picture_sha256=(b"another",))])


def other_bytes(evidence: Evidence) -> Evidence:
    """Kept pictures are not what was delivered."""
    return replace(
        evidence,
        media=[{**row, "sha256": b"\0" * 32} for row in evidence.media],
    )


def overspent(evidence: Evidence) -> Evidence:
    """A day's budget of nearly nothing, and more was spent than one request above it."""
    limit = {"key_id": "", "window": "day", "limit_micros": 1}
    rows = {name: {**row, "reserved_micros": 50_000} for name, row in evidence.requests.items()}
    return replace(evidence, requests=rows, budgets=[limit])


def storm_of_retries(evidence: Evidence) -> Evidence:
    """Forty requests at once, each of which went to a second provider, all at the same time."""
    request = next(iter(evidence.requests.values()))
    attempt = next(iter(evidence.attempts.values()))
    requests, attempts = {}, {}
    for number in range(40):
        name = f"req_{number}"
        requests[name] = {**request, "request_id": name, "cost_micros": 0, "result": None}
        for ordinal in (1, 2):
            attempts[f"{name}/0/{ordinal}"] = {
                **attempt,
                "attempt_id": f"{name}/0/{ordinal}",
                "request_id": name,
                "state": ledger_pb2.ATTEMPT_STATE_FAILED_UNBILLED,
                "outcome": event_pb2.OUTCOME_REFUSED,
                "cost_micros": 0,
                "start_time_us": 1_000_000 * ordinal + number,
                "end_time_us": 1_000_000 * (ordinal + 1) if ordinal == 1 else 60_000_000,
                "target": f"provider/{ordinal}",
            }
    bare = Evidence(requests=requests, attempts=attempts, media=[])
    decision = event_pb2.Decision(route="m")
    decision.candidates.add(target="provider/1", weight=1)
    decision.candidates.add(target="provider/2", weight=1, priority=1)
    decided = {
        name: {**row, "decision": decision.SerializeToString()} if name.endswith("1") else {**row, "decision": None}
        for name, row in attempts.items()
    }
    return replace(bare, attempts=decided)


def without_span(evidence: Evidence) -> Evidence:
    """An attempt left no span."""
    name = delivered(evidence)
    kept = [span for span in evidence.spans or () if span.attributes.get(telemetry.ATTEMPT_ID) != name]
    return replace(evidence, spans=kept)


def second_trace(evidence: Evidence) -> Evidence:
    """A request began a second trace."""
    name = next(iter(evidence.requests))
    stray = Span("x", "f" * 32, "1" * 16, "", "generate flux-schnell", {telemetry.REQUEST_ID: name})
    return replace(evidence, spans=[*(evidence.spans or ()), stray])


HISTORIES: dict[str, tuple[str, Break]] = {
    "a request without an end": ("I1", lambda e: with_request(e, state=ledger_pb2.REQUEST_STATE_RUNNING)),
    "an end that came too late": ("I1", lambda e: with_request(e, end_time_us=e.deadline_s * 1e6 + 10**18)),
    "an answer without a row": ("I1", lambda e: replace(e, answers=[replace(e.answers[0], request_id="req_0")])),
    "an attempt without an end": ("I1", lambda e: with_attempt(e, delivered(e), state=ledger_pb2.ATTEMPT_STATE_OPEN)),
    "an end that can be undone": ("I2", lambda e: replace(e, changeable=["requests req_0"])),
    "a sum that is wrong": ("I3", lambda e: with_request(e, cost_micros=1)),
    "a bill that is higher": ("I3", lambda e: with_entry(e, cost_micros=99_999)),
    "a cost that nobody billed": ("I3", lambda e: with_entry(e, billed=False)),
    "a purchase before its intent": ("I4", lambda e: with_entry(e, time_unix=0.0)),
    "a purchase without an intent": (
        "I4",
        lambda e: replace(e, entries=[*e.entries, {**e.submits[0], "attempt_id": "req_0/0/1"}]),
    ),
    "an attempt billed twice": (
        "I5",
        lambda e: replace(e, entries=[*e.entries, *({**each, "cost_micros": 0} for each in e.submits)]),
    ),
    "a target asked again": ("I5", asked_again),
    "pictures of no request": ("I6", without_picture_rows),
    "a picture that is gone": ("I7", lambda e: replace(e, files={"another": next(iter((e.files or {}).values()))})),
    "a picture with other bytes": ("I7", other_bytes),
    "a picture that only the caller has": ("I7", another_picture),
    "attempts side by side": ("I8", side_by_side),
    "a key in a log": ("I10", lambda e: replace(e, texts={**e.texts, "log": KEY.encode()})),
    "a prompt in an error": ("I10", lambda e: replace(e, texts={**e.texts, "error 1": ASKED["prompt"].encode()})),
    "a connection to a stranger": ("I11", lambda e: replace(e, strangers=["192.0.2.1:443"])),
    "more spent than allowed": ("I12", overspent),
    "a storm of retries": ("I13", storm_of_retries),
    "a file that nobody needs": ("I14", lambda e: replace(e, leftovers=["file inputs/x#1"])),
    "descriptors that stay open": ("I14", lambda e: replace(e, descriptors={"edge": (30, 60)})),
    "an attempt without a span": ("I15", without_span),
    "a second trace": ("I15", second_trace),
    "a choice that does not follow": ("I16", out_of_order),
}
# What one fault also breaks: a purchase without a bill has no picture to keep, and so on.
_FOLLOWS = {
    "a picture that is gone": {"I6"},
    "pictures of no request": {"I7"},
    "more spent than allowed": {"I3"},
    "a target asked again": {"I16"},
    "a bill that is higher": {"I6"},
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_with_one_fault_is_reported(name: str, sound: Evidence) -> None:
    """Each invariant is reported under its own number, and no other is but what follows from it."""
    number, broken = HISTORIES[name]
    found = numbers(broken(sound))
    assert number in found
    assert found - {number} <= _FOLLOWS.get(name, set())


class Nothing:
    """A statement that is not executed."""

    def run(self, *_: Any) -> None:
        """Does nothing."""


def forget_ends(patch: pytest.MonkeyPatch) -> None:
    """The commit of a request's end is skipped."""

    def end(self: Any, *_: Any) -> "asyncio.Future[None]":
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    patch.setattr(journal.Journal, "end", end)


def forget_intents(patch: pytest.MonkeyPatch) -> None:
    """The commit of an attempt's intent is skipped."""
    patch.setattr(journal, "_OPEN_ATTEMPT", Nothing())


def forget_costs(patch: pytest.MonkeyPatch) -> None:
    """What an attempt cost is not written down."""
    sound = RunningAttempt.ending
    patch.setattr(RunningAttempt, "ending", lambda self, time_us: {**sound(self, time_us), "cost_micros": 0})


def buy_twice(patch: pytest.MonkeyPatch) -> None:
    """Every submit is sent twice."""
    sound = ProviderClient.send

    async def send(self: Any, *words: Any, phase: str, **more: Any) -> Any:
        if phase == "submit":
            await sound(self, *words, phase=phase, **more)
        return await sound(self, *words, phase=phase, **more)

    patch.setattr(ProviderClient, "send", send)


def keep_nothing(patch: pytest.MonkeyPatch) -> None:
    """Pictures are told to be kept, and are not."""

    async def put(self: Any, *_: Any) -> None:
        return

    patch.setattr(Blobs, "put", put)


def tell_keys(patch: pytest.MonkeyPatch) -> None:
    """The log says who the caller is, with the caller's key."""
    sound = Callers.identify

    async def identify(self: Any, authorization: str) -> Any:
        get_logger("heliostat.ledger").info("a caller came", authorization=authorization)
        return await sound(self, authorization)

    patch.setattr(Callers, "identify", identify)


def lose_traces(patch: pytest.MonkeyPatch) -> None:
    """A run does not go on with its caller's trace."""
    patch.setattr(telemetry, "continue_trace", lambda _: None)


def tell_another_choice(patch: pytest.MonkeyPatch) -> None:
    """The decision that is kept has the priorities the other way round."""
    sound = DecisionLog.keep

    def keep(self: Any, started: event_pb2.AttemptStarted) -> bytes | None:
        for candidate in started.decision.candidates:
            candidate.priority = -candidate.priority
        return sound(self, started)

    patch.setattr(DecisionLog, "keep", keep)


BUILDS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    build.__name__: (number, build)
    for number, build in (
        ("I1", forget_ends),
        ("I3", forget_costs),
        ("I4", forget_intents),
        ("I5", buy_twice),
        ("I7", keep_nothing),
        ("I10", tell_keys),
        ("I15", lose_traces),
        ("I16", tell_another_choice),
    )
}


@pytest.mark.parametrize("name", BUILDS)
async def test_a_broken_build_is_reported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole mesh with one function of it replaced by a wrong one: its invariant is reported."""
    number, build = BUILDS[name]
    build(monkeypatch)
    assert number in numbers(await day(tmp_path))


async def test_a_database_without_triggers_is_reported(tmp_path: Path) -> None:
    """I2 is tried on the database itself: without its triggers it lets ends be undone."""
    evidence = await day(tmp_path)
    assert numbers(evidence) == set()
    with closing(sqlite3.connect(tmp_path / "state" / "heliostat.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            connection.execute(f"DROP TRIGGER {name}")
        connection.commit()
    assert numbers(gather(tmp_path / "state", evidence.entries)) == {"I2"}


async def test_a_forgotten_input_is_reported(tmp_path: Path) -> None:
    """I14 looks at the store itself: a file that no row tells of is left behind."""
    evidence = await day(tmp_path)
    stray = tmp_path / "state" / "blobs" / "inputs" / "stray"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x")
    assert numbers(gather(tmp_path / "state", evidence.entries)) == {"I14"}
