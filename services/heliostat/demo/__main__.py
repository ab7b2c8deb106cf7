"""Plays the story: `python -m heliostat.demo`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from heliostat.demo.client import Application
from heliostat.demo.contact_sheet import draw_sheet
from heliostat.demo.desk import Bills, Controls
from heliostat.demo.sandbox_process import SandboxProcess
from heliostat.demo.story import Story, Waits
from heliostat.demo.terminal import Terminal

QUICK = Waits(retry_after=1, slow=6, timeout=2)


def read_arguments(words: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".heliostat/demo"), help="for its state and its pictures")
    parser.add_argument("--sheet", type=Path, help="where the contact sheet goes (default: in the folder)")
    parser.add_argument("--quick", action="store_true", help="no pauses for reading, shorter waits")
    return parser.parse_args(words)


async def perform(terminal: Terminal, folder: Path, sheet: Path, waits: Waits) -> Bills:
    """Starts a sandbox, plays the story, draws the sheet, ends the sandbox. Gives both bills."""
    sandbox = SandboxProcess(folder / "state")
    terminal.line()
    terminal.line(f" {terminal.styled('☀  Heliostat', 'title')}  starts a sandbox of its own …")
    await sandbox.start()
    application, controls = Application(sandbox.url, sandbox.key), Controls(sandbox.door)
    try:
        terminal.line(
            f"    {terminal.styled(f'providers are emulated; watch along at {sandbox.console_url}', 'quiet')}"
        )
        story = Story(application, controls, terminal, waits)
        bills = await story.play()
        await asyncio.to_thread(draw_sheet, story.frames, bills, sheet)
    finally:
        await application.close()
        await controls.close()
        await sandbox.stop()
    terminal.line()
    terminal.line(f"    Contact sheet   {sheet}")
    terminal.line(f"    {terminal.styled('Now yours: make run', 'bold')}")
    terminal.line()
    return bills


def main(words: list[str] | None = None) -> int:
    """Plays it; gives the exit code."""
    given = read_arguments(words)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    terminal = Terminal(pace=0.0 if given.quick else 1.0, colour=colour)
    sheet = given.sheet or given.folder / "contact_sheet.png"
    try:
        asyncio.run(perform(terminal, given.folder, sheet, QUICK if given.quick else Waits()))
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
