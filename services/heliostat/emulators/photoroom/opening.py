"""Opens the emulated Photoroom."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.photoroom.endpoints import DIALECT, PhotoroomEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("photoroom", pictures, journal, DIALECT)
    return Provider(room, PhotoroomEndpoints(room).routes())
