"""The commands that need no running installation: each in a file of its own, and loaded only when it is given."""

import argparse

from heliostat.launch import doctor_cli, emulate_cli, import_cli, models_cli, verify_cli


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds them to the command line."""
    models_cli.add_commands(commands)
    emulate_cli.add_commands(commands)
    import_cli.add_commands(commands)
    doctor_cli.add_commands(commands)
    verify_cli.add_commands(commands)
