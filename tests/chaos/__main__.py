"""Long campaigns: `python -m tests.chaos --minutes 10 [--seed N] [--requests 1000]`, or `make chaos MINUTES=10`.

Campaigns with `on_unknown: wait` and `next` take turns until the time is over. Each prints its seed before it begins
and its figures when it ends; the exit code is 1 as soon as an invariant did not hold.
"""

import argparse
import asyncio
import logging
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.campaign import Outcome, Plan, run
from tests.chaos.verdict import complaints

_BLOWS = ("kill", "kill", "kill", "stop", "term", "lock")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10, help="no campaign begins after them (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=None, help="begin with this one; the next ones follow from it")
    parser.add_argument("--requests", type=int, default=1000, help="requests per campaign (default: %(default)s)")
    parser.add_argument("--only", choices=("wait", "next"), help="one kind of campaign instead of both in turn")
    parser.add_argument("--kills-only", action="store_true", help="kill -9 and nothing else")
    parser.add_argument("--keep", default="", help="a folder for what each campaign leaves behind")
    return parser.parse_args()


def _sockets(folder: str, names: list[str]) -> list[str]:
    """What cannot be copied."""
    return [name for name in names if (Path(folder) / name).is_socket()]


def main() -> int:
    """Runs campaigns; gives the exit code."""
    given = _arguments()
    logging.getLogger("heliostat").setLevel(logging.ERROR)
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    ends = time.monotonic() + 60 * given.minutes
    number, bad = 0, 0
    while number == 0 or time.monotonic() < ends:
        on_unknown = given.only or ("wait", "next")[number % 2]
        plan = Plan(
            seed + number,
            given.requests,
            on_unknown,
            blows=("kill",) if given.kills_only else _BLOWS,
        )
        print(f"campaign {number + 1}: SEED={plan.seed} on_unknown={on_unknown}", flush=True)
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            outcome = asyncio.run(run(plan, Path(folder)))
            if given.keep:
                shutil.copytree(folder, Path(given.keep) / f"seed-{plan.seed}", symlinks=True, ignore=_sockets)
        bad += _told(outcome, on_unknown)
        number += 1
    return 1 if bad else 0


def _told(outcome: Outcome, on_unknown: str) -> int:
    """Prints a campaign's figures and what is wrong with them; gives how much that is."""
    print(outcome.report, flush=True)
    wrong = complaints(outcome, on_unknown)
    for each in wrong:
        print(f"  WRONG {each}", flush=True)
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
