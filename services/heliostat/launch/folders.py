"""Which folder and which file a command means."""

import argparse
import os
from pathlib import Path

from heliostat.chassis.settings import refused

DEFAULT_FILE = "heliostat.yaml"
_DEFAULT_STATE_DIR = ".heliostat"


def state_dir(name: str) -> Path:
    """Where an installation of a kind ("sandbox", "live", "mesh") keeps what it keeps."""
    return Path(os.environ.get("HELIOSTAT_STATE_DIR", "") or f"{_DEFAULT_STATE_DIR}/{name}")


def meant(given: argparse.Namespace) -> Path:
    """The folder of the installation that is meant: the named one, else one that runs, else the sandbox's."""
    if given.state_dir:
        return Path(given.state_dir)
    kinds = [state_dir(name) for name in ("sandbox", "live", "mesh")]
    running = (folder for folder in (Path(_DEFAULT_STATE_DIR), *kinds) if (folder / "admin.sock").exists())
    return next(running, kinds[0])


def configuration_file(named: str | None) -> str:
    """The file of the configuration that is meant. Raises INVALID_FIELD where none is named and there is none."""
    if named is None and Path(DEFAULT_FILE).is_file():
        return DEFAULT_FILE
    if named is None:
        raise refused(
            f"There is no {DEFAULT_FILE} here: name a file with --config, or try `heliostat serve --sandbox`, which "
            "needs none."
        )
    return named
