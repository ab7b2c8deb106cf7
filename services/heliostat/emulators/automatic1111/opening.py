"""Opens the emulated AUTOMATIC1111 web UI."""

from heliostat.emulators.automatic1111.dialect import Automatic1111Dialect
from heliostat.emulators.automatic1111.endpoints import Automatic1111Endpoints
from heliostat.emulators.automatic1111.studio import Gpu
from heliostat.emulators.exchange import Room
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the server up."""
    room = Room("automatic1111", pictures, journal, Automatic1111Dialect())
    return Provider(room, Automatic1111Endpoints(room, Gpu(options.job_seconds)).routes())
