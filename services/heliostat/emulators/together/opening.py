"""Opens the emulated Together AI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.together.dialect import TogetherDialect
from heliostat.emulators.together.endpoints import TogetherEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("together", pictures, journal, TogetherDialect())
    return Provider(room, TogetherEndpoints(room).routes())
