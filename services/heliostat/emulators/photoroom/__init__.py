"""The emulated Photoroom."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.photoroom.endpoints import DIALECT, PhotoroomEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample

SAMPLE = Sample(path="/photoroom", model="v1/segment", key="sandbox_0123456789abcdef")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("photoroom", pictures, journal, DIALECT)
    return Provider(room, PhotoroomEndpoints(room).routes())
