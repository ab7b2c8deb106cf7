"""The emulated Together AI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample
from heliostat.emulators.together.dialect import TogetherDialect
from heliostat.emulators.together.endpoints import TogetherEndpoints

SAMPLE = Sample(path="/together/v1", model="black-forest-labs/FLUX.1-schnell", key="tgp-sandbox-0123456789")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("together", pictures, journal, TogetherDialect())
    return Provider(room, TogetherEndpoints(room).routes())
