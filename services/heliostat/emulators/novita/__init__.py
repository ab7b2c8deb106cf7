"""The emulated Novita AI."""

from heliostat.emulators.provider import Sample

SAMPLE = Sample(path="/novita", model="flux-1-schnell", key="novita-sandbox-0123456789")
