"""The emulated DeepInfra."""

from heliostat.emulators.deepinfra.endpoints import NATIVE, DeepinfraEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample

SAMPLE = Sample(path="/deepinfra", model="black-forest-labs/FLUX-1-schnell", key="deepinfra-sandbox-0123456789")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("deepinfra", pictures, journal, NATIVE)
    return Provider(room, DeepinfraEndpoints(room).routes())
