"""Run the emulators alone: `python -m heliostat.emulators --port 8090`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

from heliostat.chassis.tether import end_with_starter
from heliostat.emulators.app import create_app
from heliostat.emulators.server import EmulatorServer
from heliostat.painting import Easel

DEFAULT_PORT = 8090


def read_arguments(words: list[str]) -> argparse.Namespace:
    """Read the command line; the port's default comes from HELIOSTAT_EMULATOR_PORT."""
    parser = argparse.ArgumentParser(prog="python -m heliostat.emulators", description=__doc__)
    usual = int(os.environ.get("HELIOSTAT_EMULATOR_PORT", DEFAULT_PORT))
    parser.add_argument("--port", type=int, default=usual, help="0 lets the system choose (default: %(default)s)")
    parser.add_argument("--job-seconds", type=float, default=0.15, help="how long a queued job takes")
    parser.add_argument("--openai-legacy", action="store_true", help="let OpenAI's retired models answer")
    return parser.parse_args(words)


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGINT or SIGTERM; one line on standard output says where."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    easel = Easel()
    app = create_app(easel, job_seconds=arguments.job_seconds, openai_legacy=arguments.openai_legacy)
    server = EmulatorServer(app, port=arguments.port)
    sys.stdout.write(f"listening {await server.start()}\n")
    sys.stdout.flush()
    # Whoever started this process still starts itself: the painter is at hand when the first picture is asked for.
    waking = asyncio.create_task(easel.wake())
    await stopped.wait()
    await server.stop()
    await asyncio.gather(waking, return_exceptions=True)
    await easel.aclose()


if __name__ == "__main__":
    end_with_starter()
    asyncio.run(serve(read_arguments(sys.argv[1:])))
