"""`heliostat console-password`: makes the hash that the console's login is checked against."""

import argparse
import getpass
import sys

HASH_VARIABLE = "HELIOSTAT_CONSOLE_PASSWORD_HASH"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds `console-password` to the command line."""
    told = "make the hash of a password for the console's login; it is asked for, or read from standard input"
    commands.add_parser("console-password", help=told).set_defaults(command=_hash)


def _hash(given: argparse.Namespace) -> int:
    from heliostat.console.passwords import hashed

    del given
    if sys.stdin.isatty():
        password = getpass.getpass("Password of the console: ")
        if getpass.getpass("Once more: ") != password:
            print("heliostat: The two are not the same; nothing was made.", file=sys.stderr)
            return 2
    else:
        password = sys.stdin.readline().rstrip("\n")
    print(hashed(password))
    return 0
