"""Opens the emulated Recraft."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.recraft.dialect import RecraftDialect
from heliostat.emulators.recraft.endpoints import RecraftEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up. Nothing is queued here."""
    room = Room("recraft", pictures, journal, RecraftDialect())
    return Provider(room, RecraftEndpoints(room).routes())
