"""One measurement of one target: a load cell, a start, a crowd of requests in flight."""

import asyncio
from typing import Any

from benchmarks import proc
from benchmarks.bodies import expectation, split_model
from benchmarks.cells import LoadCell
from benchmarks.load import Job
from benchmarks.targets import Target
from benchmarks.worker_pipe import Worker

DRAIN_S = 30.0
FLIGHT_LIMIT_S = 60.0
ASK_MARGIN_S = 15.0
SETTLE_S = 1.0
FLIGHT_REQUESTS = 1000
PICTURE_REQUESTS = 64
WARM_UP = (("small", 8, 0.4), ("b1", 4, 0.0), ("b4", 2, 0.0))

Sample = dict[str, Any]


def job_for(target: Target, model: str, connections: int, seconds: float, limit_s: float) -> Job:
    """The load client's job for a target and a model of the mock."""
    split = split_model(model)
    if split is None:
        raise ValueError(f"the mock has no model {model!r}")
    request = target.plan.request(model)
    return Job(target.plan.port, request, connections, seconds, limit_s, expectation(split[0]))


async def carry_out(load: Worker, job: Job) -> Sample:
    """The load client's result of a job."""
    return await load.ask(job.message(), job.limit_s + ASK_MARGIN_S)


async def warm_up(load: Worker, target: Target) -> None:
    """A few answers of each body, so that no measured cell pays for first-time work."""
    for model, connections, seconds in WARM_UP:
        await carry_out(load, job_for(target, model, connections, seconds, DRAIN_S))


async def measure_load(load: Worker, target: Target, cell: LoadCell, seconds: float) -> Sample:
    """One load cell: the client's result, with `cpu_ms` per answered request and the tree's highest `peak_rss`.

    The CPU time spans the whole job, the last answers that are waited for included; None where a target has no
    process of its own, or answered nothing.
    """
    before = proc.cpu_seconds(target.roots)
    async with proc.PeakSampler(target.roots) as memory:
        sample = await carry_out(load, job_for(target, cell.model, cell.connections, seconds, seconds + DRAIN_S))
    cpu_s = proc.cpu_seconds(target.roots) - before
    measurable = bool(target.roots) and sample["requests"] > 0
    return {
        **sample,
        "cpu_ms": cpu_s * 1000 / sample["requests"] if measurable else None,
        "peak_rss": memory.rss,
    }


async def measure_idle(target: Target) -> Sample:
    """Start-up time to the first served answer, and memory a second later; nothing for a target without processes."""
    if not target.roots:
        return {}
    await asyncio.sleep(SETTLE_S)
    pids = proc.tree(target.roots)
    return {"start_s": target.start_s, "idle_rss": proc.rss_bytes(pids), "idle_pss": proc.pss_bytes(pids)}


async def measure_flight(load: Worker, target: Target) -> Sample:
    """1,000 requests sent at once to a provider that takes 2 s."""
    sample = await _crowd(load, target, "small", "small-d2000", FLIGHT_REQUESTS)
    return {f"flight_{name}": value for name, value in sample.items()}


async def measure_picture(load: Worker, target: Target) -> Sample:
    """64 answers of 2 MB in flight together: the provider sends them all at the same moment."""
    sample = await _crowd(load, target, "b1", "b1-d500", PICTURE_REQUESTS)
    return {f"picture_{name}": value for name, value in sample.items()}


async def _crowd(load: Worker, target: Target, warm_model: str, model: str, count: int) -> Sample:
    """Memory growth per request (bytes, proportional), seconds to the last answer, answers and errors."""
    await carry_out(load, job_for(target, warm_model, 1, 0.0, DRAIN_S))
    before = proc.pss_bytes(proc.tree(target.roots))
    async with proc.PeakSampler(target.roots, with_pss=True) as memory:
        sample = await carry_out(load, job_for(target, model, count, 0.0, FLIGHT_LIMIT_S))
    return {
        "bytes": (memory.pss - before) / count if target.roots else None,
        "peak_rss": memory.rss if target.roots else None,
        "last_s": sample["seconds"],
        "requests": sample["requests"],
        "errors": sample["errors"],
    }
