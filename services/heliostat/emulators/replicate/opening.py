"""Opens the emulated Replicate."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider
from heliostat.emulators.replicate.dialect import ReplicateDialect
from heliostat.emulators.replicate.endpoints import ReplicateEndpoints


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("replicate", pictures, journal, ReplicateDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, ReplicateEndpoints(room, jobs).routes(), jobs.aclose)
