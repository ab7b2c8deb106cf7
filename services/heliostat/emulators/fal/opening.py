"""Opens the emulated fal."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.fal.dialect import FalDialect
from heliostat.emulators.fal.endpoints import QueueEndpoints
from heliostat.emulators.fal.webhooks import Webhooks
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("fal", pictures, journal, FalDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, QueueEndpoints(room, jobs, Webhooks(room)).routes(), jobs.aclose)
