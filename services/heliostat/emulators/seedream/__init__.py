"""The emulated Ark of ByteDance, where Seedream and SeedEdit are."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample
from heliostat.emulators.seedream.dialect import SeedreamDialect
from heliostat.emulators.seedream.endpoints import SeedreamEndpoints

SAMPLE = Sample(path="/seedream/api/v3", model="seedream-4-0-250828", key="ark-sandbox-0123456789")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("seedream", pictures, journal, SeedreamDialect())
    return Provider(room, SeedreamEndpoints(room).routes())
