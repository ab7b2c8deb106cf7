"""Opens the emulated Gemini API, with Vertex AI beside it."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.gemini.dialect import GeminiDialect
from heliostat.emulators.gemini.endpoints import GeminiEndpoints
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("gemini", pictures, journal, GeminiDialect())
    return Provider(room, GeminiEndpoints(room).routes())
