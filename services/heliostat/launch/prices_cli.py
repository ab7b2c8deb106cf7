"""`heliostat prices`: shows price lists and takes in an operator's own. The kit is loaded for these commands alone."""

import argparse
from collections.abc import Callable
from pathlib import Path

# The folder of an installation, from the options given.
StateDir = Callable[[argparse.Namespace], Path]


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", state_dir: StateDir) -> None:
    """Adds `prices` to the command line."""
    prices = commands.add_parser("prices", help="show price lists, or take in your own").add_subparsers(
        required=True, metavar="do"
    )
    listed = prices.add_parser("list", help="every price with the day on which it was read")
    listed.add_argument("provider", nargs="?", default="", help="only this provider")
    listed.set_defaults(command=lambda given: _list(state_dir(given), given.provider))
    taken = prices.add_parser("import", help="check a price list, JSON or YAML, and keep it")
    taken.add_argument("file")
    taken.set_defaults(command=lambda given: _import(given.file, state_dir(given)))


def _list(state_dir: Path, provider: str) -> int:
    from heliostat.launch.price_lists import list_prices

    print(list_prices(state_dir, provider))
    return 0


def _import(file: str, state_dir: Path) -> int:
    from heliostat.launch.price_lists import import_prices

    print(import_prices(file, state_dir))
    return 0
