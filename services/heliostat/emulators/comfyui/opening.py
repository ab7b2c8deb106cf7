"""Opens the emulated ComfyUI server."""

from heliostat.emulators.comfyui.dialect import ComfyuiDialect
from heliostat.emulators.comfyui.endpoints import ComfyuiEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the server up."""
    room = Room("comfyui", pictures, journal, ComfyuiDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, ComfyuiEndpoints(room, jobs).routes(), jobs.aclose)
