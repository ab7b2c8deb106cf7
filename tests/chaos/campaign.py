"""A campaign: many requests at a mesh of processes while its processes are killed, stopped and started again.

All that happens by chance follows from one number, the seed, which is printed: `SEED=… make chaos` does the same again
(what the machine's own timing adds is not repeated).
"""

import asyncio
import hashlib
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx

from heliostat.api.ledger.v1 import ledger_pb2
from heliostat.launch.supervisor import Supervisor
from tests.chaos.report import Report, report_of
from tests.support.checker import faults_of
from tests.support.evidence import Answer, Evidence
from tests.support.mesh import open_rows
from tests.support.processes import Installation, installed

SPARE_PRICE_MICROS = 2_000
_PATIENCE_S = 60.0
_TERMINAL_WITHIN_S = 60.0
_PARTS = ("adapter-fal", "ledger,router", "edge", "adapter-compat")

# What providers do to prompts with these words in them.
_LATE = {"match": {"prompt": "[late]"}, "delay_s": 0.8}
_LONG = {"path": "job", "match": {"prompt": "[long]"}, "delay_s": 1.5}
_BOUGHT_AND_CUT = {"match": {"prompt": "[cut]"}, "bill": True, "connection": "reset"}
_DOWN = {"match": {"prompt": "[down]"}, "status": 503}
_SCRIPT = [_LATE, _LONG, _BOUGHT_AND_CUT, _DOWN]
_MARKS = ("",) * 12 + ("[late]",) * 3 + ("[long]",) * 3 + ("[cut]", "[down]")


@dataclass(frozen=True)
class Plan:
    """What is done to the mesh."""

    seed: int
    request_count: int
    on_unknown: Literal["wait", "next"]
    requests_per_s: float = 15.0
    pause_s: tuple[float, float] = (1.5, 4.0)
    """Shortest and longest time between two blows."""
    blow_count: int | None = None
    """No more than so many blows, each only after the one before has been recovered from; None: until the end."""
    blows: tuple[str, ...] = ("kill",)
    """Of "kill" (SIGKILL), "stop" (SIGSTOP, then SIGCONT), "term" (SIGTERM) and "lock" (nobody can write to the
    database for some seconds)."""

    def routes(self) -> list[dict[str, Any]]:
        """A queue first and a plain server second, and the other way round."""
        queue, plain = "fal/fal-ai/flux/schnell", "compat/flux-schnell"
        return [
            {"model": name, "on_unknown": self.on_unknown, "targets": [_at(0, first), _at(1, second)]}
            for name, first, second in (("queue-first", queue, plain), ("plain-first", plain, queue))
        ]


def _at(priority: int, target: str) -> dict[str, Any]:
    return {"target": target, "priority": priority}


@dataclass
class Outcome:
    """What a campaign left: the evidence, the checker's findings and the figures."""

    evidence: Evidence
    faults: Sequence[str]
    report: Report


@dataclass
class _Tally:
    """What is counted meanwhile."""

    blows: Counter[str] = field(default_factory=Counter)
    ready_after_s: dict[str, list[float]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)
    answers: list[Answer] = field(default_factory=list)


async def run(plan: Plan, folder: Path, supervisor_type: type[Supervisor] = Supervisor) -> Outcome:
    """Runs one campaign in `folder`, an empty one; everything is stopped and checked when it returns."""
    dice = random.Random(plan.seed)
    tally = _Tally()
    over = {
        "router": {"routes": plan.routes(), "attempt_timeout_s": 12},
        "ledger": {"request_deadline_s": 30, "resume_deadline_s": 20},
        "adapters": {"compat": {"price_per_image_usd": SPARE_PRICE_MICROS / 1e6}},
        "mesh": {"drain_s": 5},
        "database": {"wait_s": 2},
    }
    prices = {"flux-schnell": SPARE_PRICE_MICROS}
    began = time.monotonic()
    async with installed(
        folder, over, job_seconds=0.15, compat_prices=prices, supervisor_type=supervisor_type, checked=False
    ) as mesh:
        for provider in ("fal", "compat"):
            await mesh.script(provider, *_SCRIPT)
        await _storm(mesh, plan, dice, tally)
        await mesh.ready(30)
        left = await _settled(mesh)
        mesh.facts["texts"] = {"metrics": (await mesh.http.get("/metrics")).content}
        mesh.facts["spans_may_be_lost"] = True
    assert mesh.left is not None
    evidence = replace(mesh.left, answers=tally.answers)
    report = report_of(evidence, asked=plan.request_count, open_after_s=left, took_s=time.monotonic() - began)
    report = replace(
        report,
        title=f"seed {plan.seed}, on_unknown {plan.on_unknown}, {'+'.join(plan.blows)}",
        blows=dict(tally.blows),
        slowest_ready_s={name: max(times) for name, times in tally.ready_after_s.items()},
        ends=dict(tally.ends),
    )
    return Outcome(evidence, faults_of(evidence), report)


async def _storm(mesh: Installation, plan: Plan, dice: random.Random, tally: _Tally) -> None:
    """Sends all requests while blows fall, and waits until every caller has had an end."""
    orders = [_order(plan, dice, number) for number in range(plan.request_count)]
    blows = asyncio.create_task(_blows(mesh, plan, random.Random(dice.random()), tally))
    callers = []
    try:
        for order in orders:
            callers.append(asyncio.create_task(_caller(mesh, order, tally)))
            await asyncio.sleep(1 / plan.requests_per_s)
        await asyncio.gather(*callers)
    finally:
        blows.cancel()
        await asyncio.gather(blows, return_exceptions=True)
        for pid in mesh.pids().values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@dataclass(frozen=True)
class _Order:
    body: Mapping[str, Any]
    key: str
    """Empty: the caller does not come back when the connection breaks."""
    leaves_after_s: float | None


def _order(plan: Plan, dice: random.Random, number: int) -> _Order:
    prompt = f"picture {number} of campaign {plan.seed} {dice.choice(_MARKS)}"
    body = {"model": dice.choice(("queue-first", "plain-first")), "prompt": prompt, "size": "256x256"}
    key = f"chaos-{plan.seed}-{number}" if dice.random() < 0.7 else ""
    return _Order(body, key, dice.uniform(0.05, 0.6) if dice.random() < 0.05 else None)


async def _caller(mesh: Installation, order: _Order, tally: _Tally) -> None:
    """One caller: sends its request; with a key it comes back with the same until it is told an end."""
    headers = {"Idempotency-Key": order.key} if order.key else {}
    ends = asyncio.get_running_loop().time() + _PATIENCE_S
    while True:
        answer = await _sent(mesh, order, headers)
        if answer is not None and (answer.status_code not in (429, 503) or _is_final(answer)):
            break
        if not order.key or order.leaves_after_s is not None or asyncio.get_running_loop().time() > ends:
            break
        pause_s = float(answer.headers.get("retry-after", 0.5)) if answer is not None else 0.5
        await asyncio.sleep(min(pause_s, 2.0))
    tally.ends[_end_of(answer)] += 1
    if answer is None or answer.status_code != 200:
        return
    request_id = answer.headers["x-heliostat-request-id"]
    tally.answers.append(Answer(200, request_id, picture_sha256=await _pictures(mesh, answer)))


def _end_of(answer: httpx.Response | None) -> str:
    """A caller's end in a word or three: the status, the error's code, whether asking again makes sense."""
    if answer is None:
        return "no answer"
    if answer.status_code < 400:
        return str(answer.status_code)
    code = answer.json().get("error", {}).get("code", "")
    return f"{answer.status_code} {code}{' (final)' if _is_final(answer) else ''}"


def _is_final(answer: httpx.Response) -> bool:
    """True where the same request would only be told the same again."""
    return answer.headers.get("x-should-retry") == "false"


async def _sent(mesh: Installation, order: _Order, headers: Mapping[str, str]) -> httpx.Response | None:
    try:
        async with asyncio.timeout(order.leaves_after_s):
            return await mesh.generate(headers, **order.body)
    except (httpx.TransportError, TimeoutError):
        return None


async def _pictures(mesh: Installation, answer: httpx.Response) -> tuple[bytes, ...]:
    """SHA-256 of the pictures behind an answer; nothing where the edge is down just now."""
    digests = []
    for entry in answer.json()["data"]:
        try:
            got = await mesh.http.get(entry["url"])
        except httpx.TransportError:
            continue
        if got.status_code == 200:
            digests.append(hashlib.sha256(got.content).digest())
    return tuple(digests)


async def _blows(mesh: Installation, plan: Plan, dice: random.Random, tally: _Tally) -> None:
    """One blow after the other, each part in turn, at random times, until it is cancelled."""
    watches: set[asyncio.Task[None]] = set()
    parts = list(_PARTS)
    try:
        while plan.blow_count is None or tally.blows.total() < plan.blow_count:
            dice.shuffle(parts)
            for name in parts[: plan.blow_count]:
                await asyncio.sleep(dice.uniform(*plan.pause_s))
                blow, stop_s = dice.choice(plan.blows), dice.uniform(0.5, 2.0)
                pid = mesh.mesh_of_processes.pid(name)
                child = mesh.mesh_of_processes.children[name]
                if not pid or child.ready != child.starts:
                    continue
                tally.blows[f"{blow} {name}"] += 1
                if blow == "lock":
                    await asyncio.to_thread(_lock, mesh.state_dir, 3 * stop_s)
                    continue
                if blow == "stop":
                    os.kill(pid, signal.SIGSTOP)
                    await asyncio.sleep(stop_s)
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)
                    continue
                if blow == "term":
                    os.kill(pid, signal.SIGTERM)
                    continue
                starts = mesh.kill(name)
                watches.add(asyncio.create_task(_back(mesh, name, starts, tally)))
                if plan.blow_count is not None:
                    await asyncio.wait(watches)
    finally:
        await asyncio.gather(*watches, return_exceptions=True)


def _lock(state_dir: Path, seconds: float) -> None:
    """Holds the database's one lock for writing; does nothing where a writer was faster for five seconds."""
    database = sqlite3.connect(state_dir / "heliostat.db", isolation_level=None)
    with closing(database) as connection, suppress(sqlite3.OperationalError):
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")


async def _back(mesh: Installation, name: str, starts: int, tally: _Tally) -> None:
    """Measures how long a killed part is away, to the moment when it says that it is ready."""
    began = time.monotonic()
    await mesh.mesh_of_processes.started_again(name, starts, 30)
    tally.ready_after_s.setdefault(name, []).append(time.monotonic() - began)


async def _settled(mesh: Installation) -> int:
    """Waits until nothing is open, and nothing unknown whose job can be asked for; gives how many rows are open."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_TERMINAL_WITHIN_S):
            while open_rows(mesh.state_dir) or unknown_jobs(mesh.state_dir):
                await asyncio.sleep(0.1)
    return open_rows(mesh.state_dir)


def unknown_jobs(state_dir: Path) -> int:
    """Attempts that nobody knows the end of although their provider can be asked for it."""
    with closing(sqlite3.connect(state_dir / "heliostat.db")) as connection:
        query = "SELECT count(*) FROM attempts WHERE state = ? AND provider_job_id != ''"
        return int(connection.execute(query, (ledger_pb2.ATTEMPT_STATE_UNKNOWN,)).fetchone()[0])
