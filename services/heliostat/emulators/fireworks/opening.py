"""Opens the emulated Fireworks AI."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.fireworks.dialect import FireworksDialect
from heliostat.emulators.fireworks.endpoints import FireworksEndpoints
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("fireworks", pictures, journal, FireworksDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, FireworksEndpoints(room, jobs).routes(), jobs.aclose)
