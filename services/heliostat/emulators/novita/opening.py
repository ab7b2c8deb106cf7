"""Opens the emulated Novita AI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.novita.endpoints import DIALECT, NovitaEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("novita", pictures, journal, DIALECT)
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, NovitaEndpoints(room, jobs).routes(), jobs.aclose)
