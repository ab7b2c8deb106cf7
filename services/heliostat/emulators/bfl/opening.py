"""Opens the emulated Black Forest Labs."""

from heliostat.emulators.bfl.dialect import BflDialect
from heliostat.emulators.bfl.endpoints import BflEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("bfl", pictures, journal, BflDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, BflEndpoints(room, jobs).routes(), jobs.aclose)
