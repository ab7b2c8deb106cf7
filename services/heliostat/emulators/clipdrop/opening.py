"""Opens the emulated Clipdrop."""

from heliostat.emulators.clipdrop.endpoints import DIALECT, ClipdropEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("clipdrop", pictures, journal, DIALECT)
    return Provider(room, ClipdropEndpoints(room).routes())
