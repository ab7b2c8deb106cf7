"""Opens the emulated Ideogram."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.ideogram.dialect import IdeogramDialect
from heliostat.emulators.ideogram.endpoints import IdeogramEndpoints
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("ideogram", pictures, journal, IdeogramDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, IdeogramEndpoints(room, jobs).routes(), jobs.aclose)
