"""Opens the emulated Cloudflare Workers AI."""

from heliostat.emulators.cloudflare.endpoints import DIALECT, CloudflareEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("cloudflare", pictures, journal, DIALECT)
    return Provider(room, CloudflareEndpoints(room).routes())
