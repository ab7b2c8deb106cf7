"""Opens the emulated xAI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.xai.dialect import XaiDialect
from heliostat.emulators.xai.endpoints import XaiEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("xai", pictures, journal, XaiDialect())
    return Provider(room, XaiEndpoints(room).routes())
