"""Opens the emulated Segmind."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.segmind.endpoints import DIALECT, SegmindEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("segmind", pictures, journal, DIALECT)
    return Provider(room, SegmindEndpoints(room).routes())
