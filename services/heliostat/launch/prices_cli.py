"""`heliostat prices`: shows price lists and takes in an operator's own. The kit is loaded for these commands alone."""

import argparse
from pathlib import Path

from heliostat.launch import folders


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `prices` to the command line."""
    prices = commands.add_parser("prices", help="show price lists, or take in your own").add_subparsers(
        required=True, metavar="do"
    )
    listed = prices.add_parser("list", help="every price with the day on which it was read")
    listed.add_argument("provider", nargs="?", default="", help="only this provider")
    listed.set_defaults(command=lambda given: _list(folders.meant(given), given.provider))
    taken = prices.add_parser("import", help="check a price list, JSON or YAML, and keep it")
    taken.add_argument("file")
    taken.set_defaults(command=lambda given: _import(given.file, folders.meant(given)))


def _list(state_dir: Path, provider: str) -> int:
    from heliostat.launch.price_lists import list_prices

    print(list_prices(state_dir, provider))
    return 0


def _import(file: str, state_dir: Path) -> int:
    from heliostat.launch.price_lists import import_prices

    print(import_prices(file, state_dir))
    return 0
