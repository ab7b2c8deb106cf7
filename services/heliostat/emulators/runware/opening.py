"""Opens the emulated Runware."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.runware.dialect import RunwareDialect
from heliostat.emulators.runware.endpoints import RunwareEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("runware", pictures, journal, RunwareDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, RunwareEndpoints(room, jobs).routes(), jobs.aclose)
