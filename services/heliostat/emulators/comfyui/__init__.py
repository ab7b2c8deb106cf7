"""The emulated ComfyUI server."""

from heliostat.emulators.comfyui.dialect import ComfyuiDialect
from heliostat.emulators.comfyui.endpoints import ComfyuiEndpoints
from heliostat.emulators.exchange import Room
from heliostat.emulators.jobs import Jobs
from heliostat.emulators.journal import Journal
from heliostat.emulators.pictures import Pictures
from heliostat.emulators.provider import Options, Provider, Sample

SAMPLE = Sample(path="/comfyui", model="flux-schnell", key="gateway:sandbox-0123456789")


def open_provider(pictures: Pictures, journal: Journal, options: Options) -> Provider:
    """Set the server up."""
    room = Room("comfyui", pictures, journal, ComfyuiDialect())
    jobs = Jobs(room, options.job_seconds)
    return Provider(room, ComfyuiEndpoints(room, jobs).routes(), jobs.aclose)
