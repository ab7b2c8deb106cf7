"""`python -m heliostat.launch`, and the command `heliostat`.

Loads nothing by itself: the worker processes of a pool import what their parent was started as.
"""

import sys


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; gives the exit code."""
    from heliostat.launch import command_line

    return command_line.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
