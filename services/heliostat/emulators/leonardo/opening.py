"""Opens the emulated Leonardo.Ai."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.leonardo.endpoints import DIALECT, LeonardoEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("leonardo", pictures, journal, DIALECT)
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, LeonardoEndpoints(room, jobs).routes(), jobs.aclose)
