"""Opens the emulated DeepInfra."""

from heliostat.emulators.deepinfra.endpoints import NATIVE, DeepinfraEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("deepinfra", pictures, journal, NATIVE)
    return Provider(room, DeepinfraEndpoints(room).routes())
