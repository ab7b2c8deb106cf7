"""Opens the emulated Stability AI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.stability.dialect import StabilityDialect
from heliostat.emulators.stability.endpoints import StabilityEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("stability", pictures, journal, StabilityDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, StabilityEndpoints(room, jobs).routes(), jobs.aclose)
