"""The commands that need no running installation: each in a file of its own, and loaded only when it is given."""

import argparse

from heliostat.launch import doctor_cli, emulate_cli, import_cli, models_cli, verify_cli
from heliostat.launch.prices_cli import StateDir


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", state_dir: StateDir) -> None:
    """Adds them to the command line; `state_dir` gives the folder of the installation that is meant."""
    models_cli.add_commands(commands)
    emulate_cli.add_commands(commands)
    import_cli.add_commands(commands)
    doctor_cli.add_commands(commands, state_dir)
    verify_cli.add_commands(commands, state_dir)
