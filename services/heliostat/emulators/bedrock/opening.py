"""Opens the emulated Amazon Bedrock."""

from heliostat.emulators.bedrock.dialect import BedrockDialect
from heliostat.emulators.bedrock.endpoints import BedrockEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("bedrock", pictures, journal, BedrockDialect())
    return Provider(room, BedrockEndpoints(room).routes())
