"""Opens the emulated Luma."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.luma.endpoints import DIALECT, LumaEndpoints
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("luma", pictures, journal, DIALECT)
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, LumaEndpoints(room, jobs).routes(), jobs.aclose)
