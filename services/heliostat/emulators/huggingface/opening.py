"""Opens the emulated Hugging Face: its router, its Hub, and the providers behind the router."""

from heliostat.emulators.exchange import Room
from heliostat.emulators.huggingface.dialect import HuggingFaceDialect
from heliostat.emulators.huggingface.endpoints import HuggingFaceEndpoints
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("huggingface", pictures, journal, HuggingFaceDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, HuggingFaceEndpoints(room, jobs).routes(), jobs.aclose)
