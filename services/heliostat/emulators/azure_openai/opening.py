"""Opens the emulated Azure OpenAI."""

from heliostat.emulators.azure_openai.dialect import AzureDialect
from heliostat.emulators.azure_openai.endpoints import AzureEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("azure_openai", pictures, journal, AzureDialect())
    return Provider(room, AzureEndpoints(room).routes())
