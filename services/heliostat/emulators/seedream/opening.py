"""Opens the emulated Ark of ByteDance, where Seedream and SeedEdit are."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.seedream.dialect import SeedreamDialect
from heliostat.emulators.seedream.endpoints import SeedreamEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("seedream", pictures, journal, SeedreamDialect())
    return Provider(room, SeedreamEndpoints(room).routes())
