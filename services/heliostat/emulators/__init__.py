"""The providers' HTTP APIs on loopback: real dialects, scripted faults, a journal of what was asked and billed."""

from heliostat.emulators.app import create_app
from heliostat.emulators.server import EmulatorServer

__all__ = ["EmulatorServer", "create_app"]
