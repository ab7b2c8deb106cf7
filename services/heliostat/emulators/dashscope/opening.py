"""Opens the emulated DashScope of Alibaba, where Qwen-Image, Wan and Z-Image are."""

from heliostat.emulators.dashscope.dialect import DashScopeDialect
from heliostat.emulators.dashscope.endpoints import DashScopeEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the provider up."""
    room = Room("dashscope", pictures, journal, DashScopeDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, DashScopeEndpoints(room, jobs).routes(), jobs.aclose)
