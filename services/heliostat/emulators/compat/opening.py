"""Opens the emulated self-hosted server."""

from heliostat.emulators.compat.dialect import CompatDialect
from heliostat.emulators.compat.endpoints import CompatEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("compat", pictures, journal, CompatDialect())
    return Provider(room, CompatEndpoints(room, dict(options.compat_prices_micros)).routes())
