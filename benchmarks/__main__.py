"""`python -m benchmarks`: measure Heliostat and its peers, print the tables, keep them under `benchmarks/results/`."""

import argparse
import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cells import ALL_CELLS, QUICK_CELLS, chosen
from benchmarks.machine import machine
from benchmarks.report import markdown
from benchmarks.run import Options, Outcome, Run
from benchmarks.summary import summarize
from benchmarks.targets import OURS, PLANS

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
CACHE = ROOT / ".heliostat" / "bench"
RUN_LIMIT_S = 30 * 60
MAX_ROUNDS = 20
MAX_SECONDS = 30.0


def parse(argv: list[str]) -> Options:
    """The options of a run; a wrong one ends the program with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds over all cells (3; quick: 1)")
    parser.add_argument("--seconds", type=float, help="seconds per load cell (1.5; quick: 1)")
    parser.add_argument("--targets", default=",".join(PLANS), help=f"some of {','.join(PLANS)}")
    parser.add_argument("--cells", help=f"some of {','.join(ALL_CELLS)}, or their beginnings: small, b1, b4")
    parser.add_argument("--quick", action="store_true", help="one round of the concurrency-16 cells")
    given = parser.parse_args(argv)
    targets = [name.strip() for name in given.targets.split(",") if name.strip()]
    if unknown := [name for name in targets if name not in PLANS]:
        parser.error(f"no target is called {unknown[0]!r}; there are: {', '.join(PLANS)}")
    try:
        cells = chosen(given.cells) if given.cells else QUICK_CELLS if given.quick else ALL_CELLS
    except ValueError as error:
        parser.error(str(error))
    rounds = given.rounds if given.rounds is not None else 1 if given.quick else 3
    seconds = given.seconds if given.seconds is not None else 1.0 if given.quick else 1.5
    if not (1 <= rounds <= MAX_ROUNDS and 0 < seconds <= MAX_SECONDS):
        parser.error(f"rounds go from 1 to {MAX_ROUNDS}, seconds from 0 (excluded) to {MAX_SECONDS:.0f}")
    return Options(targets, cells, rounds, seconds, CACHE)


async def measure(options: Options) -> Outcome:
    """The whole run, ended by force after half an hour; a termination signal ends it in order, as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(RUN_LIMIT_S), Run.prepared(options) as run:
        return await run.measure()


def main() -> int:
    """Exit status 0; 1 when one of our own targets did not serve, failed a request or changed an answer."""
    options = parse(sys.argv[1:])
    started = time.perf_counter()
    try:
        outcome = asyncio.run(measure(options))
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("ended before the run was over; nothing was written", file=sys.stderr)
        return 130
    summary = summarize(outcome)
    result = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "options": {**asdict(options), "cache": CACHE.relative_to(ROOT).as_posix()},
        "took_s": time.perf_counter() - started,
        "absent": outcome.absent,
        "summary": summary,
        "load": outcome.load,
        "life": outcome.life,
    }
    text = markdown(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "latest.md").write_text(text)
    print(text)
    ours_failed = set(OURS) & set(outcome.absent) or any(fault.startswith(OURS) for fault in summary["faults"])
    return 1 if ours_failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
