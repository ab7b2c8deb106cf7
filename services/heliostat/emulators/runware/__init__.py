"""The emulated Runware."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample
from heliostat.emulators.runware.dialect import RunwareDialect
from heliostat.emulators.runware.endpoints import RunwareEndpoints

SAMPLE = Sample(path="/runware/v1", model="runware:100@1", key="sandbox-0123456789")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("runware", pictures, journal, RunwareDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, RunwareEndpoints(room, jobs).routes(), jobs.aclose)
