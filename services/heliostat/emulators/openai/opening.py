"""Opens the emulated OpenAI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.openai.catalogue import catalogue
from heliostat.emulators.openai.endpoints import ImageEndpoints
from heliostat.emulators.openai.errors import OpenAIDialect
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("openai", pictures, journal, OpenAIDialect())
    return Provider(room, ImageEndpoints(room, catalogue(legacy=options.openai_legacy)).routes())
